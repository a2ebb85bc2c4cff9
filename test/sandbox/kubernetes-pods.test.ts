import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ClusterWorld, clusterWorld, deployment, type Json } from './kubernetes-world.ts';

const DEPLOYMENT = '/apis/apps/v1/namespaces/shop/deployments/orders';
const PODS = '/api/v1/namespaces/shop/pods';
const podsOf = async (world: ClusterWorld): Promise<Json[]> => (await world.get(PODS)).items;
const log = async (world: ClusterWorld, pod: Json, query = '') =>
  (await world.get(`${PODS}/${pod.metadata.name}/log?${query}`)) as string;
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A ConfigMap with a script, and the pod spec that runs it. */
async function script(world: ClusterWorld, text: string, more: Json = {}): Promise<Json> {
  await world.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'script', namespace: 'shop' },
    data: { 'read.mjs': text },
  });
  const { container, ...spec } = more;
  return {
    containers: [
      {
        name: 'reader',
        image: 'registry.example/node:24',
        command: ['node', '/script/read.mjs', '--file', '/tmp/x'],
        volumeMounts: [
          { name: 'script', mountPath: '/script', readOnly: true },
          { name: 'tmp', mountPath: '/tmp' },
        ],
        ...container,
      },
    ],
    volumes: [
      { name: 'script', configMap: { name: 'script' } },
      { name: 'tmp', emptyDir: {} },
    ],
    ...spec,
  };
}
const STAY = 'setInterval(() => {}, 2 ** 30);';

describe('a Deployment', () => {
  it('becomes a pod that counts in its status', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    const found = await world.get(DEPLOYMENT);
    expect(found.status).toMatchObject({
      observedGeneration: 1,
      replicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
      conditions: [
        { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
        { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
      ],
    });
    const [pod] = await podsOf(world);
    expect(pod.status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.244\./) });
    expect(pod.metadata.ownerReferences[0].kind).toBe('ReplicaSet');
    const reasons = (await world.events()).map((event: Json) => event.reason);
    expect(reasons).toEqual(
      expect.arrayContaining(['ScalingReplicaSet', 'SuccessfulCreate', 'Scheduled', 'Pulled', 'Created', 'Started']),
    );
    expect(await log(world, pod)).toContain('the sandbox runs nothing but node scripts');
  });

  it('is available only after minReadySeconds', async () => {
    const world = await clusterWorld();
    const slow = deployment();
    slow.spec.minReadySeconds = 30;
    await world.apply(slow);
    expect((await world.get(DEPLOYMENT)).status).toMatchObject({ readyReplicas: 1, unavailableReplicas: 1 });
    await world.advance(31_000);
    expect((await world.get(DEPLOYMENT)).status).toMatchObject({ availableReplicas: 1 });
  });

  it('replaces its pods when the template changes', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    const [old] = await podsOf(world);
    await world.apply(deployment({}, { annotations: { changed: 'yes' } }));
    await world.advance(1000);
    const pods = await podsOf(world);
    expect(pods).toHaveLength(1);
    expect(pods[0].metadata.uid).not.toBe(old.metadata.uid);
    expect((await world.get('/apis/apps/v1/namespaces/shop/replicasets')).items).toHaveLength(2);
  });

  it('makes a pod anew that somebody deletes', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    const [old] = await podsOf(world);
    await world.ask('DELETE', `${PODS}/${old.metadata.name}`);
    await world.advance(1000);
    const [fresh] = await podsOf(world);
    expect(fresh.metadata.name).not.toBe(old.metadata.name);
  });
});

