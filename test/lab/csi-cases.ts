import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { disableSecret, type Identity, takeRoles, trustOtherwise, type Undo } from './harness/azure.ts';
import type { Side } from './harness/beside.ts';

const DRIVER = '/apis/storage.k8s.io/v1/csidrivers/secrets-store.csi.k8s.io';

type Json = Readonly<Record<string, unknown>>;

/** What is otherwise than `init` makes it. */
export interface Case {
  readonly title: string;
  /** Of the class; null leaves one out. */
  readonly parameters?: Readonly<Record<string, string | null>>;
  readonly spec?: Json;
  /** There is none. */
  readonly noClass?: true;
  /** Of the pod's volume; null leaves one out. */
  readonly csi?: Json;
  readonly objects?: readonly Json[];
  readonly breaks?: (side: Side, identity: Identity) => Promise<Undo>;
}

export const objects = (all: readonly Json[]) => stringify({ array: all.map((each) => stringify(each)) });
const secret = (objectName: string, more: Json = {}) => ({ objectName, objectType: 'secret', ...more });
/** What every class lists whose case says nothing of it. */
export const ONE = [secret('words-password')];
const ID = '11111111-2222-4333-8444-555555555555';

const tokenRequests =
  (wanted: unknown) =>
  async (side: Side): Promise<Undo> => {
    const { spec } = await side.api.get<{ spec: { tokenRequests: unknown } } & { metadata: { name: string } }>(DRIVER);
    await side.api.patch(DRIVER, { spec: { tokenRequests: wanted } });
    return async () => void (await side.api.patch(DRIVER, { spec: { tokenRequests: spec.tokenRequests } }));
  };

