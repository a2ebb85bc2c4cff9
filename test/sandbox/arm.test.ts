import { ContainerServiceClient } from '@azure/arm-containerservice';
import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { CALLER } from '../../src/sandbox/world/demo.ts';
import { assign, location, makeIdentity, trust } from './arm-world.ts';
import { arm, ask, CLUSTER, IDENTITY, sandbox, VAULT } from './harness.ts';

describe('the SDK clients', () => {
  it('switch a cluster on, and make vault, identity and federated credential', async () => {
    const one = await sandbox();
    const { agent } = one.surroundings;
    const subscription = String(one.surroundings.defaults.subscription);
    const credential = await one.surroundings.credential();

    const clusters = new ContainerServiceClient(credential, subscription, { agent }).managedClusters;
    const before = await clusters.get('demo-rg', 'demo-aks');
    expect(before.oidcIssuerProfile?.enabled).toBe(false);
    const after = await clusters.createOrUpdate(
      'demo-rg',
      'demo-aks',
      {
        ...before,
        oidcIssuerProfile: { enabled: true },
        securityProfile: { workloadIdentity: { enabled: true } },
        addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: 'true' } } },
      },
      { updateIntervalInMs: 1, ...(before.eTag && { ifMatch: before.eTag }) },
    );
    expect(after.provisioningState).toBe('Succeeded');
    expect(after.oidcIssuerProfile?.issuerURL).toMatch(
      /^https:\/\/westeurope\.oic\.prod-aks\.azure\.com\/[^/]+\/[^/]+\/$/,
    );
    expect(after.addonProfiles?.azureKeyvaultSecretsProvider?.identity?.clientId).toMatch(/^[0-9a-f-]{36}$/);
    expect(after.eTag).not.toBe(before.eTag);

    const identities = new ManagedServiceIdentityClient(credential, subscription, { agent });
    const identity = await identities.userAssignedIdentities.createOrUpdate('demo-rg', 'demo-id', { location });
    const credentials = identities.federatedIdentityCredentials;
    for (let n = 0; n < 7; n += 1) {
      await credentials.createOrUpdate(
        'demo-rg',
        'demo-id',
        `fic-${n}`,
        trust(`system:serviceaccount:a:b${n}`).properties,
      );
    }
    const listed = [];
    for await (const each of credentials.list('demo-rg', 'demo-id')) listed.push(each.name);
    expect(listed).toHaveLength(7); // more than one page
    expect(identity.principalId).not.toBe(identity.clientId);

    const vaults = new KeyVaultManagementClient(credential, subscription, { agent }).vaults;
    const made = await vaults.createOrUpdate('demo-rg', 'other-kv', {
      location,
      properties: { tenantId: one.place.tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [] },
    });
    expect(made.properties.enableRbacAuthorization).toBe(true); // the default since 2026-02-01
    expect(made.properties.vaultUri).toBe('https://other-kv.vault.azure.net/');
    expect(one.errors).toEqual([]);
  });
});