describe('a script', () => {
  it('runs for real, with the environment and files of its pod and nothing else', async () => {
    const world = await clusterWorld();
    process.env.MARKER_OF_THE_USER = 'must not be seen';
    const text = `
      import { readFileSync, writeFileSync } from 'node:fs';
      writeFileSync(process.argv[3], 'x');
      console.log('argument', process.argv[3].endsWith('/volumes/tmp/x'));
      console.log('token', JSON.parse(Buffer.from(readFileSync(process.env.TOKEN_FILE, 'utf8').split('.')[1], 'base64url')).sub);
      console.log('pod', process.env.POD, process.env.GREETING);
      console.log('user', process.env.MARKER_OF_THE_USER, process.env.NODE_OPTIONS);
      for (const path of ['/etc/passwd', ${JSON.stringify(process.cwd())}]) {
        try { readFileSync(path); console.log('read', path); } catch (error) { console.log('refused', error.code); }
      }
      ${STAY}`;
    const env = [
      { name: 'TOKEN_FILE', value: '/var/run/token/t' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'GREETING', value: 'hello $(POD)' },
    ];
    const spec = await script(world, text, { container: { env } });
    spec.containers[0].volumeMounts.push({ name: 'token', mountPath: '/var/run/token' });
    spec.volumes.push({
      name: 'token',
      projected: { sources: [{ serviceAccountToken: { audience: 'a', path: 't' } }] },
    });
    await world.apply(deployment(spec));
    const [pod] = await podsOf(world);
    const lines = await world.until(async () => {
      const said = await log(world, pod);
      return said.includes('refused ERR_ACCESS_DENIED\nrefused') && said;
    });
    expect(lines.trim().split('\n')).toEqual([
      'argument true',
      'token system:serviceaccount:shop:orders',
      'pod shop hello shop',
      'user undefined undefined',
      'refused ERR_ACCESS_DENIED',
      'refused ERR_ACCESS_DENIED',
    ]);
    expect(await log(world, pod, 'tailLines=2')).toBe('refused ERR_ACCESS_DENIED\nrefused ERR_ACCESS_DENIED\n');
    const folder = join(dirname(world.parts.access.caFile), 'pods', pod.metadata.uid);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'volumes/token/t')).mode & 0o777).toBe(0o600);
    await world.ask('DELETE', DEPLOYMENT);
    await world.advance(1000);
    expect(existsSync(folder)).toBe(false);
  });

  it.each([
    ['a name', `fetch('https://example.com').catch((error) => console.log(error.cause.code));`, 'ENOTFOUND'],
    [
      'an address',
      `import net from 'node:net'; net.connect(443, '192.0.2.1').on('error', (error) => console.log(error.code));`,
      'ENOTFOUND',
    ],
    [
      'a name server',
      `import dns from 'node:dns'; try { dns.resolve('example.com', () => {}); } catch (error) { console.log(error.code); }`,
      'ENOTFOUND',
    ],
    [
      'a datagram',
      `import dgram from 'node:dgram'; try { dgram.createSocket('udp4').send('x', 53, '192.0.2.1'); } catch (error) { console.log(error.code); } process.exit(0);`,
      'ENOTFOUND',
    ],
    [
      'another program',
      `import { spawn } from 'node:child_process'; try { spawn('id'); } catch (error) { console.log(error.code); }`,
      'ERR_ACCESS_DENIED',
    ],
  ])('does not reach %s', async (_title, text, code) => {
    const world = await clusterWorld();
    await world.apply(deployment(await script(world, text)));
    const [pod] = await podsOf(world);
    expect(await world.until(async () => log(world, pod))).toContain(code);
  });

  it('that fails is started again, later each time', async () => {
    const world = await clusterWorld();
    await world.apply(deployment(await script(world, `console.log('failed'); process.exit(3);`)));
    const statusOf = async () => (await podsOf(world))[0].status.containerStatuses[0];
    const crashed = await world.until(async () => {
      const status = await statusOf();
      return status.state.waiting?.reason === 'CrashLoopBackOff' && status;
    });
    expect(crashed).toMatchObject({
      restartCount: 1,
      ready: false,
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    expect(crashed.state.waiting.message).toMatch(/^back-off 10s restarting failed container=reader pod=orders-/);
    expect((await world.events('BackOff'))[0].message).toMatch(
      /^Back-off restarting failed container reader in pod orders-/,
    );
    expect((await world.get(DEPLOYMENT)).status.availableReplicas).toBeUndefined();
    await world.advance(10_000);
    await world.until(async () => (await statusOf()).restartCount === 2);
    expect(await log(world, (await podsOf(world))[0])).toMatch(/^failed\nfailed\n/);
  });

  it('is ready when its probe says so', async () => {
    const world = await clusterWorld();
    const text = `
      import { existsSync, writeFileSync } from 'node:fs';
      if (process.argv.includes('--ready')) {
        if (!existsSync(process.env.READY)) { console.log('not yet'); process.exit(1); }
        process.exit(0);
      }
      console.log('up');
      setTimeout(() => writeFileSync(process.env.READY, ''), 300);
      ${STAY}`;
    const container = {
      env: [{ name: 'READY', value: '/tmp/ready' }],
      readinessProbe: { exec: { command: ['node', '/script/read.mjs', '--ready'] }, periodSeconds: 5 },
    };
    await world.apply(deployment(await script(world, text, { container })));
    const [event] = await world.until(async () => {
      const found = await world.events('Unhealthy');
      return found.length > 0 && found;
    });
    expect(event.message).toBe('Readiness probe failed: not yet\n');
    await world.until(async () => {
      await world.advance(5000);
      return (await world.get(DEPLOYMENT)).status.availableReplicas === 1;
    });
  });

  it('waits for a Secret that its environment names', async () => {
    const world = await clusterWorld();
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'late', key: 'password' } } }];
    await world.apply(
      deployment(await script(world, `console.log(process.env.PASSWORD.length); ${STAY}`, { container: { env } })),
    );
    const [pod] = await podsOf(world);
    expect(pod.status.containerStatuses[0].state.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'secret "late" not found',
    });
    expect((await world.ask('GET', `${PODS}/${pod.metadata.name}/log`)).status).toBe(400);
    await world.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'late', namespace: 'shop' },
      stringData: { password: 'marker' },
    });
    await world.advance(10_000);
    expect(await world.until(async () => log(world, pod))).toBe('6\n');
  });

  it('waits for a ConfigMap that it mounts', async () => {
    const world = await clusterWorld();
    await world.apply(deployment({ volumes: [{ name: 'v', configMap: { name: 'late' } }] }));
    const [event] = await world.events('FailedMount');
    expect(event.message).toBe('MountVolume.SetUp failed for volume "v" : configmap "late" not found');
  });

  it('ends with the sandbox, and starts again when its log is asked for after opening', async () => {
    const world = await clusterWorld();
    await world.apply(deployment(await script(world, `console.log(process.pid); ${STAY}`)));
    const [pod] = await podsOf(world);
    const first = Number(await world.until(async () => log(world, pod)));
    expect(alive(first)).toBe(true);
    await world.reopen();
    expect(alive(first)).toBe(false);
    const second = await world.until(async () => {
      const lines = (await log(world, pod)).trim().split('\n');
      return lines.length === 2 && Number(lines[1]);
    });
    expect(alive(second)).toBe(true);
    const [again] = await podsOf(world);
    expect(again.status).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 1 }] });
    await world.kubernetes.stop();
    expect(alive(second)).toBe(false);
  });
});

