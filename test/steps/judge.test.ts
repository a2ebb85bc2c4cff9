import { describe, expect, it } from 'vitest';
import type { FederatedCredential, Resource, RoleAssignment } from '../../src/azure/azure.ts';
import { credentialName } from '../../src/ownership.ts';
import { KNOWN_AFTER_APPLY, type Step } from '../../src/step.ts';
import { access } from '../../src/steps/access.ts';
import { cluster } from '../../src/steps/cluster.ts';
import { keyVaultAddOn, oidcIssuer, workloadIdentity } from '../../src/steps/features.ts';
import { federation } from '../../src/steps/federation.ts';
import { grantSelf, takeBack } from '../../src/steps/grant.ts';
import { ROLES } from '../../src/steps/roles.ts';
import { secret } from '../../src/steps/secret.ts';
import { vault } from '../../src/steps/vault.ts';

const upstream = (id: string): Step => ({ id }) as Step;
const VAULT_ID = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv';
const resource = (properties: object, more: object = {}): Resource => ({
  id: VAULT_ID,
  name: 'x',
  location: 'westeurope',
  properties: { ...properties },
  ...more,
});

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
    identity: { wish: { resourceGroup: 'rg', name: 'orders-id' }, id: 'i', step: upstream('identity/orders-id') },
    cluster: upstream('cluster/aks'),
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
      identity: { wish: { resourceGroup: 'rg', name: 'orders-id' }, id: 'i', step: upstream('identity/orders-id') },
      cluster: upstream('cluster/aks'),
      subject: 'system:serviceaccount:shop:other',
      audience,
      workloads: ['other'],
      siblings: [subject, 'system:serviceaccount:shop:other'],
    });
    expect(second.judge(others(19), { issuer, identityId: 'i' }).state).toBe('blocked');
    expect(second.judge(others(18), { issuer, identityId: 'i' }).state).toBe('absent');
  });
});

