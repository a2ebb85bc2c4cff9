import { randomUUID } from 'node:crypto';
import type { Break, BreakWorld, Method, PodTemplate } from './break.ts';
import { annotate, CLIENT_ID, USE } from './hands.ts';
import type { KubeObject } from './kubectl.ts';
import { manifestOf } from './objects.ts';

/** Those whose pods the webhook must see, and those that read the account's annotation. */
const INJECTED: readonly Method[] = ['workload-identity', 'dapr'];
const ANNOTATED: readonly Method[] = [...INJECTED, 'external-secrets'];
const EXPIRATION = 'azure.workload.identity/service-account-token-expiration';
const PROXY = 'azure.workload.identity/inject-proxy-sidecar';
const FORMER_TOKEN = '/var/run/secrets/azure/tokens/azure-identity-token';

const template = (
  id: string,
  says: string,
  methods: readonly Method[],
  change: (found: PodTemplate) => void,
): Break => ({
  id,
  says,
  methods,
  async broken(world) {
    await (await world.workload()).redeploy(change);
  },
});

/** Sets a variable of every container by hand. */
const variable = (name: string, value: string) => (found: PodTemplate) => {
  for (const container of found.spec.containers) {
    const others = (container.env ?? []).filter((each: { name: string }) => each.name !== name);
    container.env = [...others, { name, value }];
  }
};

/** Other annotations of the account, and pods that were made since. */
const account = (
  id: string,
  says: string,
  methods: readonly Method[],
  change: (clientId: string) => Record<string, string | null>,
): Break => ({
  id,
  says,
  methods,
  async broken(world) {
    const workload = await world.workload();
    await annotate(world, workload, change(workload.clientId));
    await workload.restart();
  },
});

/** The workload moves to kube-system: account, script and Deployment, and the credential follows. */
async function moveToSystem(world: BreakWorld): Promise<void> {
  const { kubectl } = world;
  const workload = await world.workload();
  const { namespace } = workload;
  const deployment = await workload.deployment();
  const volumes = (deployment.spec.template.spec.volumes ?? []) as { configMap?: { name: string } }[];
  const maps = await Promise.all(
    volumes.flatMap(({ configMap }) => (configMap ? [kubectl.get('ConfigMap', configMap.name, namespace)] : [])),
  );
  const moved = [await kubectl.get('ServiceAccount', workload.account, namespace), ...maps, deployment];
  for (const { resource } of Object.values(workload.identity().credentials)) {
    resource.properties.subject = `system:serviceaccount:kube-system:${workload.account}`;
  }
  for (const object of moved.filter((each): each is KubeObject => each !== undefined).reverse()) {
    await kubectl.remove(object.kind, object.metadata.name, namespace);
  }
  await world.settled();
  for (const object of moved) {
    if (!object) continue;
    const manifest = manifestOf(object);
    await kubectl.create({ ...manifest, metadata: { ...manifest.metadata, namespace: 'kube-system' } });
  }
}

