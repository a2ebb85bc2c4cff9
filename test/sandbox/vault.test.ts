import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createEntra } from '../../src/sandbox/entra/index.ts';
import type { ArmVault, Parts, Reply } from '../../src/sandbox/parts.ts';
import { ADDRESS_HEADER, createVault, USUAL_ADDRESS, type Vault } from '../../src/sandbox/vault/index.ts';
import { type HandMade, handMade, OTHER_TENANT, request, START, TENANT } from './hand-made.ts';

const OID = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
const ID = '/subscriptions/s/resourceGroups/demo-rg/providers/Microsoft.KeyVault/vaults/demo-kv';
const ZEROS = '0'.repeat(32);
const MARKER = 'marker-value-that-must-not-be-seen';
const rbacVault: ArmVault = {
  id: ID,
  name: 'demo-kv',
  location: 'westeurope',
  tenantId: TENANT,
  rbac: true,
  accessPolicies: [],
  publicNetworkAccess: 'Enabled',
  networkAcls: { defaultAction: 'Allow', ipRules: [] },
};

let world: HandMade;
let parts: Parts;
let vault: Vault;
let token: string;
/** Made by the first test, and used by all: a key takes longer than a test. */
let key: unknown;
beforeEach(async () => {
  world = handMade();
  if (key) world.state.entra.key = key;
  const entra = createEntra(world.parts);
  parts = { ...world.parts, entra };
  vault = createVault(parts);
  world.vaults.push(rbacVault);
  token = await entra.sign({ objectId: OID, tenantId: TENANT, appId: 'app' }, 'https://vault.azure.net');
  key = world.state.entra.key;
  await vault.seed('demo-kv', 'db-password', MARKER);
});

const may = (...actions: string[]) => {
  for (const action of actions)
    world.rights.push({ principal: OID, action: `Microsoft.KeyVault/vaults/${action}`, scope: ID });
};
const mayAll = () =>
  may(
    ...[
      'getSecret/action',
      'setSecret/action',
      'readMetadata/action',
      'update/action',
      'delete',
      'recover/action',
      'purge/action',
    ].map((action) => `secrets/${action}`),
    'keys/read',
    'certificates/read',
  );
const change = (changes: Partial<ArmVault>) => {
  world.vaults[0] = { ...rbacVault, ...changes };
};
const call = (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
) => {
  const versioned = path.includes('?') || path.includes('api-version') ? path : `${path}?api-version=7.4`;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return vault.handler(request(method, `https://demo-kv.vault.azure.net${versioned}`, { headers, body: text }), parts);
};
type Item = { id: string; value?: string; attributes: Record<string, unknown>; tags: object; contentType?: string };
const bodyOf = async <T = Item>(reply: Promise<Reply>) => (await reply).body as T;
const errorOf = async (reply: Promise<Reply>) => {
  const { status, body } = await reply;
  const { error } = body as { error: { code: string; message: string; innererror?: { code: string } } };
  return [status, error.innererror?.code ?? error.code, error.message] as const;
};
const withoutMessage = async (reply: Promise<Reply>) => (await errorOf(reply)).slice(0, 2);

