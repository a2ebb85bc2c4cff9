import { describe, expect, it } from 'vitest';
import type { AccessPolicy, FederatedCredential, RoleAssignment } from '../../src/azure/azure.ts';
import { clusterHash } from '../../src/ownership.ts';
import type { Judged } from '../../src/step.ts';
import { access } from '../../src/steps/access.ts';
import { cluster } from '../../src/steps/cluster.ts';
import { judge as judgeExtension } from '../../src/steps/extension-state.ts';
import { keyVaultAddOn, oidcIssuer, workloadIdentity } from '../../src/steps/features.ts';
import { federation } from '../../src/steps/federation.ts';
import { identity } from '../../src/steps/identity.ts';
import { ROLES } from '../../src/steps/roles.ts';
import { secret } from '../../src/steps/secret.ts';
import { vault } from '../../src/steps/vault.ts';
import type { World } from '../../src/world.ts';
import { resource, upstream, VAULT_ID } from './made.ts';

/*
 * Which failure of the catalogue a judgement names: what `verify` says, and what a plan carries.
 */

const worst = ({ findings = [] }: Judged) => findings.find(({ verdict }) => verdict !== 'pass');

describe('cluster', () => {
  const features = [oidcIssuer, workloadIdentity, keyVaultAddOn()];
  const step = cluster({ wish: { resourceGroup: 'rg', name: 'aks' }, id: 'id', features, workloads: ['w'], after: {} });
  const on = {
    ...{ provisioningState: 'Succeeded', powerState: { code: 'Running' } },
    oidcIssuerProfile: { enabled: true, issuerURL: 'https://issuer/' },
    securityProfile: { workloadIdentity: { enabled: true } },
    addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: 'true' } } },
  };
  const addOn = (profile: object) => ({ ...on, addonProfiles: { azureKeyvaultSecretsProvider: profile } });

  it.each<[string, object | undefined, string | undefined, string | undefined, string]>([
    ['all on', on, undefined, undefined, 'pass'],
    ['issuer off', { ...on, oidcIssuerProfile: { enabled: false } }, 'AKS-OIDC-ISSUER', 'F054', 'fail'],
    ['workload identity off', { ...on, securityProfile: {} }, 'AKS-WORKLOAD-IDENTITY', 'F036', 'fail'],
    ['add-on switched off', addOn({ enabled: false }), 'AKS-KEYVAULT-ADDON', 'F019', 'fail'],
    ['add-on never on', { ...on, addonProfiles: null }, 'AKS-KEYVAULT-ADDON', 'F145', 'fail'],
    ['rotation off', addOn({ enabled: true, config: null }), 'AKS-ROTATION', 'F106', 'fail'],
    ['stopped', { ...on, powerState: { code: 'Stopped' } }, 'AKS-CLUSTER', 'F017', 'fail'],
    ['busy', { ...on, provisioningState: 'Updating' }, 'AKS-CLUSTER', 'F017', 'unknown'],
    ['gone', undefined, 'AKS-CLUSTER', undefined, 'fail'],
  ])('%s', (_name, properties, check, failure, verdict) => {
    const judged = step.judge(properties && resource(properties), {});
    const first = worst(judged);
    expect([first?.check, first?.failure, first?.verdict ?? 'pass']).toEqual([check, failure, verdict]);
    expect(judged.failure).toBe(failure);
  });

  it('says one thing each, also of what is well', () => {
    expect(step.judge(resource(on), {}).findings?.map(({ check }) => check)).toEqual([
      ...['AKS-CLUSTER', 'AKS-OIDC-ISSUER', 'AKS-WORKLOAD-IDENTITY', 'AKS-KEYVAULT-ADDON', 'AKS-ROTATION'],
    ]);
  });

  const daemonSet = (name: string, image: string, more: object = {}) => ({
    metadata: { namespace: 'csi', name, ...more },
    spec: { template: { spec: { containers: [{ image, args: ['--enable-secret-rotation=true'] }] } } },
  });
  const appealed = (lists: Record<string, unknown[]>, driver: object | undefined) => {
    const judged = step.judge(resource({ ...on, addonProfiles: null, securityProfile: {} }), {});
    const kubernetes = { get: async () => driver, list: async ({ kind }: { kind: string }) => lists[kind] ?? [] };
    return step.appeal!({ kubernetes } as unknown as World, judged.findings ?? []);
  };
  const driver = 'mcr.microsoft.com/oss/v2/kubernetes-csi/secrets-store/driver:v1.5.4';
  const provider = 'mcr.microsoft.com/oss/v2/azure/secrets-store/provider-azure:v1.7.2';
  const webhook = (namespace: string) => ({
    metadata: { name: 'azure-wi' },
    webhooks: [{ name: 'mutation.azure-workload-identity.io', clientConfig: { service: { namespace } } }],
  });

  it('a driver and a webhook that somebody installed himself are well', async () => {
    const found = await appealed(
      {
        DaemonSet: [daemonSet('driver', driver), daemonSet('provider', provider)],
        MutatingWebhookConfiguration: [webhook('azure-workload-identity-system')],
      },
      { spec: {} },
    );
    expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([
      ...[
        ['AKS-CLUSTER', 'pass'],
        ['AKS-OIDC-ISSUER', 'pass'],
        ['AKS-WORKLOAD-IDENTITY', 'pass'],
      ],
      ...[
        ['AKS-KEYVAULT-ADDON', 'pass'],
        ['AKS-ROTATION', 'pass'],
      ],
    ]);
    expect(found[3]?.observed).toContain('csi/driver');
  });

  it.each<[string, Record<string, unknown[]>, object | undefined]>([
    ['nothing', {}, undefined],
    ['a driver without the provider', { DaemonSet: [daemonSet('driver', driver)] }, { spec: {} }],
    [
      "what is left of the add-on's own",
      {
        DaemonSet: [daemonSet('d', driver), daemonSet('p', provider)].map((one) => ({
          ...one,
          metadata: { ...one.metadata, labels: { 'kubernetes.azure.com/managedby': 'aks' } },
        })),
        MutatingWebhookConfiguration: [webhook('kube-system')],
      },
      { spec: {} },
    ],
  ])('%s is no other means', async (_name, lists, csiDriver) => {
    const verdicts = (await appealed(lists, csiDriver)).map(({ verdict }) => verdict);
    expect(verdicts).toEqual(['pass', 'pass', 'fail', 'fail']);
  });
});

