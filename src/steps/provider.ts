import type { Azure } from '../azure/azure.ts';
import { defineStep } from '../step.ts';

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
    needs: {},
    yields: ['registered'],
    settles: 'minutes',
    async observe({ azure }) {
      const exists = await options.proof(azure).catch(() => undefined);
      return exists === undefined ? await azure.providers.state(options.namespace) : 'Registered';
    },
    judge(state) {
      const base = { owner: 'theirs', facts: {}, differences: [] } as const;
      if (state === 'Registered') return { ...base, state: 'as wanted', facts: { registered: state } };
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
