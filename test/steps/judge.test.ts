import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { FederatedCredential } from '../../src/azure/azure.ts';
import { credentialName } from '../../src/ownership.ts';
import { KNOWN_AFTER_APPLY } from '../../src/step.ts';
import { cluster } from '../../src/steps/cluster.ts';
import { deliverer } from '../../src/steps/deliverer.ts';
import { keyVaultAddOn, oidcIssuer, workloadIdentity } from '../../src/steps/features.ts';
import { federation } from '../../src/steps/federation.ts';
import { manifest } from '../../src/steps/manifest.ts';
import { provider } from '../../src/steps/provider.ts';
import { vault } from '../../src/steps/vault.ts';
import { Problem } from '../../src/trouble.ts';
import { resource, upstream, VAULT_ID } from './made.ts';

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: n\n';

describe('cluster', () => {
  const all = [oidcIssuer, workloadIdentity, keyVaultAddOn()];
  const on = {
    provisioningState: 'Succeeded',
    powerState: { code: 'Running' },
    oidcIssuerProfile: { enabled: true, issuerURL: 'https://issuer/' },
    securityProfile: { workloadIdentity: { enabled: true } },
    addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: 'true' } } },
  };
  const step = cluster({
    wish: { resourceGroup: 'rg', name: 'aks' },
    id: 'id',
    features: all,
    workloads: ['w'],
    after: {},
  });
  const judged = (properties: object) => step.judge(resource(properties), {});

  it.each([
    ['everything on', on, 'as wanted', []],
    ['issuer off', { ...on, oidcIssuerProfile: { enabled: false } }, 'differs', ['OIDC issuer']],
    [
      'an add-on that was switched off keeps its entry',
      { ...on, addonProfiles: { azureKeyvaultSecretsProvider: { enabled: false } } },
      'differs',
      ['Key Vault add-on'],
    ],
    [
      'the key in another case',
      {
        ...on,
        addonProfiles: { azurekeyvaultsecretsprovider: { enabled: true, config: { enableSecretRotation: 'true' } } },
      },
      'as wanted',
      [],
    ],
    [
      'rotation off',
      { ...on, addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: null } } },
      'differs',
      ['secret rotation'],
    ],
    ['nothing', {}, 'differs', ['OIDC issuer', 'workload identity', 'Key Vault add-on']],
    ['another operation, nothing to change', { ...on, provisioningState: 'Updating' }, 'settling', []],
    [
      'another operation, something to change',
      { ...on, provisioningState: 'Updating', securityProfile: {} },
      'differs',
      ['workload identity'],
    ],
    ['another operation that is no change of ours', { ...on, provisioningState: 'Upgrading' }, 'good enough', []],
    ['an issuer without its address', { ...on, oidcIssuerProfile: { enabled: true } }, 'settling', []],
    [
      'an issuer without its address, and the operation failed',
      { ...on, oidcIssuerProfile: { enabled: true }, provisioningState: 'Failed' },
      'blocked',
      [],
    ],
    ['being deleted', { ...on, provisioningState: 'Deleting' }, 'blocked', []],
    [
      'null where nothing is set, and a value in another case',
      {
        ...on,
        securityProfile: { ...on.securityProfile, defender: null },
        addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: 'True' } } },
      },
      'as wanted',
      [],
    ],
    [
      'profiles that are null',
      { ...on, securityProfile: null, addonProfiles: null },
      'differs',
      ['workload identity', 'Key Vault add-on'],
    ],
    ['stopped', { ...on, powerState: { code: 'Stopped' } }, 'blocked', []],
    ['failed before', { ...on, provisioningState: 'Failed' }, 'good enough', []],
  ])('%s', (_name, properties, state, paths) => {
    expect(judged(properties)).toMatchObject({ state, differences: paths.map((path) => ({ path })) });
  });

  it('gives the issuer byte for byte, and only while it is on', () => {
    expect(judged(on).facts.oidcIssuer).toBe('https://issuer/');
    expect(
      judged({ ...on, oidcIssuerProfile: { enabled: false, issuerURL: 'https://issuer/' } }).facts.oidcIssuer,
    ).toBeUndefined();
  });

  it('says what cannot be undone and what needs a consent', () => {
    const [issuer, webhook] = judged({}).differences;
    expect(issuer).toMatchObject({ irreversible: true, consent: ['cluster', 'irreversible'] });
    expect(webhook).toMatchObject({ consent: ['cluster'] });
    expect(webhook?.irreversible).toBeUndefined();
  });

  it('sends back every property that it does not know', async () => {
    const seen = resource(
      { addonProfiles: { other: { enabled: true } }, brandNew: { a: [1] } },
      { eTag: 'e1', futureTopLevel: 7 },
    );
    let sent: unknown[] = [];
    const azure = { clusters: { put: async (...all: unknown[]) => (sent = all) } };
    await step.converge({ azure } as never, seen, {});
    expect(sent).toMatchObject([
      'id',
      {
        futureTopLevel: 7,
        properties: {
          brandNew: { a: [1] },
          addonProfiles: {
            other: { enabled: true },
            azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: 'true' } },
          },
        },
      },
      'e1',
    ]);
    expect(seen.properties).toEqual({ addonProfiles: { other: { enabled: true } }, brandNew: { a: [1] } });
  });

  it('changes the interval of the whole cluster only when asked, and keeps it otherwise', () => {
    const five = {
      ...on,
      addonProfiles: {
        azureKeyvaultSecretsProvider: {
          enabled: true,
          config: { enableSecretRotation: 'true', rotationPollInterval: '5m' },
        },
      },
    };
    expect(keyVaultAddOn().differences(five)).toEqual([]);
    expect(keyVaultAddOn('1m').differences(five)).toMatchObject([{ is: '5m', want: '1m', consent: ['cluster'] }]);
  });
});

