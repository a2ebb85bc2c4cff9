import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { classOf, driverLog, mounted, podsOf, statuses, volume } from './csi-world.ts';
import { type ClusterWorld, clusterWorld, deployment, type Json } from './kubernetes-world.ts';

describe('rotation', () => {
  const rotate = (world: ClusterWorld) =>
    world.secrets.set('db-password', { value: 'marker-new', version: 'd'.repeat(32) });
  const setUp = async (more: Json) => {
    const world = await clusterWorld(more);
    await world.apply(
      classOf(
        {},
        {
          secretObjects: [
            { secretName: 'copy', type: 'Opaque', data: [{ objectName: 'DB_PASSWORD', key: 'password' }] },
          ],
        },
      ),
    );
    await world.apply(deployment(volume()));
    const [pod] = await podsOf(world);
    return { world, pod, file: () => readFileSync(mounted(world, pod, 'DB_PASSWORD'), 'utf8') };
  };

  it('brings a new version to file, status and Secret after the interval', async () => {
    const { world, file } = await setUp({});
    rotate(world);
    await world.advance(110_000);
    expect(file()).toBe('marker-one');
    await world.advance(20_000);
    expect(file()).toBe('marker-new');
    expect((await statuses(world))[0].status.objects).toContainEqual({
      id: 'secret/db-password',
      version: 'd'.repeat(32),
    });
    const copy = await world.get('/api/v1/namespaces/shop/secrets/copy');
    expect(Buffer.from(copy.data.password, 'base64').toString()).toBe('marker-new');
  });

  it('hides its errors and keeps the old files', async () => {
    const { world, file } = await setUp({});
    rotate(world);
    world.trusted.clear();
    await world.advance(600_000);
    expect(file()).toBe('marker-one');
    expect(await world.events('FailedMount')).toEqual([]);
  });

  it('tells its errors to the log of the driver alone', async () => {
    const { world } = await setUp({});
    rotate(world);
    world.trusted.clear();
    await world.advance(600_000);
    const log = await driverLog(world);
    expect(log).toMatch(/"failed to mount secrets store object content" err=".*AADSTS700213.*isRemountRequest=true/);
    expect(log).not.toContain('marker');
  });

  it('does not happen while it is off', async () => {
    const { world, file } = await setUp({ keyVaultAddon: { enabled: true, rotation: false, interval: '2m' } });
    rotate(world);
    await world.advance(600_000);
    expect(file()).toBe('marker-one');
  });
});

describe('the synced Secret', () => {
  const sync = (more: Json = {}) => ({
    secretObjects: [
      { secretName: 'copy', type: 'Opaque', data: [{ objectName: 'DB_PASSWORD', key: 'password', ...more }] },
    ],
  });
  const path = '/api/v1/namespaces/shop/secrets/copy';

  it('is made with the first pod, and belongs to its ReplicaSet, which keeps it while it has no pods', async () => {
    const world = await clusterWorld();
    await world.apply(classOf({}, sync()));
    expect((await world.ask('GET', path)).status).toBe(404);
    await world.apply(deployment(volume()));
    const copy = await world.get(path);
    expect(copy.metadata.labels).toEqual({ 'secrets-store.csi.k8s.io/managed': 'true' });
    expect(copy.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet' }]);
    expect(Buffer.from(copy.data.password, 'base64').toString()).toBe('marker-one');
    await world.ask(
      'PATCH',
      '/apis/apps/v1/namespaces/shop/deployments/orders',
      { spec: { replicas: 0 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await world.advance(1000);
    expect(await podsOf(world)).toEqual([]);
    expect((await world.ask('GET', path)).status).toBe(200);
    await world.ask('DELETE', '/apis/apps/v1/namespaces/shop/deployments/orders');
    await world.advance(1000);
    expect((await world.ask('GET', path)).status).toBe(404);
  });

  it('of a bare pod belongs to what the driver keeps of it, and goes with the pod', async () => {
    const world = await clusterWorld();
    await world.apply(classOf({}, sync()));
    const { spec } = deployment(volume()).spec.template;
    await world.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bare', namespace: 'shop' }, spec });
    const [status] = await statuses(world);
    const owner = {
      ...{ apiVersion: 'secrets-store.csi.x-k8s.io/v1', kind: 'SecretProviderClassPodStatus' },
      ...{ name: status.metadata.name, uid: status.metadata.uid },
    };
    expect((await world.get(path)).metadata.ownerReferences).toEqual([owner]);
    await world.ask('DELETE', '/api/v1/namespaces/shop/pods/bare');
    await world.advance(1000);
    expect((await world.ask('GET', path)).status).toBe(404);
  });

  it.each<[string, Json, string, string?]>([
    [
      'F104 no such file',
      sync({ objectName: 'db-password' }),
      'failed to get data in spc shop/kv for secret copy, err: file matching objectName db-password not found in the pod',
    ],
    [
      'F153 a format that does not fit',
      {
        secretObjects: [
          {
            ...sync().secretObjects[0],
            type: 'kubernetes.io/dockerconfigjson',
            data: [{ objectName: 'DB_PASSWORD', key: '.dockerconfigjson' }],
          },
        ],
      },
      'timed out waiting for the condition',
      'Secret "copy" is invalid: data[.dockerconfigjson]: Invalid value',
    ],
  ])('%s: an event, and the pod runs', async (_title, spec, message, logged) => {
    const world = await clusterWorld();
    await world.apply(classOf({}, spec));
    await world.apply(deployment(volume()));
    const [event] = await world.events('FailedToCreateSecret');
    expect(event.message).toBe(message);
    expect((await podsOf(world))[0].status.phase).toBe('Running');
    // Why it took too long is said by the driver's log alone.
    if (logged)
      expect(await driverLog(world)).toContain(
        `"failed to create Kubernetes secret" err=${JSON.stringify(logged).slice(0, -1)}`,
      );
  });
});
