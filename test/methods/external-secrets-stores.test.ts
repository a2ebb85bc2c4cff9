import { describe, expect, it } from 'vitest';
import { signInWrong, useWrong, vaultWrong } from '../../src/methods/external-secrets/store-rules.ts';
import { account, CLIENT, type Json, key, PASSWORD, store, TENANT } from './external-secrets-made.ts';

describe('how a store signs in', () => {
  it.each<[string, Json, Json | undefined, string | undefined]>([
    ['as the account of its namespace', {}, undefined, undefined],
    [
      'with its own namespace written out',
      { serviceAccountRef: { name: 'orders', namespace: 'shop' } },
      undefined,
      undefined,
    ],
    [
      'with an account of another namespace',
      { serviceAccountRef: { name: 'orders', namespace: 'ops' } },
      undefined,
      'F151',
    ],
    [
      'with a Secret of another namespace',
      {
        authType: 'ServicePrincipal',
        authSecretRef: { clientId: key('id', { namespace: 'ops' }), clientSecret: key('secret') },
      },
      undefined,
      'F151',
    ],
    ['for a custom cloud, by the old library', { customCloudConfig: {} }, undefined, 'F128'],
    ['for a custom cloud', { customCloudConfig: {}, useAzureSDK: true }, undefined, undefined],
    ['for Azure Stack without saying where it is', { environmentType: 'AzureStackCloud' }, undefined, 'F128'],
    ['without saying how', { authType: undefined }, undefined, 'F118'],
    ['as a service principal without anything', { authType: 'ServicePrincipal' }, undefined, 'F118'],
    [
      'as a service principal with half of it',
      { authType: 'ServicePrincipal', authSecretRef: { clientId: key('id') } },
      undefined,
      'F118',
    ],
    ['as a service principal', { ...PASSWORD, authType: 'ServicePrincipal' }, undefined, undefined],
    [
      'as a service principal of no tenant',
      { ...PASSWORD, authType: 'ServicePrincipal', tenantId: undefined },
      undefined,
      'F115',
    ],
    ['as two clients', { ...PASSWORD }, undefined, 'F116'],
    ['by the node', { authType: 'ManagedIdentity', serviceAccountRef: undefined }, undefined, undefined],
    ['as the operator itself', { serviceAccountRef: undefined }, undefined, undefined],
    ['as an account without the annotation', {}, {}, 'F114'],
    ['as an account whose annotation is empty', {}, { [CLIENT]: '' }, 'F114'],
    ['with the tenant in both', {}, { [CLIENT]: 'client', [TENANT]: 'tenant' }, 'F116'],
    [
      'with the tenant on the account alone',
      { tenantId: undefined },
      { [CLIENT]: 'client', [TENANT]: 'tenant' },
      undefined,
    ],
    ['with no tenant anywhere', { tenantId: undefined }, { [CLIENT]: 'client' }, 'F115'],
    ['with the client in a Secret and no annotation', { authSecretRef: { clientId: key('id') } }, {}, undefined],
    [
      'by the newer library, with the tenant in both',
      { useAzureSDK: true },
      { [CLIENT]: 'client', [TENANT]: 'tenant' },
      undefined,
    ],
    [
      'by the newer library, which takes the client from the annotation',
      { ...PASSWORD, useAzureSDK: true },
      undefined,
      undefined,
    ],
    [
      'by the newer library, with the client in a Secret and no annotation',
      { useAzureSDK: true, authSecretRef: { clientId: key('id') } },
      {},
      'F114',
    ],
    [
      'by the newer library, with the tenant in a Secret',
      { useAzureSDK: true, tenantId: undefined, authSecretRef: { tenantId: key('tenant') } },
      { [CLIENT]: 'client' },
      'F115',
    ],
    [
      'by the newer library, with the tenant on the account',
      { useAzureSDK: true, tenantId: undefined },
      { [CLIENT]: 'client', [TENANT]: 'tenant' },
      undefined,
    ],
  ])('%s', (_title, change, annotations, failure) => {
    const around = annotations ? { account: account(annotations), isWhole: true } : { isWhole: false };
    expect(signInWrong(store(change), around)?.failure).toBe(failure);
  });

  it('a cluster-wide store may name a namespace', () => {
    const wide = store({ serviceAccountRef: { name: 'orders', namespace: 'ops' } }, {}, 'ClusterSecretStore');
    expect(signInWrong(wide, { isWhole: false })).toBeUndefined();
  });

  it('has a line that mends it, which quotes what it says', () => {
    const wrong = signInWrong(store({ authType: undefined }), { isWhole: true, account: account() });
    expect(wrong?.fix?.run).toBe(
      `kubectl patch secretstore kv --namespace shop --type merge --patch '{"spec":{"provider":{"azurekv":{"authType":"WorkloadIdentity"}}}}'`,
    );
  });
});

