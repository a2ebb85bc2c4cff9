import { parse, stringify } from 'yaml';
import { seedSecret } from '../vault/seed.ts';
import type { Break } from './break.ts';
import { selfInstall } from './cluster-features.ts';
import type { KubeObject } from './kubectl.ts';
import { changed, manifestOf } from './objects.ts';

type Parameters = Record<string, string>;
// biome-ignore lint/suspicious/noExplicitAny: fields of an object as the class lists it
type VaultObject = Record<string, any>;

/** A SecretProviderClass that says something wrong, and pods that were made from it. */
const wrongClass = (id: string, says: string, change: (copy: KubeObject) => void): Break => ({
  id,
  says,
  methods: ['csi'],
  broken: (world) => changed(world, 'SecretProviderClass', change),
});

const wrongParameters = (id: string, says: string, change: (parameters: Parameters) => void): Break =>
  wrongClass(id, says, ({ spec }) => change(spec.parameters));

const objectsOf = ({ objects = '' }: Parameters): VaultObject[] =>
  (parse(objects) as { array: string[] }).array.map((each) => parse(each) as VaultObject);

/** The provider's own format: YAML in YAML in a string. */
const listed = (objects: readonly VaultObject[]): string =>
  stringify({ array: objects.map((each) => stringify(each)) }, { lineWidth: 0 });

/** The first object of the class, changed. */
const wrongObject = (id: string, says: string, change: (object: VaultObject) => void): Break =>
  wrongParameters(id, says, (parameters) => {
    const objects = objectsOf(parameters);
    change(objects[0]!);
    parameters.objects = listed(objects);
  });

/** Also a Secret, of the first object. Answers its name. */
export function alsoSecret(
  { metadata, spec }: KubeObject,
  wish: { readonly objectName?: (right: string) => string; readonly type?: string; readonly key?: string } = {},
): string {
  const [first = {}] = objectsOf(spec.parameters);
  const right = String(first.objectAlias ?? first.objectName);
  const secretName = `${metadata.name}-synced`;
  const data = [{ objectName: wish.objectName?.(right) ?? right, key: wish.key ?? 'value' }];
  spec.secretObjects = [{ secretName, type: wish.type ?? 'Opaque', data }];
  return secretName;
}

/** What Key Vault takes at most as a secret, and how many of them no answer of a provider can hold. */
const LARGE = 25 * 1024;
const TOO_MANY = 170;

/** The SecretProviderClass: where it is, what it says, what it asks for. */
export const csiClass: readonly Break[] = [
  {
    id: 'F089',
    says: 'The SecretProviderClass is in another namespace than the pods.',
    methods: ['csi'],
    async broken(world) {
      const workload = await world.workload();
      const found = await workload.object('SecretProviderClass');
      const { name, namespace = '' } = found.metadata;
      const copy = manifestOf(found);
      const elsewhere = namespace === 'default' ? 'kube-public' : 'default';
      await world.kubectl.create({ ...copy, metadata: { ...copy.metadata, namespace: elsewhere } });
      await world.kubectl.remove('SecretProviderClass', name, namespace);
      await workload.restart();
    },
  },
  wrongParameters(
    'F091',
    'The SecretProviderClass says clientId, which is no parameter, instead of clientID.',
    (all) => {
      all.clientId = all.clientID ?? '';
      delete all.clientID;
    },
  ),
  wrongParameters('F094', 'The SecretProviderClass names no tenant.', (all) => {
    delete all.tenantID;
    delete all.tenantId;
  }),
  wrongParameters(
    'F095',
    'The objects of the SecretProviderClass lack the | that makes each of them a string.',
    (all) => {
      all.objects = stringify({ array: objectsOf(all) });
    },
  ),
  wrongObject('F096', 'The SecretProviderClass asks for an object of the type secrets, which is none.', (object) => {
    object.objectType = 'secrets';
  }),
  wrongParameters('F097', 'The SecretProviderClass has the address of the vault in place of its name.', (all) => {
    all.keyvaultName = `https://${all.keyvaultName}.vault.azure.net/`;
  }),
  wrongParameters('F098', 'The SecretProviderClass switches two modes of identity on.', (all) => {
    all.usePodIdentity = 'true';
    all.useVMManagedIdentity = 'true';
  }),
  wrongParameters(
    'F099',
    'The SecretProviderClass names the cloud PublicCloud, which is called AzurePublicCloud here.',
    (all) => {
      all.cloudName = 'PublicCloud';
    },
  ),
  wrongObject('F100', 'The SecretProviderClass asks for the encoding utf8, which is called utf-8.', (object) => {
    object.objectEncoding = 'utf8';
  }),
  wrongClass(
    'F104',
    'The SecretProviderClass makes a Secret of an object that it does not mount under that name.',
    (copy) => {
      const other = (name: string) => (name.includes('-') ? name.replaceAll('-', '_') : `${name}-value`);
      alsoSecret(copy, { objectName: other });
    },
  ),
  {
    id: 'F105',
    says: 'The driver was installed with Helm without syncSecret.enabled: it may make no Secrets.',
    methods: ['csi'],
    async broken(world) {
      await selfInstall(world, { audiences: ['api://AzureADTokenExchange'], rotation: true });
      await changed(world, 'SecretProviderClass', (copy) => void alsoSecret(copy));
    },
  },
  {
    id: 'F108',
    says: 'The SecretProviderClass asks for more than the 4 MiB that the driver takes at once.',
    methods: ['csi'],
    async broken(world) {
      const workload = await world.workload();
      const name = 'large';
      await seedSecret(world.parts, workload.vault().resource.name, name, 'sandbox '.repeat(LARGE / 8));
      await changed(world, 'SecretProviderClass', ({ spec: { parameters } }) => {
        const many = Array.from({ length: TOO_MANY }, (_, index) => ({
          objectName: name,
          objectType: 'secret',
          objectAlias: `${name}-${index}`,
        }));
        parameters.objects = listed([...objectsOf(parameters), ...many]);
      });
    },
  },
  wrongClass(
    'F153',
    'The SecretProviderClass makes a Secret for a registry of a value that is no such configuration.',
    (copy) => {
      alsoSecret(copy, { type: 'kubernetes.io/dockerconfigjson', key: '.dockerconfigjson' });
    },
  ),
];
