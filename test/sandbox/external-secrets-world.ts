import { TENANT } from './hand-made.ts';
import { CLIENT, type ClusterWorld, clusterWorld, type Json } from './kubernetes-world.ts';

const API = 'external-secrets.io/v1';
export const STORES = `/apis/${API}/namespaces/shop/secretstores`;
export const EXTERNALS = `/apis/${API}/namespaces/shop/externalsecrets`;
export const SECRETS = '/api/v1/namespaces/shop/secrets';

/** A store for the account `orders`; `undefined` takes a field away. */
export const store = (more: Json = {}, spec: Json = {}): Json => ({
  apiVersion: API,
  kind: 'SecretStore',
  metadata: { name: 'kv', namespace: 'shop' },
  spec: {
    provider: {
      azurekv: clean({
        authType: 'WorkloadIdentity',
        vaultUrl: 'https://demo-kv.vault.azure.net',
        tenantId: TENANT,
        serviceAccountRef: { name: 'orders' },
        ...more,
      }),
    },
    ...spec,
  },
});

/** An ExternalSecret `orders` with one secret. */
export const external = (spec: Json = {}, metadata: Json = {}): Json => ({
  apiVersion: API,
  kind: 'ExternalSecret',
  metadata: { name: 'orders', namespace: 'shop', ...metadata },
  spec: clean({
    secretStoreRef: { name: 'kv', kind: 'SecretStore' },
    data: [{ secretKey: 'password', remoteRef: { key: 'db-password' } }],
    ...spec,
  }),
});

export const clean = (object: Json) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** A cluster whose account `orders` names the identity that Entra trusts. */
export async function operatorWorld(annotations: Json = {}): Promise<ClusterWorld> {
  const world = await clusterWorld();
  await world.apply(account({ 'azure.workload.identity/client-id': CLIENT, ...annotations }));
  return world;
}

export const account = (annotations: Json, name = 'orders', namespace = 'shop'): Json => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace, annotations: clean(annotations) },
});

export const readyOf = (object: Json) => {
  const { status, reason, message } = object.status?.conditions?.find((each: Json) => each.type === 'Ready') ?? {};
  return [status, reason, message];
};
export const storeReady = async (world: ClusterWorld) => readyOf(await world.get(`${STORES}/kv`));
export const externalReady = async (world: ClusterWorld, name = 'orders') =>
  readyOf(await world.get(`${EXTERNALS}/${name}`));

/** The data of a Secret, decoded; `undefined` when it is not there. */
export async function dataOf(world: ClusterWorld, name = 'orders'): Promise<Json> {
  const { status, body } = await world.ask('GET', `${SECRETS}/${name}`);
  if (status === 404) return undefined;
  const entries = Object.entries(body.data as Record<string, string>);
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

export const eventOf = async (world: ClusterWorld, reason: string): Promise<string | undefined> =>
  (await world.events(reason)).map((event) => event.message).at(-1);

export const SYNCED = ['True', 'SecretSynced', 'secret synced'];
export const FAILED = ['False', 'SecretSyncedError', 'could not get secret data from provider'];
