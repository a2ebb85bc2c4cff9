import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { seedCertificate, seedKey } from '../../src/sandbox/vault/seed.ts';
import { external, readyOf, SYNCED, store } from './external-secrets-world.ts';
import {
  arm,
  ask,
  CLUSTER,
  IDENTITY,
  roleDefinition,
  SECRETS_USER,
  sandbox,
  temporaryFolder,
  VAULT,
} from './harness.ts';
import { type Json, pathOf } from './kubernetes-world.ts';

const CRYPTO_USER = '12338af0-0e69-4776-bea7-57ae8d297424';
const CERTIFICATE_USER = 'db79e9a7-68ee-4b58-9aeb-b90e7c24fcba';

/** The API server of the first cluster, asked as its user. */
function apiServer(one: Sandbox) {
  const { clusters, users } = JSON.parse(one.kubeconfig());
  const address = (path: string) => `${clusters[0].cluster.server}${path}`;
  const headers = { authorization: `Bearer ${users[0].user.token}` };
  const get = async (path: string) => (await ask(one, 'GET', address(path), undefined, headers)).body;
  const apply = (object: Json) =>
    ask(one, 'PATCH', address(`${pathOf(object)}?fieldManager=test&force=true`), object, {
      ...headers,
      'content-type': 'application/apply-patch+yaml',
    });
  const events = async (reason: string): Promise<string[]> => {
    const { items } = await get('/api/v1/namespaces/shop/events');
    return items.filter((event: Json) => event.reason === reason).map((event: Json) => event.message);
  };
  return {
    get,
    apply,
    events,
    ready: async () => readyOf(await get('/apis/external-secrets.io/v1/namespaces/shop/externalsecrets/orders')),
  };
}

/** Cluster with issuer, identity with a credential for `orders`, and its account and store: all but the right to read. */
async function prepared(one: Sandbox) {
  const { body: cluster } = await arm(one, 'GET', CLUSTER);
  cluster.properties.oidcIssuerProfile = { enabled: true };
  await arm(one, 'PUT', CLUSTER, cluster);
  one.advance(600_000);
  const { body: changed } = await arm(one, 'GET', CLUSTER);
  const { body: identity } = await arm(one, 'PUT', IDENTITY, { location: 'westeurope' });
  const { clientId, tenantId, principalId } = identity.properties;
  const properties = {
    issuer: changed.properties.oidcIssuerProfile.issuerURL,
    subject: 'system:serviceaccount:shop:orders',
    audiences: ['api://AzureADTokenExchange'],
  };
  const kubernetes = apiServer(one);
  const annotations = { 'azure.workload.identity/client-id': clientId };
  await kubernetes.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await kubernetes.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'orders', namespace: 'shop', annotations },
  });
  await kubernetes.apply(store({ tenantId }));
  const credential = () => arm(one, 'PUT', `${IDENTITY}/federatedIdentityCredentials/orders`, { properties });
  const grant = (role: string) =>
    arm(one, 'PUT', `${VAULT}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`, {
      properties: { roleDefinitionId: roleDefinition(one, role), principalId, principalType: 'ServicePrincipal' },
    });
  return { kubernetes, credential, grant };
}

/** As a client that waits: time jumps from one of its looks to the next. */
async function until(one: Sandbox, look: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await look()) return;
    await one.surroundings.clock.sleep(5000);
  }
  throw new Error('it never came');
}

it('an ExternalSecret comes to what the credential and the roles allow, each in its own words', async () => {
  const one = await sandbox();
  const { kubernetes, credential, grant } = await prepared(one);
  await seedKey(one.parts, 'demo-kv', 'sign');
  await seedCertificate(one.parts, 'demo-kv', 'tls');
  const refs = { password: 'db-password', key: 'key/sign', 'tls.crt': 'cert/tls' };
  const data = Object.entries(refs).map(([secretKey, key]) => ({ secretKey, remoteRef: { key } }));
  await kubernetes.apply(external({ data }));
  const refusals = async () => (await kubernetes.events('InvalidProviderConfig')).join('\n');
  expect(await refusals()).toContain('AADSTS700016');
  await until(one, async () => (await refusals()).includes('AADSTS70021:'));
  await credential();
  const failures = async () => (await kubernetes.events('UpdateFailed')).join('\n');
  await until(one, async () => (await failures()).includes('ForbiddenByRbac'));
  expect(await failures()).toContain("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'");
  await grant(SECRETS_USER);
  await until(one, async () => (await failures()).includes("Action: 'Microsoft.KeyVault/vaults/keys/read'"));
  await grant(CRYPTO_USER);
  await until(one, async () => (await failures()).includes("Action: 'Microsoft.KeyVault/vaults/certificates/read'"));
  await grant(CERTIFICATE_USER);
  await until(one, async () => (await kubernetes.ready())[0] === 'True');
  const secret = await kubernetes.get('/api/v1/namespaces/shop/secrets/orders');
  const decoded = (key: string) => Buffer.from(secret.data[key], 'base64');
  expect(decoded('password').toString()).toMatch(/^sandbox-db-password-/);
  expect(JSON.parse(decoded('key').toString())).toMatchObject({
    kty: 'RSA',
    kid: expect.stringContaining('/keys/sign/'),
  });
  // A DER certificate begins with a sequence.
  expect(decoded('tls.crt')[0]).toBe(0x30);
  const inside = one.log.entries.filter(({ userAgent }) => userAgent.startsWith('external-secrets/'));
  expect(inside.every(({ via }) => via === 'inside')).toBe(true);
  expect(one.errors).toEqual([]);
});

