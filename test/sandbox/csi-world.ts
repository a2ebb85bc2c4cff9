import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { TENANT } from './hand-made.ts';
import { CLIENT, type ClusterWorld, type Json } from './kubernetes-world.ts';

/* A SecretProviderClass `kv`, volumes that mount it, and what became of them. */
export const objects = (...list: Json[]) => stringify({ array: list.map((each) => stringify(each)) });
const both = objects(
  { objectName: 'db-password', objectType: 'secret', objectAlias: 'DB_PASSWORD' },
  { objectName: 'api-key', objectType: 'secret' },
);
const parameters = { clientID: CLIENT, tenantID: TENANT, keyvaultName: 'demo-kv', objects: both };
export const classOf = (more: Json = {}, spec: Json = {}) => ({
  apiVersion: 'secrets-store.csi.x-k8s.io/v1',
  kind: 'SecretProviderClass',
  metadata: { name: 'kv', namespace: 'shop' },
  spec: { provider: 'azure', parameters: clean({ ...parameters, ...more }), ...spec },
});
const clean = (object: Json) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
export const volume = (more: Json = {}) => {
  const csi = { driver: 'secrets-store.csi.k8s.io', readOnly: true, volumeAttributes: { secretProviderClass: 'kv' } };
  return { volumes: [{ name: 'secrets', csi: clean({ ...csi, ...more }) }] };
};
export const mounted = (world: ClusterWorld, pod: Json, file: string) =>
  join(dirname(world.parts.access.caFile), 'pods', pod.metadata.uid, 'volumes', 'secrets', file);
export const podsOf = async (world: ClusterWorld) => (await world.get('/api/v1/namespaces/shop/pods')).items;
export const statuses = async (world: ClusterWorld) =>
  (await world.get('/apis/secrets-store.csi.x-k8s.io/v1/namespaces/shop/secretproviderclasspodstatuses')).items;

export const driverLog = async (world: ClusterWorld): Promise<string> => {
  const { items } = await world.get('/api/v1/namespaces/kube-system/pods');
  const driver = items.find(({ metadata }: Json) => metadata.labels.app === 'secrets-store-csi-driver');
  return (
    await world.ask('GET', `/api/v1/namespaces/kube-system/pods/${driver.metadata.name}/log?container=secrets-store`)
  ).body;
};
