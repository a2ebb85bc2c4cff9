import type { Kind } from '../vault/seed.ts';
import { type ClusterOptions, type Place, putAssignment, putCluster, putGroup, putPrincipal, putVault } from './put.ts';

/** The caller of a sandbox, whom its tokens name. */
export const CALLER = { objectId: 'ca11e700-0000-4000-8000-000000000001', name: 'you@sandbox.example' } as const;
export const TENANT = '7e4a4700-0000-4000-8000-000000000001';
export const SUBSCRIPTION = '5ab5c000-0000-4000-8000-000000000001';

/** What a person would give as flags, for the demo world. Keys are flags without their dashes. */
export const DEFAULTS = {
  cluster: 'demo-aks',
  'resource-group': 'demo-rg',
  vault: 'demo-kv',
  workload: 'demo',
  namespace: 'demo',
  secret: ['db-password', 'api-key'],
  sample: true,
} as const;
export const ALLOW = ['cluster', 'install', 'irreversible', 'default-service-account'] as const;

/** What a file calls existing, which a sandbox is therefore given. */
export interface Existing {
  readonly groups?: readonly string[];
  readonly clusters?: readonly { readonly resourceGroup: string; readonly name: string }[];
  readonly vaults?: readonly {
    readonly resourceGroup: string;
    readonly name: string;
    readonly secrets?: readonly string[];
    readonly keys?: readonly string[];
    readonly certificates?: readonly string[];
  }[];
}

/** Puts one into a vault, unless it is there or was deleted. */
type Give = (vault: string, kind: Kind, name: string) => Promise<void>;

const CONTAINER_PROVIDERS = ['Microsoft.ContainerService', 'Microsoft.KeyVault', 'Microsoft.ManagedIdentity'];

/** A new sandbox: an older cluster with nothing switched on, a vault with two secrets, and a caller who may do it all. */
export async function demoWorld(place: Place, give: Give): Promise<void> {
  for (const namespace of [...CONTAINER_PROVIDERS, 'Microsoft.Authorization', 'Microsoft.Resources']) {
    place.slice.providers[namespace.toLowerCase()] = place.now;
  }
  putPrincipal(place, CALLER.objectId, 'User', CALLER.name);
  putAssignment(place, 'Owner', CALLER.objectId, `/subscriptions/${place.subscriptionId}`);
  await addExisting(place, give, {
    groups: [DEFAULTS['resource-group']],
    clusters: [{ resourceGroup: DEFAULTS['resource-group'], name: DEFAULTS.cluster }],
    vaults: [{ resourceGroup: DEFAULTS['resource-group'], name: DEFAULTS.vault, secrets: DEFAULTS.secret }],
  });
}

const OLDER: ClusterOptions = { location: 'westeurope', kubernetesVersion: '1.33' };

/** Adds what is missing of the given; what is there stays as it is. */
export async function addExisting(place: Place, give: Give, existing: Existing): Promise<void> {
  const named = [...(existing.clusters ?? []), ...(existing.vaults ?? [])].map(({ resourceGroup }) => resourceGroup);
  for (const group of [...(existing.groups ?? []), ...named]) putGroup(place, group, 'westeurope');
  for (const { resourceGroup, name } of existing.clusters ?? []) putCluster(place, resourceGroup, name, OLDER);
  for (const { resourceGroup, name, secrets = [], keys = [], certificates = [] } of existing.vaults ?? []) {
    const isNew = putVault(place, resourceGroup, name, { location: 'westeurope', rbac: true });
    const id = `/subscriptions/${place.subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.KeyVault/vaults/${name}`;
    if (isNew) putAssignment(place, 'Key Vault Secrets Officer', CALLER.objectId, id);
    // A certificate brings a key and a secret of its name.
    for (const one of certificates) await give(name, 'certificate', one);
    for (const one of keys) await give(name, 'key', one);
    for (const one of secrets) await give(name, 'secret', one);
  }
}
