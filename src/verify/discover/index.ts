import type { Cloud } from '../../azure/azure.ts';
import { Complaints } from '../../complaint.ts';
import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Method, Recognised, Scope } from '../../methods/method.ts';
import { Problem } from '../../trouble.ts';
import type { ClusterWish, Spec } from '../../workload.ts';
import type { World } from '../../world.ts';
import { podsAt, type Sighted, type Target } from './pods.ts';
import { type Delivery, type Gap, type Given, type Group, resolve, type Unknown } from './resolve.ts';

export type { Target } from './pods.ts';
export type { Gap, Given, Unknown } from './resolve.ts';

export interface Discovered {
  readonly spec: Spec;
  /** What a person should know of how it was found. */
  readonly notes: readonly string[];
  readonly unknown: readonly Unknown[];
  /** By names of workloads. */
  readonly gaps: ReadonlyMap<string, Gap>;
  /** What the cluster calls the objects of each workload, by its name. */
  readonly recognised: ReadonlyMap<string, readonly Recognised[]>;
  /** The pods that `examine` looks at. */
  readonly scope: Scope;
}

export interface Surrounding {
  readonly subscription: string;
  readonly cluster: ClusterWish;
  readonly cloud: Cloud;
  readonly methods: readonly Method[];
}

/**
 * The Spec of what runs, from the world alone: for whoever looks at a pod and has no file.
 * @throws {Complaints} when there is nothing to look at
 */
export async function discover(
  target: Target,
  world: World,
  place: Surrounding,
  given: Given = {},
): Promise<Discovered> {
  const { sighted, notes, pod } = await podsAt(target, world.kubernetes);
  const deliveries = (await Promise.all(sighted.map((each) => deliveriesOf(each, target, world, place, given)))).flat();
  const meant = chosen(grouped(deliveries), given);
  if (meant.length === 0) throw nothing(target, sighted, given);
  if (meant.length > 1) refuseForOne(meant, given);
  const resolved = await Promise.all(meant.map((each) => resolve(each, world, place, given, meant.length === 1)));
  const byName = <T>(value: (one: (typeof resolved)[number]) => T) =>
    new Map(resolved.map((one) => [one.workload.name, value(one)] as const));
  return {
    spec: {
      subscription: place.subscription,
      cluster: place.cluster,
      workloads: resolved.map(({ workload }) => workload),
    },
    notes: [...new Set([...notes, ...resolved.flatMap((one) => one.notes)])],
    unknown: resolved.flatMap((one) => one.unknown),
    gaps: byName(({ gap }) => gap),
    recognised: byName(({ group }) => group.deliveries),
    scope: { ...(pod !== undefined && { pod }), ...(target.selector !== undefined && { selector: target.selector }) },
  };
}

/** What a pod gets, and by which methods. What one needs that is no delivery of its own does not count beside another. */
async function deliveriesOf(
  { pod, owner }: Sighted,
  { namespace }: Target,
  { kubernetes }: World,
  { cloud, methods }: Surrounding,
  given: Given,
): Promise<readonly Delivery[]> {
  const { serviceAccountName: name } = pod.spec;
  const account = await kubernetes
    .get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace, name })
    .catch(() => undefined);
  const asked = methods.filter((method) => given.method === undefined || method.name === given.method);
  const around = { pod, namespace, account, cloud };
  const found = await Promise.all(
    asked.map(async (method) => {
      const shown = (await method.recognise?.(around, kubernetes).catch(orUnseen(method))) ?? [];
      // Whoever names the method knows better than the pod shows.
      const all = shown.length === 0 && given.method !== undefined ? [said(name, account, owner)] : shown;
      return all.map((each): Delivery => ({ ...each, method, owner, namespace, podAccount: name }));
    }),
  );
  const all = found.flat();
  return all.some(({ faint }) => !faint) ? all.filter(({ faint }) => !faint) : all;
}

/** Kinds that the caller may not list may well deliver. */
const orUnseen =
  (method: Method) =>
  (error: unknown): readonly Recognised[] => {
    if (!(error instanceof Problem) || error.trouble !== 'denied') throw error;
    const what = error.right ?? error.message;
    const message = `Whether ${method.title} has a part in it cannot be told: ${what} is missing.`;
    throw new Problem('denied', error.resource, message, { said: error.said, right: error.right, cause: error });
  };

const said = (serviceAccount: string, account: KubernetesObject | undefined, owner: Sighted['owner']): Recognised => {
  const clientId = account?.metadata.annotations?.['azure.workload.identity/client-id'];
  return {
    by: `${owner.kind} ${owner.name}`,
    ...{ serviceAccount, secrets: [], answers: {}, names: {}, unseen: [] },
    ...(clientId && { clientId }),
  };
};

function grouped(deliveries: readonly Delivery[]): readonly Group[] {
  const groups = new Map<string, [Delivery, ...Delivery[]]>();
  for (const each of deliveries) {
    const { accountNamespace, serviceAccount, method, vault = '', clientId = '' } = each;
    const key = JSON.stringify([accountNamespace, serviceAccount, method.name, vault.toLowerCase(), clientId]);
    groups.set(key, groups.has(key) ? [...groups.get(key)!, each] : [each]);
  }
  const taken = new Set<string>();
  return [...groups.values()].map((all) => {
    const { owner, method, vault } = all[0];
    const names = [owner.name, `${owner.name}-${method.name}`, `${owner.name}-${method.name}-${vault ?? 'unknown'}`];
    let name = names.find((one) => !taken.has(one)) ?? owner.name;
    for (let count = 2; taken.has(name); count += 1) name = `${owner.name}-${count}`;
    taken.add(name);
    return { name, deliveries: all };
  });
}

const chosen = (groups: readonly Group[], { workloads = [] }: Given): readonly Group[] =>
  workloads.length === 0
    ? groups
    : groups.filter(({ name, deliveries }) =>
        workloads.some((one) => one === name || one === deliveries[0].owner.name),
      );

function nothing({ namespace }: Target, sighted: readonly Sighted[], { method, workloads = [] }: Given): Complaints {
  const owners = [...new Set(sighted.map(({ owner }) => `${owner.kind} ${owner.name}`))];
  const which = `${owners.slice(0, 4).join(', ')}${owners.length > 4 ? ', ...' : ''}`;
  const whose = workloads.length > 0 ? ` called ${workloads.join(' or ')}` : '';
  const message = `Nothing${whose} in ${namespace} shows a way in which it gets secrets from a Key Vault (looked at: ${which}).`;
  const fix = { say: 'Say how it should get them: --method, --vault and --secret.' };
  return new Complaints([{ message, ...(method === undefined && { fix }) }]);
}

/** What is said of one workload cannot hold for several. */
function refuseForOne(groups: readonly Group[], { vault, identity, secrets, serviceAccount }: Given): void {
  const flags = [
    ...(vault ? ['--vault'] : []),
    ...(identity ? ['--identity'] : []),
    ...(secrets ? ['--secret'] : []),
    ...(serviceAccount ? ['--service-account'] : []),
  ];
  if (flags.length === 0) return;
  const names = groups.map(({ name }) => name);
  const message = `${flags.join(', ')}: ${groups.length} workloads are found (${names.join(', ')}); say which by --workload, or by --pod.`;
  throw new Complaints([{ message }]);
}
