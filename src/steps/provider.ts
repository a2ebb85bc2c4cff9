import type { Azure } from '../azure/azure.ts';
import { command } from '../shell.ts';
import { defineStep } from '../step.ts';
import { orDenied } from '../trouble.ts';
import type { World } from '../world.ts';

const UNSEEN = 'unseen';
const UNNEEDED = 'not needed';

/**
 * A resource provider that must be registered before something of it is made. `proof` is a read that other steps make
 * anyway: a resource of the provider that exists proves the registration without a request of its own.
 */
export const provider = (options: {
  namespace: string;
  workloads: readonly string[];
  proof: (azure: Azure) => Promise<unknown>;
  /** Whether anything of it is to be made: where nothing is, nothing is registered. Absent: always. */
  needed?: (world: World) => Promise<boolean>;
  /** It is a link of the chain by itself, and not only something to make others with. */
  link?: true;
  /** The line that comes after it, for whoever runs this one: he gets both at once. */
  next?: string;
}) =>
  defineStep({
    id: `provider/${options.namespace}`,
    kind: 'provider',
    subject: options.namespace,
    title: `${options.namespace} is registered`,
    side: 'Azure',
    ...(options.link && { category: 'cluster' as const }),
    workloads: options.workloads,
    quiet: true,
    needs: {},
    yields: ['registered'],
    settles: 'minutes',
    async observe(world) {
      const { azure } = world;
      const exists = await options.proof(azure).catch(() => undefined);
      if (exists !== undefined) return 'Registered';
      // Rights on a resource group alone do not reach here, and are enough for what is made in it.
      const state = await orDenied(azure.providers.state(options.namespace), UNSEEN);
      if (state !== 'NotRegistered' || !options.needed) return state;
      // What keeps it from being told is said by the step that needs it.
      return (await options.needed(world).catch(() => false)) ? state : UNNEEDED;
    },
    judge(state) {
      const base = { owner: 'theirs', facts: {}, differences: [] } as const;
      if (state === 'Registered') return { ...base, state: 'as wanted', facts: { registered: state } };
      if (state === UNNEEDED) return { ...base, state: 'good enough', facts: { registered: state }, note: state };
      if (state === UNSEEN)
        return {
          ...base,
          state: 'good enough',
          facts: { registered: state },
          unseen: `Microsoft.Resources/subscriptions/providers/read for ${options.namespace}`,
          note: 'taken for granted: you may not look at it',
        };
      if (state === 'Registering') return { ...base, state: 'settling', note: 'Azure is registering it' };
      return {
        ...base,
        state: 'differs',
        failure: 'F001',
        differences: [{ path: 'registration', is: state, want: 'Registered', consent: ['install'] }],
      };
    },
    async converge({ azure }) {
      await azure.providers.register(options.namespace);
      return 'Registering';
    },
    // It waits by the state, and asks for nothing where it is registered.
    recipe: () => [command('az provider register', { namespace: options.namespace, wait: true, output: 'none' })],
    byHand: () =>
      [`az provider register --namespace ${options.namespace} --wait`, ...(options.next ? [options.next] : [])].join(
        '; ',
      ),
  });
