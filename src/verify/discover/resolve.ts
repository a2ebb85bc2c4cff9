import { addressesOf } from '../../azure/addresses.ts';
import type { Azure } from '../../azure/azure.ts';
import type { Method, Recognised } from '../../methods/method.ts';
import {
  ANY_SECRET,
  armId,
  type ClusterWish,
  type IdentityWish,
  type SecretRef,
  subjectOf,
  type Workload,
} from '../../workload.ts';
import type { World } from '../../world.ts';
import { type Found, identityFor } from './identity.ts';
import type { Sighted } from './pods.ts';
import { type FoundVault, NOTHING_HELD, type Reach, reachOf, vaultCalled } from './vault.ts';

/** What the command line says of the workload: it wins over what is found. */
export interface Given {
  /** Those that are meant, by name. None: all that are found. */
  readonly workloads?: readonly string[];
  readonly method?: string;
  readonly serviceAccount?: string;
  readonly vault?: { readonly name: string; readonly resourceGroup?: string };
  /** Of whichever vault is found. */
  readonly vaultGroup?: string;
  readonly identity?: IdentityWish;
  readonly secrets?: readonly SecretRef[];
}

/** What could not be found, and the flag that supplies it. */
export interface Unknown {
  readonly workload: string;
  readonly category: 'identity' | 'vault';
  /** What is not known, as the end of "it is not known ...": `which vault shop/orders reads`. */
  readonly what: string;
  /** How far the search went. */
  readonly why: string;
  /** Without dashes: `vault`. */
  readonly flag: string;
}

/** A link of a workload that Resource Manager does not show, and what is known of it all the same. */
export interface Gap {
  readonly identity?: { readonly clientId?: string; readonly tenantId?: string; readonly principalId?: string };
  /** `named`: its address is known and no more. */
  readonly vault?: 'named' | 'unknown';
  /** What delivers signs in by other means than a token of a service account. */
  readonly otherwise?: true;
}

/** What one pod gets by one method. */
export interface Delivery extends Recognised {
  /** What the pod runs as. */
  readonly podAccount: string;
  readonly method: Method;
  readonly owner: Sighted['owner'];
  readonly namespace: string;
}

/** All that comes in one way: one service account, one method, one vault and one identity make one workload. */
export interface Group {
  readonly name: string;
  readonly deliveries: readonly [Delivery, ...Delivery[]];
}

export interface Resolved {
  readonly group: Group;
  readonly workload: Workload;
  readonly notes: readonly string[];
  readonly unknown: readonly Unknown[];
  readonly gap: Gap;
}

interface Place {
  readonly subscription: string;
  readonly cluster: ClusterWish;
}

const NOBODY: Found = {};

/** A group as a workload of a Spec: names in the cluster become what they stand for in Azure. */
export async function resolve(
  group: Group,
  { azure }: World,
  place: Place,
  given: Given,
  /** There is no other whose name it could take. */
  alone: boolean,
): Promise<Resolved> {
  const { deliveries } = group;
  const [{ method, namespace, accountNamespace, serviceAccount: shown, podAccount }] = deliveries;
  const signing = given.serviceAccount ?? shown;
  const serviceAccount = signing || podAccount;
  const account = { namespace, serviceAccount, ...(accountNamespace && { accountNamespace }) };
  const clientId = deliveries.find((each) => each.clientId)?.clientId;
  const [found, vault, described] = await Promise.all([
    signing === '' && !given.identity ? NOBODY : identityOf(azure, place, given, clientId, subjectOf(account)),
    vaultOf(azure, place, given, deliveries),
    // The tenant signed in to is the usual one; whoever may not read that is told by the exchange.
    azure.describe().catch(() => undefined),
  ]);
  const tenantId = deliveries.find((each) => each.tenantId)?.tenantId ?? described?.tenantId;
  const { principalId, madeFor } = found;
  // What we made is called as we called it: so it is known as ours.
  const name = alone && madeFor?.namespace === namespace ? madeFor.name : group.name;
  const reach = vault?.id && principalId ? await reachOf(azure, vault.id, principalId) : NOTHING_HELD;
  const gap: Gap = {
    ...(signing === '' && { otherwise: true as const }),
    ...(!found.wish && {
      identity: { ...(clientId && { clientId }), ...(tenantId && { tenantId }), ...(principalId && { principalId }) },
    }),
    ...(!vault?.id && { vault: vault ? 'named' : 'unknown' }),
  };
  const options = optionsOf(method, Object.assign({}, ...deliveries.map((each) => each.answers)));
  const looksThrough = method.lists?.(options) ?? false;
  const secrets = secretsOf(given, deliveries, looksThrough, reach);
  const via = [...new Set(deliveries.map(({ by }) => by))].join(', ');
  const unseen = deliveries.flatMap((each) => each.unseen);
  const called = {
    ...{ workload: name, namespace, via, unseen: unseen.join('; ') },
    account: signing && `${accountNamespace ?? namespace}/${signing}`,
  };
  const noted = secrets.length > 0 ? '' : `${via} names none`;
  return {
    ...{ group, gap },
    unknown: unknownOf(called, found, vault, looksThrough ? '' : noted),
    notes: [
      `${namespace}/${name}: ${method.title}, by ${via}.`,
      ...(found.note ? [found.note] : []),
      ...unseen.map((each) => `${each}.`),
    ],
    workload: {
      ...account,
      ...{ name, method: method.name, options },
      identity: found.wish ?? { resourceGroup: '', name: clientId ?? `of ${called.account || name}` },
      vault: vault?.wish ?? { resourceGroup: '', name: '' },
      secrets: secrets.length > 0 || looksThrough ? secrets : [ANY_SECRET],
      roleScope: reach.single ? 'secret' : 'vault',
    },
  };
}

