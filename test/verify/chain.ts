import type { Facts } from '../../src/facts.ts';
import type { Category, Check, Finding, Judged, Needs, Step } from '../../src/step.ts';
import type { Problem } from '../../src/trouble.ts';
import { conclude } from '../../src/verify/conclude.ts';
import { placesOf } from '../../src/verify/places.ts';
import type { Row } from '../../src/verify/row.ts';
import { type Chain, look } from '../../src/verify/run.ts';
import type { Spec, Workload } from '../../src/workload.ts';
import type { World } from '../../src/world.ts';
import { fakeClock } from '../engine/fakes.ts';

export const workload = (name: string, more: Partial<Workload> = {}): Workload => ({
  ...{ name, namespace: 'shop', serviceAccount: name, method: 'csi', options: {}, roleScope: 'vault', secrets: [] },
  vault: { resourceGroup: 'rg', name: 'shop-kv' },
  identity: { resourceGroup: 'rg', name: `${name}-id` },
  ...more,
});

export const spec = (...workloads: Workload[]): Spec => ({
  subscription: 's',
  cluster: { resourceGroup: 'rg', name: 'shop-aks' },
  workloads,
});

/** A link that is judged as given; `seen` may be a problem, which is thrown. */
export function link(
  id: string,
  category: Category | undefined,
  judged: Partial<Judged> & { readonly state: Judged['state'] },
  more: { needs?: Needs; workloads?: readonly string[]; problem?: Problem; facts?: Facts } & Partial<Step> = {},
): Step {
  const { problem, facts = {}, ...rest } = more;
  const [kind = ''] = id.split('/');
  return {
    ...{ id, kind, subject: id, title: `${id} is well`, side: 'Azure', workloads: ['orders'], needs: {} },
    ...(category && { category }),
    yields: Object.keys(facts) as never,
    observe: async () => {
      if (problem) throw problem;
      return {};
    },
    judge: () => ({ owner: 'theirs', differences: [], facts, ...judged }),
    converge: async () => {
      throw new Error('verify never converges');
    },
    ...rest,
  };
}

export const check = (
  id: string,
  more: Partial<Check> & { readonly finds?: readonly Finding[]; readonly throws?: unknown } = {},
): Check & { readonly asked: number[] } => {
  const asked: number[] = [];
  const { finds, throws, ...rest } = more;
  return {
    ...{ id, title: `${id} is well`, workload: 'orders', needs: {}, after: [], asked },
    run: async () => {
      asked.push(1);
      if (throws) throw throws;
      return finds ?? [{ check: id, title: `${id} is well`, verdict: 'pass' }];
    },
    ...rest,
  };
};

export const clock = fakeClock();

export function worldOf(tokens: string[] = []): World {
  const token = async (namespace: string, account: string) => {
    tokens.push(`${namespace}/${account}`);
    return 'token';
  };
  const world = { clock, kubernetes: { token }, signal: new AbortController().signal } as unknown as World;
  return { ...world, fresh: () => world };
}

/** What is told of a chain. */
export async function told(chain: Partial<Chain>, world = worldOf()): Promise<readonly Row[]> {
  const whole = { steps: [], checks: [], proofs: [], impersonate: true, spec: spec(workload('orders')), ...chain };
  const cloud = { federationAudience: 'aud' } as Chain['cloud'];
  const making = {
    places: placesOf(whole.spec),
    explain: (problem: Problem) => (problem.said?.code === 'ForbiddenByRbac' ? { id: 'F067' } : undefined),
    asker: { name: 'ana', objectId: 'o', kind: 'User' as const },
  };
  return conclude(await look({ ...whole, cloud }, world, making));
}

export const verdicts = (rows: readonly Row[]) =>
  rows.map(({ id, verdict, because }) => (because ? `${id} ${verdict} ${because.join('+')}` : `${id} ${verdict}`));