describe('a request', () => {
  it.each([
    ['without a token', {}, '?api-version=2026-06-01', 401, 'AuthenticationFailed'],
    [
      'with a foreign token',
      { authorization: 'Bearer a.b.c' },
      '?api-version=2026-06-01',
      401,
      'InvalidAuthenticationToken',
    ],
    ['without api-version', undefined, '', 400, 'MissingApiVersionParameter'],
    ['with an old api-version', undefined, '?api-version=2019-01-01', 400, 'NoRegisteredProviderFound'],
    ['with a malformed api-version', undefined, '?api-version=new', 400, 'InvalidApiVersionParameter'],
    ['with an encoded query key', undefined, '?api%2Dversion=2026-06-01', 200, undefined],
  ])('%s', async (_title, headers, query, status, code) => {
    const one = await sandbox();
    const credential = await one.surroundings.credential();
    const { token } = await credential.getToken('https://management.azure.com/.default');
    const url = `https://management.azure.com/subscriptions/${one.place.subscriptionId}/${CLUSTER}${query}`;
    const answer = await ask(one, 'GET', url, undefined, headers ?? { authorization: `Bearer ${token}` });
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
    expect(answer.headers['x-ms-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    if (status === 401) expect(answer.headers['www-authenticate']).toContain('authorization_uri=');
  });

  it('with a token for Key Vault is refused', async () => {
    const one = await sandbox();
    const { token } = await (await one.surroundings.credential()).getToken('https://vault.azure.net/.default');
    const answer = await arm(one, 'GET', CLUSTER, undefined, { authorization: `Bearer ${token}` });
    expect(answer.body.error.code).toBe('InvalidAuthenticationTokenAudience');
  });

  it.each([
    ['GET', '/subscriptions/00000000-0000-0000-0000-000000000000', 404, 'SubscriptionNotFound'],
    ['GET', 'resourceGroups/none', 404, 'ResourceGroupNotFound'],
    ['GET', CLUSTER.replace('demo-rg', 'none'), 404, 'ResourceGroupNotFound'],
    ['GET', CLUSTER.replace('demo-aks', 'none'), 404, 'ResourceNotFound'],
    ['GET', VAULT.toUpperCase().replace('PROVIDERS', 'providers'), 200, undefined],
    ['GET', 'providers/Microsoft.KubernetesConfiguration', 200, undefined],
    ['GET', 'providers/Microsoft.Nonsense', 404, 'InvalidResourceNamespace'],
    ['POST', `${CLUSTER}/runCommand`, 501, 'NotImplementedBySandbox'],
    ['DELETE', 'resourceGroups/demo-rg', 501, 'NotImplementedBySandbox'],
  ])('%s %s: %i %s', async (method, path, status, code) => {
    const answer = await arm(await sandbox(), method, path);
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  });
});

describe('the caller', () => {
  it('who is Contributor may make an identity and not assign a role', async () => {
    const one = await sandbox();
    one.world.noRoleAssignmentRights();
    const { principalId } = await makeIdentity(one);
    const refused = await assign(one, VAULT, principalId);
    expect([refused.status, refused.body.error.code]).toEqual([403, 'AuthorizationFailed']);
    expect(refused.body.error.message).toContain(
      `The client '${CALLER.name}' with object id '${CALLER.objectId}' does not have authorization to perform action ` +
        "'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/",
    );
  });
  it('who is Reader may look and not change', async () => {
    const one = await sandbox();
    one.world.callerIs('Reader');
    expect((await arm(one, 'GET', CLUSTER)).status).toBe(200);
    expect((await arm(one, 'PUT', IDENTITY, { location })).body.error.code).toBe('AuthorizationFailed');
    expect((await arm(one, 'POST', `${CLUSTER}/listClusterUserCredential`)).body.error.code).toBe(
      'AuthorizationFailed',
    );
  });
});

describe('providers', () => {
  it('register by and by, and their types cannot be made before', async () => {
    const one = await sandbox();
    delete one.place.slice.providers['microsoft.managedidentity'];
    expect((await arm(one, 'PUT', IDENTITY, { location })).body.error.code).toBe('MissingSubscriptionRegistration');
    const path = 'providers/Microsoft.ManagedIdentity';
    const state = async (method: string, tail = '') =>
      (await arm(one, method, `${path}${tail}?x=1`)).body.registrationState;
    expect(await state('GET')).toBe('NotRegistered');
    expect(await state('POST', '/register')).toBe('Registering');
    one.advance(120_000);
    expect(await state('GET')).toBe('Registered');
    expect((await arm(one, 'PUT', IDENTITY, { location })).status).toBe(201);
  });
});

describe('a vault', () => {
  const properties = (one: Sandbox, more: object = {}) => ({
    location,
    properties: { tenantId: one.place.tenantId, sku: { family: 'A', name: 'standard' }, ...more },
  });

  it('that exists is really replaced by a PUT, policies and all', async () => {
    const one = await sandbox();
    const policy = (id: string, secrets: string[]) => ({
      properties: { accessPolicies: [{ tenantId: one.place.tenantId, objectId: id, permissions: { secrets } }] },
    });
    await arm(one, 'PUT', `${VAULT}/accessPolicies/add`, policy('a', ['get']));
    await arm(one, 'PUT', `${VAULT}/accessPolicies/add`, policy('b', ['get', 'list']));
    await arm(one, 'PUT', `${VAULT}/accessPolicies/add`, policy('a', ['list']));
    await arm(one, 'PUT', `${VAULT}/accessPolicies/remove`, policy('b', ['get', 'list']));
    const merged = (await arm(one, 'GET', VAULT)).body.properties.accessPolicies;
    expect(merged).toMatchObject([{ objectId: 'a', permissions: { secrets: ['get', 'list'] } }]);
    await arm(one, 'PUT', VAULT, properties(one, { accessPolicies: [] }));
    expect((await arm(one, 'GET', VAULT)).body.properties.accessPolicies).toEqual([]);
  });

  it('that is deleted keeps its name, is recovered without its assignments, and is purged by time', async () => {
    const one = await sandbox();
    const { principalId } = await makeIdentity(one);
    await assign(one, VAULT, principalId);
    expect((await arm(one, 'DELETE', VAULT)).status).toBe(200);
    await expect(ask(one, 'GET', 'https://demo-kv.vault.azure.net/secrets?api-version=7.4')).rejects.toMatchObject({
      code: 'ENOTFOUND',
    });
    expect((await arm(one, 'PUT', VAULT, properties(one))).body.error.code).toBe('VaultAlreadyExists');
    const deleted = `providers/Microsoft.KeyVault/locations/${location}/deletedVaults/demo-kv`;
    expect((await arm(one, 'GET', deleted)).body.properties.vaultId).toMatch(/demo-kv$/);
    expect((await arm(one, 'PUT', VAULT, properties(one, { createMode: 'recover' }))).status).toBe(200);
    const filter = encodeURIComponent(`principalId eq '${principalId}'`);
    expect(
      (await arm(one, 'GET', `${VAULT}/providers/Microsoft.Authorization/roleAssignments?$filter=${filter}`)).body
        .value,
    ).toEqual([]);
    await arm(one, 'DELETE', VAULT);
    one.advance(91 * 86_400_000);
    expect((await arm(one, 'GET', deleted)).status).toBe(404);
    expect((await arm(one, 'PUT', VAULT, properties(one))).status).toBe(201);
  });

  it('that was deleted is purged, unless it is protected', async () => {
    const one = await sandbox();
    const deleted = `providers/Microsoft.KeyVault/locations/${location}/deletedVaults/demo-kv`;
    expect((await arm(one, 'POST', `${deleted}/purge`)).body.error.code).toBe('DeletedVaultNotFound');
    await arm(one, 'DELETE', VAULT);
    expect((await arm(one, 'POST', `${deleted}/purge`)).status).toBe(200);
    expect((await arm(one, 'GET', deleted)).status).toBe(404);
    expect((await arm(one, 'PUT', VAULT, properties(one, { enablePurgeProtection: true }))).status).toBe(201);
    await arm(one, 'DELETE', VAULT);
    expect((await arm(one, 'POST', `${deleted}/purge`)).body.error.code).toBe('DeletedVaultPurge');
  });

  it.each(['managedHSMs', 'deletedManagedHSMs'])('has no %s beside it', async (kind) => {
    expect((await arm(await sandbox(), 'GET', `providers/Microsoft.KeyVault/${kind}`)).body).toEqual({ value: [] });
  });

  it('is listed among the resources of its group', async () => {
    const one = await sandbox();
    const named = async (filter: string): Promise<string[]> =>
      (await arm(one, 'GET', `resources?$filter=${encodeURIComponent(filter)}&$expand=createdTime`)).body.value.map(
        ({ name }: { name: string }) => name,
      );
    expect(await named("resourceGroup eq 'DEMO-RG'")).toContain('demo-kv');
    expect(await named("resourceGroup eq 'other-rg'")).toEqual([]);
    expect(await named("resourceGroup eq 'demo-rg' and resourceType eq 'Microsoft.KeyVault/vaults'")).toEqual([
      'demo-kv',
    ]);
  });

  it.each(['ab', '1abc', 'a--b', 'abc-', 'a'.repeat(25), 'a_b'])('cannot be called %s', async (name) => {
    const one = await sandbox();
    const put = await arm(one, 'PUT', VAULT.replace('demo-kv', name), properties(one));
    expect(put.body.error.code).toBe('VaultNameNotValid');
    const check = await arm(one, 'POST', 'providers/Microsoft.KeyVault/checkNameAvailability', {
      name,
      type: 'Microsoft.KeyVault/vaults',
    });
    expect(check.body).toMatchObject({ nameAvailable: false, reason: 'AccountNameInvalid' });
  });

  it('takes purge protection for good, and tags by the tags API alone', async () => {
    const one = await sandbox();
    expect(
      (await arm(one, 'PUT', VAULT.replace('demo-kv', 'new-kv'), properties(one, { enablePurgeProtection: false })))
        .status,
    ).toBe(400);
    const tags = `/subscriptions/${one.place.subscriptionId}/${VAULT}/providers/Microsoft.Resources/tags/default`;
    await arm(one, 'PATCH', tags, { operation: 'Merge', properties: { tags: { ours: 'yes' } } });
    expect((await arm(one, 'GET', VAULT)).body.tags).toEqual({ ours: 'yes' });
    await arm(one, 'PATCH', tags, { operation: 'Delete', properties: { tags: { ours: 'yes' } } });
    expect((await arm(one, 'GET', VAULT)).body.tags).toEqual({});
  });
});