async function identityOf(
  azure: Azure,
  { subscription, cluster }: Place,
  { identity }: Given,
  clientId: string | undefined,
  subject: string,
): Promise<Found> {
  if (identity?.kind) return { wish: identity };
  if (identity) {
    const { resourceGroup, name } = identity;
    const id = armId(subscription, resourceGroup, 'Microsoft.ManagedIdentity/userAssignedIdentities', name);
    const { principalId } = ((await azure.identities.get(id).catch(() => undefined))?.properties ?? {}) as {
      principalId?: string;
    };
    return { wish: identity, ...(principalId && { principalId }) };
  }
  const id = armId(subscription, cluster.resourceGroup, 'Microsoft.ContainerService/managedClusters', cluster.name);
  const found = await azure.clusters.get(id).catch(() => undefined);
  return identityFor(azure, clientId, { subject, issuer: found && addressesOf(found).issuer });
}

async function vaultOf(
  azure: Azure,
  { subscription, cluster }: Place,
  { vault, vaultGroup }: Given,
  deliveries: readonly Delivery[],
): Promise<FoundVault | undefined> {
  const name = vault?.name ?? deliveries.find((each) => each.vault)?.vault;
  const resourceGroup = vault?.resourceGroup ?? vaultGroup;
  if (name === undefined) return undefined;
  if (!resourceGroup) return vaultCalled(azure, name, cluster.resourceGroup);
  return { wish: { name, resourceGroup }, id: armId(subscription, resourceGroup, 'Microsoft.KeyVault/vaults', name) };
}

/** Those that were said, else those that the cluster names, else those on which alone a right was given. */
function secretsOf(
  given: Given,
  deliveries: readonly Delivery[],
  looksThrough: boolean,
  { secrets: held }: Reach,
): readonly SecretRef[] {
  const named = given.secrets ?? distinct(deliveries.flatMap(({ secrets }) => secrets));
  return named.length > 0 || looksThrough ? named : held;
}

const distinct = (secrets: readonly SecretRef[]): readonly SecretRef[] =>
  secrets.filter(
    (one, at) =>
      secrets.findIndex(({ kind, name, as }) => kind === one.kind && name === one.name && as === one.as) === at,
  );

/** The objects may say what our own flags do not take. */
function optionsOf(method: Method, answers: Readonly<Record<string, string>>): unknown {
  try {
    return method.options(answers);
  } catch {
    return method.options({});
  }
}

function identityUnknown({ workload, account, via, unseen }: Called, { why = 'nothing names it' }: Found): Unknown {
  const base = { workload, category: 'identity' } as const;
  if (account !== '') return { ...base, flag: 'identity', what: `whom ${account} becomes at Entra`, why };
  const signsIn = `the store of ${via} names no service account, and signs in by other means`;
  return { ...base, flag: 'service-account', what: `as whom ${via} is read`, why: unseen || signsIn };
}

interface Called {
  readonly workload: string;
  /** `shop/orders`; empty where it signs in by other means. */
  readonly account: string;
  readonly namespace: string;
  readonly via: string;
  /** What could not be looked at on the way; empty: all could. */
  readonly unseen: string;
}

function unknownOf(
  called: Called,
  identity: Found,
  vault: FoundVault | undefined,
  /** Why no secret has a name; empty where some have, or none is needed. */
  nameless: string,
): readonly Unknown[] {
  const { workload, namespace, via } = called;
  const all: (Unknown | undefined)[] = [
    identity.wish ? undefined : identityUnknown(called, identity),
    vault
      ? undefined
      : {
          ...{ workload, category: 'vault', flag: 'vault' },
          ...{ what: `which vault ${namespace}/${workload} reads`, why: `${via} names none, and no variable does` },
        },
    vault?.why === undefined
      ? undefined
      : {
          ...{ workload, category: 'vault', flag: 'vault-resource-group' },
          ...{ what: `where ${vault.wish.name} lies`, why: vault.why },
        },
    vault && nameless !== ''
      ? {
          ...{ workload, category: 'vault', flag: 'secret' },
          ...{ what: `which secrets ${namespace}/${workload} reads`, why: nameless },
        }
      : undefined,
  ];
  return all.filter((one) => one !== undefined);
}
