import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { SERVED, servedBy } from '../../steps/operator.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { vaultAddress } from '../subjects.ts';
import { carrierOf } from '../wiring/carrier.ts';
import { ahead, crewAhead, crewOf, KIND, type Member, orHidden } from '../wiring/live.ts';
import { bindingsFor } from '../wiring/rights.ts';
import { type ExternalSecret, externalSecretOf, hostOf, type Store, type StoreRef, storeOf } from './model.ts';
import { secretsIn } from './uses.ts';

/** Whose Secret is looked at, and how it is found whatever its name. */
export interface Question {
  readonly workload: Workload;
  readonly shared: Shared;
  readonly scope: Scope;
  /** The name that ours would have. */
  readonly secretName: string;
}

/** A store as an ExternalSecret names it; `store` is absent where it is not there, or of another provider. */
export interface Source {
  readonly ref: StoreRef;
  readonly object?: KubernetesObject;
  readonly store?: Store;
}

/** An ExternalSecret with what it reads by. */
export interface Chain {
  readonly external: ExternalSecret;
  readonly sources: readonly Source[];
}

/**
 * All of a kind, in any version that is served. The newest is asked for without asking whether it is: where there is none
 * of it, the definition says in which version there may be.
 */
async function listed(world: World, kind: string, namespace: string | undefined): Promise<readonly KubernetesObject[]> {
  const newest = await world.kubernetes.list({ apiVersion: SERVED[0], kind }, namespace);
  if (newest.length > 0) return newest;
  const version = await versionIn(world);
  return version === SERVED[0] ? newest : world.kubernetes.list({ apiVersion: version, kind }, namespace);
}

async function versionIn({ kubernetes }: World): Promise<string> {
  const served = await servedBy(kubernetes);
  return SERVED.find((version) => served.includes(version)) ?? SERVED[0];
}

/** Starts the reads that the checks need, so that they go side by side. */
export function lookAhead(world: World, { workload, scope }: Question): void {
  crewAhead(world, workload, scope);
  const { namespace } = workload;
  const kinds = ['ExternalSecret', 'SecretStore'].map((kind) => listed(world, kind, namespace));
  ahead([...kinds, world.kubernetes.list(KIND.ServiceAccount, namespace), ...bindingsFor(world, namespace)]);
}

export const externalSecrets = async (world: World, namespace: string): Promise<readonly ExternalSecret[]> =>
  (await listed(world, 'ExternalSecret', namespace)).flatMap((object) => externalSecretOf(object) ?? []);

/** Stores of the namespace, and of the cluster where they can be seen. */
export async function storesNear(world: World, namespace: string): Promise<readonly Store[]> {
  const [own, wide] = await Promise.all([
    listed(world, 'SecretStore', namespace),
    orHidden(listed(world, 'ClusterSecretStore', undefined)),
  ]);
  return [...own, ...(wide ?? [])].flatMap((object) => storeOf(object) ?? []);
}

async function sourceOf(world: World, namespace: string, ref: StoreRef): Promise<Source> {
  const apiVersion = await versionIn(world);
  const object =
    ref.kind === 'ClusterSecretStore'
      ? await world.kubernetes.get({ apiVersion, kind: ref.kind, name: ref.name })
      : (await listed(world, 'SecretStore', namespace)).find(({ metadata }) => metadata.name === ref.name);
  const store = object && storeOf(object);
  return { ref, ...(object && { object }), ...(store && { store }) };
}

/**
 * The ExternalSecrets that fill what the workload takes: those that read its vault as its account, under whatever names,
 * if they bring all that it needs; else also the one that ours would be, and those of the Secrets that its pods use.
 */
export async function chainsOf(world: World, question: Question): Promise<readonly Chain[]> {
  const { workload, shared, scope, secretName } = question;
  const { namespace } = workload;
  const [all, crew] = await Promise.all([externalSecrets(world, namespace), crewOf(world, workload, scope)]);
  const chains = await Promise.all(
    all.map(async (external): Promise<Chain> => {
      const sources = await Promise.all(external.stores.map((ref) => sourceOf(world, namespace, ref)));
      return { external, sources };
    }),
  );
  const host = hostOf(vaultAddress(shared.cloud, workload.vault.name));
  const isByIt = ({ sources }: Chain): boolean =>
    sources.some(({ store }) => store && hostOf(store.vaultUrl) === host && isAccount(store, workload));
  const byIt = chains.filter(isByIt);
  const used = new Set(crew.members.flatMap(({ carrier }) => secretsIn(carrier).map(({ secret }) => secret)));
  const isRelated = ({ external: { target, name } }: Chain): boolean =>
    target === secretName || name === workload.name || used.has(target);
  if (byIt.length > 0 && uncovered(workload, byIt).length === 0) {
    // Two that fight over one Secret are seen together.
    const targets = new Set(byIt.map(({ external }) => external.target));
    return chains.filter((chain) => byIt.includes(chain) || targets.has(chain.external.target));
  }
  return chains.filter((chain) => byIt.includes(chain) || isRelated(chain));
}

const isAccount = ({ account, kind }: Store, { namespace, serviceAccount }: Workload): boolean =>
  account?.name === serviceAccount &&
  (account.namespace === undefined || account.namespace === namespace || kind === 'SecretStore');

/** What the workload needs and nothing of this asks for. */
export const uncovered = ({ secrets }: Workload, chains: readonly Chain[]): readonly string[] =>
  chains.some(({ external }) => external.finds)
    ? []
    : secrets
        .filter(
          ({ kind, name }) =>
            !chains.some(({ external }) =>
              external.wanted.some((one) => one.kind === kind && one.name.toLowerCase() === name.toLowerCase()),
            ),
        )
        .map(({ name }) => name);

/** The account that a store signs in as; `namespace` is that of whoever uses the store. */
export async function accountOf(
  world: World,
  store: Store,
  namespace: string,
): Promise<
  { readonly namespace: string; readonly name: string; readonly object: KubernetesObject | undefined } | undefined
> {
  if (!store.account) return undefined;
  const { name } = store.account;
  const place = store.kind === 'ClusterSecretStore' ? (store.account.namespace ?? namespace) : namespace;
  const object =
    place === namespace
      ? (await world.kubernetes.list(KIND.ServiceAccount, place)).find(({ metadata }) => metadata.name === name)
      : await world.kubernetes.get({ ...KIND.ServiceAccount, namespace: place, name });
  return { namespace: place, name, object };
}

/** Pods that take one of these Secrets: those of the scope; without one all of the namespace, whoever they run as. */
export async function consumersOf(
  world: World,
  { workload, scope }: Question,
  targets: ReadonlySet<string>,
): Promise<readonly Member[]> {
  const takes = (member: Member) => secretsIn(member.carrier).some(({ secret }) => targets.has(secret));
  if (scope.pod || scope.selector) return (await crewOf(world, workload, scope)).members.filter(takes);
  const pods = await world.kubernetes.list(KIND.Pod, workload.namespace);
  const accounts = new Set(pods.flatMap((pod) => carrierOf(pod)?.spec.serviceAccountName ?? []));
  const crews = [...accounts].map((serviceAccount) => crewOf(world, { ...workload, serviceAccount }, scope));
  return (await Promise.all(crews)).flatMap(({ members }) => members.filter(takes));
}
