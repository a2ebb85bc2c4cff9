import { describe, expect, it } from 'vitest';
import {
  dataOf,
  EXTERNALS,
  eventOf,
  external,
  externalReady,
  FAILED,
  operatorWorld,
  SECRETS,
  STORES,
  SYNCED,
  store,
  storeReady,
} from './external-secrets-world.ts';
import type { ClusterWorld, Json } from './kubernetes-world.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const opaque = (name: string, data: Json, metadata: Json = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'shop', ...metadata },
  stringData: data,
});

describe('an ExternalSecret', () => {
  const set = async (annotations: Json = {}) => {
    const world = await operatorWorld(annotations);
    await world.apply(store());
    return world;
  };

  it('becomes a Secret that it owns', async () => {
    const world = await set();
    await world.apply(external({ target: { name: 'copy' } }, { labels: { team: 'a' } }));
    expect(await externalReady(world)).toEqual(SYNCED);
    const { status, metadata } = await world.get(`${EXTERNALS}/orders`);
    expect(status).toMatchObject({ binding: { name: 'copy' }, refreshTime: '2026-11-22T12:00:00Z' });
    expect(status.syncedResourceVersion).toMatch(/^1-[0-9a-f]{56}$/);
    const secret = await world.get(`${SECRETS}/copy`);
    expect(secret).toMatchObject({ type: 'Opaque', data: { password: Buffer.from('marker-one').toString('base64') } });
    expect(secret.metadata.ownerReferences).toMatchObject([
      { kind: 'ExternalSecret', name: 'orders', uid: metadata.uid, controller: true },
    ]);
    expect(secret.metadata.labels).toMatchObject({ team: 'a', 'reconcile.external-secrets.io/managed': 'true' });
    expect(secret.metadata.annotations['reconcile.external-secrets.io/data-hash']).toMatch(/^[0-9a-f]{56}$/);
    expect(await eventOf(world, 'Created')).toBe('secret created');
    expect(world.asked.every(({ headers }) => headers['user-agent']?.startsWith('external-secrets/'))).toBe(true);
  });

  it('shows what kubectl shows of it', async () => {
    const world = await set();
    await world.apply(external());
    const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const table = async (path: string) => (await world.ask('GET', path, undefined, accept)).body;
    const { columnDefinitions, rows } = await table(EXTERNALS);
    expect(columnDefinitions.map(({ name }: Json) => name)).toEqual([
      'Name',
      'StoreType',
      'Store',
      'Refresh Interval',
      'Status',
      'Ready',
      'Last Sync',
    ]);
    expect(rows[0].cells).toEqual(['orders', 'SecretStore', 'kv', '1h0m0s', 'SecretSynced', 'True', '0s']);
    expect((await table(STORES)).rows[0].cells).toEqual(['kv', '0s', 'Valid', 'ReadWrite', 'True']);
  });

  it('is held by the operator, and goes when that lets it go', async () => {
    const world = await operatorWorld();
    await world.apply(store());
    await world.apply(external());
    const path = `${EXTERNALS}/orders`;
    const { metadata } = await world.get(path);
    expect(metadata.finalizers).toEqual(['externalsecrets.external-secrets.io/externalsecret-cleanup']);
    const scale = (replicas: number) =>
      world.ask(
        'PATCH',
        '/apis/apps/v1/namespaces/external-secrets/deployments/external-secrets',
        { spec: { replicas } },
        { 'content-type': 'application/merge-patch+json' },
      );
    await scale(0);
    await world.advance(1000);
    await world.ask('DELETE', path);
    await world.advance(60_000);
    expect((await world.get(path)).metadata.deletionTimestamp).toEqual(expect.any(String));
    await scale(1);
    await world.advance(5000);
    expect((await world.ask('GET', path)).status).toBe(404);
  });

  it('takes its Secret along when it goes', async () => {
    const world = await set();
    await world.apply(external());
    await world.ask('DELETE', `${EXTERNALS}/orders`);
    expect(await dataOf(world)).toBeUndefined();
    await world.advance(7_200_000);
    expect(await dataOf(world)).toBeUndefined();
  });

  it('leaves an orphan, where it does not own it', async () => {
    const world = await set();
    await world.apply(external({ target: { creationPolicy: 'Orphan' } }));
    expect((await world.get(`${SECRETS}/orders`)).metadata.ownerReferences ?? []).toEqual([]);
    await world.ask('DELETE', `${EXTERNALS}/orders`);
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
  });

  it('moves to another target, and the old one goes', async () => {
    const world = await set();
    await world.apply(external());
    await world.apply(external({ target: { name: 'copy' } }));
    expect([await dataOf(world), await dataOf(world, 'copy')]).toEqual([undefined, { password: 'marker-one' }]);
  });

  it('drops keys that it no longer names', async () => {
    const world = await set();
    const two = ['db-password', 'api-key'].map((key) => ({ secretKey: key, remoteRef: { key } }));
    await world.apply(external({ data: two }));
    expect(await dataOf(world)).toEqual({ 'db-password': 'marker-one', 'api-key': 'marker-two' });
    await world.apply(external({ data: two.slice(1) }));
    expect(await dataOf(world)).toEqual({ 'api-key': 'marker-two' });
    expect(await eventOf(world, 'Updated')).toBe('secret updated');
  });

  it('is repaired when somebody changes or deletes its Secret', async () => {
    const world = await set();
    await world.apply(external());
    await world.ask('PATCH', `${SECRETS}/orders`, { data: { password: 'eA==' } }, merge);
    await world.advance(1000);
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
    await world.ask('DELETE', `${SECRETS}/orders`);
    await world.advance(1000);
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
  });

  it("F121 fails with the vault's words in its event, and succeeds when the vault gives", async () => {
    const world = await set();
    const message =
      "Caller is not authorized to perform action on resource.\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\n";
    const error = { code: 'Forbidden', message, innererror: { code: 'ForbiddenByRbac' } };
    world.instead.set('demo-kv.vault.azure.net', { status: 403, body: { error } });
    await world.apply(external());
    expect(await externalReady(world)).toEqual(FAILED);
    expect(await eventOf(world, 'UpdateFailed')).toBe(
      `error processing spec.data[0] (key: db-password), err: keyvault.BaseClient#GetSecret: Failure responding to request: StatusCode=403 -- Original Error: autorest/azure: Service returned an error. Status=403 Code="Forbidden" Message=${JSON.stringify(message)} InnerError={"code":"ForbiddenByRbac"}`,
    );
    expect((await world.get(`${EXTERNALS}/orders`)).status.refreshTime).toBeUndefined();
    await world.advance(100_000);
    const [event] = await world.events('UpdateFailed');
    expect(event.count).toBe(7);
    world.instead.clear();
    await world.advance(60_000);
    expect(await externalReady(world)).toEqual(SYNCED);
  });

  it('keeps its old Secret while it fails', async () => {
    const world = await set();
    await world.apply(external({ refreshInterval: '1m' }));
    expect(await externalReady(world)).toEqual(SYNCED);
    world.secrets.delete('db-password');
    await world.advance(61_000);
    expect(await externalReady(world)).toEqual(FAILED);
    expect(await eventOf(world, 'UpdateFailed')).toBe(
      'error processing spec.data[0] (key: db-password), err: Secret does not exist',
    );
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
  });

  describe('is read again', () => {
    const rotate = async (world: ClusterWorld) => {
      expect(await value(world)).toBe('marker-one');
      world.secrets.set('db-password', { value: 'marker-new', version: 'd'.repeat(32) });
    };
    const annotate = (world: ClusterWorld) =>
      world.ask('PATCH', `${EXTERNALS}/orders`, { metadata: { annotations: { 'force-sync': '1' } } }, merge);
    const value = async (world: ClusterWorld) => (await dataOf(world)).password;

    it('after its interval', async () => {
      const world = await set();
      await world.apply(external({ refreshInterval: '10m' }));
      await rotate(world);
      await world.advance(595_000);
      expect(await value(world)).toBe('marker-one');
      await world.advance(10_000);
      expect(await value(world)).toBe('marker-new');
      expect((await world.get(`${EXTERNALS}/orders`)).status.refreshTime).toBe('2026-11-22T12:10:00Z');
    });

    it.each<[string, Json, 'at once' | 'never', 'at once' | 'never']>([
      ['Periodic', {}, 'at once', 'never'],
      ['Periodic without an interval', { refreshInterval: '0s' }, 'never', 'never'],
      ['OnChange', { refreshPolicy: 'OnChange', refreshInterval: '10m' }, 'at once', 'never'],
      ['CreatedOnce', { refreshPolicy: 'CreatedOnce', refreshInterval: '10m' }, 'never', 'never'],
    ])('%s: forced', async (_title, spec, forced, later) => {
      const world = await set();
      await world.apply(external(spec));
      await rotate(world);
      await world.advance(1_200_000);
      expect(await value(world)).toBe(later === 'never' ? 'marker-one' : 'marker-new');
      await annotate(world);
      expect(await value(world)).toBe(forced === 'never' ? 'marker-one' : 'marker-new');
    });
  });

  describe('and a Secret that is there already', () => {
    it('takes it over where nobody owns it, and replaces what it held', async () => {
      const world = await set();
      await world.apply(opaque('orders', { other: 'x' }));
      await world.apply(external());
      expect(await dataOf(world)).toEqual({ password: 'marker-one' });
    });

    it('adds its own keys alone with Merge, and needs it to be there', async () => {
      const world = await set();
      await world.apply(external({ target: { creationPolicy: 'Merge' }, refreshInterval: '1m' }));
      expect(await externalReady(world)).toEqual([
        'True',
        'SecretMissing',
        'secret will not be created due to CreationPolicy=Merge',
      ]);
      await world.apply(opaque('orders', { other: 'x' }));
      await world.advance(61_000);
      expect(await dataOf(world)).toEqual({ other: 'x', password: 'marker-one' });
      expect((await world.get(`${SECRETS}/orders`)).metadata.ownerReferences ?? []).toEqual([]);
    });

    it('F124 of another ExternalSecret is refused', async () => {
      const world = await set();
      await world.apply(external());
      await world.apply(external({ target: { name: 'orders' } }, { name: 'second' }));
      expect(await externalReady(world, 'second')).toEqual([
        'False',
        'SecretSyncedError',
        'target is owned by another ExternalSecret',
      ]);
      expect(await eventOf(world, 'UpdateFailed')).toBe(
        'unable to mutate secret orders: secret is owned by another ExternalSecret: orders',
      );
      expect(await externalReady(world)).toEqual(SYNCED);
    });

    it('of another controller is refused', async () => {
      const world = await set();
      const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true };
      await world.apply(opaque('orders', { other: 'x' }, { ownerReferences: [owner] }));
      await world.apply(external());
      expect((await externalReady(world))[2]).toBe('failed to take ownership of target secret');
      expect(await eventOf(world, 'UpdateFailed')).toBe(
        'unable to mutate secret orders: could not set controller reference on secret: Object shop/orders is already owned by another ReplicaSet controller web',
      );
      expect(await dataOf(world)).toEqual({ other: 'x' });
    });

    it('is not written when it is immutable', async () => {
      const world = await set();
      await world.apply(external({ target: { immutable: true }, refreshInterval: '1m' }));
      expect(await externalReady(world)).toEqual(SYNCED);
      world.secrets.set('db-password', { value: 'marker-new', version: 'd'.repeat(32) });
      await world.advance(61_000);
      expect((await externalReady(world))[2]).toBe('could not update secret, target is immutable');
      expect(await dataOf(world)).toEqual({ password: 'marker-one' });
    });
  });

  describe('when the vault has it no more', () => {
    it.each<[string, Json, Json, Json]>([
      [
        'Delete',
        { deletionPolicy: 'Delete' },
        ['True', 'SecretDeleted', 'secret deleted due to DeletionPolicy=Delete'],
        undefined,
      ],
      ['Merge', { deletionPolicy: 'Merge' }, SYNCED, {}],
    ])('%s', async (_title, target, ready, data) => {
      const world = await set();
      await world.apply(external({ target, refreshInterval: '1m' }));
      expect(await externalReady(world)).toEqual(SYNCED);
      world.secrets.delete('db-password');
      await world.advance(61_000);
      expect(await externalReady(world)).toEqual(ready);
      expect(await dataOf(world)).toEqual(data);
      expect(await eventOf(world, 'MissingProviderSecret')).toBe(
        'secret does not exist at provider using spec.dataFrom[0] (key=db-password)',
      );
    });
  });

  it('survives that the sandbox is closed: what was due then is done, nothing else is asked', async () => {
    const world = await set();
    await world.apply(external({ refreshInterval: '10m' }));
    await world.advance(60_000);
    const before = world.asked.length;
    await world.reopen();
    expect([await storeReady(world), await externalReady(world)]).toEqual([
      ['True', 'Valid', 'store validated'],
      SYNCED,
    ]);
    expect(world.asked.length).toBe(before);
    world.secrets.set('db-password', { value: 'marker-new', version: 'd'.repeat(32) });
    await world.advance(600_000);
    expect(await dataOf(world)).toEqual({ password: 'marker-new' });
  });
});