describe('which vault a store reads', () => {
  const meant = { uri: 'https://shop-kv.vault.azure.net', environment: 'PublicCloud' };
  it.each<[string, Json, string | undefined]>([
    ['the one', {}, undefined],
    ['the one, with a slash and capitals', { vaultUrl: 'https://Shop-KV.vault.azure.net/' }, undefined],
    ['another one', { vaultUrl: 'https://other-kv.vault.azure.net' }, 'F075'],
    ['a name for an address', { vaultUrl: 'shop-kv' }, 'F075'],
    ['without TLS', { vaultUrl: 'http://shop-kv.vault.azure.net' }, 'F075'],
    ['none', { vaultUrl: undefined }, 'F075'],
    ['in the public cloud, by another', { environmentType: 'ChinaCloud' }, 'F143'],
    ['in a cloud of its own', { environmentType: 'ChinaCloud', customCloudConfig: {}, useAzureSDK: true }, undefined],
  ])('%s', (_title, change, failure) => {
    expect(vaultWrong(store(change), meant)?.failure).toBe(failure);
  });
});

describe('who may use a cluster-wide store', () => {
  const wide = (...conditions: Json[]) => store({}, { conditions }, 'ClusterSecretStore');
  const LABELS = { team: 'shop', tier: 'one' };
  it.each<[string, Json[], boolean]>([
    ['anybody without conditions', [], true],
    ['a namespace by name', [{ namespaces: ['shop'] }], true],
    ['not another one', [{ namespaces: ['mail'] }], false],
    ['one that any condition fits', [{ namespaces: ['mail'] }, { namespaces: ['shop'] }], true],
    ['one by expression', [{ namespaceRegexes: ['^sh.p$'] }], true],
    ['not one that it leaves out', [{ namespaceRegexes: ['^mail-'] }], false],
    ['whom an expression that only Go reads may fit', [{ namespaceRegexes: ['(?<x'] }], true],
    ['one by label', [{ namespaceSelector: { matchLabels: { team: 'shop' } } }], true],
    ['not one of another label', [{ namespaceSelector: { matchLabels: { team: 'mail' } } }], false],
    [
      'one among values',
      [{ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['shop'] }] } }],
      true,
    ],
    [
      'not one among others',
      [{ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['shop'] }] } }],
      false,
    ],
    [
      'one that has a label',
      [{ namespaceSelector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } }],
      true,
    ],
    [
      'not one that must lack it',
      [{ namespaceSelector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] } }],
      false,
    ],
  ])('%s', (_title, conditions, isAllowed) => {
    expect(useWrong(wide(...conditions), 'shop', LABELS)?.failure).toBe(isAllowed ? undefined : 'F123');
  });

  it('a label that cannot be looked at may fit', () => {
    const selected = wide({ namespaceSelector: { matchLabels: { team: 'mail' } } });
    expect(useWrong(selected, 'shop', undefined)).toBeUndefined();
  });

  it('a store of the namespace has no conditions to obey', () => {
    expect(useWrong(store({}, { conditions: [{ namespaces: ['mail'] }] }), 'shop', LABELS)).toBeUndefined();
  });
});