describe('who may', () => {
  it('without a token: the challenge, with the tenant of the vault, whatever the network', async () => {
    change({ publicNetworkAccess: 'Disabled' });
    const reply = await call('GET', '/secrets/db-password/', undefined, {});
    expect(reply.status).toBe(401);
    expect(reply.headers?.['www-authenticate']).toBe(
      `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://vault.azure.net"`,
    );
    expect(reply.body).toMatchObject({
      error: { code: 'Unauthorized', message: expect.stringMatching(/^AKV10000: /) },
    });
  });

  it.each([
    ['nonsense', 'AKV10000', 'nonsense'],
    ["another tenant's", 'AKV10032', undefined, OTHER_TENANT],
    ['for Resource Manager', 'AKV10022', undefined, TENANT, 'https://management.azure.com'],
    ["for the vault's own address", 'AKV10022', undefined, TENANT, 'https://demo-kv.vault.azure.net'],
  ])(
    'with a token that is %s: 401 %s',
    async (_, code, text?: string, tenantId = TENANT, audience = 'https://vault.azure.net') => {
      mayAll();
      const bearer = text ?? (await parts.entra.sign({ objectId: OID, tenantId, appId: 'app' }, audience));
      const [status, , message] = await errorOf(
        call('GET', '/secrets/db-password', undefined, { authorization: `Bearer ${bearer}` }),
      );
      expect([status, message.slice(0, 8)]).toEqual([401, code]);
    },
  );
  it('with a token that has ended: 401', async () => {
    mayAll();
    world.advance(86_400_000);
    expect(await withoutMessage(call('GET', '/secrets/db-password'))).toEqual([401, 'Unauthorized']);
  });

  it("an RBAC vault's refusal is Azure's text", async () => {
    expect(await errorOf(call('GET', '/secrets/db-password'))).toEqual([
      403,
      'ForbiddenByRbac',
      `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid=app;oid=${OID};iss=https://sts.windows.net/${TENANT}/\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '${`${ID}/secrets/db-password`.toLowerCase()}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: demo-kv;location=westeurope\r\n`,
    ]);
  });
  it("a policy vault's refusal is Azure's text", async () => {
    change({ rbac: null });
    expect(await errorOf(call('GET', '/secrets/db-password'))).toEqual([
      403,
      'AccessDenied',
      `The user, group or application 'appid=app;oid=${OID};iss=https://sts.windows.net/${TENANT}/' does not have secrets get permission on key vault 'demo-kv;location=westeurope'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
    ]);
  });

  const policy = (permissions: Record<string, string[]>, more = {}) => ({
    tenantId: TENANT,
    objectId: OID,
    permissions,
    ...more,
  });
  it.each<[string, ArmVault['rbac'], boolean, ArmVault['accessPolicies'], string | number]>([
    ['role, RBAC vault', true, true, [], 200],
    ['role, policy vault', false, true, [], 'AccessDenied'],
    ['role, vault that says nothing', null, true, [], 'AccessDenied'],
    ['policy, RBAC vault', true, false, [policy({ secrets: ['get'] })], 'ForbiddenByRbac'],
    ['policy, policy vault', false, false, [policy({ secrets: ['get'] })], 200],
    ['policy, vault that says nothing', null, false, [policy({ secrets: ['get'] })], 200],
    ['policy in capitals', null, false, [policy({ secrets: ['Get'] })], 200],
    ['policy for all', null, false, [policy({ secrets: ['all'] })], 200],
    ['policy of another right', null, false, [policy({ secrets: ['list'] })], 'AccessDenied'],
    ['policy for keys', null, false, [policy({ keys: ['get'] })], 'AccessDenied'],
    ['policy of another identity', null, false, [policy({ secrets: ['get'] }, { objectId: TENANT })], 'AccessDenied'],
    [
      'policy through an application',
      null,
      false,
      [policy({ secrets: ['get'] }, { applicationId: 'app' })],
      'AccessDenied',
    ],
  ])('%s', async (_, rbac, role, accessPolicies, want) => {
    change({ rbac, accessPolicies });
    if (role) may('secrets/getSecret/action');
    const reply = call('GET', '/secrets/db-password');
    expect((await reply).status === 200 ? 200 : (await errorOf(reply))[1]).toBe(want);
  });

  it('a role on one secret opens that one alone', async () => {
    await vault.seed('demo-kv', 'other', 'x');
    world.rights.push({
      principal: OID,
      action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
      scope: `${ID}/secrets/other`,
    });
    expect((await call('GET', '/secrets/other')).status).toBe(200);
    expect((await call('GET', '/secrets/db-password')).status).toBe(403);
    expect((await call('GET', '/secrets')).status).toBe(403);
  });

  it.each([
    ['GET', '/secrets', 'secrets/readMetadata/action'],
    ['GET', '/secrets/db-password/versions', 'secrets/readMetadata/action'],
    ['PUT', '/secrets/x', 'secrets/setSecret/action'],
    ['PATCH', '/secrets/x', 'secrets/update/action'],
    ['DELETE', '/secrets/x', 'secrets/delete'],
    ['GET', '/deletedsecrets', 'secrets/readMetadata/action'],
    ['GET', '/deletedsecrets/x', 'secrets/readMetadata/action'],
    ['POST', '/deletedsecrets/x/recover', 'secrets/recover/action'],
    ['DELETE', '/deletedsecrets/x', 'secrets/purge/action'],
    ['GET', '/keys/x', 'keys/read'],
    ['GET', '/certificates/x', 'certificates/read'],
  ])('%s %s asks for %s, before it looks whether it is there', async (method, path, action) => {
    const [status, , message] = await errorOf(call(method, path, {}));
    expect([status, message.includes(`Action: 'Microsoft.KeyVault/vaults/${action}'`)]).toEqual([403, true]);
  });
});

describe('the firewall decides before rights', () => {
  it.each<[string, Partial<ArmVault>, string | undefined, string | number]>([
    ['nobody from outside', { publicNetworkAccess: 'Disabled' }, undefined, 'ForbiddenByConnection'],
    ['nobody by default', { networkAcls: { defaultAction: 'Deny', ipRules: [] } }, undefined, 'ForbiddenByFirewall'],
    [
      'one address',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: USUAL_ADDRESS }] } },
      undefined,
      'ForbiddenByRbac',
    ],
    [
      'a range',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: '203.0.113.0/24' }] } },
      undefined,
      'ForbiddenByRbac',
    ],
    [
      'another range',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: '198.51.100.0/24' }] } },
      undefined,
      'ForbiddenByFirewall',
    ],
    [
      'from another address',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: USUAL_ADDRESS }] } },
      '198.51.100.7',
      'ForbiddenByFirewall',
    ],
  ])('%s', async (_, changes, address, want) => {
    change(changes);
    const headers = { authorization: `Bearer ${token}`, ...(address && { [ADDRESS_HEADER]: address }) };
    const [status, code, message] = await errorOf(call('GET', '/secrets/db-password', undefined, headers));
    expect([status, code]).toEqual([403, want]);
    if (code === 'ForbiddenByFirewall')
      expect(message).toContain(`Client address: ${address ?? USUAL_ADDRESS}\r\nCaller: appid=app;`);
  });
});

describe('secrets', () => {
  beforeEach(mayAll);
  const seconds = START.getTime() / 1000;

  it('come with value, version and dates by the simulated clock', async () => {
    const item = await bodyOf(call('GET', '/secrets/DB-password/?api%2Dversion=2026-04-01'));
    expect(item.id).toMatch(/^https:\/\/demo-kv\.vault\.azure\.net\/secrets\/db-password\/[0-9a-f]{32}$/);
    expect(item).toMatchObject({
      value: MARKER,
      tags: {},
      attributes: {
        enabled: true,
        created: seconds,
        updated: seconds,
        recoveryLevel: 'Recoverable+Purgeable',
        recoverableDays: 90,
      },
    });
    expect((await bodyOf(call('GET', new URL(item.id).pathname))).value).toBe(MARKER);
  });

  it('have versions: a set makes one, the old one stays', async () => {
    const first = await bodyOf(call('GET', '/secrets/db-password'));
    world.advance(5000);
    const second = await bodyOf(
      call('PUT', '/secrets/db-password', { value: 'two', tags: { a: 'b' }, contentType: 't', attributes: { exp: 1 } }),
    );
    expect(second).toMatchObject({
      value: 'two',
      tags: { a: 'b' },
      contentType: 't',
      attributes: { created: seconds + 5, exp: 1 },
    });
    expect(second.id).not.toBe(first.id);
    expect(await bodyOf(call('GET', '/secrets/db-password'))).toEqual(second);
    expect(await bodyOf(call('GET', new URL(first.id).pathname))).toEqual(first);
    const { value } = await bodyOf<{ value: Item[] }>(call('GET', '/secrets/db-password/versions'));
    expect(value.map(({ id }) => id)).toEqual([first.id, second.id]);
    expect(JSON.stringify(value)).not.toContain(MARKER);
  });

  it('can be updated, without a new version and without an answer that holds the value', async () => {
    world.advance(1000);
    const item = await bodyOf(call('PATCH', '/secrets/db-password/', { attributes: { enabled: false } }));
    expect(item).toMatchObject({ attributes: { enabled: false, created: seconds, updated: seconds + 1 } });
    expect(item).not.toHaveProperty('value');
    expect(await errorOf(call('GET', '/secrets/db-password'))).toEqual([
      403,
      'SecretDisabled',
      'Operation get is not allowed on a disabled secret.',
    ]);
  });

  it('a version that cannot exist is not found, also of a disabled secret: whoever hears that may get', async () => {
    const [status, code, message] = await errorOf(call('GET', `/secrets/db-password/${ZEROS}`));
    expect([status, code]).toEqual([404, 'SecretNotFound']);
    expect(message).toContain(
      `A secret with (name/id) db-password/${ZEROS} was not found in this key vault. If you recently deleted`,
    );
    await call('PATCH', '/secrets/db-password', { attributes: { enabled: false } });
    expect(await withoutMessage(call('GET', `/secrets/db-password/${ZEROS}`))).toEqual([404, 'SecretNotFound']);
  });

  it('are deleted softly: the name stays taken, until recovered or purged', async () => {
    const deleted = await bodyOf<Record<string, unknown>>(call('DELETE', '/secrets/db-password'));
    expect(deleted).toMatchObject({
      recoveryId: 'https://demo-kv.vault.azure.net/deletedsecrets/db-password',
      deletedDate: seconds,
      scheduledPurgeDate: seconds + 90 * 86_400,
    });
    expect(await withoutMessage(call('GET', '/secrets/db-password'))).toEqual([404, 'SecretNotFound']);
    expect(await withoutMessage(call('PUT', '/secrets/DB-Password', { value: 'x' }))).toEqual([
      409,
      'ObjectIsDeletedButRecoverable',
    ]);
    expect((await bodyOf<{ value: object[] }>(call('GET', '/deletedsecrets'))).value).toHaveLength(1);
    expect((await bodyOf<{ value: object[] }>(call('GET', '/secrets'))).value).toHaveLength(0);
    expect((await call('POST', '/deletedsecrets/db-password/recover')).status).toBe(200);
    expect((await bodyOf(call('GET', '/secrets/db-password'))).value).toBe(MARKER);
    await call('DELETE', '/secrets/db-password');
    expect((await call('DELETE', '/deletedsecrets/db-password')).status).toBe(204);
    expect((await errorOf(call('GET', '/deletedsecrets/db-password')))[2]).toBe(
      'Deleted Secret not found: db-password',
    );
    expect((await call('PUT', '/secrets/db-password', { value: 'x' })).status).toBe(200);
  });
  it('go for good after ninety days', async () => {
    await call('DELETE', '/secrets/db-password');
    world.advance(90 * 86_400_000);
    token = await parts.entra.sign({ objectId: OID, tenantId: TENANT, appId: 'app' }, 'https://vault.azure.net');
    expect((await call('GET', '/deletedsecrets/db-password')).status).toBe(404);
  });

  it('are listed by page, without version and value', async () => {
    for (let index = 0; index < 59; index += 1)
      await vault.seed('demo-kv', `s-${String(index).padStart(2, '0')}`, MARKER);
    const names: string[] = [];
    const sizes: number[] = [];
    let next: string | null = '/secrets?api-version=7.0';
    while (next) {
      const page: { value: Item[]; nextLink: string | null } = await bodyOf(call('GET', next));
      expect(JSON.stringify(page)).not.toContain(MARKER);
      names.push(...page.value.map(({ id }) => id.replace('https://demo-kv.vault.azure.net/secrets/', '')));
      sizes.push(page.value.length);
      next = page.nextLink?.replace('https://demo-kv.vault.azure.net', '') ?? null;
    }
    expect(sizes).toEqual([25, 25, 10]);
    expect(names).toEqual([
      'db-password',
      ...Array.from({ length: 59 }, (_, index) => `s-${String(index).padStart(2, '0')}`),
    ]);
    expect(
      (await bodyOf<{ value: object[] }>(call('GET', '/secrets?api-version=7.4&maxresults=2'))).value,
    ).toHaveLength(2);
  });

  it('any name that the rule allows, any value, comes back; other vaults do not see it', async () => {
    world.vaults.push({ ...rbacVault, id: `${ID}2`, name: 'other-kv' });
    const name = fc.oneof(
      fc.stringMatching(/^[0-9a-zA-Z-]{1,127}$/),
      fc.constantFrom('constructor', 'toString', 'versions'),
    );
    await fc.assert(
      fc.asyncProperty(name, fc.string({ unit: 'binary', maxLength: 50 }), async (secret, value) => {
        const wellFormed = value.toWellFormed();
        expect((await call('PUT', `/secrets/${secret}`, { value: wellFormed })).status).toBe(200);
        expect((await bodyOf(call('GET', `/secrets/${secret}`))).value).toBe(wellFormed);
        const elsewhere = request('GET', `https://other-kv.vault.azure.net/secrets/${secret}?api-version=7.4`, {
          headers: { authorization: `Bearer ${token}` },
        });
        expect((await vault.handler(elsewhere, parts)).status).toBe(403);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, string, string, unknown?]>([
    ['an underscore in the name', 'GET', '/secrets/db_password'],
    ['a dot in the name', 'PUT', '/secrets/a.b', { value: 'x' }],
    ['a name too long', 'GET', `/secrets/${'a'.repeat(128)}`],
    ['a version that is none', 'GET', '/secrets/db-password/latest'],
    ['an unknown api-version', 'GET', '/secrets?api-version=2016-10-01'],
    ['no api-version', 'GET', '/secrets?'],
    ['too many results', 'GET', '/secrets?api-version=7.4&maxresults=26'],
    ['a wrong skip token', 'GET', '/secrets?api-version=7.4&$skiptoken=x'],
    ['no value', 'PUT', '/secrets/x', {}],
    ['a value that is no text', 'PUT', '/secrets/x', { value: 1 }],
    ['a value too long', 'PUT', '/secrets/x', { value: 'x'.repeat(25_601) }],
    ['an unknown field', 'PUT', '/secrets/x', { value: 'x', colour: 'red' }],
    ['an unknown attribute', 'PUT', '/secrets/x', { value: 'x', attributes: { enable: true } }],
    ['a tag that is no text', 'PUT', '/secrets/x', { value: 'x', tags: { a: 1 } }],
    [
      'too many tags',
      'PUT',
      '/secrets/x',
      { value: 'x', tags: Object.fromEntries(Array.from({ length: 16 }, (_, n) => [n, ''])) },
    ],
    ['a body that is no JSON', 'PUT', '/secrets/x', '{'],
    ['a value in an update', 'PATCH', '/secrets/db-password', { value: 'x' }],
  ])('%s: 400 BadParameter', async (_, method, path, body) => {
    expect(await withoutMessage(call(method, path, body))).toEqual([400, 'BadParameter']);
    expect((await call('GET', '/secrets/x')).status).toBe(404);
  });
  it.each([
    ['POST', '/secrets/db-password/backup'],
    ['POST', '/keys/x/sign'],
    ['PUT', '/keys/x'],
    ['GET', '/secrets/db-password?api-version=2025-07-01&outContentType=x'],
    ['GET', '/storage'],
  ])('%s %s is refused as not simulated', async (method, path) => {
    expect(await withoutMessage(call(method, path, {}))).toEqual([501, 'NotSimulated']);
  });
  it('every write is saved, no read is', async () => {
    const before = world.saves;
    await call('GET', '/secrets/db-password');
    await call('GET', '/secrets');
    expect(world.saves).toBe(before);
    await call('PUT', '/secrets/x', { value: 'y' });
    await call('PATCH', '/secrets/x', {});
    await call('DELETE', '/secrets/x');
    expect(world.saves).toBe(before + 3);
  });
  it('no refusal repeats a value', async () => {
    const replies = [
      await call('PUT', '/secrets/x', { value: MARKER, colour: MARKER.length }),
      await call('PUT', '/secrets/x', `{"value":"${MARKER}"`),
      await call('PUT', '/secrets/x_', { value: MARKER }),
    ];
    expect(JSON.stringify(replies)).not.toContain(MARKER);
  });
});

describe('keys and certificates', () => {
  it('a key shows its public half', async () => {
    mayAll();
    await vault.seedKey('demo-kv', 'signing');
    const { key } = await bodyOf<{ key: Record<string, string> }>(call('GET', '/keys/signing'));
    expect(Object.keys(key)).toEqual(['kid', 'kty', 'key_ops', 'n', 'e']);
    expect((await bodyOf<{ value: { kid: string }[] }>(call('GET', '/keys'))).value.map(({ kid }) => kid)).toEqual([
      'https://demo-kv.vault.azure.net/keys/signing',
    ]);
    expect(await withoutMessage(call('GET', `/keys/signing/${ZEROS}`))).toEqual([404, 'KeyNotFound']);
  });
  it('a certificate has a public part, a key, and a secret that holds both and is managed', async () => {
    mayAll();
    await vault.seedCertificate('demo-kv', 'tls');
    const { cer, sid } = await bodyOf<{ cer: string; sid: string }>(call('GET', '/certificates/tls'));
    const certificate = new X509Certificate(Buffer.from(cer, 'base64'));
    expect(certificate.subject).toBe('CN=tls');
    const secret = await bodyOf(call('GET', new URL(sid).pathname));
    expect(secret).toMatchObject({
      managed: true,
      contentType: 'application/x-pem-file',
      value: expect.stringContaining('PRIVATE KEY'),
    });
    expect((await call('GET', '/keys/tls')).status).toBe(200);
    expect(await withoutMessage(call('PUT', '/secrets/tls', { value: 'x' }))).toEqual([403, 'SecretManaged']);
    expect(await withoutMessage(call('GET', '/certificates/none'))).toEqual([404, 'CertificateNotFound']);
  });
  it('who may get secrets may not thereby read keys', async () => {
    may('secrets/getSecret/action');
    expect(await withoutMessage(call('GET', '/keys/x'))).toEqual([403, 'ForbiddenByRbac']);
  });
});

describe('vaults', () => {
  it('that do not exist are said to be nowhere', async () => {
    world.vaults.length = 0;
    expect(await withoutMessage(call('GET', '/secrets'))).toEqual([404, 'VaultNotFound']);
  });
  it('keep their contents in the state, and lose them when they are purged', async () => {
    mayAll();
    const again = createVault({ ...parts, state: JSON.parse(JSON.stringify(world.state)) });
    const get = request('GET', 'https://demo-kv.vault.azure.net/secrets/db-password?api-version=7.4', {
      headers: { authorization: `Bearer ${token}` },
    });
    expect((await again.handler(get, parts)).status).toBe(200);
    vault.forget('demo-kv');
    expect((await call('GET', '/secrets/db-password')).status).toBe(404);
  });
});