export const CASES: readonly Case[] = [
  { title: 'as init makes it', objects: [secret('words-password'), secret('words-two', { objectAlias: 'two/TWO' })] },
  {
    title: 'a key and a certificate',
    objects: [
      { objectName: 'words-key', objectType: 'key' },
      { objectName: 'words-cert', objectType: 'cert' },
      { objectName: 'words-cert', objectType: 'secret', objectAlias: 'pem' },
    ],
  },
  {
    title: 'base64 and hex',
    objects: [secret('words-base64', { objectEncoding: 'base64' }), secret('words-hex', { objectEncoding: 'hex' })],
  },
  { title: 'an encoding that does not fit', objects: [secret('words-password', { objectEncoding: 'hex' })] },
  { title: 'a value that is no base64', objects: [secret('words-password', { objectEncoding: 'base64' })] },
  { title: 'base64 that ends early', objects: [secret('words-short', { objectEncoding: 'base64' })] },
  { title: 'hex that ends early', objects: [secret('words-odd', { objectEncoding: 'hex' })] },
  {
    title: 'one secret under two names',
    objects: [secret('words-password'), secret('words-password', { objectAlias: 'again' })],
  },
  { title: 'a permission of its own', objects: [secret('words-password', { filePermission: '0400' })] },
  { title: 'an entry that is a plain word', parameters: { objects: 'array:\n  - words-password\n' } },
  { title: 'an entry that is a long text', parameters: { objects: 'array:\n  - objectName words-password\n' } },
  { title: 'an entry that is a number', parameters: { objects: 'array:\n  - 5\n' } },
  { title: 'objects that are a plain word', parameters: { objects: 'words-password' } },
  { title: 'an array that is a word', parameters: { objects: 'array: words-password\n' } },
  { title: 'an encoding that there is not', objects: [secret('words-password', { objectEncoding: 'rot13' })] },
  { title: 'no class of that name', noClass: true },
  { title: 'a volume that names no class', csi: { volumeAttributes: {} } },
  { title: 'a volume that is not read-only', csi: { readOnly: null } },
  { title: 'credentials that are not there', csi: { nodePublishSecretRef: { name: 'creds' } } },
  { title: 'another driver', csi: { driver: 'other.csi.k8s.io' } },
  { title: 'a provider in capitals', spec: { provider: 'Azure' } },
  { title: 'no provider', spec: { provider: null } },
  { title: 'no parameters', spec: { parameters: null } },
  { title: 'no client id', parameters: { clientID: null } },
  { title: 'a client id under another key', parameters: { clientID: null, clientId: ID } },
  { title: 'a client id that nobody has', parameters: { clientID: ID } },
  { title: 'a client id that is no GUID', parameters: { clientID: 'mine' } },
  { title: 'no tenant', parameters: { tenantID: null } },
  { title: 'a tenant under the old key', parameters: { tenantID: null, tenantId: ID } },
  { title: 'a tenant that there is not', parameters: { tenantID: ID } },
  { title: 'no vault', parameters: { keyvaultName: null } },
  { title: 'a vault name that is blank', parameters: { keyvaultName: ' ' } },
  { title: 'a vault by its address', parameters: { keyvaultName: 'https://demo-kv.vault.azure.net' } },
  { title: 'a vault that there is not', parameters: { keyvaultName: 'lab-nowhere-kv' } },
  { title: 'no objects', parameters: { objects: null } },
  { title: 'objects that are maps', parameters: { objects: 'array:\n  - objectName: a\n    objectType: secret\n' } },
  { title: 'objects without array', parameters: { objects: '- |\n  objectName: a\n' } },
  { title: 'an object that is no YAML', parameters: { objects: 'array:\n  - "a: ["\n' } },
  { title: 'an empty list of objects', parameters: { objects: 'array: []\n' } },
  { title: 'a type in full', objects: [{ objectName: 'words-cert', objectType: 'certificate' }] },
  { title: 'no type', objects: [{ objectName: 'words-password' }] },
  { title: 'no name', objects: [{ objectName: '', objectType: 'secret' }] },
  { title: 'a file permission that is none', objects: [secret('words-password', { filePermission: '99' })] },
  { title: 'a file name that leads out', objects: [secret('words-password', { objectAlias: '../up' })] },
  {
    title: 'two objects of one file name',
    objects: [secret('words-password'), secret('words-two', { objectAlias: 'words-password' })],
  },
  { title: 'pod identity', parameters: { clientID: null, usePodIdentity: 'true' } },
  { title: 'two identity modes', parameters: { usePodIdentity: 'true', useVMManagedIdentity: 'true' } },
  { title: 'an identity mode that is no truth', parameters: { usePodIdentity: 'yes' } },
  { title: 'a cloud that there is not', parameters: { cloudName: 'AzureMoon' } },
  { title: 'a secret that is not there', objects: [secret('words-password'), secret('words-nope')] },
  { title: 'a version that there is not', objects: [secret('words-password', { objectVersion: '0'.repeat(32) })] },
  { title: 'a name that Key Vault does not take', objects: [secret('words_password')] },
  {
    title: 'a vault whose public network is closed',
    async breaks({ azure }) {
      const { subscriptionId } = azure.sandbox.place;
      const path = `/subscriptions/${subscriptionId}/resourceGroups/demo-rg/providers/Microsoft.KeyVault/vaults/demo-kv?api-version=2026-02-01`;
      const { body: vault } = await azure.arm<{ properties: Json }>('GET', path);
      const set = async (publicNetworkAccess: string) => {
        const properties = { ...vault.properties, publicNetworkAccess };
        const { status, body } = await azure.arm('PUT', path, { ...vault, properties });
        if (status >= 300) throw new Error(JSON.stringify(body));
      };
      await set('Disabled');
      return () => set('Enabled');
    },
  },
  { title: 'a secret that is disabled', breaks: ({ azure }) => disableSecret(azure, 'demo-kv', 'words-password') },
  { title: 'no role at the vault', breaks: ({ azure }, { principalId }) => takeRoles(azure, principalId) },
  {
    title: 'a credential for another subject',
    breaks: ({ azure }, identity) => trustOtherwise(azure, identity, ({ subject }) => ({ subject: `${subject}-v2` })),
  },
  {
    title: 'a credential with the issuer without its slash',
    breaks: ({ azure }, identity) =>
      trustOtherwise(azure, identity, ({ issuer }) => ({ issuer: String(issuer).replace(/\/$/, '') })),
  },
  {
    title: 'a credential for another audience',
    breaks: ({ azure }, identity) => trustOtherwise(azure, identity, () => ({ audiences: ['api://Other'] })),
  },
  { title: 'a CSIDriver that asks for no tokens', breaks: tokenRequests(null) },
  { title: 'a CSIDriver that asks for another audience', breaks: tokenRequests([{ audience: 'api://Other' }]) },
  {
    title: 'no CSIDriver',
    async breaks({ api }) {
      const { metadata, ...rest } = await api.get<{ metadata: { name: string; labels?: Json } }>(DRIVER);
      await api.remove(DRIVER);
      const { name, labels } = metadata;
      return async () => void (await api.create(dirname(DRIVER), { ...rest, metadata: { name, labels } }));
    },
  },
  {
    title: 'a synchronized Secret',
    spec: {
      secretObjects: [
        { secretName: 'words-synced', type: 'Opaque', data: [{ objectName: 'words-password', key: 'p' }] },
      ],
    },
  },
  {
    title: 'a synchronized Secret of a file that there is not',
    spec: { secretObjects: [{ secretName: 'words-bad', type: 'Opaque', data: [{ objectName: 'nope', key: 'p' }] }] },
  },
  {
    title: 'a synchronized Secret whose type does not fit',
    spec: {
      secretObjects: [
        {
          secretName: 'words-docker',
          type: 'kubernetes.io/dockerconfigjson',
          data: [{ objectName: 'words-password', key: '.dockerconfigjson' }],
        },
      ],
    },
  },
];
