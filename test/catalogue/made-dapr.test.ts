import { describe, expect, it } from 'vitest';
import type { Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';
import { sharedWorld } from './made-shared.ts';
import { eventsIn, get, logOf, podsOf, ready } from './made-world.ts';

/** An application that says all that its sidecar answers. */
const TALKATIVE = `
const { SECRETS, SECRET_STORE } = process.env;
const ask = (path) => fetch('http://localhost:3500/v1.0' + path);
if (process.argv.includes('--ready')) process.exit((await ask('/secrets/' + SECRET_STORE + '/db-password')).ok ? 0 : 1);
const well = () => ask('/healthz/outbound').then(({ ok }) => ok, () => false);
for (let tries = 0; tries < 20 && !(await well()); tries += 1) await new Promise((done) => setTimeout(done, 10));
for (const name of SECRETS.split(',')) {
  try {
    const answer = await ask('/secrets/' + SECRET_STORE + '/' + name);
    const text = await answer.text();
    console.log(answer.ok ? 'read ' + name : 'failed ' + name + ' ' + answer.status + ' ' + text);
  } catch (error) {
    console.log('failed ' + name + ' ' + (error.cause?.code ?? error.message));
  }
}
setInterval(() => {}, 2 ** 30);
`;

async function talk(story: Story): Promise<void> {
  const path = '/api/v1/namespaces/demo/configmaps/demo-sample';
  await kubectl(story, 'PATCH', path, { data: { 'read.mjs': TALKATIVE } }, 'application/merge-patch+json');
  for (const { metadata } of await podsOf(story)) {
    await kubectl(story, 'DELETE', `/api/v1/namespaces/demo/pods/${metadata.name}`);
  }
}
const shared = sharedWorld('dapr', talk);

const newest = async () => (await podsOf(shared())).at(-1)!;
const containersOf = async () => ((await newest()).spec.containers as { name: string }[]).map(({ name }) => name);
/** What the kubelet says of the sidecar. */
async function sidecar() {
  // biome-ignore lint/suspicious/noExplicitAny: looked into by tests
  const statuses = (await newest()).status.containerStatuses as any[];
  return statuses.find(({ name }) => name === 'daprd');
}

describe('what the application is answered', () => {
  it.each([
    ['F045', /500 .*ERR_SECRET_GET.*169\.254\.169\.254:80: connect: connection refused/],
    ['F130', /500 .*ERR_SECRET_STORES_NOT_CONFIGURED.*secret store is not configured/],
    ['F132', /403 .*ERR_PERMISSION_DENIED.*access denied by policy to get \\"db-password\\" from \\"demo\\"/],
    ['F134', /500 .*ERR_SECRET_GET.*ChainedTokenCredential.*Identity not found/],
    ['F135', /500 .*ERR_SECRET_GET.*ForbiddenByRbac/],
    ['F138', /500 .*ERR_SECRET_GET.*lookup demo-kv-old\.vault\.azure\.net.*no such host/],
    [
      'F141',
      /500 .*ERR_SECRET_GET.*secrets \\"db-password\\" is forbidden: User \\"system:serviceaccount:demo:demo\\"/,
    ],
  ])('%s: %s', async (id, text) => {
    await shared().sandbox.break(id);
    expect(await logOf(shared())).toMatch(text);
    expect(await containersOf()).toEqual(['reader', 'daprd']);
    expect((await sidecar()).state.running).toBeDefined();
    expect(await ready(shared())).toBe(false);
  });

  it('F138: the Component is right, and younger than the pod', async () => {
    await shared().sandbox.break('F138');
    const component = await get(shared(), '/apis/dapr.io/v1alpha1/namespaces/demo/components/demo');
    expect(component.spec.metadata).toContainEqual({ name: 'vaultName', value: 'demo-kv' });
    const times = component.metadata.managedFields.map(({ time }: { time: string }) => time).sort();
    expect(times.at(-1) > (await podsOf(shared())).at(-1)!.metadata.creationTimestamp).toBe(true);
  });
});

describe('a pod without its sidecar', () => {
  it.each(['F136', 'F139'])('%s: nobody listens', async (id) => {
    await shared().sandbox.break(id);
    expect(await containersOf()).toEqual(['reader']);
    expect(await logOf(shared())).toMatch(/^failed db-password ECONNREFUSED$/m);
  });

  it('F136: the annotations are one level too high', async () => {
    await shared().sandbox.break('F136');
    const { metadata, spec } = await get(shared(), '/apis/apps/v1/namespaces/demo/deployments/demo-sample');
    expect(metadata.annotations).toMatchObject({ 'dapr.io/enabled': 'true' });
    expect(spec.template.metadata.annotations).not.toHaveProperty(['dapr.io/enabled']);
  });

  it('F139: where the webhook must be asked, its refusal names the certificate', async () => {
    await shared().sandbox.break('F139');
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/dapr-sidecar-injector';
    const configuration = await get(shared(), path);
    configuration.webhooks[0].failurePolicy = 'Fail';
    await kubectl(shared(), 'PUT', path, configuration);
    const [pod] = await podsOf(shared());
    await kubectl(shared(), 'DELETE', `/api/v1/namespaces/demo/pods/${pod!.metadata.name}`);
    const said = (await eventsIn(shared())).filter((each) => each.startsWith('FailedCreate'));
    expect(said).toContainEqual(
      expect.stringMatching(
        /failed calling webhook "sidecar-injector\.dapr\.io".* x509: certificate has expired or is not yet valid/,
      ),
    );
  });

  it('F152: no pod at all, and the ReplicaSet says why', async () => {
    await shared().sandbox.break('F152');
    expect(await podsOf(shared())).toEqual([]);
    expect(await eventsIn(shared())).toContainEqual(
      expect.stringMatching(
        /^FailedCreate .*admission webhook "sidecar-injector\.dapr\.io" denied the request: error from sentry SignCertificate.*Unavailable/,
      ),
    );
  });
});

describe('a sidecar that is not well', () => {
  it('F137: it ends at its start, again and again', async () => {
    await shared().sandbox.break('F137');
    const { state, lastState, restartCount } = await sidecar();
    expect(state.waiting.reason).toBe('CrashLoopBackOff');
    expect(lastState.terminated.exitCode).toBe(1);
    expect(restartCount).toBeGreaterThan(2);
    expect(await logOf(shared(), 'daprd')).toMatch(
      /level=fatal msg="Fatal error from runtime: process component demo error: .*initialization error occurred for demo .*: invalid Azure cloud: PublicCloud"/,
    );
  });

  it('F142: it waits for the port of the application', async () => {
    await shared().sandbox.break('F142');
    expect(await sidecar()).toMatchObject({ ready: false, state: { running: {} } });
    expect(await logOf(shared(), 'daprd')).toMatch(/waiting on port 8080/);
    expect(await ready(shared())).toBe(false);
  });
});

it('F140: a Subscription of the older version cannot be made', async () => {
  const path = '/apis/dapr.io/v1alpha1/namespaces/demo/subscriptions';
  const body = { apiVersion: 'dapr.io/v1alpha1', kind: 'Subscription', metadata: { name: 'orders' }, spec: {} };
  expect((await kubectl(shared(), 'POST', `${path}?dryRun=All`, body)).status).toBe(201);
  await shared().sandbox.break('F140');
  const refused = await kubectl(shared(), 'POST', path, body);
  expect(refused.status).toBe(500);
  expect(refused.body.message).toBe(
    'conversion webhook for dapr.io/v1alpha1, Kind=Subscription failed: Post "https://dapr-webhook.replaceme.svc:443/convert?timeout=30s": service "dapr-webhook" not found',
  );
});
