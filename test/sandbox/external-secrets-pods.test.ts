import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { external, operatorWorld, SECRETS, store } from './external-secrets-world.ts';
import { type ClusterWorld, deployment, type Json } from './kubernetes-world.ts';

const podOf = async (world: ClusterWorld) => (await world.get('/api/v1/namespaces/shop/pods')).items[0];
const waitingOf = (pod: Json) => pod.status.containerStatuses[0].state.waiting;
const withEnv = (more: Json = {}) => ({
  containers: [
    {
      name: 'app',
      image: 'registry.example/app:1',
      env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'orders', key: 'password', ...more } } }],
    },
  ],
});
const fileOf = (world: ClusterWorld, pod: Json, volume: string, file: string) =>
  join(dirname(world.parts.access.caFile), 'pods', pod.metadata.uid, 'volumes', volume, file);

describe('a pod that reads a synced Secret as a variable', () => {
  it('waits until the Secret is there, and says for which', async () => {
    const world = await operatorWorld();
    await world.apply(deployment(withEnv()));
    await world.advance(25_000);
    const pod = await podOf(world);
    expect(pod.status.phase).toBe('Pending');
    expect(waitingOf(pod)).toEqual({ reason: 'CreateContainerConfigError', message: 'secret "orders" not found' });
    expect((await world.events('Failed'))[0].message).toBe('Error: secret "orders" not found');
    await world.apply(store());
    await world.apply(external());
    await world.advance(15_000);
    expect((await podOf(world)).status.phase).toBe('Running');
    expect((await podOf(world)).status.containerStatuses[0].restartCount).toBe(0);
  });

  it('waits for the key too', async () => {
    const world = await operatorWorld();
    await world.apply(store());
    await world.apply(external());
    await world.apply(deployment(withEnv({ key: 'passwort' })));
    await world.advance(1000);
    expect(waitingOf(await podOf(world)).message).toBe("couldn't find key passwort in Secret shop/orders");
  });

  it('does not wait for what is optional', async () => {
    const world = await operatorWorld();
    await world.apply(deployment(withEnv({ optional: true })));
    await world.advance(1000);
    expect((await podOf(world)).status.phase).toBe('Running');
  });

  it('keeps what it was started with when the Secret goes, also in its probes', async () => {
    const world = await operatorWorld();
    await world.apply(store());
    await world.apply(external());
    const script = 'console.log("up"); setInterval(() => {}, 2 ** 30);';
    const ready = 'process.exit(process.env.PASSWORD === "marker-one" && process.argv[2] === "go" ? 0 : 1)';
    const map = { 'run.mjs': script, 'ready.mjs': ready };
    await world.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'script', namespace: 'shop' },
      data: map,
    });
    const [container] = withEnv().containers as Json[];
    const probing = {
      ...container,
      command: ['node', '/script/run.mjs'],
      readinessProbe: { exec: { command: ['node', '/script/ready.mjs', 'wait'] }, periodSeconds: 10 },
      volumeMounts: [{ name: 'script', mountPath: '/script' }],
    };
    const volumes = [{ name: 'script', configMap: { name: 'script' } }];
    await world.apply(deployment({ containers: [probing], volumes }));
    await world.until(async () => (await world.events('Unhealthy')).length > 0);
    await world.ask('DELETE', '/apis/external-secrets.io/v1/namespaces/shop/externalsecrets/orders');
    expect((await world.ask('GET', `${SECRETS}/orders`)).status).toBe(404);
    await world.advance(15_000);
    await world.until(async () => (await world.events('Unhealthy'))[0].count > 1);
    expect((await podOf(world)).status.phase).toBe('Running');
  });
});

describe('a pod that mounts a synced Secret', () => {
  const volumes = (volume: Json) => ({ volumes: [{ name: 'secrets', ...volume }] });

  it('waits until the Secret is there', async () => {
    const world = await operatorWorld();
    await world.apply(deployment(volumes({ secret: { secretName: 'orders' } })));
    await world.advance(10_000);
    const [event] = await world.events('FailedMount');
    expect(event.message).toBe('MountVolume.SetUp failed for volume "secrets" : secret "orders" not found');
    expect(waitingOf(await podOf(world)).reason).toBe('ContainerCreating');
    await world.apply(store());
    await world.apply(external());
    await world.advance(60_000);
    const pod = await podOf(world);
    expect(pod.status.phase).toBe('Running');
    expect(readFileSync(fileOf(world, pod, 'secrets', 'password'), 'utf8')).toBe('marker-one');
  });

  it.each<[string, Json]>([
    ['a volume', { secret: { secretName: 'orders', optional: true } }],
    ['a projected volume', { projected: { sources: [{ secret: { name: 'orders', optional: true } }] } }],
  ])('%s sees an optional one after it came, and a new value after a minute', async (_title, volume) => {
    const world = await operatorWorld();
    await world.apply(store());
    await world.apply(deployment(volumes(volume)));
    await world.advance(1000);
    const pod = await podOf(world);
    const file = fileOf(world, pod, 'secrets', 'password');
    expect([pod.status.phase, existsSync(file)]).toEqual(['Running', false]);
    await world.apply(external({ refreshInterval: '1m' }));
    await world.advance(61_000);
    expect(readFileSync(file, 'utf8')).toBe('marker-one');
    world.secrets.set('db-password', { value: 'marker-new', version: 'd'.repeat(32) });
    await world.advance(130_000);
    expect(readFileSync(file, 'utf8')).toBe('marker-new');
  });
});
