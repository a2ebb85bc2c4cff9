import type { Break, BreakWorld } from './break.ts';
import { CannotBreak } from './break.ts';
import { removeAddOn, selfInstall } from './cluster-features.ts';

const DRIVER = 'secrets-store.csi.k8s.io';
/** The driver's own, which asks for nothing else. */
const OTHER_AUDIENCE = 'https://kubernetes.default.svc';

/** A DaemonSet of the add-on that runs on nodes of another pool alone. */
async function elsewhere({ kubectl, settled }: BreakWorld, app: string): Promise<void> {
  const found = (await kubectl.list('DaemonSet')).find(({ spec }) => spec.template.metadata.labels?.app === app);
  if (!found) throw new CannotBreak(`the cluster has no DaemonSet of ${app}`);
  const { name, namespace } = found.metadata;
  const nodeSelector = { 'kubernetes.azure.com/agentpool': 'system' };
  await kubectl.patch('DaemonSet', name, namespace, { spec: { template: { spec: { nodeSelector } } } });
  await settled();
}

/** A driver from its Helm chart with these values, and pods that were made since. */
const byHelm = (id: string, says: string, values: Parameters<typeof selfInstall>[1]): Break => ({
  id,
  says,
  methods: ['csi'],
  async broken(world) {
    const workload = await world.workload();
    await selfInstall(world, values);
    await workload.restart();
  },
});

const audiences = ['api://AzureADTokenExchange'];

/** The driver and its provider: whether they are there, where, and how they were installed. */
export const csiCluster: readonly Break[] = [
  {
    id: 'F087',
    says: "The driver's DaemonSet has no pod on the workload's node.",
    methods: ['csi'],
    async broken(world) {
      await elsewhere(world, 'secrets-store-csi-driver');
      await (await world.workload()).restart();
    },
  },
  {
    id: 'F088',
    says: `Somebody deleted the CSIDriver ${DRIVER}.`,
    methods: ['csi'],
    async broken(world) {
      await world.kubectl.remove('CSIDriver', DRIVER);
      await (await world.workload()).restart();
    },
  },
  {
    id: 'F090',
    says: "The Azure provider's DaemonSet has no pod on the workload's node.",
    methods: ['csi'],
    async broken(world) {
      await elsewhere(world, 'secrets-store-provider-azure');
      await (await world.workload()).restart();
    },
  },
  byHelm('F092', 'The driver was installed with Helm without tokenRequests: it gets no tokens of pods.', {
    syncSecret: true,
    rotation: true,
  }),
  byHelm('F093', 'The driver was installed with Helm, and asks for tokens of another audience.', {
    audiences: [OTHER_AUDIENCE],
    syncSecret: true,
    rotation: true,
  }),
  {
    id: 'F109',
    says: 'The pods run on a new pool of Windows nodes, on which the driver is not.',
    methods: ['csi'],
    async broken(world) {
      const { kubectl } = world;
      const name = 'akswin000000';
      const { properties } = world.cluster().resource;
      const pools = (properties.agentPoolProfiles ?? []) as object[];
      properties.agentPoolProfiles = [
        ...pools,
        { ...pools[0], name: 'win', mode: 'User', osType: 'Windows', osSKU: 'Windows2022' },
      ];
      const labels = {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'windows',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.azure.com/agentpool': 'win',
      };
      await kubectl.create({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} });
      const status = {
        conditions: [
          { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
        ],
        nodeInfo: { operatingSystem: 'windows', architecture: 'amd64', osImage: 'Windows Server 2022 Datacenter' },
      };
      await kubectl.patch('Node', `${name}/status`, undefined, { status });
      const metadata = { name };
      await kubectl.create({ apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata, spec: { drivers: [] } });
      await (await world.workload()).redeploy(({ spec }) => {
        spec.nodeSelector = { ...spec.nodeSelector, 'kubernetes.io/os': 'windows' };
      });
    },
  },
  {
    id: 'F145',
    says: 'The cluster was made without the add-on: it knows no SecretProviderClass.',
    methods: ['csi'],
    async broken(world) {
      const workload = await world.workload();
      await removeAddOn(world);
      await workload.restart();
    },
  },
  byHelm('F148', 'The driver was installed with Helm with a memory limit that is too small for it.', {
    audiences,
    syncSecret: true,
    rotation: true,
    memory: '10Mi',
  }),
];
