import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Ran, type Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';
import { create } from './by-hand.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const DONE = { code: 0, err: '' };
const done = ({ code, err }: Ran) => ({ code, err: code === 0 ? '' : err });
const JOB = '/apis/batch/v1/namespaces/demo/jobs/aks-secrets-probe-demo';
const SCRIPTS = '/api/v1/namespaces/demo/configmaps/aks-secrets-probe-demo';
const writes = ({ writes: all }: Ran): string[] => all.map(({ method, path }) => `${method} ${path}`);

interface Check {
  readonly id: string;
  readonly verdict: string;
  readonly failure?: string;
  readonly title: string;
  readonly observed: string;
}
const checksOf = ({ out }: Ran): readonly Check[] => JSON.parse(out).checks;
const probed = (ran: Ran): Check[] => checksOf(ran).filter(({ id }) => id.startsWith('AKS-PROBE'));

/** What is left of a probe in the cluster. */
async function left(): Promise<string[]> {
  await story.sandbox.surroundings.clock.sleep(5000);
  const kinds = [
    '/apis/batch/v1/namespaces/demo/jobs',
    '/api/v1/namespaces/demo/pods',
    '/api/v1/namespaces/demo/configmaps',
  ];
  const all = await Promise.all(kinds.map((path) => kubectl(story, 'GET', path)));
  return all
    .flatMap(({ body }) => body.items.map((each: { metadata: { name: string } }) => each.metadata.name))
    .filter((name: string) => name.startsWith('aks-secrets-probe'));
}
const made = async (method: string) => {
  expect(done(await story.run(`init --method ${method} --yes`))).toEqual(DONE);
  return (words = '') => story.run(`verify --method ${method} --probe ${words}`);
};