/** The workload's Job beside its Deployment, with the proxy of those who come from Pod Identity. */
async function jobWithProxy(world: BreakWorld): Promise<void> {
  const { kubectl } = world;
  const workload = await world.workload();
  // Before Kubernetes 1.32, which knows sidecars.
  Object.assign(world.cluster().resource.properties, { kubernetesVersion: '1.31', currentKubernetesVersion: '1.31' });
  for (const { metadata, status } of await kubectl.list('Node')) {
    const nodeInfo = { ...status.nodeInfo, kubeletVersion: 'v1.31.0' };
    await kubectl.patch('Node', `${metadata.name}/status`, undefined, { status: { nodeInfo } });
  }
  const { spec, metadata } = structuredClone((await workload.deployment()).spec.template) as PodTemplate;
  for (const container of spec.containers) {
    delete container.readinessProbe;
    container.env = container.env.filter(({ name }: { name: string }) => name !== 'READY_FILE');
  }
  await kubectl.create({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${workload.account}-nightly`, namespace: workload.namespace },
    spec: {
      template: {
        metadata: { labels: { [USE]: metadata.labels?.[USE] ?? 'true' }, annotations: { [PROXY]: 'true' } },
        spec: { ...spec, restartPolicy: 'Never' },
      },
    },
  });
}

/** What ties a pod to its identity: labels and annotations, each on its object and its level. */
export const wiring: readonly Break[] = [
  template('F025', 'The pods lack the label of workload identity.', INJECTED, ({ metadata }) => {
    delete metadata.labels[USE];
  }),
  {
    id: 'F026',
    says: 'The label of workload identity is on the Deployment, and not on its pods.',
    methods: INJECTED,
    async broken(world) {
      const workload = await world.workload();
      await workload.redeploy(({ metadata }) => {
        delete metadata.labels[USE];
      });
      const { name, namespace } = (await workload.deployment()).metadata;
      await world.kubectl.patch('Deployment', name, namespace, { metadata: { labels: { [USE]: 'true' } } });
    },
  },
  template(
    'F027',
    'The pod sets AZURE_CLIENT_ID by hand, to another identity than the service account names.',
    ['workload-identity'],
    variable('AZURE_CLIENT_ID', randomUUID()),
  ),
  account('F028', 'The service account names no client id.', INJECTED, () => ({ [CLIENT_ID]: null })),
  {
    id: 'F029',
    says: 'The service account was annotated after the pods were made.',
    methods: INJECTED,
    async broken(world) {
      const workload = await world.workload();
      await annotate(world, workload, { [CLIENT_ID]: null });
      await workload.restart();
      await world.pass(10 * 60_000);
      await annotate(world, workload, { [CLIENT_ID]: workload.clientId });
    },
  },
  {
    id: 'F030',
    says: 'The client id is annotated on the Deployment, and not on the service account.',
    methods: ANNOTATED,
    async broken(world) {
      const workload = await world.workload();
      await annotate(world, workload, { [CLIENT_ID]: null });
      const { name, namespace } = (await workload.deployment()).metadata;
      const annotations = { [CLIENT_ID]: workload.clientId };
      await world.kubectl.patch('Deployment', name, namespace, { metadata: { annotations } });
      await workload.restart();
    },
  },
  account('F031', "The annotation's key is misspelt: client_id.", ANNOTATED, (clientId) => ({
    [CLIENT_ID]: null,
    'azure.workload.identity/client_id': clientId,
  })),
  template('F032', 'The pods name no service account, and run as default.', [...INJECTED, 'csi'], ({ spec }) => {
    delete spec.serviceAccountName;
    delete spec.serviceAccount;
  }),
  {
    id: 'F033',
    says: 'The service account is gone: no pod is made any more.',
    async broken(world) {
      const workload = await world.workload();
      await world.kubectl.remove('ServiceAccount', workload.account, workload.namespace);
      await workload.restart();
    },
  },
  account('F038', 'The service account asks for tokens that live a minute.', INJECTED, () => ({ [EXPIRATION]: '60' })),
  template('F039', 'The pods are on the host’s network and ask for the proxy of Pod Identity.', INJECTED, (found) => {
    found.spec.hostNetwork = true;
    found.metadata.annotations = { ...found.metadata.annotations, [PROXY]: 'true' };
  }),
  {
    id: 'F040',
    says: 'The workload was moved to kube-system, from which AKS keeps webhooks away.',
    methods: ['workload-identity'],
    broken: moveToSystem,
  },
  template(
    'F042',
    'The application looks for its token where webhooks before 1.6 put it.',
    ['workload-identity'],
    variable('AZURE_FEDERATED_TOKEN_FILE', FORMER_TOKEN),
  ),
  {
    id: 'F043',
    says: 'A Job has the proxy of Pod Identity as a second container, which never ends.',
    methods: ['workload-identity'],
    broken: jobWithProxy,
  },
  {
    id: 'F044',
    says: 'The pods run on a virtual node, which has no workload identity.',
    methods: INJECTED,
    async broken(world) {
      const workload = await world.workload();
      const name = 'virtual-node-aci-linux';
      const labels = { type: 'virtual-kubelet', 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name };
      const taints = [{ key: 'virtual-kubelet.io/provider', value: 'azure', effect: 'NoSchedule' }];
      await world.kubectl.create({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: { taints } });
      await workload.redeploy(({ spec }) => {
        spec.nodeSelector = { type: 'virtual-kubelet', 'kubernetes.io/os': 'linux' };
        spec.tolerations = [{ key: 'virtual-kubelet.io/provider', operator: 'Exists' }];
      });
    },
  },
];
