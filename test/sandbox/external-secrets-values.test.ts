import { describe, expect, it } from 'vitest';
import {
  dataOf,
  EXTERNALS,
  eventOf,
  external,
  operatorWorld,
  readyOf,
  SECRETS,
  store,
} from './external-secrets-world.ts';
import type { ClusterWorld, Json } from './kubernetes-world.ts';

const KEY = { kid: 'https://demo-kv.vault.azure.net/keys/sign/1', kty: 'RSA', key_ops: ['sign'], n: 'bg', e: 'AQAB' };
const DER = Buffer.from([0x30, 0x82, 0x00, 0xff]);

/** What a vault with these things and one ExternalSecret of that spec come to. */
async function fetched(spec: Json, values: Readonly<Record<string, string>> = {}): Promise<ClusterWorld> {
  const world = await operatorWorld();
  for (const [name, value] of Object.entries(values)) world.secrets.set(name, { value, version: 'c'.repeat(32) });
  world.instead.set('/keys/sign/', { status: 200, body: { key: KEY, attributes: { enabled: true } } });
  world.instead.set('/certificates/tls/', { status: 200, body: { cer: DER.toString('base64') } });
  const listed = [...world.secrets.keys(), 'off'].map((name) => ({
    id: `https://demo-kv.vault.azure.net/secrets/${name}`,
    attributes: { enabled: name !== 'off' },
    tags: name === 'api-key' ? { team: 'a' } : {},
  }));
  const page = (value: Json[], nextLink: string | null) => ({ status: 200, body: { value, nextLink } });
  const more = 'https://demo-kv.vault.azure.net/secrets?api-version=7.0&$skiptoken=x';
  const { dispatch } = world.parts;
  world.parts.dispatch = (request: Json) => {
    if (request.path !== '/secrets') return dispatch(request);
    world.asked.push(request);
    return Promise.resolve(
      request.query.has('$skiptoken') ? page(listed.slice(1), null) : page(listed.slice(0, 1), more),
    );
  };
  await world.apply(store());
  await world.apply(external({ data: undefined, ...spec }));
  return world;
}
const one = (remoteRef: Json) => ({ data: [{ secretKey: 'x', remoteRef }] });
const why = async (world: ClusterWorld) => {
  expect(readyOf(await world.get(`${EXTERNALS}/orders`))[1]).toBe('SecretSyncedError');
  return eventOf(world, 'UpdateFailed');
};

describe('data', () => {
  const json = '{"user": "app", "port": 5432, "tls": {"on": true}, "a.b": "dotted", "list": ["x", "y"]}';
  it.each<[string, Json, string]>([
    ['a secret', { key: 'db-password' }, 'marker-one'],
    ['a secret by its kind', { key: 'secret/db-password' }, 'marker-one'],
    ['a key, as JWK', { key: 'key/sign' }, JSON.stringify(KEY)],
    ['a member of a key', { key: 'key/sign', property: 'kty' }, 'RSA'],
    ['a member', { key: 'conf', property: 'user' }, 'app'],
    ['a number', { key: 'conf', property: 'port' }, '5432'],
    ['an object', { key: 'conf', property: 'tls' }, '{"on":true}'],
    ['a path', { key: 'conf', property: 'tls.on' }, 'true'],
    ['an element', { key: 'conf', property: 'list.1' }, 'y'],
    ['a name with dots', { key: 'conf', property: 'a.b' }, 'dotted'],
    ['base64', { key: 'coded', decodingStrategy: 'Base64' }, 'hi'],
    ['base64, found out', { key: 'coded', decodingStrategy: 'Auto' }, 'hi'],
    ['what is not base64, left', { key: 'conf', decodingStrategy: 'Auto' }, json],
  ])('%s', async (_title, ref, value) => {
    const world = await fetched(one(ref), { conf: json, coded: 'aGk=' });
    expect(await eventOf(world, 'UpdateFailed')).toBeUndefined();
    expect(await dataOf(world)).toEqual({ x: value });
  });

  it('a certificate, as DER', async () => {
    const world = await fetched(one({ key: 'cert/tls' }));
    expect((await world.get(`${SECRETS}/orders`)).data.x).toBe(DER.toString('base64'));
  });

  it('a version', async () => {
    const world = await fetched(one({ key: 'db-password', version: 'a'.repeat(32) }));
    await dataOf(world);
    expect(world.asked.at(-1)!.path).toBe(`/secrets/db-password/${'a'.repeat(32)}`);
  });

  it.each<[string, Json, string]>([
    ['an unknown kind', { key: 'certificate/tls' }, 'unknown Azure Keyvault object Type for tls'],
    ['F125 no such member', { key: 'conf', property: 'pass' }, 'property pass does not exist in key conf'],
    ['F125 no JSON', { key: 'db-password', property: 'pass' }, 'property pass does not exist in key db-password'],
    ['nothing there', { key: 'no-such' }, 'Secret does not exist'],
    [
      'no base64',
      { key: 'conf', decodingStrategy: 'Base64' },
      'error applying decoding strategy Base64 to data: illegal base64 data at input byte 0',
    ],
  ])('%s fails', async (_title, ref, text) => {
    const world = await fetched(one(ref), { conf: json });
    expect(await why(world)).toBe(`error processing spec.data[0] (key: ${ref.key}), err: ${text}`);
    expect(await dataOf(world)).toBeUndefined();
  });
});

