import type { Break, BreakWorld, Workload } from './break.ts';
import { alsoSecret } from './csi-class.ts';
import { changed, manifestOf } from './objects.ts';

const encoded = (text: string) => Buffer.from(text).toString('base64');

/** A Secret that somebody else makes and uses. */
const theirs = (namespace: string, name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'Helm' }, ...more },
  data: { legacy: encoded('sandbox-legacy') },
});

/** The driver makes it anew with what it has mounted, and what was in it is gone. */
async function byDriver(world: BreakWorld, { namespace }: Workload): Promise<void> {
  await changed(world, 'SecretProviderClass', async (copy) => {
    await world.kubectl.create(theirs(namespace, alsoSecret(copy)));
  });
}

/** The operator owns what it writes, and this one has an owner. */
async function byOperator({ kubectl, settled }: BreakWorld, workload: Workload): Promise<void> {
  const manifest = manifestOf(await workload.object('ExternalSecret'));
  const { name, namespace = '' } = manifest.metadata;
  await kubectl.remove('ExternalSecret', name, namespace);
  await settled();
  const { apiVersion, kind, metadata } = await workload.deployment();
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true };
  await kubectl.create(theirs(namespace, manifest.spec.target?.name ?? name, { ownerReferences: [owner] }));
  await kubectl.create(manifest);
  await settled();
  await workload.restart();
}

export const foreignSecret: readonly Break[] = [
  {
    id: 'F155',
    says: "The Secret that is to be written is somebody else's.",
    methods: ['csi', 'external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      await (workload.method === 'csi' ? byDriver : byOperator)(world, workload);
    },
  },
];
