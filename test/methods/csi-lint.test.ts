import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { lint } from '../../src/methods/csi/rules.ts';
import { CLIENT, deployment, type Json, TENANT } from './cluster-of.ts';
import { listed, PASSWORD, providerClass, template } from './csi-made.ts';

const written = (text: string): Json => parse(text);

const told = (objects: readonly Json[]) => lint(objects).map(({ failure, path }) => [failure, path]);

describe('a SecretProviderClass in a file', () => {
  it.each<[string, Json, string | undefined, RegExp?]>([
    ['as the provider wants it', {}, undefined],
    ['with the older name of the tenant', { tenantID: undefined, tenantId: TENANT }, undefined],
    ['in another cloud', { cloudName: 'AzureUSGovernmentCloud' }, undefined],
    ['in a cloud in capitals', { cloudName: 'AZUREPUBLICCLOUD' }, undefined],
    ['with the identity of the node', { clientID: undefined, useVMManagedIdentity: 'true' }, undefined],
    ['clientId', { clientID: undefined, clientId: CLIENT }, 'F091', /parameters\.clientId$/],
    ['no identity at all', { clientID: '' }, 'F091', /parameters\.clientID$/],
    ['two identities', { usePodIdentity: 'true', useVMManagedIdentity: '1' }, 'F098'],
    ['an address of the vault', { keyvaultName: 'https://shop-kv.vault.azure.net/' }, 'F097'],
    ['a name of the vault that is too short', { keyvaultName: 'kv' }, 'F097'],
    ['a variable for the vault', { keyvaultName: '$' + '{VAULT}' }, undefined],
    ['no vault', { keyvaultName: ' ' }, 'F094', /keyvaultName$/],
    ['vaultName', { keyvaultName: undefined, keyVaultName: 'shop-kv' }, 'F094', /keyVaultName$/],
    ['no tenant', { tenantID: undefined }, 'F094', /tenantID$/],
    ['no objects', { objects: undefined }, 'F094', /objects$/],
    ['an empty list', { objects: 'array: []' }, 'F094'],
    ['a cloud that nobody knows', { cloudName: 'PublicCloud' }, 'F099'],
    ['objects without the pipe', { objects: { array: ['x'] } }, 'F095'],
    ['objects that are YAML', { objects: 'array:\n  - objectName: x\n    objectType: secret' }, 'F095', /array\[0\]$/],
    ['objects that are no YAML', { objects: 'array: [' }, 'F095'],
    ['a list without its name', { objects: '- |\n  objectName: x' }, 'F095'],
    ['an object that is a word', { objects: listed('x') }, 'F095'],
    ['secrets', { objects: listed({ ...PASSWORD, objectType: 'secrets' }) }, 'F096', /objectType$/],
    ['certificate', { objects: listed({ ...PASSWORD, objectType: 'certificate' }) }, 'F096'],
    ['no type', { objects: listed({ objectName: 'x' }) }, 'F096'],
    [
      'a name with a line below',
      { objects: listed({ ...PASSWORD, objectName: 'db_password' }) },
      'F081',
      /objectName$/,
    ],
    [
      'an encoding of another spelling',
      { objects: listed({ ...PASSWORD, objectEncoding: 'utf8' }) },
      'F100',
      /objectEncoding$/,
    ],
    ['an encoding of a key', { objects: listed({ ...PASSWORD, objectType: 'key', objectEncoding: 'hex' }) }, 'F100'],
    ['pfx of a certificate', { objects: listed({ ...PASSWORD, objectType: 'cert', objectFormat: 'pfx' }) }, 'F100'],
    ['a permission that is no number', { objects: listed({ ...PASSWORD, filePermission: 'rw-r--r--' }) }, 'F100'],
    ['a permission', { objects: listed({ ...PASSWORD, filePermission: '0644' }) }, undefined],
    ['a file outside of the volume', { objects: listed({ ...PASSWORD, objectAlias: '../x' }) }, 'F100'],
  ])('%s', (_what, parameters, failure, path) => {
    const found = told([providerClass(parameters)]);
    expect(found.map(([id]) => id)).toEqual(failure ? [failure] : []);
    if (path) expect(found[0]![1]).toMatch(path);
  });

  it('is of another provider, and not ours to judge', () =>
    expect(told([providerClass({ clientID: '' }, { spec: { provider: 'aws' } })])).toEqual([]));
  it('names the provider in capitals', () =>
    expect(told([providerClass({}, { spec: { provider: 'Azure' } })])).toEqual([['F090', 'spec.provider']]));

  it.each<[string, Json, string | undefined]>([
    ['the alias', { objectName: 'DB_PASSWORD', key: 'x' }, undefined],
    ['the name where there is an alias', { objectName: 'db-password', key: 'x' }, 'F104'],
    ['a name that nobody has', { objectName: 'other', key: 'x' }, 'F104'],
  ])('copies %s into a Secret', (_what, data, failure) => {
    const objects = listed({ ...PASSWORD, objectAlias: 'DB_PASSWORD' });
    const secretObjects = [{ secretName: 'orders', type: 'Opaque', data: [data] }];
    expect(told([providerClass({ objects }, { spec: { secretObjects } })]).map(([id]) => id)).toEqual(
      failure ? [failure] : [],
    );
  });

  it('makes a Secret of a type that wants other keys', () => {
    const secretObjects = [
      { secretName: 'orders', type: 'kubernetes.io/tls', data: [{ objectName: 'db-password', key: 'tls.crt' }] },
    ];
    expect(told([providerClass({}, { spec: { secretObjects } })])).toEqual([['F153', 'spec.secretObjects[0].type']]);
  });

  it('is read as people write it, with blocks in blocks', () => {
    const text = `
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: { name: orders }
spec:
  provider: azure
  parameters:
    clientID: ${CLIENT}
    tenantID: ${TENANT}
    keyvaultName: shop-kv
    objects: |
      array:
        - |
          objectName: db-password
          objectType: secret
          objectVersion: ""
        - |
          objectName: tls
          objectType: cert
`;
    expect(told([written(text)])).toEqual([]);
    expect(told([written(text.replace('objects: |', 'objects:').replaceAll('- |', '-'))]).map(([id]) => id)).toEqual([
      'F095',
    ]);
  });
});

describe('a volume in a file', () => {
  it.each<[string, Json, string | undefined]>([
    ['as the driver wants it', {}, undefined],
    ['that may be written', { readOnly: undefined }, 'F101'],
    ['without a class', { volumeAttributes: undefined }, 'F102'],
    ['with a class of another spelling', { volumeAttributes: { secretproviderclass: 'orders' } }, 'F102'],
    ['of a driver of another spelling', { driver: 'secrets-store.csi.x-k8s.io' }, 'F087'],
    ['of another driver', { driver: 'disk.csi.azure.com', readOnly: false }, undefined],
  ])('%s', (_what, csi, failure) =>
    expect(told([deployment(template(csi))]).map(([id]) => id)).toEqual(failure ? [failure] : []),
  );

  it('brings a service principal: its class needs no client id', () => {
    const published = deployment(template({ nodePublishSecretRef: { name: 'creds' } }));
    expect(told([published, providerClass({ clientID: undefined })])).toEqual([]);
  });
});