describe('--probe', () => {
  it.each(['csi', 'workload-identity', 'dapr', 'external-secrets'])(
    'reads the secrets as the workload does, and nothing of it is left: %s',
    async (method) => {
      const verify = await made(method);
      const ran = await verify('-o json');
      expect(writes(ran)).toEqual([`PATCH ${JOB}`, `PATCH ${SCRIPTS}`, `DELETE ${JOB}`]);
      expect(probed(ran).map(({ verdict }) => verdict)).not.toContain('fail');
      const read = probed(ran).filter(({ title }) => / reads (db-password|api-key)$/.test(title));
      expect(read.map(({ observed }) => observed)).toEqual([
        expect.stringMatching(/^32 bytes/),
        expect.stringMatching(/^28 bytes/),
      ]);
      expect(await left()).toEqual([]);
      expect(story.sandbox.errors).toEqual([]);
    },
  );

  it('is announced, before anything is made', async () => {
    const verify = await made('csi');
    const { err } = await verify();
    expect(err.replaceAll(/\s+/g, ' ')).toContain(
      '--probe starts a Job that reads the secrets, and takes it away again: demo/aks-secrets-probe-demo.',
    );
  });

  it('no value of a secret is anywhere in what it says', async () => {
    const verify = await made('workload-identity');
    const { out, err } = await verify('-v');
    const contents = story.sandbox.parts.state.vaults['demo-kv'] as {
      secrets: Record<string, { versions: { value: string }[] }>;
    };
    const values = Object.values(contents.secrets).flatMap(({ versions }) => versions.map(({ value }) => value));
    expect(values.length).toBeGreaterThan(1);
    for (const value of values) expect(out + err).not.toContain(value);
  });

  it('shows from inside what the vault refuses to the network of the pods', async () => {
    const verify = await made('workload-identity');
    const vault = Object.values(story.sandbox.place.slice.vaults)[0]!.resource;
    vault.properties.networkAcls = { bypass: 'None', defaultAction: 'Deny', ipRules: [], virtualNetworkRules: [] };
    const ran = await verify('-o json');
    expect(probed(ran)).toMatchObject([
      { verdict: 'fail', failure: 'F073', observed: expect.stringContaining('ForbiddenByFirewall') },
    ]);
    expect(checksOf(ran).filter(({ verdict }) => verdict === 'fail')).toHaveLength(1);
  });

  it('shows how the pods reach what the method needs, and nothing of that where it needs nothing', async () => {
    const verify = await made('workload-identity');
    const network = (ran: Ran) =>
      probed(ran).flatMap(({ id, title, observed }) => (id === 'AKS-PROBE-NETWORK' ? [`${title}: ${observed}`] : []));
    expect(network(await verify('-o json'))).toEqual([
      'pods in demo reach login.microsoftonline.com: public address 203.0.113.10',
      'pods in demo reach demo-kv.vault.azure.net: public address 203.0.113.10',
    ]);
    expect(done(await story.run('init --method csi --workload other --yes'))).toEqual(DONE);
    expect(network(await story.run('verify --method csi --workload other --probe -o json'))).toEqual([]);
  });

  it('passes where pods must be restricted, and leaves nothing when the time is up', async () => {
    const verify = await made('external-secrets');
    await kubectl(
      story,
      'PATCH',
      '/api/v1/namespaces/demo',
      { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
      'application/merge-patch+json',
    );
    expect(probed(await verify('-o json')).map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
    const ran = await verify('-o json --timeout 1s');
    expect([0, 124]).toContain(ran.code);
    expect(await left()).toEqual([]);
  });

  it('does not start where what comes before it is broken', async () => {
    const verify = await made('csi');
    for (const [id, { resource }] of Object.entries(story.sandbox.place.slice.assignments)) {
      if (resource.properties.description) delete story.sandbox.place.slice.assignments[id];
    }
    await story.sandbox.surroundings.clock.sleep(30 * 60_000);
    const ran = await verify('-o json');
    expect(ran.writes).toEqual([]);
    expect(probed(ran)).toMatchObject([{ verdict: 'skipped' }]);
  });

  it('does not start where a Service would send its callers to it', async () => {
    const verify = await made('workload-identity');
    await create(story, '/api/v1/namespaces/demo/services', {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'everything' } },
      spec: { selector: { 'azure.workload.identity/use': 'true' }, ports: [{ port: 80 }] },
    });
    const ran = await verify('-o json');
    expect(ran.writes).toEqual([]);
    expect(probed(ran)).toMatchObject([
      { verdict: 'unknown', observed: expect.stringContaining('Service everything') },
    ]);
  });

  it('replaces what a run that was killed has left, and nothing of anybody else', async () => {
    const verify = await made('csi');
    // Killed before it could take anything away: the Job is there, its pod waits for scripts that never came.
    story.sandbox.faults.cutAtWrite(2, 'before');
    await verify();
    story.sandbox.faults.heal();
    expect(await left()).toContain('aks-secrets-probe-demo');
    const again = await verify('-o json');
    expect(writes(again)).toEqual([`DELETE ${JOB}`, `PATCH ${JOB}`, `PATCH ${SCRIPTS}`, `DELETE ${JOB}`]);
    expect(probed(again).map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
    expect(await left()).toEqual([]);

    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'contoso.example/a:1' }] } };
    await create(story, '/apis/batch/v1/namespaces/demo/jobs', {
      ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'aks-secrets-probe-demo' }, spec: { template } },
    });
    const theirs = await verify('-o json');
    expect(theirs.writes).toEqual([]);
    expect(probed(theirs)).toMatchObject([{ verdict: 'unknown', observed: expect.stringContaining('not ours') }]);
  });

  it('a run that is killed leaves what goes by itself', async () => {
    const verify = await made('csi');
    story.sandbox.faults.cutAtWrite(2, 'before');
    await verify();
    story.sandbox.faults.heal();
    expect(await left()).not.toEqual([]);
    await story.sandbox.surroundings.clock.sleep(5 * 60_000);
    expect(await left()).toEqual([]);
  });

  it('Ctrl-C takes it away within the five seconds', async () => {
    const verify = await made('csi');
    expect(verify).toBeDefined();
    const control = new AbortController();
    const running = story.run('verify --method csi --probe', { signal: control.signal });
    const mark = story.sandbox.log.mark();
    const isMade = () =>
      story.sandbox.log.since(mark).some(({ method, path }) => method === 'PATCH' && path === SCRIPTS);
    while (!isMade()) await new Promise((resolve) => setTimeout(resolve, 2));
    control.abort(new Error('interrupted'));
    const ran = await running;
    expect(ran.code).toBe(130);
    expect(writes(ran)).toEqual([`PATCH ${JOB}`, `PATCH ${SCRIPTS}`, `DELETE ${JOB}`]);
    expect(await left()).toEqual([]);
  });

  it('takes the image that it is told to', async () => {
    const verify = await made('csi');
    const mark = story.sandbox.log.mark();
    await verify('--probe-image contoso.azurecr.io/node:24');
    expect(story.sandbox.log.since(mark).length).toBeGreaterThan(0);
    const events = (await kubectl(story, 'GET', '/api/v1/namespaces/demo/events')).body.items as { message: string }[];
    expect(events.map(({ message }) => message).join('\n')).toContain('contoso.azurecr.io/node:24');
  });
});
