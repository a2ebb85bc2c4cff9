import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { directoryOf, type Right } from '../../src/sandbox/graph/store.ts';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { CALLER } from '../../src/sandbox/world/demo.ts';
import { assign, makeIdentity } from './arm-world.ts';
import { ask, sandbox, VAULT } from './harness.ts';

/** One request to Graph as the sandbox's caller, with a token for `audience`. */
async function graph(
  one: Sandbox,
  method: string,
  path: string,
  body?: unknown,
  audience = 'https://graph.microsoft.com',
) {
  const { token } = await (await one.surroundings.credential()).getToken(`${audience}/.default`);
  return ask(one, method, `https://graph.microsoft.com/v1.0${path}`, body, { authorization: `Bearer ${token}` });
}
const register = async (one: Sandbox, more: object = {}) =>
  (await graph(one, 'POST', '/applications', { displayName: 'orders', signInAudience: 'AzureADMyOrg', ...more })).body;
const trust = (name: string, subject = name, more: object = {}) => ({
  ...{ name, subject, issuer: 'https://issuer.example/', audiences: ['api://AzureADTokenExchange'] },
  ...more,
});
const quick = { settings: { replication: 0 } } as const;
const may = (one: Sandbox, right: Right) => {
  directoryOf(one.parts).rights[CALLER.objectId] = right;
};

describe('Graph', () => {
  it('takes tokens for Graph alone, in its own words', async () => {
    const one = await sandbox();
    const bare = await ask(one, 'GET', 'https://graph.microsoft.com/v1.0/applications');
    expect({ status: bare.status, error: bare.body.error }).toMatchObject({
      status: 401,
      error: { code: 'InvalidAuthenticationToken', message: 'Access token is empty.' },
    });
    const wrong = await graph(one, 'GET', '/applications', undefined, 'https://management.azure.com');
    expect(wrong.body.error).toMatchObject({
      code: 'InvalidAuthenticationToken',
      message: 'Access token validation failure. Invalid audience.',
    });
  });

  it.each([
    ['GET', '/users'],
    ['GET', '/me'],
    ['PUT', '/applications/x'],
    ['GET', '/applications/x/owners'],
  ])('does not know %s %s, and says so', async (method, path) => {
    const { status, body } = await graph(await sandbox(), method, path);
    expect({ status, code: body.error.code }).toEqual({ status: 501, code: 'NotImplementedBySandbox' });
  });

  it.each([
    ['an unknown property', 'POST', '/applications', { displayName: 'x', displayname: 'y' }],
    ['no name', 'POST', '/applications', {}],
    ['an audience that is none', 'POST', '/applications', { displayName: 'x', signInAudience: 'Everybody' }],
    ['tags that are pairs', 'POST', '/applications', { displayName: 'x', tags: { a: 'b' } }],
    ['a filter that it does not do', 'GET', "/applications?$filter=endswith(displayName,'x')", undefined],
    ['certificates of an application', 'POST', '/applications', { displayName: 'x', keyCredentials: [{}] }],
    ['ids that are no list', 'POST', '/directoryObjects/getByIds', { ids: 'x' }],
    ['a property that nobody has', 'GET', '/applications?$select=color', undefined],
    ['an option that it does not have', 'GET', '/applications?$expand=owners', undefined],
  ])('refuses %s', async (_title, method, path, body) => {
    const one = await sandbox(quick);
    await register(one);
    const answer = await graph(one, method, path, body);
    expect({ status: answer.status, code: answer.body.error?.code }).toEqual({
      status: 400,
      code: 'Request_BadRequest',
    });
  });
});

