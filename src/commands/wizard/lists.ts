import type { Caller, Resource, SecretProperties, SubscriptionItem } from '../../azure/azure.ts';
import { cached } from '../../azure/sign-in.ts';
import type { Io } from '../../io.ts';
import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { covers, ROLES } from '../../steps/roles.ts';
import type { Surroundings } from '../../surroundings.ts';
import { armId, type ClusterWish, type VaultWish } from '../../workload.ts';
import type { World } from '../../world.ts';
import { createWorld } from '../world.ts';

/** What exists, to pick from. Each list is read once; asking early is a way to have it at hand. */
export interface Lists {
  caller(): Promise<Caller>;
  subscriptions(): Promise<readonly SubscriptionItem[]>;
  clusters(subscription: string): Promise<readonly Resource[]>;
  vaults(subscription: string): Promise<readonly Resource[]>;
  groups(subscription: string): Promise<readonly Resource[]>;
  /** Whether no vault, also no deleted one, in all of Azure is called so. */
  isFree(subscription: string, vault: string): Promise<boolean>;
  secrets(subscription: string, vault: string): Promise<readonly SecretProperties[]>;
  /** Whether the caller holds a role that writes secrets; `undefined` when that cannot be told. */
  mayWrite(subscription: string, vault: VaultWish): Promise<boolean | undefined>;
  /** Names of namespaces. */
  namespaces(subscription: string, cluster: ClusterWish): Promise<readonly string[]>;
  deployments(subscription: string, cluster: ClusterWish, namespace: string): Promise<readonly KubernetesObject[]>;
  /** Names of service accounts. */
  accounts(subscription: string, cluster: ClusterWish, namespace: string): Promise<readonly string[]>;
}

const NO_CLUSTER: ClusterWish = { resourceGroup: '', name: '' };

/** The same surroundings, whose sign-in is asked once for all worlds that are made in them. */
export function signedInOnce(surroundings: Surroundings): Surroundings {
  const credential = cached(() => surroundings.credential(), surroundings.clock);
  return { ...surroundings, credential: async () => credential };
}

/** Lists as the caller sees them. */
export function createLists(surroundings: Surroundings, io: Io): Lists {
  const worlds = new Map<string, World>();
  const worldOf = (subscription: string, cluster = NO_CLUSTER): World => {
    const key = `${subscription}/${cluster.resourceGroup}/${cluster.name}`;
    const known = worlds.get(key) ?? createWorld({ subscription, cluster, workloads: [] }, surroundings, io);
    worlds.set(key, known);
    return known;
  };
  const names = (objects: readonly KubernetesObject[]): string[] => objects.map(({ metadata }) => metadata.name);
  const inCluster = (kind: string, subscription: string, cluster: ClusterWish, namespace = '', apiVersion = 'v1') =>
    worldOf(subscription, cluster).kubernetes.list({ apiVersion, kind }, namespace);

  const caller = (): Promise<Caller> => worldOf('').azure.caller();
  return {
    caller,
    subscriptions: () => worldOf('').azure.lists.subscriptions(),
    clusters: (subscription) => worldOf(subscription).azure.clusters.list(),
    vaults: (subscription) => worldOf(subscription).azure.lists.vaults(),
    groups: (subscription) => worldOf(subscription).azure.lists.groups(),
    isFree: async (subscription, vault) => (await worldOf(subscription).azure.vaults.nameFree(vault)).free,
    async secrets(subscription, vault) {
      const { azure } = worldOf(subscription);
      return (await azure.secrets.list(`https://${vault}${azure.cloud.vaultSuffix}`)) ?? [];
    },
    async mayWrite(subscription, { resourceGroup, name }) {
      const id = armId(subscription, resourceGroup, 'Microsoft.KeyVault/vaults', name);
      try {
        const { objectId } = await caller();
        const held = await worldOf(subscription).azure.roles.heldBy(id, objectId);
        const writers: readonly string[] = [ROLES.secretsOfficer, ROLES.administrator];
        return held.some(({ role, scope, condition }) => writers.includes(role) && !condition && covers(scope, id));
      } catch {
        return undefined;
      }
    },
    namespaces: async (subscription, cluster) => names(await inCluster('Namespace', subscription, cluster)),
    deployments: (subscription, cluster, namespace) =>
      inCluster('Deployment', subscription, cluster, namespace, 'apps/v1'),
    accounts: async (subscription, cluster, namespace) =>
      names(await inCluster('ServiceAccount', subscription, cluster, namespace)),
  };
}