describe('a Job', () => {
  const job = (spec: Json, more: Json = {}) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'probe', namespace: 'shop' },
    spec: {
      ...more,
      template: {
        spec: { restartPolicy: 'Never', serviceAccountName: 'orders', automountServiceAccountToken: false, ...spec },
      },
    },
  });
  const PATH = '/apis/batch/v1/namespaces/shop/jobs/probe';
  const condition = async (world: ClusterWorld) => (await world.get(PATH)).status?.conditions?.[0];

  it('completes, and goes when its time to live is over', async () => {
    const world = await clusterWorld();
    await world.apply(job(await script(world, `console.log('done');`), { ttlSecondsAfterFinished: 60 }));
    expect(await world.until(() => condition(world))).toMatchObject({ type: 'Complete', status: 'True' });
    expect((await world.get(PATH)).status.succeeded).toBe(1);
    const [pod] = await podsOf(world);
    expect(pod.status.phase).toBe('Succeeded');
    expect(await log(world, pod)).toBe('done\n');
    await world.advance(61_000);
    expect((await world.ask('GET', PATH)).status).toBe(404);
    expect(await podsOf(world)).toEqual([]);
  });

  it('fails after its retries', async () => {
    const world = await clusterWorld();
    await world.apply(job(await script(world, 'process.exit(1);'), { backoffLimit: 0 }));
    expect(await world.until(() => condition(world))).toMatchObject({ type: 'Failed', reason: 'BackoffLimitExceeded' });
  });

  it('fails at its deadline, and ends its pod', async () => {
    const world = await clusterWorld();
    await world.apply(job(await script(world, `console.log(process.pid); ${STAY}`), { activeDeadlineSeconds: 30 }));
    const [pod] = await podsOf(world);
    const pid = Number(await world.until(async () => log(world, pod)));
    await world.advance(31_000);
    expect(await condition(world)).toMatchObject({ type: 'Failed', reason: 'DeadlineExceeded' });
    expect(await podsOf(world)).toEqual([]);
    await world.until(async () => !alive(pid));
  });
});

it('events go after an hour', async () => {
  const world = await clusterWorld();
  await world.apply(deployment());
  expect(await world.events('Scheduled')).toHaveLength(1);
  await world.advance(3_601_000);
  expect(await world.events('Scheduled')).toEqual([]);
});

it('tokens in volumes are renewed before they end', async () => {
  const world = await clusterWorld();
  const label = { labels: { 'azure.workload.identity/use': 'true' } };
  const text = `import { readFileSync } from 'node:fs';
    const read = () => console.log(JSON.parse(Buffer.from(readFileSync(process.env.AZURE_FEDERATED_TOKEN_FILE, 'utf8').split('.')[1], 'base64url')).exp);
    read(); setInterval(read, 50);`;
  await world.apply(deployment(await script(world, text), label));
  const [pod] = await podsOf(world);
  const last = async () => Number((await log(world, pod, 'tailLines=1')).trim());
  const first = await world.until(last);
  await world.advance(3_000_000);
  expect(await world.until(async () => (await last()) > first && last())).toBeGreaterThanOrEqual(first + 2880);
});
