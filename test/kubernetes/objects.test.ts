import { describe, expect, it } from 'vitest';
import { jumpingClock, problem, servers } from '../azure/server.ts';
import { account, clusterOn, status } from './cluster.ts';

const start = servers();

describe('reading', () => {
  it('asks one request per object, side by side, and each once per world', async () => {
    const server = await start(({ path }) => ({ body: { apiVersion: 'v1', kind: 'X', metadata: { name: path } } }));
    const cluster = clusterOn(server);
    const refs = [
      account,
      { apiVersion: 'v1', kind: 'Namespace', name: 'shop' },
      { apiVersion: 'secrets-store.csi.x-k8s.io/v1', kind: 'SecretProviderClass', namespace: 'shop', name: 'orders' },
      { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'a/b' },
    ];
    await Promise.all([...refs, ...refs].map((each) => cluster.get(each)));
    expect(server.calls().sort()).toEqual(
      [
        '/api/v1/namespaces/shop',
        '/api/v1/namespaces/shop/serviceaccounts/orders',
        '/apis/apps/v1/namespaces/shop/deployments/a%2Fb',
        '/apis/secrets-store.csi.x-k8s.io/v1/namespaces/shop/secretproviderclasses/orders',
      ].map((path) => `GET ${new URL(server.url).host}${path}`),
    );
    expect(server.asked[0]!.headers.authorization).toBe('Bearer user-token');
    await cluster.fresh().get(account);
    expect(server.asked).toHaveLength(5);
  });

  it('keeps its connections', async () => {
    const server = await start(() => ({ body: { metadata: { name: 'orders' } } }));
    const cluster = clusterOn(server);
    const ports = new Set<unknown>();
    const count = async () => {
      await cluster.fresh().get(account);
      ports.add(server.asked.at(-1)!.port);
    };
    for (let n = 0; n < 5; n += 1) await count();
    // One may still be closing its last answer when the next request comes.
    expect(ports.size).toBeLessThan(3);
  });

  it('is undefined or empty where object, kind or API is not there', async () => {
    const server = await start(({ path }) =>
      path.startsWith('/apis/known') && path.split('/').length === 4
        ? {
            body: {
              kind: 'APIResourceList',
              resources: [
                { name: 'things', kind: 'Thing', namespaced: true },
                { name: 'things/status', kind: 'Thing', namespaced: true },
              ],
            },
          }
        : path.includes('openid')
          ? { body: {} }
          : { status: 404, body: '404 page not found' },
    );
    const cluster = clusterOn(server);
    expect(await cluster.get(account)).toBeUndefined();
    expect(await cluster.list(account, 'shop')).toEqual([]);
    expect(
      await cluster.get({ apiVersion: 'unknown.io/v1', kind: 'Thing', namespace: 'a', name: 'b' }),
    ).toBeUndefined();
    expect(await cluster.get({ apiVersion: 'known.io/v1', kind: 'Thing', namespace: 'a', name: 'b' })).toBeUndefined();
    expect(await cluster.get({ apiVersion: 'known.io/v1', kind: 'Other', namespace: 'a', name: 'b' })).toBeUndefined();
    expect(
      server
        .calls()
        .slice(2)
        .map((call) => call.split(/(?=\/api)/)[1]),
    ).toEqual(['/apis/unknown.io/v1', '/apis/known.io/v1', '/apis/known.io/v1/namespaces/a/things/b']);
  });

  it('lists all pages by labels, each item with its kind', async () => {
    const server = await start(({ path }) =>
      path.includes('continue=more')
        ? { body: { items: [{ metadata: { name: 'b' } }], metadata: {} } }
        : { body: { items: [{ metadata: { name: 'a' } }], metadata: { continue: 'more' } } },
    );
    const items = await clusterOn(server).list({ apiVersion: 'v1', kind: 'Pod' }, 'shop', 'app=orders');
    expect(items).toEqual(['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } })));
    expect(server.asked[0]!.path).toContain('labelSelector=app%3Dorders');
  });

  it('gives logs as text', async () => {
    const server = await start(() => ({ headers: { 'content-type': 'text/plain' }, body: 'one\ntwo' }));
    expect(await clusterOn(server).log('shop', 'orders-1', 20)).toBe('one\ntwo');
    expect(server.asked[0]!.path).toBe('/api/v1/namespaces/shop/pods/orders-1/log?tailLines=20');
    await clusterOn(server).log('shop', 'orders-1', 20, 'reader');
    expect(server.asked[1]!.path).toBe('/api/v1/namespaces/shop/pods/orders-1/log?tailLines=20&container=reader');
  });
});

describe('writing', () => {
  const manifest =
    '# a comment\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: orders\n  namespace: shop\nfutureField: kept\n';

  it('applies the text as it is, strictly, as our field manager, never forced', async () => {
    const server = await start(() => ({ body: { kind: 'ServiceAccount', metadata: { name: 'orders' } } }));
    const cluster = clusterOn(server);
    await cluster.apply(manifest);
    await cluster.apply(manifest, { dryRun: true });
    expect(server.asked[0]).toMatchObject({
      method: 'PATCH',
      path: '/api/v1/namespaces/shop/serviceaccounts/orders?fieldManager=aks-secrets&fieldValidation=Strict',
      body: manifest,
    });
    expect(server.asked[0]!.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(server.asked[1]!.path).toContain('dryRun=All');
    expect(server.asked.some(({ path }) => path.includes('force'))).toBe(false);
  });

  it('names the other manager and its fields', async () => {
    const message = 'Apply failed with 2 conflicts';
    const causes = [
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "argocd-controller" using v1',
        field: '.metadata.annotations.a',
      },
      { reason: 'FieldManagerConflict', message: 'conflict with "helm" using v1', field: '.data.b' },
    ];
    const server = await start(() => status(409, 'Conflict', message, { causes }));
    const error = await problem(clusterOn(server).apply(manifest));
    expect(error).toMatchObject({ trouble: 'refused', resource: 'ServiceAccount shop/orders' });
    expect(error.message).toContain('argocd-controller manages .metadata.annotations.a; helm manages .data.b');
    expect(error.said).toMatchObject({ code: 'FieldManagerConflict', requestId: 'audit-1', message });
  });

  it.each([
    [
      403,
      'Forbidden',
      'serviceaccounts "orders" is forbidden: User "ana" cannot patch resource "serviceaccounts" in API group "" in the namespace "shop"',
      'denied',
      'patch serviceaccounts in namespace shop',
    ],
    [
      403,
      'Forbidden',
      'secretproviderclasses.x is forbidden: User "ana" cannot patch resource "secretproviderclasses" in API group "secrets-store.csi.x-k8s.io" in the namespace "shop"',
      'denied',
      'patch secretproviderclasses.secrets-store.csi.x-k8s.io in namespace shop',
    ],
    [403, 'Forbidden', 'pods "a" is forbidden: violates PodSecurity "restricted:latest"', 'refused', undefined],
    [
      403,
      'Forbidden',
      'unable to create new content in namespace shop because it is being terminated',
      'busy',
      undefined,
    ],
    [400, 'BadRequest', 'strict decoding error: unknown field "spec.x"', 'refused', undefined],
    [422, 'Invalid', 'ServiceAccount "x" is invalid', 'refused', undefined],
    [
      500,
      'InternalError',
      'failed to create typed patch object (shop/orders; v1, Kind=ServiceAccount): .x: field not declared in schema',
      'refused',
      undefined,
    ],
    [401, 'Unauthorized', 'Unauthorized', 'unsigned', undefined],
    [409, 'Conflict', 'the object has been modified', 'busy', undefined],
    [
      500,
      'InternalError',
      'Internal error occurred: failed calling webhook "mutation.azure-workload-identity.io": no endpoints available',
      'broken',
      undefined,
    ],
  ])('%i %s (%s) is %s', async (code, reason, message, trouble, right) => {
    const server = await start(() => status(code, reason, message));
    const error = await problem(clusterOn(server).apply(manifest));
    expect(error).toMatchObject({ trouble, right });
    expect(error.said).toMatchObject({ by: 'Kubernetes', status: code, code: reason, message });
    expect(server.asked).toHaveLength(1);
  });

  it('tells a missing namespace from an unknown kind', async () => {
    const server = await start(({ path }) =>
      path.includes('secretprovider')
        ? { status: 404, body: '404 page not found' }
        : status(404, 'NotFound', 'namespaces "shop" not found'),
    );
    expect(await problem(clusterOn(server).apply(manifest))).toMatchObject({
      trouble: 'missing',
      resource: 'namespace shop',
    });
    const csi = manifest
      .replace('v1', 'secrets-store.csi.x-k8s.io/v1')
      .replace('ServiceAccount', 'SecretProviderClass');
    expect((await problem(clusterOn(server).apply(csi))).said?.message).toContain(
      'no matches for kind "SecretProviderClass"',
    );
  });

  it('does not guess a namespace', async () => {
    const server = await start(() => ({}));
    expect((await problem(clusterOn(server).apply(manifest.replace('  namespace: shop\n', '')))).trouble).toBe(
      'refused',
    );
    expect(server.asked).toHaveLength(0);
  });

  it('deletes that very object; absent is success', async () => {
    const server = await start((_, nth) => (nth === 0 ? { body: {} } : status(404, 'NotFound', 'not found')));
    const cluster = clusterOn(server);
    await cluster.delete(account, 'uid-1');
    await cluster.delete(account, 'uid-1');
    expect(JSON.parse(server.asked[0]!.body)).toMatchObject({ preconditions: { uid: 'uid-1' } });
  });

  it('asks for a token of one audience and ten minutes', async () => {
    const server = await start(() => ({ status: 201, body: { status: { token: 'sa-token' } } }));
    const token = await clusterOn(server).token('shop', 'orders', 'api://AzureADTokenExchange');
    expect(token.reveal()).toBe('sa-token');
    expect(server.asked[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/shop/serviceaccounts/orders/token',
    });
    expect(JSON.parse(server.asked[0]!.body).spec).toEqual({
      audiences: ['api://AzureADTokenExchange'],
      expirationSeconds: 600,
    });
  });

  it('repeats an apply and a token request after a lost connection', async () => {
    const clock = jumpingClock();
    const server = await start((_, nth) =>
      nth % 2 === 0 ? { cut: true } : { body: { kind: 'x', metadata: { name: 'orders' }, status: { token: 't' } } },
    );
    const cluster = clusterOn(server, { clock });
    await cluster.apply(manifest);
    expect(server.asked).toHaveLength(2);
    expect((await cluster.token('a', 'b', 'c')).reveal()).toBe('t');
    expect(server.asked).toHaveLength(4);
    expect(clock.slept).toEqual([500, 500]);
  });
});

describe('what a group of the API serves', () => {
  it('is asked once, and is nothing for a group that is not there', async () => {
    const server = await start(({ path }) =>
      path === '/apis/external-secrets.io'
        ? { body: { kind: 'APIGroup', versions: [{ groupVersion: 'external-secrets.io/v1', version: 'v1' }] } }
        : { status: 404, body: '404 page not found' },
    );
    const cluster = clusterOn(server);
    expect(await cluster.versions('external-secrets.io')).toEqual(['external-secrets.io/v1']);
    expect(await cluster.versions('external-secrets.io')).toEqual(['external-secrets.io/v1']);
    expect(await cluster.versions('absent.example')).toEqual([]);
    expect(server.asked).toHaveLength(2);
  });
});

describe('an annotation set once', () => {
  it('is a patch of it alone, under a manager that no apply has', async () => {
    const server = await start(() => ({ body: { metadata: { name: 'orders' } } }));
    await clusterOn(server).annotate(account, { 'force-sync': '1' });
    const [{ method, path, headers, body }] = server.asked as [(typeof server.asked)[0]];
    expect({ method, path, type: headers['content-type'], body: JSON.parse(body) }).toEqual({
      ...{ method: 'PATCH', type: 'application/merge-patch+json' },
      path: '/api/v1/namespaces/shop/serviceaccounts/orders?fieldManager=aks-secrets-once',
      body: { metadata: { annotations: { 'force-sync': '1' } } },
    });
  });
});