describe('credential', () => {
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
    ...{
      cluster: upstream('cluster/aks'),
      clusterId: 'aks',
      subject,
      audience,
      workloads: ['orders'],
      siblings: [subject],
    },
  });
  const fic = (more: Partial<FederatedCredential>): FederatedCredential => ({
    ...{ name: 'by-hand', issuer, subject, audiences: [audience] },
    ...more,
  });
  const judged = (...found: FederatedCredential[]) => step.judge(found, { issuer, identityId: 'i' });

  it.each<[string, FederatedCredential[], string, boolean]>([
    ['none', [], 'F049', false],
    [
      'of another identity’s workload',
      [fic({ subject: 'system:serviceaccount:a:b', issuer: 'https://other/' })],
      'F049',
      false,
    ],
    ['another cluster', [fic({ issuer: 'https://other/' })], 'F050', false],
    ['no slash', [fic({ issuer: issuer.slice(0, -1) })], 'F050', true],
    ['another audience', [fic({ audiences: ['api://other'] })], 'F051', true],
    ['another service account', [fic({ subject: `${subject}-v2` })], 'F052', false],
    ['subject in another case', [fic({ subject: 'system:serviceaccount:Shop:orders' })], 'F053', true],
    ['issuer in another case', [fic({ issuer: issuer.replace('westeurope', 'WestEurope') })], 'F053', true],
    [
      'twenty others',
      Array.from({ length: 20 }, (_, i) => fic({ name: `n${i}`, subject: `s${i}`, issuer: 'https://o/' })),
      'F014',
      false,
    ],
  ])('%s', (_name, found, failure, isMeant) => {
    const result = judged(...found);
    expect(result.failure).toBe(failure);
    expect(result.findings).toMatchObject([{ check: 'AKS-FIC-TRUST', verdict: 'fail', failure }]);
    // One that may serve somebody else is not changed; only what nobody else can mean.
    expect(result.findings?.[0]?.fix?.run !== undefined).toBe(isMeant);
    if (isMeant) expect(result.findings?.[0]?.fix?.run).toContain('az identity federated-credential update');
  });
});