describe('an application', () => {
  it('is made as often as it is asked for, and found by name or client id', async () => {
    const one = await sandbox(quick);
    const [first, second] = [await register(one, { tags: ['a=b'] }), await register(one, { displayName: "o'brien" })];
    await register(one);
    const ids = async (filter: string): Promise<string[]> =>
      (await graph(one, 'GET', `/applications?$filter=${encodeURIComponent(filter)}&$select=id,tags`)).body.value.map(
        ({ id }: { id: string }) => id,
      );
    expect(await ids("displayName eq 'ORDERS'")).toHaveLength(2);
    expect(await ids("displayName eq 'o''brien'")).toEqual([second.id]);
    expect(await ids(`appId eq '${first.appId}'`)).toEqual([first.id]);
    expect(await ids("startswith(displayName,'O')")).toHaveLength(3);
    const byKey = await graph(one, 'GET', `/applications(appId='${first.appId}')?$select=id,tags`);
    expect(byKey.body).toEqual({ id: first.id, tags: ['a=b'] });
    const absent = await graph(one, 'GET', `/applications/${randomUUID()}`);
    expect({ status: absent.status, code: absent.body.error.code }).toEqual({
      status: 404,
      code: 'Request_ResourceNotFound',
    });
  });

  it('comes in pages, whose links lead on', async () => {
    const one = await sandbox(quick);
    for (let n = 0; n < 7; n += 1) await register(one);
    const { body } = await graph(one, 'GET', "/applications?$filter=displayName eq 'orders'");
    expect(body.value).toHaveLength(5);
    const next = new URL(body['@odata.nextLink']);
    const rest = await graph(one, 'GET', `${next.pathname.replace('/v1.0', '')}${next.search}`);
    expect({ rest: rest.body.value.length, more: rest.body['@odata.nextLink'] }).toEqual({ rest: 2, more: undefined });
  });

  it('is changed and deleted, and takes its service principal along', async () => {
    const one = await sandbox(quick);
    const { id, appId } = await register(one);
    const { body: principal } = await graph(one, 'POST', '/servicePrincipals', { appId });
    const change = { tags: ['t'], signInAudience: 'AzureADMultipleOrgs' };
    expect((await graph(one, 'PATCH', `/applications/${id}`, change)).status).toBe(204);
    expect((await graph(one, 'GET', `/applications/${id}`)).body).toMatchObject({ ...change, displayName: 'orders' });
    expect((await graph(one, 'DELETE', `/applications/${id}`)).status).toBe(204);
    expect((await graph(one, 'GET', `/servicePrincipals/${principal.id}`)).status).toBe(404);
  });
});

// `az role assignment create --assignee` and `az role assignment list` ask these.
describe('whoever can hold a role', () => {
  const byIds = async (one: Sandbox, ids: readonly string[], more: object = {}) =>
    (await graph(one, 'POST', '/directoryObjects/getByIds', { ids, ...more })).body.value;

  it('is found by a client id among its names, a managed identity too', async () => {
    const one = await sandbox(quick);
    const { clientId, principalId } = await makeIdentity(one);
    const { appId } = await register(one, { keyCredentials: [] });
    await graph(one, 'POST', '/servicePrincipals', { appId });
    const named = async (name: string) =>
      (await graph(one, 'GET', `/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '${name}')`)).body.value;
    expect(await named(clientId)).toMatchObject([{ id: principalId, servicePrincipalType: 'ManagedIdentity' }]);
    expect(await named(appId)).toMatchObject([{ appId, servicePrincipalType: 'Application' }]);
    expect(await named(randomUUID())).toEqual([]);
    expect((await graph(one, 'GET', `/servicePrincipals/${principalId}`)).body.appId).toBe(clientId);
  });

  it('is known by its object id, with its kind', async () => {
    const one = await sandbox(quick);
    const { clientId, principalId } = await makeIdentity(one);
    one.place.slice.principals.people = { kind: 'Group', name: 'readers', arrivesAt: 0 };
    const all = [principalId, 'people', CALLER.objectId, randomUUID()];
    expect(await byIds(one, all)).toMatchObject([
      { '@odata.type': '#microsoft.graph.user', id: CALLER.objectId, userPrincipalName: CALLER.name },
      { '@odata.type': '#microsoft.graph.group', displayName: 'readers' },
      { '@odata.type': '#microsoft.graph.servicePrincipal', id: principalId, servicePrincipalNames: [clientId] },
    ]);
    expect(await byIds(one, all, { types: ['group'] })).toHaveLength(1);
  });

  it('is not shown before the directory knows it, nor to whoever may not look', async () => {
    const one = await sandbox({ settings: { replication: 60_000 } });
    const { principalId } = await makeIdentity(one);
    expect(await byIds(one, [principalId])).toEqual([]);
    one.advance(61_000);
    expect(await byIds(one, [principalId])).toHaveLength(1);
    may(one, 'none');
    const denied = await graph(one, 'POST', '/directoryObjects/getByIds', { ids: [principalId] });
    expect(denied.body.error.code).toBe('Authorization_RequestDenied');
  });
});