describe('federated credential', () => {
  const issuer = 'https://westeurope.oic.prod-aks.azure.com/t/u/';
  const subject = 'system:serviceaccount:shop:orders';
  const audience = 'api://AzureADTokenExchange';
  const step = federation({
    identity: {
      wish: { resourceGroup: 'rg', name: 'orders-id' },
      id: 'i',
      marks: [],
      step: upstream('identity/orders-id'),
    },
    cluster: upstream('cluster/aks'),
    clusterId: 'aks',
    subject,
    audience,
    workloads: ['orders'],
    siblings: [subject, 'system:serviceaccount:shop:other'],
  });
  const fic = (more: Partial<FederatedCredential>): FederatedCredential => ({
    name: 'x',
    issuer,
    subject,
    audiences: [audience],
    ...more,
  });
  const judged = (...found: FederatedCredential[]) => step.judge(found, { issuer, identityId: 'i' });

  it.each([
    ['ours', fic({ name: credentialName(issuer, subject) }), 'as wanted', undefined],
    ['the same under another name', fic({ name: 'by-hand' }), 'good enough', undefined],
    ['issuer without its slash', fic({ issuer: issuer.slice(0, -1) }), 'absent', 'F050'],
    ['subject in another case', fic({ subject: 'system:serviceaccount:Shop:orders' }), 'absent', 'F053'],
    ['another service account', fic({ subject: 'system:serviceaccount:shop:web' }), 'absent', 'F052'],
    ['another cluster', fic({ issuer: 'https://other/' }), 'absent', 'F050'],
    ['another audience', fic({ audiences: ['api://other'] }), 'absent', undefined],
  ])('%s', (_name, found, state, failure) => {
    const result = judged(found);
    expect(result.state).toBe(state);
    if (failure) expect(result.findings).toMatchObject([{ verdict: 'fail', failure }]);
  });

  it('matches nothing while the issuer is not known', () => {
    expect(step.judge([fic({})], { issuer: KNOWN_AFTER_APPLY, identityId: 'i' }).state).toBe('absent');
  });

  it('foresees the limit of twenty, over what the file wants besides', () => {
    const others = (count: number) => Array.from({ length: count }, (_, i) => fic({ name: `n${i}`, subject: `s${i}` }));
    expect(judged(...others(19)).state).toBe('absent');
    expect(judged(...others(20))).toMatchObject({ state: 'blocked', note: expect.stringContaining('20') });
    const second = federation({
      identity: {
        wish: { resourceGroup: 'rg', name: 'orders-id' },
        id: 'i',
        marks: [],
        step: upstream('identity/orders-id'),
      },
      cluster: upstream('cluster/aks'),
      clusterId: 'aks',
      subject: 'system:serviceaccount:shop:other',
      audience,
      workloads: ['other'],
      siblings: [subject, 'system:serviceaccount:shop:other'],
    });
    expect(second.judge(others(19), { issuer, identityId: 'i' }).state).toBe('blocked');
    expect(second.judge(others(18), { issuer, identityId: 'i' }).state).toBe('absent');
  });
});

