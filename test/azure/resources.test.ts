import { describe, expect, it } from 'vitest';
import {
  azureOn,
  CLUSTER,
  cluster,
  credentialOf,
  IDENTITY,
  jumpingClock,
  problem,
  SUBSCRIPTION,
  servers,
  unsignedJwt,
  VAULT,
} from './server.ts';

const start = servers();

describe('clusters', () => {
  it('reads the wire, in one request, once per world', async () => {
    const server = await start(() => ({ body: cluster() }));
    const azure = azureOn(server.agent);
    const [one, two] = await Promise.all([azure.clusters.get(CLUSTER), azure.clusters.get(CLUSTER.toUpperCase())]);
    expect(one).toEqual(cluster());
    expect(two).toBe(one);
    await azure.fresh().clusters.get(CLUSTER);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[0]!.path).toContain('2026-06-01');
  });

  it('is undefined when absent', async () => {
    const server = await start(() => ({ status: 404, body: { error: { code: 'ResourceNotFound', message: 'no' } } }));
    expect(await azureOn(server.agent).clusters.get(CLUSTER)).toBeUndefined();
  });

  it('puts the raw body with If-Match, follows the operation by the clock and gives the final resource', async () => {
    const clock = jumpingClock();
    const operation = `https://management.azure.com/subscriptions/${SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westeurope/operations/1`;
    let polls = 0;
    const server = await start(({ method, path }) => {
      if (method === 'PUT') {
        return {
          status: 201,
          headers: { 'azure-asyncoperation': `${operation}?api-version=2026-06-01` },
          body: cluster({ provisioningState: 'Updating' }),
        };
      }
      if (path.includes('/operations/')) {
        polls += 1;
        const headers: Record<string, string> = polls === 2 ? { 'retry-after': '7' } : {};
        return { headers, body: { status: polls < 4 ? 'InProgress' : 'Succeeded' } };
      }
      return { body: cluster({ after: true }) };
    });
    const body = cluster({ oidcIssuerProfile: { enabled: true } });
    const done = await azureOn(server.agent, { clock }).clusters.put(CLUSTER, body, 'etag-1');
    expect(done).toEqual(cluster({ after: true }));
    expect(JSON.parse(server.asked[0]!.body)).toEqual(body);
    expect(server.asked[0]!.headers['if-match']).toBe('etag-1');
    expect(clock.slept).toEqual([2000, 3000, 7000, 8000]);
    expect(server.asked).toHaveLength(6);
  });

  it('throws a failed operation as its own error', async () => {
    const server = await start(({ method }) =>
      method === 'PUT'
        ? {
            status: 201,
            headers: { 'azure-asyncoperation': 'https://management.azure.com/op?api-version=1' },
            body: cluster(),
          }
        : { body: { status: 'Failed', error: { code: 'QuotaExceeded', message: 'Too few cores.' } } },
    );
    const error = await problem(azureOn(server.agent).clusters.put(CLUSTER, cluster()));
    expect(error).toMatchObject({ trouble: 'refused', resource: 'cluster demo-aks' });
    expect(error.said).toMatchObject({ code: 'QuotaExceeded', message: 'Too few cores.', requestId: 'req-1' });
  });

  it('does not follow an operation to another host, so no token goes there', async () => {
    const server = await start(() => ({
      status: 201,
      headers: { 'azure-asyncoperation': 'https://evil.vault.azure.net/op' },
      body: cluster(),
    }));
    const error = await problem(azureOn(server.agent).clusters.put(CLUSTER, cluster()));
    expect(error.message).toContain('another host');
    expect(server.asked).toHaveLength(1);
  });

  it('gives the credentials as a secret', async () => {
    const server = await start(() => ({
      body: { kubeconfigs: [{ name: 'clusterUser', value: Buffer.from('apiVersion: v1').toString('base64') }] },
    }));
    const secret = await azureOn(server.agent).clusters.credentials(CLUSTER);
    expect(secret.reveal()).toBe('apiVersion: v1');
    expect(server.calls()).toEqual([`POST management.azure.com${CLUSTER}/listClusterUserCredential`]);
    expect(server.asked[0]!.path).toContain('format=exec');
  });
});