it('the vault decides network before right, and tells a disabled secret from an absent one', async () => {
  const one = await sandbox({ settings: { replication: 0 } });
  const { kubernetes, credential, grant } = await prepared(one);
  await credential();
  await grant(SECRETS_USER);
  await until(one, async () => (await kubernetes.events('Valid')).length > 0);
  await kubernetes.apply(
    external({ refreshInterval: '1m', data: [{ secretKey: 'x', remoteRef: { key: 'api-key' } }] }),
  );
  expect(await kubernetes.ready()).toEqual(SYNCED);

  const { body: vault } = await arm(one, 'GET', VAULT);
  const { provisioningState: _state, ...properties } = vault.properties;
  const change = (more: Json) =>
    arm(one, 'PUT', VAULT, { location: vault.location, tags: vault.tags, properties: { ...properties, ...more } });
  expect((await change({ publicNetworkAccess: 'Disabled' })).status).toBe(200);
  await one.surroundings.clock.sleep(90_000);
  expect((await kubernetes.events('UpdateFailed')).join()).toContain('InnerError={"code":"ForbiddenByConnection"}');
  await change({});
  const credentials = await one.surroundings.credential();
  const { token } = await credentials.getToken('https://vault.azure.net/.default');
  const off = await ask(
    one,
    'PATCH',
    'https://demo-kv.vault.azure.net/secrets/api-key?api-version=7.4',
    { attributes: { enabled: false } },
    { authorization: `Bearer ${token}` },
  );
  expect(off.status).toBe(200);
  await until(one, async () =>
    (await kubernetes.events('UpdateFailed')).some((text) => text.includes('SecretDisabled')),
  );
  expect(one.errors).toEqual([]);
});

it('find needs the right to list; a new opening goes on where the last one ended', async () => {
  const dir = temporaryFolder();
  let one = await sandbox({ dir, settings: { replication: 0 } });
  const { kubernetes, credential, grant } = await prepared(one);
  await credential();
  await grant(SECRETS_USER);
  await until(one, async () => (await kubernetes.events('Valid')).length > 0);
  await kubernetes.apply(external({ data: undefined, dataFrom: [{ find: { name: { regexp: '^(db|api)-' } } }] }));
  expect(await kubernetes.ready()).toEqual(SYNCED);
  await one.close();
  one = await sandbox({ dir, settings: { replication: 0 } });
  const again = apiServer(one);
  expect(await again.ready()).toEqual(SYNCED);
  expect(Object.keys((await again.get('/api/v1/namespaces/shop/secrets/orders')).data).sort()).toEqual([
    'api-key',
    'db-password',
  ]);
  expect(one.log.entries.filter(({ userAgent }) => userAgent.startsWith('external-secrets/'))).toEqual([]);
  await one.surroundings.clock.sleep(3_700_000);
  expect(await again.ready()).toEqual(SYNCED);
  expect(one.log.entries.some(({ path }) => path === '/secrets/db-password/')).toBe(true);
});

it('a sandbox may have an operator of another release, or none', async () => {
  const one = await sandbox({ anew: true, with: ['old-eso'] });
  const served = async () => {
    const group = await apiServer(one).get('/apis/external-secrets.io');
    return group.versions?.map((each: Json) => each.version);
  };
  expect(await served()).toEqual(['v1beta1', 'v1alpha1']);
  await one.world.externalSecrets('demo-aks', '2.9');
  expect(await served()).toEqual(['v1', 'v1alpha1']);
  await one.world.externalSecrets('demo-aks', 'none');
  expect(await served()).toBeUndefined();
  await one.reset({ with: ['old-eso'] });
  expect(await served()).toEqual(['v1beta1', 'v1alpha1']);
  await one.reset();
  expect(await served()).toEqual(['v1', 'v1alpha1']);
});
