import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { type NodeAgent, startNodeAgent } from './harness/node-agent/index.ts';
import { LAB } from './harness/place.ts';
import { until } from './harness/processes.ts';

interface PodStatus {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses?: readonly {
    readonly restartCount: number;
    readonly state: { readonly waiting?: { readonly reason: string } };
    readonly lastState: { readonly terminated?: { readonly exitCode: number } };
  }[];
}
type Pod = Live & { readonly status?: PodStatus };

const IMAGE = 'mcr.microsoft.com/azurelinux/base/nodejs:24';
const SPACE = 'node-agent';

const pod = (name: string, spec: object, container: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: SPACE },
  spec: {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'app', image: IMAGE, ...container }],
    ...spec,
  },
});

describe.skipIf(!LAB)('the node of the lab', () => {
  let lab: Lab;
  let agent: NodeAgent;
  beforeAll(async () => {
    lab = await theLab();
    agent = await startNodeAgent(lab);
    await lab.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SPACE } });
  });
  afterAll(async () => {
    if (LAB) await lab.kubectl(`delete namespace ${SPACE} --wait=false`);
  });

  const status = async (name: string) => (await lab.object<Pod>(`pod/${name} -n ${SPACE}`))?.status;
  const phase = (name: string, wanted: string) =>
    until(`${name} is ${wanted}`, async () => (await status(name))?.phase === wanted);

  it('runs a pod with a token of its account, and gives its log', async () => {
    await lab.apply(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'script', namespace: SPACE },
        data: { 'a.mjs': SCRIPT },
      },
      pod(
        'reads',
        {
          securityContext: { runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, runAsNonRoot: true },
          volumes: [
            { name: 'script', configMap: { name: 'script' } },
            { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'somebody' } }] } },
            { name: 'tmp', emptyDir: {} },
          ],
        },
        {
          command: ['node', '/script/a.mjs', '$(NAME)'],
          env: [{ name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          securityContext: { readOnlyRootFilesystem: true },
          volumeMounts: [
            { name: 'script', mountPath: '/script', readOnly: true },
            { name: 'token', mountPath: '/var/run/secrets/tokens', readOnly: true },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ),
    );
    await phase('reads', 'Succeeded');
    const { out } = await lab.kubectl(`logs reads -n ${SPACE}`);
    expect(JSON.parse(out)).toMatchObject({
      ...{ audience: ['somebody'], pod: 'reads', argument: 'reads', user: 65532, written: true },
      ...{ root: 'EROFS', volume: 'EROFS' },
      // Its own, with the account's token and the API server's certificate, as every pod has it.
      account: ['ca.crt', 'namespace', 'token'],
    });
  });

  it('starts again what fails, and says so', async () => {
    await lab.apply(pod('fails', { restartPolicy: 'Always' }, { command: ['node', '-e', 'process.exit(3)'] }));
    const { restartCount, lastState } = await until('it has failed twice', async () => {
      const [told] = (await status('fails'))?.containerStatuses ?? [];
      return told && told.restartCount > 0 && told.state.waiting?.reason === 'CrashLoopBackOff' && told;
    });
    expect([restartCount, lastState.terminated?.exitCode]).toEqual([1, 3]);
    await lab.kubectl(`delete pod fails -n ${SPACE}`);
    expect(await status('fails')).toBeUndefined();
  });

  it('says what a pod waits for', async () => {
    await lab.apply(pod('waits', { volumes: [{ name: 'v', secret: { secretName: 'none' } }] }, { command: ['node'] }));
    const events = await until('there is an event', async () => {
      const { out } = await lab.kubectl(
        `get events -n ${SPACE} --field-selector involvedObject.name=waits,reason=FailedMount -o json`,
      );
      const { items } = JSON.parse(out) as { items: readonly { message: string }[] };
      return items.length > 0 && items;
    });
    expect(events[0]?.message).toBe('MountVolume.SetUp failed for volume "v" : secret "none" not found');
    await lab.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'none', namespace: SPACE } });
    await phase('waits', 'Succeeded');
  });

  it('asks a pod whether it is ready, and ends it with its grace', async () => {
    const ready = { exec: { command: ['node', '-e', 'require("fs").statSync("/tmp/ready")'] }, timeoutSeconds: 5 };
    await lab.apply(
      pod('serves', { terminationGracePeriodSeconds: 20 }, { command: ['node', '-e', LASTS], readinessProbe: ready }),
    );
    await phase('serves', 'Running');
    const isReady = async () =>
      (await status('serves'))?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    expect(await isReady()).toBe(false);
    await agent.exec(SPACE, 'serves', 'app', ['node', '-e', 'require("fs").writeFileSync("/tmp/ready", "")']);
    await until('it is ready', isReady);
    const begun = Date.now();
    await lab.kubectl(`delete pod serves -n ${SPACE}`);
    expect(Date.now() - begun).toBeLessThan(15_000);
  });
});

/** Ends when it is asked to. */
const LASTS = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000)';

const SCRIPT = `
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
const claims = JSON.parse(Buffer.from(readFileSync('/var/run/secrets/tokens/t', 'utf8').split('.')[1], 'base64url'));
const attempt = (path) => { try { writeFileSync(path, ''); return true } catch ({ code }) { return code } };
console.log(JSON.stringify({
  audience: claims.aud,
  pod: claims['kubernetes.io'].pod.name,
  argument: process.argv[2],
  user: process.getuid(),
  written: attempt('/tmp/file'),
  root: attempt('/file'),
  volume: attempt('/script/file'),
  account: readdirSync('/var/run/secrets/kubernetes.io/serviceaccount').filter((name) => !name.startsWith('.')).sort(),
}));
`;