describe('vaults', () => {
  it('asks, creates and changes policies with one request each, and bodies as they were given', async () => {
    const vault = {
      id: VAULT,
      name: 'demo-kv',
      properties: {
        vaultUri: 'https://demo-kv.vault.azure.net/',
        provisioningState: 'Succeeded',
        sku: { family: 'A', name: 'standard' },
        tenantId: 't',
      },
    };
    const server = await start(({ path }) =>
      path.includes('accessPolicies')
        ? { body: { properties: { accessPolicies: [] } } }
        : path.includes('checkName')
          ? { body: { nameAvailable: false, reason: 'AlreadyExists', message: 'taken' } }
          : { body: vault },
    );
    const azure = azureOn(server.agent);
    expect(await azure.vaults.get(VAULT)).toEqual(vault);
    expect(await azure.vaults.nameFree('demo-kv')).toEqual({ free: false, reason: 'taken' });
    expect(await azure.vaults.deleted('demo-kv', 'westeurope')).toEqual(vault);
    expect(await azure.vaults.create(VAULT, { location: 'westeurope', properties: { futureField: 1 } })).toEqual(vault);
    const policy = { tenantId: 't', objectId: 'p', permissions: { secrets: ['get'] } };
    await azure.vaults.addPolicy(VAULT, policy);
    await azure.vaults.removePolicy(VAULT, policy);
    expect(server.calls()).toEqual([
      `GET management.azure.com${VAULT}`,
      `POST management.azure.com/subscriptions/${SUBSCRIPTION}/providers/Microsoft.KeyVault/checkNameAvailability`,
      `GET management.azure.com/subscriptions/${SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/demo-kv`,
      `PUT management.azure.com${VAULT}`,
      `PUT management.azure.com${VAULT}/accessPolicies/add`,
      `PUT management.azure.com${VAULT}/accessPolicies/remove`,
    ]);
    expect(JSON.parse(server.asked[3]!.body)).toEqual({ location: 'westeurope', properties: { futureField: 1 } });
    expect(JSON.parse(server.asked[4]!.body)).toEqual({ properties: { accessPolicies: [policy] } });
  });

  it('says which resource answered oddly', async () => {
    const server = await start(() => ({ body: { id: VAULT, name: 'demo-kv', properties: {} } }));
    const error = await problem(azureOn(server.agent).vaults.get(VAULT));
    expect(error).toMatchObject({ trouble: 'broken', resource: 'vault demo-kv' });
    expect(error.message).toContain('not understood');
  });
});

describe('identities and what they trust', () => {
  it('reads, makes and deletes with one request each', async () => {
    const identity = {
      id: IDENTITY,
      name: 'orders-id',
      location: 'westeurope',
      tags: { a: 'b' },
      properties: { clientId: 'c', principalId: 'p', tenantId: 't', isolationScope: 'None' },
    };
    const server = await start(({ method }) => (method === 'DELETE' ? { status: 204 } : { body: identity }));
    const azure = azureOn(server.agent);
    expect(await azure.identities.get(IDENTITY)).toEqual(identity);
    expect(await azure.identities.create(IDENTITY, 'westeurope', { a: 'b' })).toEqual(identity);
    await azure.identities.delete(IDENTITY);
    expect(server.calls()).toEqual(
      ['GET', 'PUT', 'DELETE'].map((method) => `${method} management.azure.com${IDENTITY}`),
    );
    expect(JSON.parse(server.asked[1]!.body)).toEqual({ location: 'westeurope', tags: { a: 'b' } });
    expect(server.asked[0]!.headers.authorization).toMatch(/^Bearer e30\./);
  });

  it('lists all pages of credentials and keeps every byte of them', async () => {
    const one = (name: string) => ({
      id: `${IDENTITY}/x/${name}`,
      name,
      properties: { issuer: 'https://Issuer/X/', subject: 'system:serviceaccount:a:b', audiences: ['api://X'] },
    });
    const server = await start(({ path }) =>
      path.includes('skip')
        ? { body: { value: [one('b')] } }
        : {
            body: {
              value: [one('a')],
              nextLink: `https://management.azure.com${IDENTITY}/federatedIdentityCredentials?skip=1`,
            },
          },
    );
    const azure = azureOn(server.agent);
    const credential = { issuer: 'https://Issuer/X/', subject: 'system:serviceaccount:a:b', audiences: ['api://X'] };
    expect(await azure.federation.list(IDENTITY)).toEqual([
      { name: 'a', ...credential },
      { name: 'b', ...credential },
    ]);
    expect(server.asked).toHaveLength(2);
  });

  it('refuses a next page on another host', async () => {
    const server = await start(() => ({ body: { value: [], nextLink: 'https://evil.vault.azure.net/next' } }));
    const azure = azureOn(server.agent);
    expect((await problem(azure.federation.list(IDENTITY))).message).toContain('another host');
    expect((await problem(azure.roles.list(VAULT))).message).toContain('another host');
    expect(server.asked).toHaveLength(2);
  });
});

