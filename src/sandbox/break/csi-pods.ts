import { seedSecret } from '../vault/seed.ts';
import type { Break, BreakWorld, PodTemplate, Workload } from './break.ts';
import { CannotBreak } from './break.ts';
import { setAddOn } from './cluster-features.ts';
import { alsoSecret } from './csi-class.ts';
import { takeRoles } from './hands.ts';
import { edit } from './objects.ts';

const DRIVER = 'secrets-store.csi.k8s.io';

// biome-ignore lint/suspicious/noExplicitAny: a volume of a pod template
type Volume = any;

/** The volume of a pod template that the driver mounts. */
function volumeOf({ spec }: PodTemplate): Volume {
  const found = (spec.volumes ?? []).find((volume: Volume) => volume.csi?.driver === DRIVER);
  if (!found) throw new CannotBreak('the pods have no volume of the driver');
  return found;
}

const wrongVolume = (id: string, says: string, change: (csi: Volume) => void): Break => ({
  id,
  says,
  methods: ['csi'],
  async broken(world) {
    await (await world.workload()).redeploy((template) => change(volumeOf(template).csi));
  },
});

/** Somebody put a new version of each secret into the vault. */
export async function rotate({ parts }: BreakWorld, workload: Workload): Promise<void> {
  const vault = workload.vault().resource.name;
  for (const name of workload.secrets) await seedSecret(parts, vault, name, `sandbox-${name}-rotated`);
}

/** The identity has no right in its vault any more, neither by role nor by policy. */
function takeRights(world: BreakWorld, workload: Workload): void {
  const principal = String(workload.identity().resource.properties.principalId);
  takeRoles(world, principal);
  const { properties } = workload.vault().resource;
  const policies = (properties.accessPolicies ?? []) as { objectId: string }[];
  properties.accessPolicies = policies.filter(({ objectId }) => objectId !== principal);
}

/** The pod's volume, the Secret made of it, and how both grow old. */
export const csiPods: readonly Break[] = [
  wrongVolume('F101', 'The volume of the pods does not say readOnly: true.', (csi) => {
    delete csi.readOnly;
  }),
  wrongVolume('F102', 'The volume of the pods names no SecretProviderClass.', (csi) => {
    delete csi.volumeAttributes;
  }),
  {
    id: 'F103',
    says: 'The pods take a variable from the synced Secret, and none mounts the volume that makes it.',
    methods: ['csi'],
    async broken(world) {
      const workload = await world.workload();
      let name = '';
      await edit(world, await workload.object('SecretProviderClass'), (copy) => {
        name = alsoSecret(copy);
      });
      await workload.redeploy((template) => {
        const volume = volumeOf(template);
        template.spec.volumes = template.spec.volumes.filter((each: Volume) => each !== volume);
        for (const container of template.spec.containers) {
          const mounts = (container.volumeMounts ?? []) as { name: string }[];
          container.volumeMounts = mounts.filter((each) => each.name !== volume.name);
          const variable = { name: 'SYNCED', valueFrom: { secretKeyRef: { name, key: 'value' } } };
          container.env = [...(container.env ?? []), variable];
        }
      });
    },
  },
  {
    id: 'F106',
    says: 'Rotation of the add-on is off, and the secrets have new versions that no pod sees.',
    methods: ['csi'],
    async broken(world) {
      await setAddOn(world, { config: { enableSecretRotation: 'false' } });
      await rotate(world, await world.workload());
    },
  },
  {
    id: 'F107',
    says: 'The identity lost its right while the pods ran: they keep old versions, and no event says so.',
    methods: ['csi'],
    async broken(world) {
      const workload = await world.workload();
      takeRights(world, workload);
      await rotate(world, workload);
    },
  },
  wrongVolume('F146', 'The volume of the pods names a Secret with credentials that is not there.', (csi) => {
    csi.nodePublishSecretRef = { name: 'secrets-store-creds' };
  }),
];
