import type { Json } from '../arm/store.ts';
import { type Break, type BreakWorld, CannotBreak, MINUTE } from './break.ts';

const VERSION = 'api-version=2025-03-01';
const PROVIDER = 'microsoft.kubernetesconfiguration';

/** Takes Dapr's extension away, and Dapr with it. Answers its id. */
async function uninstall(world: BreakWorld): Promise<string> {
  const { id: cluster, name } = world.cluster().resource;
  const found = Object.values(world.slice.extensions).find(({ resource }) => resource.id.startsWith(`${cluster}/`));
  if (!found) throw new CannotBreak(`the cluster ${name} has no extension for Dapr`);
  const { id } = found.resource;
  await world.azure('DELETE', `${id}?${VERSION}`);
  await ended(world);
  return id;
}

/** Somebody installs it again, so. What comes of it is for Resource Manager to say. */
async function install(world: BreakWorld, id: string, properties: Json = {}): Promise<void> {
  await world.azure('PUT', `${id}?${VERSION}`, {
    identity: { type: 'SystemAssigned' },
    properties: {
      extensionType: 'microsoft.dapr',
      autoUpgradeMinorVersion: false,
      releaseTrain: 'stable',
      scope: { cluster: { releaseNamespace: 'dapr-system' } },
      configurationSettings: {},
      ...properties,
    },
  });
  await ended(world);
}

/** Waits for the operation, whose end is noticed by whoever asks Resource Manager next. */
async function ended(world: BreakWorld): Promise<void> {
  await world.pass(5 * MINUTE);
  await world.azure('GET', `${world.cluster().resource.id}?api-version=2026-06-01`);
  await world.settled();
}

const extension = (id: string, says: string, broken: (world: BreakWorld) => Promise<void>): Break => ({
  id,
  says,
  methods: ['dapr'],
  async broken(world) {
    const workload = await world.workload();
    await broken(world);
    await workload.restart();
  },
});

/** How the extension that brings Dapr comes to nothing. */
export const extensions: readonly Break[] = [
  extension('F001', 'Microsoft.KubernetesConfiguration is not registered, and Dapr not installed.', async (world) => {
    await uninstall(world);
    delete world.slice.providers[PROVIDER];
  }),
  extension('F002', 'The extension was asked for while its provider was not registered, and failed.', async (world) => {
    await uninstall(world);
    await world.faults.daprExtension(world.cluster().resource.name, {
      state: 'Failed',
      error: {
        code: 'ExtensionTypeRegistrationGetFailed',
        message:
          'Extension type registration could not be retrieved: the provider Microsoft.KubernetesConfiguration is not ' +
          'registered for the subscription.',
      },
    });
  }),
  extension('F020', 'The extension was asked for in a version that is not there.', async (world) => {
    await install(world, await uninstall(world), { version: '9.9.9-msft.1' });
  }),
  extension(
    'F021',
    "Somebody's own Dapr, installed with Helm and stopped since, keeps the extension out.",
    async (world) => {
      const id = await uninstall(world);
      await world.faults.daprByHelm(world.cluster().resource.name);
      for (const { metadata } of await world.kubectl.list('Deployment', 'dapr-system')) {
        await world.kubectl.patch('Deployment', metadata.name, metadata.namespace, { spec: { replicas: 0 } });
      }
      await install(world, id);
    },
  ),
  extension('F023', 'The cluster is AKS Automatic, which keeps Dapr out of its system namespace.', async (world) => {
    const id = await uninstall(world);
    world.faults.clusterSku(world.cluster().resource.name, 'Automatic');
    await install(world, id);
  }),
  extension('F024', 'The extension has been creating for hours, and nothing comes of it.', async (world) => {
    await uninstall(world);
    await world.faults.daprExtension(world.cluster().resource.name, { state: 'Creating' });
    await world.pass(180 * MINUTE);
  }),
];
