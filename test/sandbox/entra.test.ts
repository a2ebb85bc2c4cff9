import fc from 'fast-check';
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEntra } from '../../src/sandbox/entra/index.ts';
import type { ArmIdentity } from '../../src/sandbox/parts.ts';
import { type HandMade, handMade, OTHER_TENANT, request, START, TENANT } from './hand-made.ts';

const ISSUER = 'https://westeurope.oic.prod-aks.azure.com/t/cluster-1/';
const SUBJECT = 'system:serviceaccount:demo:demo';
const AUDIENCE = 'api://AzureADTokenExchange';
const CLIENT = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const VAULT_SCOPE = 'https://vault.azure.net/.default';
const NOW = START.getTime() / 1000;
const KEYS = `${ISSUER}openid/v1/jwks`;
const trusted = { name: 'f', issuer: ISSUER, subject: SUBJECT, audiences: [AUDIENCE] };
const identity: ArmIdentity = {
  id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/demo',
  clientId: CLIENT,
  principalId: 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb',
  tenantId: TENANT,
  credentials: [trusted],
};

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let cluster: Pair;
let stranger: Pair;
beforeAll(async () => {
  cluster = await generateKeyPair('RS256', { extractable: true });
  stranger = await generateKeyPair('RS256', { extractable: true });
});

