import { randomUUID } from 'node:crypto';
import { ContainerServiceClient } from '@azure/arm-containerservice';
import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { CALLER } from '../../src/sandbox/world/demo.ts';
import { putCluster } from '../../src/sandbox/world/put.ts';
import { arm, ask, CLUSTER, IDENTITY, roleDefinition, SECRETS_USER, sandbox, VAULT } from './harness.ts';

const location = 'westeurope';
const makeIdentity = async (one: Sandbox) => (await arm(one, 'PUT', IDENTITY, { location })).body.properties;
const trust = (subject: string, issuer = 'https://issuer.example/') => ({
  properties: { issuer, subject, audiences: ['api://AzureADTokenExchange'] },
});
const assign = (one: Sandbox, scope: string, principalId: string, more: object = {}, name = randomUUID()) =>
  arm(one, 'PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`, {
    properties: {
      roleDefinitionId: roleDefinition(one, SECRETS_USER),
      principalId,
      principalType: 'ServicePrincipal',
      ...more,
    },
  });

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

describe('a cluster', () => {
  const read = async (one: Sandbox) => (await arm(one, 'GET', CLUSTER)).body;
  const change = (resource: { properties: object }, properties: object) => ({
    ...resource,
    properties: { ...resource.properties, ...properties },
  });

  it('keeps what no model knows, and loses what a PUT leaves out', async () => {
    const one = await sandbox();
    const held = Object.values(one.place.slice.clusters)[0]!.resource;
    held.properties.futureProfile = { deep: ['kept'] };
    const body = await read(one);
    await arm(
      one,
      'PUT',
      CLUSTER,
      change(body, { oidcIssuerProfile: { enabled: true }, autoUpgradeProfile: undefined }),
    );
    one.advance(600_000);
    const after = await read(one);
    expect(after.properties.futureProfile).toEqual({ deep: ['kept'] });
    expect(after.properties).not.toHaveProperty('autoUpgradeProfile');
    expect(after.properties.fqdn).toBe(body.properties.fqdn);
  });

  it.each([
    ['an unknown property', { futureProfile: {} }, 'UnmarshalError'],
    ['an unknown property deeper', { securityProfile: { workloadIdentitty: {} } }, 'UnmarshalError'],
    [
      'an unknown property of an add-on',
      { addonProfiles: { azureKeyvaultSecretsProvider: { enable: true } } },
      'UnmarshalError',
    ],
    [
      'workload identity without issuer',
      { securityProfile: { workloadIdentity: { enabled: true } } },
      'InvalidParameter',
    ],
    [
      'add-on values that are no text',
      { addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: true } } } },
      'InvalidParameter',
    ],
    ['another node group', { nodeResourceGroup: 'other' }, 'PropertyChangeNotAllowed'],
  ])('refuses %s', async (_title, properties, code) => {
    const one = await sandbox();
    const answer = await arm(one, 'PUT', CLUSTER, change(await read(one), properties));
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });

  it('shows wanted flags while it updates, takes no second operation, and has the issuer at the end', async () => {
    const one = await sandbox();
    const body = change(await read(one), { oidcIssuerProfile: { enabled: true } });
    const accepted = await arm(one, 'PUT', CLUSTER, body);
    expect(accepted.headers['azure-asyncoperation']).toContain('/operations/');
    const during = await read(one);
    expect(during.properties).toMatchObject({ provisioningState: 'Updating', oidcIssuerProfile: { enabled: true } });
    expect(during.properties.oidcIssuerProfile.issuerURL).toBeUndefined();
    expect(one.parts.arm.clusters()[0]).toMatchObject({ oidcIssuer: false });
    const second = await arm(one, 'PUT', CLUSTER, during);
    expect([second.status, second.body.error.code]).toEqual([409, 'OperationNotAllowed']);
    one.advance(600_000);
    const after = await read(one);
    expect(after.properties.provisioningState).toBe('Succeeded');
    expect(one.parts.arm.clusters()[0]).toMatchObject({
      oidcIssuer: true,
      issuer: after.properties.oidcIssuerProfile.issuerURL,
    });
    const off = await arm(one, 'PUT', CLUSTER, change(after, { oidcIssuerProfile: { enabled: false } }));
    expect(off.body.error.code).toBe('OIDCIssuerFeatureCannotBeDisabled');
  });

  it('refuses a PUT over a state that the caller does not know', async () => {
    const one = await sandbox();
    const body = await read(one);
    const tag = { 'if-match': body.eTag };
    expect((await arm(one, 'PUT', CLUSTER, body, tag)).status).toBe(200);
    one.advance(600_000);
    expect((await arm(one, 'PUT', CLUSTER, body, tag)).status).toBe(412);
  });

  it('that is stopped, or busy with somebody else, takes no change', async () => {
    const one = await sandbox();
    const body = await read(one);
    one.world.clusterPower('demo-aks', 'Stopped');
    expect((await arm(one, 'PUT', CLUSTER, body)).body.error.message).toContain('Stopped');
    one.world.clusterPower('demo-aks', 'Running');
    one.world.clusterBusy('demo-aks', 60_000);
    expect((await arm(one, 'PUT', CLUSTER, body)).body.error.code).toBe('OperationNotAllowed');
    await one.surroundings.clock.sleep(61_000);
    expect((await arm(one, 'PUT', CLUSTER, body)).status).toBe(200);
  });

  it('whose operation fails says why in the operation alone', async () => {
    const one = await sandbox();
    one.faults.failOperation({ code: 'QuotaExceeded', message: 'no cores left' });
    const accepted = await arm(one, 'PUT', CLUSTER, change(await read(one), { oidcIssuerProfile: { enabled: true } }));
    one.advance(600_000);
    const { token } = await (await one.surroundings.credential()).getToken('https://management.azure.com/.default');
    const url = String(accepted.headers['azure-asyncoperation']);
    const { body } = await ask(one, 'GET', url, undefined, { authorization: `Bearer ${token}` });
    expect(body).toMatchObject({ status: 'Failed', error: { code: 'QuotaExceeded', message: 'no cores left' } });
    expect((await read(one)).properties.provisioningState).toBe('Failed');
  });

  it('is made anew with the issuer on, from Kubernetes 1.34 on', async () => {
    const one = await sandbox();
    const path = CLUSTER.replace('demo-aks', 'second-aks');
    const body = {
      location,
      identity: { type: 'SystemAssigned' },
      properties: {
        dnsPrefix: 'second',
        agentPoolProfiles: [{ name: 'one', mode: 'System', count: 1, vmSize: 'Standard_D2s_v5' }],
      },
    };
    expect((await arm(one, 'PUT', path, body)).status).toBe(201);
    expect(one.parts.arm.clusters()).toHaveLength(1); // not there before it is done
    expect((await arm(one, 'POST', `${path}/listClusterUserCredential`)).status).toBe(404);
    one.advance(600_000);
    const { properties } = (await arm(one, 'GET', path)).body;
    expect(properties.oidcIssuerProfile).toMatchObject({ enabled: true, issuerURL: expect.stringMatching(/\/$/) });
    expect((await arm(one, 'GET', `resourceGroups/${properties.nodeResourceGroup}`)).status).toBe(200);
    expect(
      (await arm(one, 'PUT', path.replace('second', 'third'), { ...body, location: 'moon' })).body.error.code,
    ).toBe('LocationNotAvailableForResourceType');
  });

  it('put into the world by hand is there at once', async () => {
    const one = await sandbox();
    putCluster(one.place, 'demo-rg', 'by-hand', {
      location: 'uksouth',
      kubernetesVersion: '1.33',
      properties: { oidcIssuerProfile: { enabled: true } },
    });
    const { body } = await arm(one, 'GET', CLUSTER.replace('demo-aks', 'by-hand'));
    expect(body.properties.oidcIssuerProfile.issuerURL).toContain('https://uksouth.oic.prod-aks.azure.com/');
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

describe('a federated credential', () => {
  it.each([
    ['a short name', 'ab', trust('s')],
    ['two audiences', 'good', { properties: { ...trust('s').properties, audiences: ['a', 'b'] } }],
    ['no subject', 'good', { properties: { issuer: 'https://i.example/', audiences: ['a'] } }],
    ['an issuer that is no address', 'good', trust('s', 'nonsense')],
    ['a long subject', 'good', trust('s'.repeat(601))],
    ['an unknown property', 'good', { properties: { ...trust('s').properties, claimsMatchingExpression: {} } }],
  ])('with %s is refused', async (_title, name, body) => {
    const one = await sandbox();
    await makeIdentity(one);
    expect((await arm(one, 'PUT', `${IDENTITY}/federatedIdentityCredentials/${name}`, body)).status).toBe(400);
  });

  it('is one of at most 20, one per issuer and subject, and written one at a time', async () => {
    const one = await sandbox();
    await makeIdentity(one);
    const put = (n: number | string, subject = `s${n}`) =>
      arm(one, 'PUT', `${IDENTITY}/federatedIdentityCredentials/fic-${n}`, trust(subject));
    const [first, second] = (await Promise.all([put(0), put(1)])).sort((a, b) => a.status - b.status);
    expect([first?.status, second?.status]).toEqual([201, 409]);
    expect(second?.body.error.code).toBe('ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity');
    for (let n = 0; n < 20; n += 1) await put(n);
    expect((await put('other', 's3')).body.error.message).toBe(
      'Issuer and subject combination already exists for this Managed Identity.',
    );
    expect((await put(20)).body.error.message).toContain('limit of 20');
  });

  it('reaches Entra after the replication delay, and an old one counts until then', async () => {
    const one = await sandbox({ settings: { replication: 60_000 } });
    const { clientId } = await makeIdentity(one);
    await arm(one, 'PUT', `${IDENTITY}/federatedIdentityCredentials/fic`, trust('old'));
    const known = () => one.parts.arm.identityByClientId(clientId)?.credentials.map(({ subject }) => subject);
    expect(known()).toBeUndefined(); // not even the identity
    one.advance(61_000);
    expect(known()).toEqual(['old']);
    await arm(one, 'PUT', `${IDENTITY}/federatedIdentityCredentials/fic`, trust('new'));
    expect(known()).toEqual(['old']);
    one.advance(61_000);
    expect(known()).toEqual(['new']);
  });
});

describe('a role assignment', () => {
  const action = 'Microsoft.KeyVault/vaults/secrets/getSecret/action';

  it('is idempotent under its name, once per scope, role and principal, and bound to them', async () => {
    const one = await sandbox();
    const { principalId } = await makeIdentity(one);
    const name = randomUUID();
    expect((await assign(one, VAULT, principalId, {}, name)).status).toBe(201);
    expect((await assign(one, VAULT, principalId, {}, name)).status).toBe(200);
    const exists = await assign(one, VAULT, principalId);
    expect([exists.status, exists.body.error.code]).toEqual([409, 'RoleAssignmentExists']);
    const other = await assign(one, VAULT, randomUUID(), {}, name);
    expect(other.body.error.code).toBe('RoleAssignmentUpdateNotPermitted');
  });

  it.each([
    ['without a type', { principalType: undefined }, {}, 400],
    ['with its type', {}, {}, 201],
    ['with its type, where that does not help', {}, { strictPrincipals: true }, 400],
  ])('of a principal that has just been made, %s', async (_title, more, settings, status) => {
    const one = await sandbox({ settings: { replication: 30_000, ...settings } });
    const { principalId } = await makeIdentity(one);
    const young = await assign(one, VAULT, principalId, more);
    expect(young.status).toBe(status);
    if (status === 400) expect(young.body.error.code).toBe('PrincipalNotFound');
    one.advance(31_000);
    expect([200, 201, 409]).toContain((await assign(one, VAULT, principalId, more)).status);
  });

  it('takes effect after the replication delay, at and below its scope', async () => {
    const one = await sandbox({ settings: { replication: 30_000 } });
    const { principalId } = await makeIdentity(one);
    const scope = `${VAULT}/secrets/db-password`;
    const { body } = await assign(one, scope, principalId);
    const may = (name: string) =>
      one.parts.arm.mayDo(
        principalId,
        action,
        `/subscriptions/${one.place.subscriptionId}/${VAULT}/secrets/${name}`,
        'dataAction',
      );
    expect(may('db-password')).toBe(false);
    one.advance(31_000);
    expect(may('db-password')).toBe(true);
    expect(may('db-password2')).toBe(false);
    expect(may('api-key')).toBe(false);
    await arm(one, 'DELETE', body.id);
    expect(may('db-password')).toBe(false);
  });

  it('is listed at, above and below; with atScope() not below; and outlives its principal', async () => {
    const one = await sandbox();
    const { principalId } = await makeIdentity(one);
    await assign(one, `${VAULT}/secrets/db-password`, principalId);
    await assign(one, 'resourceGroups/demo-rg', principalId);
    await arm(one, 'DELETE', IDENTITY);
    const list = async (filter = '') =>
      (await arm(one, 'GET', `${VAULT}/providers/Microsoft.Authorization/roleAssignments?${filter}`)).body.value
        .filter((each: { properties: { principalId: string } }) => each.properties.principalId === principalId)
        .map((each: { properties: { scope: string } }) => each.properties.scope.split('/').at(-1));
    expect((await list()).sort()).toEqual(['db-password', 'demo-rg']);
    expect(await list('$filter=atScope()')).toEqual(['demo-rg']);
    const encoded = encodeURIComponent(`principalId eq '${principalId}'`);
    expect((await list(`$filter=${encoded}`)).sort()).toEqual(['db-password', 'demo-rg']);
  });
});
