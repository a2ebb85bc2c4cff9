import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { externalSecretOf, storeOf } from '../../src/methods/external-secrets/model.ts';

export type Json = Record<string, unknown>;
export const API = 'external-secrets.io/v1';
export const made = (
  kind: string,
  name: string,
  more: Json = {},
  namespace: string | undefined = 'shop',
  apiVersion = API,
) =>
  ({ apiVersion, kind, metadata: { name, ...(namespace && { namespace }) }, ...more }) as unknown as KubernetesObject;

/** A store as it should be; `undefined` takes a field away. */
export const AZUREKV: Json = {
  authType: 'WorkloadIdentity',
  vaultUrl: 'https://shop-kv.vault.azure.net',
  tenantId: 'tenant',
  serviceAccountRef: { name: 'orders' },
};
export const storeObject = (change: Json = {}, spec: Json = {}, kind = 'SecretStore') =>
  made(
    kind,
    'kv',
    { spec: { provider: { azurekv: JSON.parse(JSON.stringify({ ...AZUREKV, ...change })) }, ...spec } },
    kind === 'SecretStore' ? 'shop' : undefined,
  );
export const store = (change: Json = {}, spec: Json = {}, kind?: string) => storeOf(storeObject(change, spec, kind))!;
export const externalObject = (spec: Json = {}, name = 'orders', namespace: string | undefined = 'shop') =>
  made(
    'ExternalSecret',
    name,
    {
      spec: {
        secretStoreRef: { kind: 'SecretStore', name: 'kv' },
        target: { name: 'orders' },
        data: [{ secretKey: 'password', remoteRef: { key: 'db-password' } }],
        ...spec,
      },
    },
    namespace,
  );
export const external = (spec: Json = {}, name?: string) => externalSecretOf(externalObject(spec, name))!;
export const CLIENT = 'azure.workload.identity/client-id';
export const TENANT = 'azure.workload.identity/tenant-id';
export const account = (annotations: Json = { [CLIENT]: 'client' }) =>
  ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'orders', namespace: 'shop', annotations },
  }) as KubernetesObject;
export const key = (name: string, more: Json = {}) => ({ name: 'credentials', key: name, ...more });
export const PASSWORD = { authSecretRef: { clientId: key('id'), clientSecret: key('secret') } };
