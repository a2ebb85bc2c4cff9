import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AKS_SERVER } from '../../src/sandbox/kubernetes/access.ts';
import type { Request } from '../../src/sandbox/parts.ts';
import { request } from './hand-made.ts';
import { clusterWorld, deployment, ISSUER, type Json, pathOf } from './kubernetes-world.ts';

const maps = '/api/v1/namespaces/shop/configmaps';
const map = (name: string, labels?: Json) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'shop', ...(labels && { labels }) },
});

describe('who asks', () => {
  it.each([
    ['no token', ''],
    ['another token', 'Bearer x'],
  ])('%s is 401', async (_title, authorization) => {
    const world = await clusterWorld();
    const { status, body } = await world.ask('GET', '/api/v1/namespaces', undefined, { authorization });
    expect([status, body.reason]).toEqual([401, 'Unauthorized']);
  });

  it('an Entra cluster takes tokens for the AKS server application, and no other', async () => {
    const world = await clusterWorld({ entra: true });
    const user = JSON.parse(world.kubernetes.kubeconfig(world.cluster)).users[0].user;
    expect(user.exec).toMatchObject({
      command: 'kubelogin',
      args: expect.arrayContaining(['--server-id', AKS_SERVER]),
    });
    for (const [audience, status] of [
      [AKS_SERVER, 200],
      ['https://management.azure.com', 401],
    ] as const) {
      world.parts.entra.verify = async () => ({ objectId: 'o', tenantId: 't', audience });
      const reply = await world.kubernetes.handler(
        request('GET', `https://${world.cluster.fqdn}/api/v1/namespaces`, {
          headers: { authorization: 'Bearer entra' },
        }),
        world.parts,
      );
      expect(reply.status).toBe(status);
    }
  });

  it('a denied verb is 403 in the words of RBAC', async () => {
    const world = await clusterWorld();
    const state = Object.values(world.parts.state.kubernetes)[0] as Json;
    state.denied.push({ verbs: ['create'], resources: ['serviceaccounts/token'] });
    const { status, body } = await world.ask('POST', '/api/v1/namespaces/shop/serviceaccounts/orders/token', {
      spec: {},
    });
    expect([status, body.reason]).toEqual([403, 'Forbidden']);
    expect(body.message).toBe(
      'serviceaccounts "orders" is forbidden: User "clusterUser" cannot create resource "serviceaccounts/token" in API group "" in the namespace "shop"',
    );
    expect((await world.ask('GET', '/api/v1/namespaces/shop/serviceaccounts/orders')).status).toBe(200);
  });
});

describe('discovery', () => {
  it.each<[string, Json]>([
    ['/version', { gitVersion: 'v1.33.5' }],
    ['/api', { versions: ['v1'] }],
    ['/apis/apps/v1', { groupVersion: 'apps/v1' }],
    [
      '/apis/secrets-store.csi.x-k8s.io/v1',
      { resources: expect.arrayContaining([expect.objectContaining({ kind: 'SecretProviderClass' })]) },
    ],
  ])('%s', async (path, expected) => {
    expect(await (await clusterWorld()).get(path)).toMatchObject(expected);
  });

  it.each(['/apis/nothing/v1', '/api/v1/namespaces/shop/gadgets', '/openapi/v2', '/openapi/v3/apis/nothing/v1'])(
    '%s is 404',
    async (path) => {
      expect((await (await clusterWorld()).ask('GET', path)).status).toBe(404);
    },
  );

  it('serves the classes only while the add-on is on', async () => {
    const world = await clusterWorld();
    world.cluster.keyVaultAddon = { ...world.cluster.keyVaultAddon, enabled: false };
    await world.kubernetes.clusterChanged(world.cluster);
    expect((await world.ask('GET', '/apis/secrets-store.csi.x-k8s.io/v1')).status).toBe(404);
    const { items } = await world.get('/apis/apps/v1/daemonsets');
    expect(items).toEqual([]);
  });
});