describe('a service principal', () => {
  it('cannot be made before the application has arrived, and is one', async () => {
    const one = await sandbox({ settings: { replication: 60_000 } });
    const { id, appId } = await register(one);
    const early = await graph(one, 'POST', '/servicePrincipals', { appId });
    expect({ status: early.status, ...early.body.error }).toMatchObject({
      status: 400,
      code: 'Request_BadRequest',
      details: [{ code: 'NoBackingApplicationObject' }],
    });
    const credential = await graph(one, 'POST', `/applications/${id}/federatedIdentityCredentials`, trust('good'));
    expect({ status: credential.status, code: credential.body.error.code }).toEqual({
      status: 404,
      code: 'Request_ResourceNotFound',
    });
    one.advance(61_000);
    const made = await graph(one, 'POST', '/servicePrincipals', { appId, tags: ['t'] });
    expect({ status: made.status, appId: made.body.appId, tags: made.body.tags }).toEqual({
      status: 201,
      appId,
      tags: ['t'],
    });
    expect((await graph(one, 'POST', '/servicePrincipals', { appId })).status).toBe(409);
    expect((await graph(one, 'GET', `/servicePrincipals(appId='${appId}')`)).body.id).toBe(made.body.id);
    expect((await graph(one, 'GET', `/servicePrincipals?$filter=appId eq '${appId}'`)).body.value).toHaveLength(1);
  });

  it('is a principal that roles can name, once it has arrived and until it is gone', async () => {
    const one = await sandbox(quick);
    const { appId } = await register(one);
    one.settings.replication = 60_000;
    const { id } = (await graph(one, 'POST', '/servicePrincipals', { appId })).body;
    one.settings.strictPrincipals = true;
    expect((await assign(one, VAULT, id)).body.error.code).toBe('PrincipalNotFound');
    one.advance(61_000);
    expect((await assign(one, VAULT, id, { principalType: 'User' })).body.error.code).toBe('UnmatchedPrincipalType');
    expect((await assign(one, VAULT, id)).status).toBe(201);
    expect((await graph(one, 'DELETE', `/servicePrincipals/${id}`)).status).toBe(204);
    expect((await assign(one, VAULT, id, {}, randomUUID())).body.error.code).toBe('PrincipalNotFound');
  });
});

describe('a federated credential of an application', () => {
  const made = async () => {
    const one = await sandbox(quick);
    const { id } = await register(one);
    const at = `/applications/${id}/federatedIdentityCredentials`;
    return { one, at, put: (body: object) => graph(one, 'POST', at, body) };
  };

  it.each([
    ['a short name', trust('ab')],
    ['two audiences', trust('good', 's', { audiences: ['a', 'b'] })],
    ['no subject', trust('good', '')],
    ['an issuer that is no address', trust('good', 's', { issuer: 'nonsense' })],
    ['a long subject', trust('good', 's'.repeat(601))],
    ['an unknown property', trust('good', 's', { claimsMatchingExpression: {} })],
  ])('with %s is refused', async (_title, body) => {
    expect((await (await made()).put(body)).status).toBe(400);
  });

  it('is one of at most 20, one per name, one per issuer and subject', async () => {
    const { put, one, at } = await made();
    for (let n = 0; n < 20; n += 1) expect((await put(trust(`fic-${n}`))).status).toBe(201);
    const again = await put(trust('fic-3', 'other'));
    expect({ status: again.status, code: again.body.error.code }).toEqual({
      status: 409,
      code: 'Request_MultipleObjectsWithSameKeyValue',
    });
    expect((await put(trust('other', 'fic-3'))).body.error.message).toContain('already exists');
    expect((await put(trust('other', 'other'))).body.error.message).toContain('limit of 20');
    const { id } = (await graph(one, 'GET', `${at}/fic-3`)).body;
    expect((await graph(one, 'PATCH', `${at}/${id}`, { subject: 'changed' })).status).toBe(204);
    expect((await graph(one, 'GET', `${at}/${id}`)).body).toMatchObject({ name: 'fic-3', subject: 'changed' });
    expect((await graph(one, 'DELETE', `${at}/fic-3`)).status).toBe(204);
    expect((await graph(one, 'GET', `${at}/fic-3`)).status).toBe(404);
  });

  it('counts for Entra once it has arrived, and an old one until then', async () => {
    const one = await sandbox(quick);
    const { id, appId } = await register(one);
    await graph(one, 'POST', '/servicePrincipals', { appId });
    one.settings.replication = 60_000;
    const at = `/applications/${id}/federatedIdentityCredentials`;
    await graph(one, 'POST', at, trust('good', 'old'));
    const known = () =>
      one.parts.graph.application(appId, one.parts.state.tenantId)?.credentials.map(({ subject }) => subject);
    expect(known()).toEqual([]);
    one.advance(61_000);
    expect(known()).toEqual(['old']);
    await graph(one, 'PATCH', `${at}/good`, { subject: 'new' });
    expect(known()).toEqual(['old']);
    one.advance(61_000);
    expect(known()).toEqual(['new']);
  });
});

