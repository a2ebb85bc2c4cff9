import { CLIENT, type ClusterWorld, clusterWorld, deployment, type Json } from './kubernetes-world.ts';

/** What an application does: asks its sidecar, and says what it was answered. */
export const SCRIPT = `
for (const url of process.env.URLS.split(' ')) {
  try {
    const answer = await fetch(url);
    console.log(answer.status + ' ' + (await answer.text()));
  } catch (error) {
    console.log('failed ' + (error.cause?.code ?? error.message));
  }
}
console.log('end');
setInterval(() => {}, 2 ** 30);
`;

export const RELEASE = {
  by: 'extension',
  name: 'dapr',
  namespace: 'dapr-system',
  version: '1.16.4-msft.1',
  settings: {},
} as const;

/** A cluster with Dapr, an annotated service account and the script. */
export async function daprWorld(settings: Record<string, string> = {}): Promise<ClusterWorld> {
  const world = await clusterWorld();
  await world.kubernetes.installDapr(world.cluster, { ...RELEASE, settings });
  const at = { namespace: 'shop' };
  const annotations = { 'azure.workload.identity/client-id': CLIENT };
  await world.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'orders', ...at, annotations } });
  await world.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'script', ...at },
    data: { 'ask.mjs': SCRIPT },
  });
  return world;
}

export const component = (spec: Json = {}, more: Json = {}): Json => ({
  apiVersion: 'dapr.io/v1alpha1',
  kind: 'Component',
  metadata: { name: 'kv', namespace: 'shop', ...more.metadata },
  spec: {
    type: 'secretstores.azure.keyvault',
    version: 'v1',
    metadata: [
      { name: 'vaultName', value: 'demo-kv' },
      { name: 'azureAuthMethods', value: 'wi' },
    ],
    ...spec,
  },
  ...(more.scopes && { scopes: more.scopes }),
});

export const ANNOTATIONS: Json = {
  'dapr.io/enabled': 'true',
  'dapr.io/app-id': 'orders',
  'dapr.io/disable-builtin-k8s-secret-store': 'true',
};
export const LABELS: Json = { 'azure.workload.identity/use': 'true' };
const API = 'http://localhost:3500/v1.0';

/** A Deployment whose container asks the sidecar for these paths. */
export function asking(paths: readonly string[], annotations: Json = ANNOTATIONS, labels: Json = LABELS): Json {
  return deployment(
    {
      containers: [
        {
          name: 'app',
          image: 'registry.example/app:1',
          command: ['node', '/script/ask.mjs'],
          env: [{ name: 'URLS', value: paths.map((path) => (path.startsWith('http') ? path : API + path)).join(' ') }],
          volumeMounts: [{ name: 'script', mountPath: '/script' }],
        },
      ],
      volumes: [{ name: 'script', configMap: { name: 'script' } }],
    },
    { annotations, labels },
  );
}

export const podsOf = async (world: ClusterWorld): Promise<Json[]> =>
  (await world.get('/api/v1/namespaces/shop/pods')).items;

export const logOf = async (world: ClusterWorld, pod: Json, container: string): Promise<string> =>
  (await world.ask('GET', `/api/v1/namespaces/shop/pods/${pod.metadata.name}/log?container=${container}`)).body;

/** Applies it, and answers what the application was answered, a line for each path. */
export async function answers(world: ClusterWorld, workload: Json): Promise<string[]> {
  const { status, body } = await world.apply(workload);
  if (status > 201) throw new Error(body.message);
  const [pod] = await podsOf(world);
  const text = await world.until(async () => {
    const log = await logOf(world, pod, 'app');
    return typeof log === 'string' && log.endsWith('end\n') && log;
  });
  return text.split('\n').slice(0, -2);
}