describe('roles', () => {
  const body = (name: string, principalId: string) => ({
    id: `${VAULT}/providers/Microsoft.Authorization/roleAssignments/${name}`,
    properties: {
      scope: VAULT,
      principalId,
      roleDefinitionId: `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/4633458B-17DE-408A-B874-0445C86B69E6`,
      description: null,
      createdOn: '2026-11-22T12:00:00Z',
    },
  });
  const wanted = {
    scope: VAULT,
    role: '4633458b-17de-408a-b874-0445c86b69e6',
    principalId: 'p1',
    description: 'aks-secrets x',
  };

  it('assigns under the same name for the same triple', async () => {
    const server = await start(({ path }) => ({ status: 201, body: body(path.split('/').at(-1)!, 'p1') }));
    const azure = azureOn(server.agent);
    await azure.roles.assign(wanted);
    await azure.roles.assign({ ...wanted, scope: VAULT.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions') });
    await azure.roles.assign({ ...wanted, principalId: 'p2' });
    const names = server.asked.map(({ path }) => /roleAssignments\/([^?]+)/i.exec(path)![1]);
    expect(names[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(names[1]).toBe(names[0]);
    expect(names[2]).not.toBe(names[0]);
    expect(JSON.parse(server.asked[0]!.body).properties).toMatchObject({
      principalType: 'ServicePrincipal',
      principalId: 'p1',
      description: 'aks-secrets x',
    });
  });

  it('takes an equal assignment of another name as success', async () => {
    const server = await start(({ method }) =>
      method === 'PUT'
        ? { status: 409, body: { error: { code: 'RoleAssignmentExists', message: 'exists' } } }
        : { body: { value: [body('x', 'p2'), body('y', 'P1')] } },
    );
    const found = await azureOn(server.agent).roles.assign(wanted);
    expect(found.id).toContain('/y');
    expect(found).toMatchObject({ role: wanted.role, createdOn: new Date('2026-11-22T12:00:00Z') });
    expect(found.description).toBeUndefined();
  });

  it('lists what a principal holds, also through its groups', async () => {
    const server = await start(() => ({ body: { value: [body('x', 'a-group')] } }));
    const azure = azureOn(server.agent);
    expect(await azure.roles.heldBy(VAULT, 'p1')).toMatchObject([{ principalId: 'a-group' }]);
    expect(decodeURIComponent(server.asked[0]!.path)).toContain("$filter=assignedTo('p1')");
  });

  it('stops at a chain of pages that never ends', async () => {
    const server = await start(() => ({ body: { value: [], nextLink: `https://management.azure.com${VAULT}/again` } }));
    expect((await problem(azureOn(server.agent).roles.list(VAULT))).message).toContain('does not end');
    expect(server.asked.length).toBeLessThan(1000);
  });
});

describe('a provider that is not registered', () => {
  const start409 = () =>
    start(() => ({
      status: 409,
      body: { error: { code: 'MissingSubscriptionRegistration', message: 'not registered' } },
    }));
  it('has no resources: reading finds nothing, and writing is refused', async () => {
    const azure = azureOn((await start409()).agent);
    expect(await azure.vaults.get(VAULT)).toBeUndefined();
    expect(await azure.identities.get(IDENTITY)).toBeUndefined();
    expect(await azure.clusters.get(CLUSTER)).toBeUndefined();
    expect(await azure.federation.list(IDENTITY)).toBeUndefined();
    expect(await azure.vaults.nameFree('kv')).toEqual({ free: true });
    expect(await problem(azure.identities.create(IDENTITY, 'westeurope', {}))).toMatchObject({ trouble: 'refused' });
  });
});

describe('caller, subscription, groups, providers', () => {
  it('knows people and applications by the token alone', async () => {
    const of = (claims: object) =>
      azureOn(undefined, { credential: credentialOf(unsignedJwt(claims)).credential }).caller();
    expect(await of({ oid: 'o', tid: 't', upn: 'ana@contoso.com', scp: 'x' })).toEqual({
      name: 'ana@contoso.com',
      objectId: 'o',
      tenantId: 't',
      kind: 'User',
    });
    expect(await of({ oid: 'o', tid: 't', appid: 'app-1', idtyp: 'app' })).toEqual({
      name: 'app-1',
      objectId: 'o',
      tenantId: 't',
      kind: 'ServicePrincipal',
    });
    expect((await problem(of({}))).trouble).toBe('broken');
  });

  it('asks one request each', async () => {
    const server = await start(({ path }) => {
      if (path.includes('/providers/')) return { body: { registrationState: 'NotRegistered' } };
      if (/resourcegroups/i.test(path))
        return {
          body: {
            id: `/subscriptions/${SUBSCRIPTION}/resourceGroups/demo-rg`,
            name: 'demo-rg',
            location: 'westeurope',
          },
        };
      return { body: { displayName: 'Contoso Dev', tenantId: 't' } };
    });
    const azure = azureOn(server.agent);
    expect(await azure.describe()).toEqual({ name: 'Contoso Dev', tenantId: 't' });
    expect(await azure.groups.get('demo-rg')).toMatchObject({ name: 'demo-rg', location: 'westeurope' });
    expect(await azure.groups.create('demo-rg', 'westeurope', {})).toMatchObject({ name: 'demo-rg' });
    expect(await azure.providers.state('Microsoft.KeyVault')).toBe('NotRegistered');
    await azure.providers.register('Microsoft.KeyVault');
    expect(server.asked).toHaveLength(5);
  });
});
