import { describe, expect, it } from 'vitest';
import { limitsOf } from '../../src/azure/rates.ts';
import { azureOn, credentialOf, problem, servers, unsignedJwt } from './server.ts';

const start = servers();
const error = (status: number, code: string, message = 'Because.') => ({ status, body: { error: { code, message } } });
const body = {
  id: 'o',
  appId: 'c',
  displayName: 'orders',
  tags: ['t'],
  signInAudience: 'AzureADMyOrg',
  hasOwnSecrets: false,
};
const credential = { name: 'n', issuer: 'https://i/', subject: 's', audiences: ['a'] };
const application = {
  id: 'o',
  clientId: 'c',
  name: 'orders',
  tags: [],
  signInAudience: 'AzureADMyOrg',
  hasOwnSecrets: false,
};

describe('applications', () => {
  it('are found by a name in quotes, over all pages, once per world, with a token for Graph', async () => {
    const { credential: own, scopes } = credentialOf();
    const server = await start(({ path }) => ({
      body: path.includes('$skiptoken')
        ? { value: [{ ...body, id: 'second' }] }
        : { value: [body], '@odata.nextLink': 'https://graph.microsoft.com/v1.0/applications?$skiptoken=1' },
    }));
    const azure = azureOn(server.agent, { credential: own });
    const [one, two] = await Promise.all([
      azure.applications.find({ name: "o'brien & co" }),
      azure.applications.find({ name: "o'brien & co" }),
    ]);
    expect(one.map(({ id }) => id)).toEqual(['o', 'second']);
    expect(two).toBe(one);
    expect(server.asked).toHaveLength(2);
    expect(new URL(`https://x${server.asked[0]!.path}`).searchParams.get('$filter')).toBe(
      "displayName eq 'o''brien & co'",
    );
    expect(new Set(scopes)).toEqual(new Set(['https://graph.microsoft.com/.default']));
  });

  it('are none where the client id is unknown', async () => {
    const server = await start(() => error(404, 'Request_ResourceNotFound'));
    const azure = azureOn(server.agent);
    expect(await azure.applications.find({ clientId: 'c' })).toEqual([]);
    expect(await azure.servicePrincipals.of('c')).toBeUndefined();
    expect(await azure.federation.list('o')).toBeUndefined();
    await azure.applications.delete(application);
  });

  it('are not made a second time when the connection is lost', async () => {
    const server = await start(() => ({ cut: true }));
    const making = azureOn(server.agent).applications.create({
      name: 'x',
      tags: [],
      signInAudience: 'AzureADMyOrg',
    });
    expect((await problem(making)).trouble).toBe('broken');
    expect(server.asked).toHaveLength(1);
  });

  it.each([
    ['a person', { oid: 'o', tid: 't', upn: 'ana@contoso.com' }, 'Application.ReadWrite.All', 'Application Developer'],
    ['an application', { oid: 'o', tid: 't', idtyp: 'app', appid: 'ci' }, 'Application.ReadWrite.OwnedBy', ''],
  ])('name the right that %s lacks', async (_who, claims, right, says) => {
    const server = await start(() => error(403, 'Authorization_RequestDenied', 'Insufficient privileges.'));
    const azure = azureOn(server.agent, { credential: credentialOf(unsignedJwt(claims)).credential });
    const made = await problem(azure.applications.create({ name: 'x', tags: [], signInAudience: 'AzureADMyOrg' }));
    expect(made).toMatchObject({ trouble: 'denied', right, said: { code: 'Authorization_RequestDenied' } });
    expect(made.message).toContain(right);
    expect(made.message).toContain(says);
    expect(await problem(azure.applications.find({ name: 'x' }))).toMatchObject({
      trouble: 'denied',
      right: 'Application.Read.All',
    });
  });

  it('keep the id of a request, which Graph calls otherwise', async () => {
    const server = await start(() => ({
      ...error(400, 'Request_BadRequest'),
      headers: { 'x-ms-request-id': '', 'request-id': 'graph-1' },
    }));
    const refused = await problem(azureOn(server.agent).applications.find({ name: 'x' }));
    expect(refused.said?.requestId).toBe('graph-1');
  });
});

describe('what rests on a young application', () => {
  it.each([
    ['Request_ResourceNotFound', error(404, 'Request_ResourceNotFound')],
    [
      'NoBackingApplicationObject',
      error(
        400,
        'Request_BadRequest',
        "The appId 'c' of the service principal does not reference a valid application object.",
      ),
    ],
  ])('is not yet: %s', async (_code, answer) => {
    const azure = azureOn((await start(() => answer)).agent);
    expect((await problem(azure.servicePrincipals.create('c', []))).trouble).toBe('not yet');
  });

  it('and another refusal stays one', async () => {
    const azure = azureOn((await start(() => error(400, 'Request_BadRequest'))).agent);
    expect((await problem(azure.servicePrincipals.create('c', []))).trouble).toBe('refused');
    expect((await problem(azure.federation.put('o', credential))).trouble).toBe('refused');
  });

  it('is not yet: a credential', async () => {
    const azure = azureOn((await start(() => error(404, 'Request_ResourceNotFound'))).agent);
    expect((await problem(azure.federation.put('o', credential))).trouble).toBe('not yet');
  });
});

describe('what is there already', () => {
  const TAKEN = error(409, 'Request_MultipleObjectsWithSameKeyValue');

  it('is the service principal that was wanted', async () => {
    const server = await start(({ method }) => (method === 'POST' ? TAKEN : { body: { id: 'p', appId: 'c' } }));
    expect(await azureOn(server.agent).servicePrincipals.create('c', [])).toMatchObject({ id: 'p', enabled: true });
  });

  it('is the credential of that name, which is put right', async () => {
    const server = await start(({ method }) => (method === 'POST' ? TAKEN : { status: 204 }));
    await azureOn(server.agent).federation.put('o', credential);
    expect(server.calls()).toEqual([
      'POST graph.microsoft.com/v1.0/applications/o/federatedIdentityCredentials',
      'PATCH graph.microsoft.com/v1.0/applications/o/federatedIdentityCredentials/n',
    ]);
  });
});

it('Graph has rates of its own', () => {
  const keys = (method: string, url: string) => limitsOf(method, new URL(url)).map(({ key }) => key);
  expect(keys('GET', 'https://graph.microsoft.com/v1.0/applications')).toEqual(['reads graph.microsoft.com']);
  expect(keys('POST', 'https://microsoftgraph.chinacloudapi.cn/v1.0/applications')).toEqual([
    'writes microsoftgraph.chinacloudapi.cn',
  ]);
});