describe('access', () => {
  const mark = `${clusterHash('c')}/shop/orders`;
  const make = (
    kinds: readonly ('secret' | 'key')[] = ['secret'],
    scope: 'vault' | 'secret' = 'vault',
    lists = false,
  ) =>
    access({
      vault: {
        wish: { resourceGroup: 'rg', name: 'kv' },
        id: VAULT_ID,
        uri: 'https://kv.vault.azure.net',
        step: upstream('vault/kv'),
      },
      identity: {
        wish: { resourceGroup: 'rg', name: 'orders-id' },
        id: 'i',
        marks: [mark],
        step: upstream('identity/orders-id'),
      },
      ...{
        credentials: [],
        secrets: kinds.map((kind) => ({ kind, name: kind, as: kind })),
        scope,
        mark,
        workloads: ['orders'],
        lists,
      },
    });
  const grant = (more: Partial<RoleAssignment> = {}): RoleAssignment => ({
    ...{ id: 'a', scope: VAULT_ID, role: ROLES.secretsUser, principalId: 'p' },
    ...more,
  });
  const policy = (more: Partial<AccessPolicy & { applicationId: string }> = {}) => ({
    ...{ objectId: 'p', tenantId: 't', permissions: { secrets: ['get'] } },
    ...more,
  });
  const judged = (mode: string, assignments: RoleAssignment[], accessPolicies: object[] = [], step = make()) =>
    step.judge(
      { vault: resource({ accessPolicies, tenantId: 't' }), assignments, held: undefined },
      { principalId: 'p', tenantId: 't', mode },
    );

  it.each<[string, Judged, string]>([
    ['no role', judged('rbac', []), 'F067'],
    ['a role that reads no secret', judged('rbac', [grant({ role: ROLES.reader })]), 'F067'],
    ['a role for secrets, and a key is wanted', judged('rbac', [grant()], [], make(['secret', 'key'])), 'F068'],
    ['a policy, and the vault decides by roles', judged('rbac', [], [policy()]), 'F071'],
    [
      'our role, given to an identity that is gone',
      judged('rbac', [grant({ principalId: 'old', description: `aks-secrets ${mark}` })]),
      'F022',
    ],
    ['no policy', judged('policies', []), 'F069'],
    [
      'a policy that lists and does not get',
      judged('policies', [], [policy({ permissions: { secrets: ['list'] } })]),
      'F069',
    ],
    ['a role, and the vault decides by policies', judged('policies', [grant()]), 'F070'],
    ['a policy for an application on its behalf', judged('policies', [], [policy({ applicationId: 'x' })]), 'F072'],
    [
      'a policy that gets and does not list',
      judged('policies', [], [policy()], make(['secret'], 'vault', true)),
      'F127',
    ],
  ])('%s', (_name, result, failure) => {
    expect(result.failure).toBe(failure);
    expect(worst(result)).toMatchObject({ check: 'AKS-ACCESS', verdict: 'fail', failure });
    expect(worst(result)?.observed).not.toBe('');
  });

  it('another tenant is F084, whatever is granted', () => {
    const result = make().judge(
      { vault: resource({ tenantId: 'other' }), assignments: [grant()], held: undefined },
      { principalId: 'p', tenantId: 't', mode: 'rbac' },
    );
    expect(worst(result)).toMatchObject({ failure: 'F084', observed: expect.stringContaining('other') });
  });

  it.each<[string, Judged]>([
    ['a role on each of the secrets', judged('rbac', [grant({ scope: `${VAULT_ID}/secrets/secret` })])],
    ['a policy, where a narrower one was asked for', judged('policies', [], [policy()], make(['secret'], 'secret'))],
  ])('%s is access by other means', (_name, result) => {
    expect(result.failure).toBeUndefined();
    expect(result.findings).toMatchObject([
      { check: 'AKS-ACCESS', verdict: 'pass', observed: expect.stringContaining('by ') },
    ]);
  });

  it('a role of somebody’s own is for the proof to tell', () => {
    expect(judged('rbac', [grant({ role: 'custom' })]).findings).toMatchObject([
      { verdict: 'unknown', failure: 'F067' },
    ]);
  });
});

