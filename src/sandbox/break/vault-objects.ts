import { entryOf, type SecretVersion, secondsOf, versionId } from '../vault/store.ts';
import { putAssignment } from '../world/put.ts';
import { type Break, type BreakWorld, CannotBreak, HOUR } from './break.ts';
import { setFirstObject } from './hands.ts';

/** The first secret that the workload reads, as it lies in the vault. */
async function firstSecret(world: BreakWorld) {
  const workload = await world.workload();
  const [name = ''] = workload.secrets;
  const entry = entryOf(workload.contents().secrets, name);
  if (!entry || entry.deleted) throw new CannotBreak(`the vault holds no secret ${name || 'that it reads'}`);
  return { workload, entry, current: entry.versions.at(-1) as SecretVersion };
}

/** What lies in a vault, against what the workload asks for. */
export const vaultObjects: readonly Break[] = [
  {
    id: 'F077',
    says: 'A secret that the workload reads was deleted from the vault.',
    async broken(world) {
      const { workload, entry } = await firstSecret(world);
      const at = secondsOf(world.parts);
      entry.deleted = { at, purgeAt: at + 90 * 86_400 };
      await workload.restart();
    },
  },
  {
    id: 'F078',
    says: 'A secret is asked for as a key.',
    methods: ['csi', 'external-secrets'],
    async broken(world) {
      const { workload } = await firstSecret(world);
      // Who may not see keys is not told whether there is one.
      const { principalId } = workload.identity().resource.properties;
      putAssignment(world.place, 'Key Vault Reader', String(principalId), workload.vault().resource.id);
      await setFirstObject(world, workload, { type: 'key' });
      await workload.restart();
    },
  },
  {
    id: 'F079',
    says: 'The current version of a secret is disabled.',
    async broken(world) {
      const { workload, current } = await firstSecret(world);
      current.enabled = false;
      await workload.restart();
    },
  },
  {
    id: 'F080',
    says: 'The current version of a secret has expired; the vault still gives it.',
    async broken(world) {
      const { workload, current } = await firstSecret(world);
      current.exp = secondsOf(world.parts) - (24 * HOUR) / 1000;
      await workload.restart();
    },
  },
  {
    id: 'F081',
    says: 'A secret is asked for by a name with an underscore, which no vault takes.',
    methods: ['csi', 'external-secrets'],
    async broken(world) {
      const { workload, entry } = await firstSecret(world);
      await setFirstObject(world, workload, { name: entry.name.replaceAll('-', '_') });
      await workload.restart();
    },
  },
  {
    id: 'F082',
    says: 'A version is pinned that this vault does not have.',
    methods: ['csi', 'external-secrets'],
    async broken(world) {
      const { workload } = await firstSecret(world);
      await setFirstObject(world, workload, { version: versionId() });
      await workload.restart();
    },
  },
];