describe('objects', () => {
  it('lists by labels and fields', async () => {
    const world = await clusterWorld();
    for (const [name, tier] of [
      ['a', 'web'],
      ['b', 'web'],
      ['c', 'data'],
    ] as const)
      await world.apply(map(name, { tier }));
    const names = async (query: string) =>
      (await world.get(`${maps}?${query}`)).items.map((each: Json) => each.metadata.name);
    expect(await names('labelSelector=tier=web')).toEqual(['a', 'b']);
    expect(await names('labelSelector=tier in (data),tier')).toEqual(['c']);
    expect(await names('labelSelector=tier!=web')).toEqual(['c', 'kube-root-ca.crt']);
    expect(await names('fieldSelector=metadata.name=b')).toEqual(['b']);
    expect((await world.get('/api/v1/namespaces/shop/configmaps?labelSelector=tier=web')).kind).toBe('ConfigMapList');
  });

  it('refuses an update of an older version', async () => {
    const world = await clusterWorld();
    const { body } = await world.apply(map('a'));
    await world.ask('PUT', `${maps}/a`, { ...body, data: { x: '1' } });
    const { status, body: refused } = await world.ask('PUT', `${maps}/a`, { ...body, data: { x: '2' } });
    expect([status, refused.reason]).toEqual([409, 'Conflict']);
    expect(refused.message).toContain('the object has been modified');
  });

  it('deletes with a precondition on the uid', async () => {
    const world = await clusterWorld();
    const { body } = await world.apply(map('a'));
    const wrong = await world.ask('DELETE', `${maps}/a`, { preconditions: { uid: 'other' } });
    expect(wrong.status).toBe(409);
    const right = await world.ask('DELETE', `${maps}/a`, { preconditions: { uid: body.metadata.uid } });
    expect(right.status).toBe(200);
    const { status, body: gone } = await world.ask('DELETE', `${maps}/a`);
    expect([status, gone.message]).toEqual([404, 'configmaps "a" not found']);
  });

  it('patches strategically, by JSON patch, and refuses other formats', async () => {
    const world = await clusterWorld();
    const { body } = await world.apply(deployment());
    const patch = (type: string, change: unknown) => world.ask('PATCH', pathOf(body), change, { 'content-type': type });
    const env = [{ name: 'A', value: '1' }];
    const strategic = await patch('application/strategic-merge-patch+json', {
      spec: { template: { spec: { containers: [{ name: 'app', env }] } } },
    });
    expect(strategic.body.spec.template.spec.containers[0]).toMatchObject({ image: 'registry.example/app:1', env });
    const json = await patch('application/json-patch+json', [{ op: 'replace', path: '/spec/replicas', value: 3 }]);
    expect(json.body.spec.replicas).toBe(3);
    expect((await patch('text/plain', 'x')).status).toBe(415);
  });

  it('collects what a deleted owner owned, or lets it be', async () => {
    const world = await clusterWorld();
    const { body: owner } = await world.apply(map('owner'));
    const owned = (name: string) => ({
      ...map(name),
      metadata: {
        name,
        namespace: 'shop',
        ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }],
      },
    });
    await world.apply(owned('child'));
    await world.ask('DELETE', `${maps}/owner`);
    expect((await world.ask('GET', `${maps}/child`)).status).toBe(404);
  });

  it('a namespace takes all that is in it, its pods included', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    await world.until(async () => (await world.get('/api/v1/namespaces/shop/pods')).items.length === 1);
    await world.ask('DELETE', '/api/v1/namespaces/shop');
    await world.advance(5000);
    expect((await world.ask('GET', '/api/v1/namespaces/shop')).status).toBe(404);
    expect((await world.get('/api/v1/pods')).items.filter((pod: Json) => pod.metadata.namespace === 'shop')).toEqual(
      [],
    );
  });

  it('refuses kinds of the operator that it does not simulate', async () => {
    const world = await clusterWorld();
    const store = {
      apiVersion: 'external-secrets.io/v1alpha1',
      kind: 'PushSecret',
      metadata: { name: 'a', namespace: 'shop' },
    };
    const { status, body } = await world.ask(
      'POST',
      '/apis/external-secrets.io/v1alpha1/namespaces/shop/pushsecrets',
      store,
    );
    expect([status, body.message]).toEqual([501, expect.stringContaining('External Secrets Operator')]);
  });
});