describe('what is in Azure besides', () => {
  const common = { workloads: ['w'], location: { step: 'c', fact: 'location' as const }, after: {} };
  it('no identity, no vault', () => {
    const none = identity({
      wish: { resourceGroup: 'rg', name: 'i' },
      id: 'i',
      called: 'i',
      mark: 'm',
      marks: [],
      ...common,
    });
    expect(none.judge(undefined, {}).failure).toBe('F055');
    const gone = vault({ wish: { resourceGroup: 'rg', name: 'kv' }, id: VAULT_ID, uri: 'u', mark: 'm', ...common });
    expect(gone.judge({ vault: undefined }, {}).failure).toBe('F075');
  });

  const at = new Date('2026-11-22T12:00:00Z');
  const of = (kind: 'secret' | 'key', found: object | undefined | 'hidden') =>
    secret({
      vault: { wish: { resourceGroup: 'rg', name: 'kv' }, uri: 'u', step: upstream('vault/kv') },
      wanted: { kind, name: 'a', as: 'a' },
      workloads: ['w'],
      grant: undefined,
    }).judge({ at, found: found as never }, {});
  it.each<[string, Judged, string | undefined, string | undefined]>([
    ['a secret that is there', of('secret', { name: 'a', enabled: true }), undefined, undefined],
    ['none', of('secret', undefined), 'F077', 'fail'],
    ['no key', of('key', undefined), 'F078', 'fail'],
    ['disabled', of('secret', { name: 'a', enabled: false }), 'F079', 'fail'],
    ['expired', of('secret', { name: 'a', enabled: true, expires: new Date('2026-11-01') }), 'F080', 'warn'],
    ['not valid yet', of('secret', { name: 'a', enabled: true, starts: new Date('2026-12-01') }), 'F080', 'warn'],
    [
      'valid until tomorrow',
      of('secret', { name: 'a', enabled: true, expires: new Date('2026-11-23') }),
      undefined,
      undefined,
    ],
  ])('%s', (_name, result, failure, verdict) => {
    expect([worst(result)?.failure, worst(result)?.verdict]).toEqual([failure, verdict]);
  });
  it('one that is not to be looked at lacks a right, and is not well by that', () => {
    expect(of('key', 'hidden').unseen).toBe('Microsoft.KeyVault/vaults/keys/read');
  });

  const extension = (properties: object) => ({ ...resource(properties), name: 'dapr' });
  const state = (properties: object, sku?: string) =>
    judgeExtension(
      { cluster: resource({}, sku ? { sku: { name: sku } } : {}), extension: extension(properties) },
      { resourceGroup: 'rg', name: 'aks' },
    ).failure;
  it.each([
    ['Failed to resolve the extension version from the given values', 'F020'],
    ['cannot be imported into the current release: invalid ownership metadata', 'F021'],
    ['ExtensionTypeRegistrationGetFailed', 'F002'],
    ['admission policy aks-managed-protect-system-namespaces denied', 'F023'],
    ['timed out waiting for the condition', 'F024'],
  ])('an extension that says %j', (message, failure) => {
    expect(state({ provisioningState: 'Failed', errorInfo: { code: 'X', message } })).toBe(failure);
  });
  it('an extension on its way, and a cluster that takes none', () => {
    expect(state({ provisioningState: 'Creating' })).toBe('F024');
    expect(state({ provisioningState: 'Failed' }, 'Automatic')).toBe('F023');
  });
});
