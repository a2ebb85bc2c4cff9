import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createVault } from '../../src/sandbox/vault/index.ts';
import { request, START, TENANT } from './hand-made.ts';
import {
  bear,
  bodyOf,
  call,
  errorOf,
  ID,
  type Item,
  MARKER,
  may,
  mayAll,
  OID,
  parts,
  rbacVault,
  token,
  vault,
  withoutMessage,
  world,
  ZEROS,
} from './vault-world.ts';

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
    bear(await parts.entra.sign({ objectId: OID, tenantId: TENANT, appId: 'app' }, 'https://vault.azure.net'));
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