describe('watch', () => {
  const watch = async (world: Json, query: string) => {
    const token = JSON.parse(world.kubernetes.kubeconfig(world.cluster)).users[0].user.token;
    const asked: Request = request('GET', `https://${world.cluster.fqdn}${maps}?watch=true&${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const reply = await world.kubernetes.handler(asked, world.parts);
    const gone = new AbortController();
    const seen: Json[] = [];
    const done = reply.stream((text: string) => seen.push(JSON.parse(text)), gone.signal);
    const end = () => {
      gone.abort();
      return done;
    };
    return { seen, end };
  };
  const summary = (seen: Json[]) => seen.map(({ type, object }) => `${type} ${object.metadata?.name ?? object.code}`);

  it('begins with what is there, then tells every change', async () => {
    const world = await clusterWorld();
    await world.apply(map('a', { tier: 'web' }));
    const { seen, end } = await watch(world, 'labelSelector=tier=web');
    await world.apply(map('b', { tier: 'web' }));
    await world.apply(map('c', { tier: 'data' }));
    await world.apply(map('a', { tier: 'data' }));
    await world.ask('DELETE', `${maps}/b`);
    await end();
    expect(summary(seen)).toEqual(['ADDED a', 'ADDED b', 'DELETED a', 'DELETED b']);
  });

  it('goes on from a resource version', async () => {
    const world = await clusterWorld();
    const { metadata } = await world.get(maps);
    await world.apply(map('a'));
    const { seen, end } = await watch(world, `resourceVersion=${metadata.resourceVersion}`);
    await world.ask('PATCH', `${maps}/a`, { data: { x: '1' } }, { 'content-type': 'application/merge-patch+json' });
    await end();
    expect(summary(seen)).toEqual(['ADDED a', 'MODIFIED a']);
  });

  it('says 410 for a version that it no longer remembers', async () => {
    const world = await clusterWorld();
    await world.get(maps);
    await world.reopen();
    const { seen } = await watch(world, 'resourceVersion=2');
    expect(seen).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
  });
});

describe('tokens', () => {
  const ask = (world: Json, spec: Json, account = 'orders') =>
    world.ask('POST', `/api/v1/namespaces/shop/serviceaccounts/${account}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec,
    });
  const published = (world: Json, path: string) =>
    world.kubernetes.issuerHandler(request('GET', `${ISSUER}${path}`), world.parts);

  it('are verified by what the issuer publishes', async () => {
    const world = await clusterWorld();
    const { status, body } = await ask(world, { audiences: ['api://AzureADTokenExchange'], expirationSeconds: 600 });
    expect(status).toBe(201);
    const [header, claims, signature] = body.status.token.split('.');
    const { jwks_uri, issuer } = (await published(world, '.well-known/openid-configuration')).body;
    expect([issuer, jwks_uri]).toEqual([ISSUER, `${ISSUER}openid/v1/jwks`]);
    const { keys } = (await published(world, 'openid/v1/jwks')).body;
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
    const key = keys.find((each: Json) => each.kid === kid);
    expect(key.d).toBeUndefined();
    const content = Buffer.from(`${header}.${claims}`);
    expect(
      verify('sha256', content, createPublicKey({ key, format: 'jwk' }), Buffer.from(signature, 'base64url')),
    ).toBe(true);
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString());
    expect(said).toMatchObject({
      aud: ['api://AzureADTokenExchange'],
      iss: ISSUER,
      sub: 'system:serviceaccount:shop:orders',
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'orders' } },
    });
    expect(said.exp - said.iat).toBe(600);
    expect(body.status.expirationTimestamp).toBe('2026-11-22T12:10:00Z');
  });

  it('live a day at most and ten minutes at least', async () => {
    const world = await clusterWorld();
    const { status, body } = await ask(world, { audiences: ['a'], expirationSeconds: 599 });
    expect([status, body.details.causes[0].field]).toEqual([422, 'spec.expirationSeconds']);
    const { body: long } = await ask(world, { audiences: ['a'], expirationSeconds: 1_000_000 });
    expect(long.status.expirationTimestamp).toBe('2026-11-23T12:00:00Z');
  });

  it('need the account', async () => {
    const { status, body } = await ask(await clusterWorld(), {}, 'nobody');
    expect([status, body.message]).toEqual([404, 'serviceaccounts "nobody" not found']);
  });

  it('the issuer publishes nothing while it is off', async () => {
    const world = await clusterWorld({ oidcIssuer: false, issuer: 'https://demo.hcp.westeurope.azmk8s.io:443' });
    expect((await published(world, '.well-known/openid-configuration')).status).toBe(404);
    const { body } = await ask(world, { audiences: ['a'] });
    const claims = JSON.parse(Buffer.from(body.status.token.split('.')[1], 'base64url').toString());
    expect(claims.iss).toBe('https://demo.hcp.westeurope.azmk8s.io:443');
  });

  it('a new cluster keeps its keys when it is opened again', async () => {
    const world = await clusterWorld();
    const before = await published(world, 'openid/v1/jwks');
    await world.reopen();
    expect(await published(world, 'openid/v1/jwks')).toEqual(before);
  });
});