describe('Entra', () => {
  it('knows an application at home by itself, elsewhere by its service principal and only if it is open', async () => {
    const one = await sandbox(quick);
    const other = randomUUID();
    one.parts.state.entra.tenants = [other];
    const { id, appId } = await register(one);
    const signIn = async (tenant: string): Promise<string> => {
      const form = new URLSearchParams({
        ...{ grant_type: 'client_credentials', client_id: appId, client_assertion: 'x' },
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });
      const request = {
        ...{ method: 'POST', host: 'login.microsoftonline.com', path: `/${tenant}/oauth2/v2.0/token` },
        ...{ query: new URLSearchParams(), headers: {}, body: String(form) },
      };
      const { body } = await one.parts.dispatch(request);
      return /AADSTS\d+/.exec((body as { error_description: string }).error_description)![0];
    };
    const home = one.parts.state.tenantId;
    expect(await signIn(home)).toBe('AADSTS7000229');
    await graph(one, 'POST', '/servicePrincipals', { appId });
    // It gets as far as the assertion.
    expect(await signIn(home)).toBe('AADSTS50027');
    const [own] = Object.values(directoryOf(one.parts).servicePrincipals);
    directoryOf(one.parts).servicePrincipals.there = { ...own!, id: 'there', tenantId: other };
    expect(await signIn(other)).toBe('AADSTS700016');
    await graph(one, 'PATCH', `/applications/${id}`, { signInAudience: 'AzureADMultipleOrgs' });
    expect(await signIn(other)).toBe('AADSTS50027');
    expect(one.errors).toEqual([]);
  });
});

describe('a caller', () => {
  const REFUSED = { status: 403, code: 'Authorization_RequestDenied' };
  const outcome = async (asked: ReturnType<typeof graph>) => {
    const { status, body } = await asked;
    return status < 400 ? 'done' : { status, code: body.error.code };
  };

  it.each<[Right, { look: unknown; register: unknown; foreign: unknown }]>([
    ['none', { look: REFUSED, register: REFUSED, foreign: REFUSED }],
    ['read', { look: 'done', register: REFUSED, foreign: REFUSED }],
    ['owned', { look: 'done', register: 'done', foreign: REFUSED }],
    ['all', { look: 'done', register: 'done', foreign: 'done' }],
  ])('with the right "%s"', async (right, expected) => {
    const one = await sandbox(quick);
    const { id } = await register(one);
    directoryOf(one.parts).applications[id]!.owner = 'somebody-else';
    may(one, right);
    expect({
      look: await outcome(graph(one, 'GET', '/applications')),
      register: await outcome(graph(one, 'POST', '/applications', { displayName: 'x' })),
      foreign: await outcome(graph(one, 'PATCH', `/applications/${id}`, { tags: [] })),
    }).toEqual(expected);
  });
});
