import { stringify } from 'yaml';
import type { Workload } from '../../src/workload.ts';
import {
  type Around,
  account,
  CLIENT,
  deployment,
  type Json,
  madeBy,
  NOW,
  READY,
  TENANT,
  unwell,
  workload,
} from './cluster-of.ts';

export const GROUP = 'secrets-store.csi.x-k8s.io/v1';
export const DRIVER = 'secrets-store.csi.k8s.io';

export const listed = (...objects: Json[]): string => stringify({ array: objects.map((each) => stringify(each)) });
export const PASSWORD = { objectName: 'db-password', objectType: 'secret' };
export const RIGHT = { clientID: CLIENT, tenantID: TENANT, keyvaultName: 'shop-kv', objects: listed(PASSWORD) };

export const providerClass = (parameters: Json = {}, more: Json = {}): Json => ({
  apiVersion: GROUP,
  kind: 'SecretProviderClass',
  metadata: { name: 'orders', namespace: 'shop', ...more.metadata },
  spec: { provider: 'azure', parameters: { ...RIGHT, ...parameters }, ...more.spec },
});

export const volume = (csi: Json = {}): Json => ({
  name: 'secrets',
  csi: { driver: DRIVER, readOnly: true, volumeAttributes: { secretProviderClass: 'orders' }, ...csi },
});
export const template = (csi: Json = {}, container: Json = {}): Json => ({
  metadata: { labels: { app: 'orders' } },
  spec: {
    serviceAccountName: 'orders',
    containers: [{ name: 'app', volumeMounts: [{ name: 'secrets', mountPath: '/mnt/secrets' }], ...container }],
    volumes: [volume(csi)],
  },
});

export const daemons = (part: 'driver' | 'provider', more: Json = {}): readonly Json[] => {
  const image =
    part === 'driver'
      ? 'oss/kubernetes-csi/secrets-store/driver:v1.6.0'
      : 'oss/azure/secrets-store/provider-azure:v1.8.2';
  const namespace = more.namespace ?? 'kube-system';
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: part, namespace },
      spec: { selector: { matchLabels: { app: part } }, template: { spec: { containers: [{ image }] } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${part}-x`, namespace, labels: { app: part } },
      spec: { nodeName: more.node ?? 'node-1', containers: [{ name: part, image }] },
      status: more.status ?? READY,
    },
  ];
};
export const registered = (spec: Json = {}): Json => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIDriver',
  metadata: { name: DRIVER },
  spec: { volumeLifecycleModes: ['Ephemeral'], tokenRequests: [{ audience: 'api://AzureADTokenExchange' }], ...spec },
});
export const status = (versions: Record<string, string>, className = 'orders', pod = 'orders-7d4c-abcde'): Json => ({
  apiVersion: GROUP,
  kind: 'SecretProviderClassPodStatus',
  metadata: { name: `${pod}-shop-${className}`, namespace: 'shop' },
  status: {
    ...{ mounted: true, podName: pod, secretProviderClassName: className },
    objects: Object.entries(versions).map(([id, version]) => ({ id, version })),
  },
});
export const DELIVERY = [registered(), ...daemons('driver'), ...daemons('provider')];
export const ROTATING = {
  id: 'c',
  name: 'c',
  properties: {
    addonProfiles: {
      azureKeyvaultSecretsProvider: {
        enabled: true,
        config: { enableSecretRotation: 'true', rotationPollInterval: '2m' },
      },
    },
  },
};
export const at = (minutes: number): Date => new Date(NOW.getTime() - minutes * 60_000);
export const V = { a: 'a'.repeat(32), b: 'b'.repeat(32) };
export const version = (id: string, minutes: number) => ({
  name: 'db-password',
  version: id,
  enabled: true,
  created: at(minutes),
});

export const around = (objects: readonly Json[], more: Partial<Around> = {}): Around => ({
  versions: { 'secrets/db-password': [version(V.a, 1000)] },
  cluster: ROTATING,
  ...more,
  objects: [...DELIVERY, account(), ...objects],
});
export const own = workload('csi');
export const failing = async (world: Around, wanted: Workload = own) =>
  (await unwell(wanted, world)).map(({ check, verdict, failure }) => [check, verdict, failure]);
export const mounted = (versions: Record<string, string> = { 'secret/db-password': V.a }) => [
  ...madeBy(deployment(template())),
  status(versions),
];