describe('vault', () => {
  const step = (create?: { purgeProtection: boolean; location?: string }) =>
    vault({
      wish: { resourceGroup: 'rg', name: 'kv', ...(create && { create }) },
      id: VAULT_ID,
      uri: 'https://kv.vault.azure.net',
      mark: 'm',
      workloads: [],
      location: { step: 'c', fact: 'location' },
      after: {},
    });
  it.each([
    [true, 'rbac'],
    [false, 'policies'],
    [null, 'policies'],
    [undefined, 'policies'],
  ])('enableRbacAuthorization %s means %s', (enableRbacAuthorization, mode) => {
    expect(step().judge({ vault: resource({ enableRbacAuthorization }) }, {}).facts.vaultMode).toBe(mode);
  });
  it('is blocked when it is absent and not to be made', () => {
    expect(step().judge({ vault: undefined, name: { free: true } }, {})).toMatchObject({
      state: 'blocked',
      note: expect.stringContaining('--create-vault'),
    });
    expect(step().judge({ vault: undefined, name: { free: false } }, {})).toMatchObject({
      state: 'blocked',
      note: expect.stringContaining('--vault-resource-group'),
    });
  });
  it('is blocked when a deleted vault holds the name, with the line that recovers it', () => {
    const judged = step({ purgeProtection: false, location: 'westeurope' }).judge(
      { vault: undefined, name: { free: false }, deleted: resource({}) },
      {},
    );
    expect(judged).toMatchObject({ state: 'blocked', run: 'az keyvault recover --name kv' });
  });
  it('marks purge protection as irreversible', () => {
    expect(step({ purgeProtection: true }).judge({ vault: undefined, name: { free: true } }, {})).toMatchObject({
      state: 'absent',
      differences: [{ irreversible: true, consent: ['irreversible'] }],
    });
  });
});

describe('provider', () => {
  const step = provider({ namespace: 'Microsoft.KeyVault', workloads: [], proof: async () => undefined });
  it('is taken for granted where the caller may not look: the write will tell', async () => {
    const state = async () => {
      throw new Problem('denied', 'provider', 'no');
    };
    const seen = await step.observe({ azure: { providers: { state } } } as never);
    expect(step.judge(seen, {})).toMatchObject({ state: 'good enough', facts: { registered: expect.any(String) } });
  });
});

describe('what delivers', () => {
  const step = deliverer({
    kind: 'CSI driver',
    object: { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', name: 'd' },
    cluster: upstream('cluster/aks'),
    workloads: [],
  });
  const judged = async (get: () => Promise<unknown>) =>
    step.judge(await step.observe({ kubernetes: { get } } as never), { on: 'on' });
  it('is awaited, or taken for granted by who may see only a namespace', async () => {
    expect(await judged(async () => undefined)).toMatchObject({ state: 'settling' });
    expect(await judged(async () => ({ metadata: {} }))).toMatchObject({ state: 'as wanted' });
    const denied = async () => {
      throw new Problem('denied', 'CSIDriver d', 'no');
    };
    expect(await judged(denied)).toMatchObject({ state: 'good enough', facts: { ready: 'd' } });
  });
});

describe('a Kubernetes object', () => {
  const step = manifest({
    needs: {},
    file: 'template.yaml',
    fill: () => ({ text: CONFIG_MAP, object: parse(CONFIG_MAP) }),
    workloads: [],
  });
  it('that is going away is not there', () => {
    const metadata = { name: 'c', namespace: 'n', deletionTimestamp: '2026-11-22T00:00:00Z' };
    expect(step.judge({ object: { apiVersion: 'v1', kind: 'ConfigMap', metadata } }, {}).state).toBe('settling');
  });
});