let world: HandMade;
let entra: ReturnType<typeof createEntra>;
beforeEach(async () => {
  world = handMade();
  world.identities.push(identity);
  world.web.set(`${ISSUER}.well-known/openid-configuration`, { status: 200, body: { issuer: ISSUER, jwks_uri: KEYS } });
  const key = { ...(await exportJWK(cluster.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  world.web.set(KEYS, { status: 200, body: JSON.stringify({ keys: [key] }) });
  entra = createEntra(world.parts);
});

const claims: JWTPayload = {
  iss: ISSUER,
  sub: SUBJECT,
  aud: [AUDIENCE],
  nbf: NOW - 60,
  iat: NOW - 60,
  exp: NOW + 3600,
};
const assertion = (changes: JWTPayload = {}, kid = 'k1', signer = cluster) =>
  new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'RS256', kid }).sign(signer.privateKey);

const ask = (form: Record<string, string>, tenant = TENANT) =>
  entra.handler(
    request('POST', `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`, {
      body: new URLSearchParams(form).toString(),
    }),
    world.parts,
  );
const form = (token: string, changes: Record<string, string> = {}) => ({
  client_id: CLIENT,
  scope: VAULT_SCOPE,
  grant_type: 'client_credentials',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: token,
  client_info: '1',
  ...changes,
});
type Body = Record<string, string> & { error_codes: number[] };
const codeOf = async (reply: ReturnType<typeof ask>) => ((await reply).body as Body).error_codes?.[0];

describe('a token for a token', () => {
  it('is an access token of the identity, for the vault, by the simulated clock', async () => {
    const reply = await ask(form(await assertion()));
    expect(reply.status).toBe(200);
    const { access_token, expires_in, token_type } = reply.body as Body;
    expect([token_type, expires_in]).toEqual(['Bearer', 86399]);
    expect(decodeJwt(access_token as string)).toMatchObject({
      aud: 'https://vault.azure.net',
      iss: `https://sts.windows.net/${TENANT}/`,
      oid: identity.principalId,
      sub: identity.principalId,
      appid: CLIENT,
      tid: TENANT,
      idtyp: 'app',
      ver: '1.0',
      exp: NOW + 86399,
    });
    expect(await entra.verify(access_token as string)).toEqual({
      objectId: identity.principalId,
      tenantId: TENANT,
      appId: CLIENT,
      audience: 'https://vault.azure.net',
    });
  });

  const unknown = 'cccccccc-cccc-4ccc-8ccc-cccccccccccc';
  const soon = { nbf: NOW + 60 };
  const over = { nbf: NOW - 7200, exp: NOW };
  // What is wrong, the code; then the token's claims, the form, the credentials, the tenant.
  const table: [string, number, JWTPayload?, Record<string, string>?, ArmIdentity['credentials']?, string?][] = [
    ['unknown tenant', 90002, {}, {}, [trusted], unknown],
    ['no tenant at all', 900023, {}, {}, [trusted], 'nonsense'],
    ['unknown client', 700016, {}, { client_id: unknown }],
    ['a principal id as client id', 700016, {}, { client_id: identity.principalId }],
    ['a resource id as client id', 700016, {}, { client_id: identity.id }],
    ['a client of another tenant', 700016, {}, {}, [trusted], OTHER_TENANT],
    ['no client id', 900144, {}, { client_id: '' }],
    ['no grant type', 900144, {}, { grant_type: '' }],
    ['another grant type', 70003, {}, { grant_type: 'password' }],
    ['no assertion', 7000218, {}, { client_assertion: '' }],
    ['a client secret', 7000215, {}, { client_assertion: '', client_secret: 'x' }],
    ['not a JWT', 50027, {}, { client_assertion: 'nonsense' }],
    ['a token that never ends', 50027, { exp: undefined as never }],
    ["one of Entra's own tokens", 700222, { iss: `https://sts.windows.net/${TENANT}/` }],
    ['no credential at all', 70021, {}, {}, []],
    ['another issuer', 700211, { iss: 'https://westeurope.oic.prod-aks.azure.com/t/cluster-2/' }],
    ['issuer without slash', 700211, { iss: ISSUER.slice(0, -1) }],
    ['credential without slash', 700211, {}, {}, [{ ...trusted, issuer: ISSUER.slice(0, -1) }]],
    ['issuer in another case', 7002138, { iss: ISSUER.replace('cluster', 'Cluster') }],
    ['another subject', 700213, { sub: 'system:serviceaccount:demo:default' }],
    ['subject in another case', 7002138, { sub: 'system:serviceaccount:Demo:demo' }],
    [
      'subject of a credential for another issuer',
      700213,
      {},
      {},
      [
        { ...trusted, subject: 'a' },
        { ...trusted, issuer: 'https://b/' },
      ],
    ],
    ['another audience', 700212, { aud: ['https://kubernetes.default.svc'] }],
    ['audience in another case', 700212, { aud: [AUDIENCE.toLowerCase()] }],
    ['not yet valid', 700024, soon],
    ['no longer valid', 700024, over],
    ['no scope', 900144, {}, { scope: '' }],
    ['scope without /.default', 1002012, {}, { scope: 'https://vault.azure.net/user_impersonation' }],
    ['scopes of OpenID alone', 1002012, {}, { scope: 'openid profile' }],
    ['two resources', 70011, {}, { scope: `${VAULT_SCOPE} https://management.azure.com/.default` }],
    ['unknown resource', 500011, {}, { scope: 'https://demo-kv.vault.azure.net/.default' }],
    // The order: what comes first is said.
    ['tenant before client', 90002, {}, { client_id: unknown }, [trusted], unknown],
    ['client before assertion', 700016, {}, { client_id: unknown, client_assertion: 'nonsense' }],
    ['issuer before subject', 700211, { iss: 'https://b/', sub: 'b', aud: 'b' }],
    ['subject before audience', 700213, { sub: 'b', aud: 'b', ...over }],
    ['audience before time', 700212, { aud: 'b', ...over }],
    ['time before scope', 700024, over, { scope: 'nonsense' }],
  ];
  it.each(table)('%s: %i', async (_, code, changes = {}, fields = {}, credentials = [trusted], tenant = TENANT) => {
    world.identities[0] = { ...identity, credentials };
    const reply = await ask(form(await assertion(changes), fields), tenant);
    const body = reply.body as Body;
    expect(body.error_codes).toEqual([code]);
    expect([400, 401]).toContain(reply.status);
    expect(body.error_description).toMatch(
      new RegExp(
        `^AADSTS${code}: .+ Trace ID: ${body.trace_id} Correlation ID: ${body.correlation_id} Timestamp: ${body.timestamp}$`,
        's',
      ),
    );
    expect(body.timestamp).toBe('2026-11-22 12:00:00Z');
    expect(body.error_uri).toBe(`https://login.microsoftonline.com/error?code=${code}`);
  });

  it.each([
    ['key not found', 'k2', 'cluster', 'The key was not found'],
    ['wrong signature', 'k1', 'stranger', 'did not match the expected signature'],
  ])('%s: 700027, also before the time is looked at', async (_, kid, who, reason) => {
    const reply = await ask(form(await assertion({ exp: NOW - 10 }, kid, who === 'cluster' ? cluster : stranger)));
    expect(reply.body).toMatchObject({ error_codes: [700027], error_description: expect.stringContaining(reason) });
  });
  it('an unsigned token: 700027', async () => {
    const [, payload] = (await assertion()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', kid: 'k1' })).toString('base64url');
    expect(await codeOf(ask(form(`${header}.${payload}.`)))).toBe(700027);
  });
  it('a token signed with the published key as a shared secret: 700027', async () => {
    const shared = new TextEncoder().encode(JSON.stringify(await exportJWK(cluster.publicKey)));
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(shared);
    expect(await codeOf(ask(form(token)))).toBe(700027);
  });
  it.each([
    ['document gone', `${ISSUER}.well-known/openid-configuration`, { status: 404 }, 90061],
    [
      "another issuer's document",
      `${ISSUER}.well-known/openid-configuration`,
      { status: 200, body: { issuer: 'https://b/', jwks_uri: KEYS } },
      90061,
    ],
    ['not JSON', `${ISSUER}.well-known/openid-configuration`, { status: 200, body: '<html>' }, 90061],
    ['keys gone', KEYS, { status: 503 }, 50166],
  ])('the issuer cannot be read (%s): %s %j %i', async (_, address, reply, code) => {
    world.web.set(address, reply);
    expect(await codeOf(ask(form(await assertion())))).toBe(code);
  });

  it('a rotated key counts at once', async () => {
    const key = { ...(await exportJWK(stranger.publicKey)), kid: 'k2', alg: 'RS256', use: 'sig' };
    world.web.set(KEYS, { status: 200, body: { keys: [key] } });
    expect(await codeOf(ask(form(await assertion())))).toBe(700027);
    expect((await ask(form(await assertion({}, 'k2', stranger)))).status).toBe(200);
  });

  it.each([
    [
      'one of several credentials',
      [{ ...trusted, issuer: 'https://b/' }, { ...trusted, subject: 'b' }, trusted],
      [AUDIENCE],
    ],
    ['one of several audiences', [trusted], ['other', AUDIENCE]],
    ['an audience that is not a list', [trusted], AUDIENCE],
  ])('accepts %s', async (_, credentials, aud) => {
    world.identities[0] = { ...identity, credentials };
    expect((await ask(form(await assertion({ aud })))).status).toBe(200);
  });

  it.each([
    ['https://management.azure.com/.default', 'https://management.azure.com'],
    ['https://management.core.windows.net//.default', 'https://management.core.windows.net/'],
    ['6dae42f8-4368-4678-94ff-3960e28e3630/.default', '6dae42f8-4368-4678-94ff-3960e28e3630'],
    ['https://vault.azure.net/.default openid offline_access profile', 'https://vault.azure.net'],
  ])('scope %s is for %s', async (scope, audience) => {
    const reply = await ask(form(await assertion(), { scope }));
    expect(decodeJwt((reply.body as Body).access_token as string).aud).toBe(audience);
  });

  it('refuses every subject and every issuer that differs by as little as a byte', async () => {
    const edit = (text: string) =>
      fc
        .tuple(fc.nat(text.length), fc.nat(2), fc.string({ maxLength: 2 }))
        .map(([at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut))
        .filter((edited) => edited !== text);
    await fc.assert(
      fc.asyncProperty(edit(SUBJECT), edit(ISSUER), async (sub, iss) => {
        expect([700213, 7002138]).toContain(await codeOf(ask(form(await assertion({ sub })))));
        expect([700211, 7002138, 700222]).toContain(await codeOf(ask(form(await assertion({ iss })))));
      }),
      { numRuns: 100 },
    );
  });

  it('never repeats the assertion', async () => {
    const token = await assertion({ sub: 'b' });
    expect(JSON.stringify(await ask(form(token)))).not.toContain(token.split('.')[2]);
  });
});

describe('tokens', () => {
  const user = { objectId: 'o', tenantId: TENANT, name: 'ana@contoso.com' };
  it('of a user say so', async () => {
    const token = await entra.sign(user, 'https://management.azure.com');
    expect(decodeJwt(token)).toMatchObject({ idtyp: 'user', upn: 'ana@contoso.com', oid: 'o', tid: TENANT });
    expect(await entra.verify(token)).toEqual({ ...user, audience: 'https://management.azure.com' });
  });
  it('end by the simulated clock', async () => {
    const token = await entra.sign(user, 'x');
    world.advance(86_398_000);
    expect(await entra.verify(token)).toBeDefined();
    world.advance(2_000);
    expect(await entra.verify(token)).toBeUndefined();
  });
  it('are known again after a restart, by the key in the state', async () => {
    const token = await entra.sign(user, 'x');
    const saved = JSON.parse(JSON.stringify(world.state.entra));
    const later = handMade();
    Object.assign(later.state.entra, saved);
    expect(await createEntra(later.parts).verify(token)).toBeDefined();
    expect(world.saves).toBe(1);
  });
  it.each(['', 'nonsense', 'a.b.c'])('%j is nobody', async (token) => {
    expect(await entra.verify(token)).toBeUndefined();
  });
  it("of another sandbox, of a cluster, or changed, are nobody's", async () => {
    const foreign = await createEntra(handMade().parts).sign(user, 'x');
    const [header, , signature] = (await entra.sign(user, 'x')).split('.');
    const payload = Buffer.from(JSON.stringify({ ...decodeJwt(foreign), oid: 'root' })).toString('base64url');
    for (const token of [foreign, await assertion(), `${header}.${payload}.${signature}`]) {
      expect(await entra.verify(token)).toBeUndefined();
    }
  });
  it('make one key, also when asked at once', async () => {
    await Promise.all([entra.sign(user, 'x'), entra.sign(user, 'x')]);
    expect(world.saves).toBe(1);
  });
});

describe('discovery', () => {
  const get = (path: string) => entra.handler(request('GET', `https://login.microsoftonline.com${path}`), world.parts);
  const authorize = encodeURIComponent(`https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/authorize`);
  it('of the instance names the aliases', async () => {
    const { body } = await get(`/common/discovery/instance?api-version=1.1&authorization_endpoint=${authorize}`);
    expect(body).toMatchObject({
      tenant_discovery_endpoint: `https://login.microsoftonline.com/${TENANT}/v2.0/.well-known/openid-configuration`,
      metadata: [{ aliases: expect.arrayContaining(['login.windows.net', 'sts.windows.net']) }],
    });
  });
  it('of an unknown instance is refused', async () => {
    expect(
      (await get('/common/discovery/instance?authorization_endpoint=https://evil/x/oauth2/v2.0/authorize')).status,
    ).toBe(400);
  });
  it('of the tenant names end points; its keys hold no private part', async () => {
    const { body } = await get(`/${TENANT}/v2.0/.well-known/openid-configuration`);
    const { token_endpoint, jwks_uri } = body as Body;
    expect(token_endpoint).toBe(`https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/token`);
    const keys = await get(new URL(jwks_uri as string).pathname);
    expect(Object.keys((keys.body as { keys: object[] }).keys[0] as object).sort()).toEqual([
      'e',
      'kid',
      'kty',
      'n',
      'use',
      'x5t',
    ]);
  });
  it('of an unknown tenant: 400, invalid_tenant', async () => {
    const reply = await get('/cccccccc-cccc-4ccc-8ccc-cccccccccccc/v2.0/.well-known/openid-configuration');
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_tenant', error_codes: [90002] } });
  });
  it.each([`/${TENANT}/oauth2/token`, `/${TENANT}/oauth2/v2.0/devicecode`, '/', `/${TENANT}/oauth2/v2.0/token`])(
    'GET %s is not simulated',
    async (path) => {
      expect((await get(path)).status).toBe(501);
    },
  );
});
