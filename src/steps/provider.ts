import type { Azure } from '../azure/azure.ts';
import { defineStep } from '../step.ts';
import { Problem } from '../trouble.ts';

const UNSEEN = 'unseen';

/**
 * A resource provider that must be registered before something of it is made. `proof` is a read that other steps make
 * anyway: a resource of the provider that exists proves the registration without a request of its own.
 */
export const provider = (options: {
  namespace: string;
  workloads: readonly string[];
  proof: (azure: Azure) => Promise<unknown>;
}) =>
  defineStep({
    id: `provider/${options.namespace}`,
    kind: 'provider',
    subject: options.namespace,
    title: `${options.namespace} is registered`,
    side: 'Azure',
    workloads: options.workloads,
    quiet: true,
    needs: {},
    yields: ['registered'],
    settles: 'minutes',
    async observe({ azure }) {
      const exists = await options.proof(azure).catch(() => undefined);
      if (exists !== undefined) return 'Registered';
      return azure.providers.state(options.namespace).catch((error: unknown) => {
        // Rights on a resource group alone do not reach here, and are enough for what is made in it.
        if (error instanceof Problem && error.trouble === 'denied') return UNSEEN;
        throw error;
      });
    },
    judge(state) {
      const base = { owner: 'theirs', facts: {}, differences: [] } as const;
      if (state === 'Registered') return { ...base, state: 'as wanted', facts: { registered: state } };
      if (state === UNSEEN)
        return {
          ...base,
          state: 'good enough',
          facts: { registered: state },
          note: 'taken for granted: you may not look at it',
        };
      if (state === 'Registering') return { ...base, state: 'settling', note: 'Azure is registering it' };
      return {
        ...base,
        state: 'differs',
        differences: [{ path: 'registration', is: state, want: 'Registered', consent: ['install'] }],
      };
    },
    async converge({ azure }) {
      await azure.providers.register(options.namespace);
      return 'Registering';
    },
    byHand: () => `az provider register --namespace ${options.namespace} --wait`,
  });
