import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assign, makeIdentity, trust } from './arm-world.ts';
import { arm, IDENTITY, sandbox, VAULT } from './harness.ts';

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
    // Slow enough that both are under way at once, however long a connection takes.
    one.settings.latency = 150;
    const [first, second] = (await Promise.all([put(0), put(1)])).sort((a, b) => a.status - b.status);
    one.settings.latency = 0;
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