describe('access', () => {
  const make = (scope: 'vault' | 'secret', names = ['db-password']) =>
    access({
      vault: {
        wish: { resourceGroup: 'rg', name: 'kv' },
        id: VAULT_ID,
        uri: 'https://kv.vault.azure.net',
        step: upstream('vault/kv'),
      },
      identity: { wish: { resourceGroup: 'rg', name: 'orders-id' }, step: upstream('identity/orders-id') },
      secrets: names.map((name) => ({ kind: 'secret', name, as: name })),
      scope,
      mark: 'abc123/shop/orders',
      workloads: ['orders'],
    });
  const grant = (more: Partial<RoleAssignment>): RoleAssignment => ({
    id: 'a',
    scope: VAULT_ID,
    role: ROLES.secretsUser,
    principalId: 'p',
    ...more,
  });
  const judged = (
    step: Step,
    mode: string,
    assignments: RoleAssignment[],
    vaultResource = resource({}),
    held?: unknown,
  ) => step.judge({ vault: vaultResource, assignments, held }, { principalId: 'p', tenantId: 't', mode });

  it.each<[string, Partial<RoleAssignment>, string]>([
    ['ours', { description: 'aks-secrets abc123/shop/orders' }, 'as wanted'],
    ['somebody else’s', {}, 'good enough'],
    ['inherited from the resource group', { scope: '/subscriptions/s/resourceGroups/rg' }, 'good enough'],
    ['ids in another case', { scope: VAULT_ID.toUpperCase() }, 'good enough'],
    ['a stronger role', { role: ROLES.administrator }, 'good enough'],
    ['on the secret itself', { scope: `${VAULT_ID}/secrets/db-password` }, 'absent'],
    ['on a vault whose name begins alike', { scope: `${VAULT_ID}2` }, 'absent'],
    ['another principal', { principalId: 'q' }, 'absent'],
    ['a role that reads no secret', { role: ROLES.reader }, 'absent'],
    ['with a condition', { condition: '@Resource[...]' }, 'absent'],
  ])('by role: %s', (_name, more, state) => {
    expect(judged(make('vault'), 'rbac', [grant(more)]).state).toBe(state);
  });

  it('counts what a vault-wide role opens besides', () => {
    const held = ['db-password', 'api-key', 'other'].map((name) => ({ name, enabled: true }));
    expect(judged(make('vault'), 'rbac', [], resource({}), held).note).toContain('2 other secrets');
    expect(judged(make('secret'), 'rbac', [], resource({}), held).note).toBeUndefined();
  });

  it('needs every secret at secret scope, and takes a wider grant', () => {
    const step = make('secret', ['a', 'b']);
    expect(judged(step, 'rbac', [grant({ scope: `${VAULT_ID}/secrets/a` })]).state).toBe('absent');
    expect(
      judged(
        step,
        'rbac',
        ['a', 'b'].map((name) => grant({ scope: `${VAULT_ID}/secrets/${name}` })),
      ).state,
    ).toBe('good enough');
    expect(judged(step, 'rbac', [grant({})]).state).toBe('good enough');
  });

  it.each([
    ['none', [], 'absent'],
    ['get', [{ objectId: 'p', permissions: { secrets: ['Get'] } }], 'as wanted'],
    ['all', [{ objectId: 'p', permissions: { secrets: ['all'] } }], 'as wanted'],
    ['list only', [{ objectId: 'p', permissions: { secrets: ['list'] } }], 'absent'],
    [
      'on behalf of an application',
      [{ objectId: 'p', applicationId: 'app', permissions: { secrets: ['get'] } }],
      'absent',
    ],
    ['somebody else', [{ objectId: 'q', permissions: { secrets: ['get'] } }], 'absent'],
  ])('by policy: %s', (_name, accessPolicies, state) => {
    expect(judged(make('vault'), 'policies', [grant({})], resource({ accessPolicies })).state).toBe(state);
  });

  it('refuses secret scope on a vault that decides by policies', () => {
    expect(judged(make('secret'), 'policies', []).state).toBe('blocked');
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

describe('secret', () => {
  const make = (more: object) =>
    secret({
      vault: { wish: { resourceGroup: 'rg', name: 'kv' }, uri: 'u', step: upstream('vault/kv') },
      wanted: { kind: 'secret', name: 's', as: 's', ...more },
      workloads: [],
      grant: undefined,
    });
  const value = { env: 'V' };
  it.each([
    ['absent, no value', {}, { found: undefined }, 'blocked'],
    ['absent, a value', { value }, { found: undefined }, 'absent'],
    ['there', {}, { found: { name: 's', enabled: true } }, 'as wanted'],
    ['there, a value but no --rotate: it stays', { value }, { found: { name: 's', enabled: true } }, 'as wanted'],
    ['there, --rotate', { value, rotate: true }, { found: { name: 's', enabled: true } }, 'differs'],
    [
      'rotated in this run',
      { value, rotate: true },
      { found: { name: 's', enabled: true }, written: true },
      'as wanted',
    ],
    ['--rotate without a value', { rotate: true }, { found: { name: 's', enabled: true } }, 'blocked'],
    ['disabled', {}, { found: { name: 's', enabled: false } }, 'blocked'],
  ])('%s', (_name, more, seen, state) => {
    expect(make(more).judge(seen, {}).state).toBe(state);
  });
});

describe('temporary grant', () => {
  const kv = { wish: { resourceGroup: 'rg', name: 'kv' }, id: VAULT_ID, step: upstream('vault/kv') };
  const grant = grantSelf({ vault: kv, secrets: [{ kind: 'secret', name: 's', as: 's' }], keep: false, workloads: [] });
  const end = takeBack({ vault: kv, grant, behind: [], workloads: [] });
  const left = {
    id: 'g1',
    scope: `${VAULT_ID}/secrets/s`,
    role: ROLES.secretsOfficer,
    principalId: 'me',
    description: 'aks-secrets temporary grant',
  };

  it('is not needed by who may write already', () => {
    const seen = { callerId: 'me', assignments: [{ ...left, scope: VAULT_ID, description: 'by hand' }] };
    expect(grant.judge(seen, { mode: 'rbac' })).toMatchObject({ state: 'as wanted', facts: { granted: 'none' } });
    expect(end.judge({ assignments: seen.assignments }, { grant: 'none' }).state).toBe('as wanted');
  });
  it('is taken back in the run that gives it, and in the next when that was cut off', () => {
    expect(grant.judge({ callerId: 'me', assignments: [] }, { mode: 'rbac' }).state).toBe('absent');
    expect(end.judge({ assignments: [] }, { grant: KNOWN_AFTER_APPLY }).state).toBe('differs');
    expect(end.judge({ assignments: [left] }, {}).state).toBe('differs');
  });
  it('is not given on a vault that decides by policies', () => {
    expect(grant.judge({ callerId: 'me', assignments: [] }, { mode: 'policies' }).state).toBe('blocked');
  });
});