describe('dataFrom', () => {
  const from = (entry: Json) => ({ dataFrom: [entry] });

  it('extract gives the members of a JSON object', async () => {
    const world = await fetched(from({ extract: { key: 'conf' } }), {
      conf: '{"user":"app","port":1,"t ls":{"on":true}}',
    });
    expect(await dataOf(world)).toEqual({ user: 'app', port: '1', t_ls: '{"on":true}' });
  });

  it.each<[string, Json, string[]]>([
    ['a pattern', { name: { regexp: '^db-' } }, ['db-password']],
    ['a tag', { tags: { team: 'a' } }, ['api-key']],
    ['nothing: all that are enabled', {}, ['db-password', 'api-key']],
  ])('find takes what fits %s, over all pages', async (_title, find, names) => {
    const world = await fetched(from({ find }));
    expect(Object.keys(await dataOf(world)).sort()).toEqual(names.sort());
  });

  it('rewrite changes the keys', async () => {
    const rewrite = [{ regexp: { source: '-', target: '_' } }, { regexp: { source: '^(.*)$', target: 'app_$1' } }];
    const world = await fetched(from({ find: { name: { regexp: 'db' } }, rewrite }));
    expect(await dataOf(world)).toEqual({ app_db_password: 'marker-one' });
  });

  it('what data names wins', async () => {
    const both = { ...from({ extract: { key: 'conf' } }), ...one({ key: 'db-password' }) };
    const world = await fetched(both, { conf: '{"x":"old","y":"1"}' });
    expect(await dataOf(world)).toEqual({ x: 'marker-one', y: '1' });
  });

  it.each<[string, Json, string]>([
    [
      'F126 a certificate',
      { extract: { key: 'cert/tls' } },
      'extract, err: cannot get use dataFrom to get certificate secret',
    ],
    ['F126 a key', { extract: { key: 'key/sign' } }, 'extract, err: cannot get use dataFrom to get key secret'],
    [
      'no JSON',
      { extract: { key: 'db-password' } },
      "extract, err: error unmarshalling json data: invalid character 'm' looking for beginning of value",
    ],
    [
      'keys that no Secret has',
      { extract: { key: 'odd' }, rewrite: [{ regexp: { source: 'x', target: 'y' } }] },
      "extract, err: invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): key has invalid character  , only alphanumeric, '-', '.' and '_' are allowed: a b",
    ],
  ])('%s fails', async (_title, entry, text) => {
    const world = await fetched(from(entry), { odd: '{"a b":"1"}' });
    expect(await why(world)).toBe(`error processing spec.dataFrom[0].${text}`);
  });

  it('F127 find needs the right to list', async () => {
    const world = await operatorWorld();
    const error = { code: 'Forbidden', message: 'no', innererror: { code: 'ForbiddenByRbac' } };
    world.instead.set('demo-kv.vault.azure.net/secrets', { status: 403, body: { error } });
    await world.apply(store());
    await world.apply(external({ data: undefined, ...from({ find: { name: { regexp: '.*' } } }) }));
    expect(await why(world)).toBe(
      'error processing spec.dataFrom[0].find, err: error getting all secrets: keyvault.BaseClient#GetSecrets: Failure responding to request: StatusCode=403 -- Original Error: autorest/azure: Service returned an error. Status=403 Code="Forbidden" Message="no" InnerError={"code":"ForbiddenByRbac"}',
    );
  });
});

describe('a template', () => {
  it('gives type, labels and data', async () => {
    const template = {
      type: 'kubernetes.io/basic-auth',
      metadata: { labels: { team: 'a' }, annotations: { note: 'of {{ .x }}' } },
      data: { password: '{{ .x }}', username: 'app' },
    };
    const world = await fetched({ ...one({ key: 'db-password' }), target: { template } });
    expect(await dataOf(world)).toEqual({ password: 'marker-one', username: 'app' });
    const { type, metadata } = await world.get(`${SECRETS}/orders`);
    expect([type, metadata.labels.team, metadata.annotations.note]).toEqual([template.type, 'a', 'of marker-one']);
  });

  it('keeps what was fetched with the merge policy Merge, or without data', async () => {
    const merged = { mergePolicy: 'Merge', data: { url: 'db://{{ .x | toString }}' } };
    const world = await fetched({ ...one({ key: 'db-password' }), target: { template: merged } });
    expect(await dataOf(world)).toEqual({ x: 'marker-one', url: 'db://marker-one' });
  });
});
