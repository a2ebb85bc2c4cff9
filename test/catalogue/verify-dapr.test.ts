import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';

/* A pod that should be answered by its sidecar and is not: `verify` names the link that is broken, and nothing else. */

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

// biome-ignore lint/suspicious/noExplicitAny: of any shape
type Any = any;
const API = '/apis/dapr.io/v1alpha1/namespaces';
const COMPONENTS = `${API}/demo/components`;
const DEPLOYMENT = '/apis/apps/v1/namespaces/demo/deployments/demo-sample';
const RESTART = 'kubectl rollout restart deployment/demo-sample --namespace demo';

interface Told {
  readonly id: string;
  readonly failure?: string;
  readonly verdict: string;
  readonly observed?: string;
  readonly right?: string;
  readonly fix?: { readonly say: string; readonly run?: string };
}
async function verify() {
  const { code, out, writes } = await story.run('verify --method dapr -o json');
  const { checks: all } = JSON.parse(out) as { checks: readonly Told[] };
  return { code, all, writes, told: all.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped') };
}
const observed = (all: readonly Told[], id: string) => all.find((each) => each.id === id)?.observed;

async function made(words = '', sample = true): Promise<void> {
  const ran = await story.run(`init --method dapr --yes ${words}`, { noSample: !sample });
  expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
}
const pass = async (milliseconds: number): Promise<void> => {
  for (let left = milliseconds; left > 0; left -= 600_000) {
    story.sandbox.advance(Math.min(left, 600_000));
    await story.sandbox.settled();
  }
};
/** What an object says, for one of another name or place. */
async function copyOf(path: string, metadata: object): Promise<Any> {
  const { body } = await kubectl(story, 'GET', path);
  const { apiVersion, kind, spec, scopes } = structuredClone(body);
  return { apiVersion, kind, metadata, spec, ...(scopes && { scopes }) };
}

/** A colleague deploys the sample anew with a changed template; the pods before are gone. */
async function redeploy(change: (template: Any) => void = () => undefined): Promise<void> {
  await kubectl(story, 'PATCH', DEPLOYMENT, { spec: { replicas: 0 } }, 'application/merge-patch+json');
  await story.sandbox.settled();
  const { body } = await kubectl(story, 'GET', DEPLOYMENT);
  const { status: _status, ...rest } = structuredClone(body);
  rest.spec.replicas = 1;
  change(rest.spec.template);
  const answer = await kubectl(story, 'PUT', DEPLOYMENT, rest);
  expect([answer.status, answer.body.message]).toEqual([200, undefined]);
  await story.sandbox.settled();
  await pass(120_000);
}

it('is well as it was made, writes nothing, and says by what', async () => {
  await made();
  const { code, all, told, writes } = await verify();
  expect({ code, told, writes: writes.filter(({ path }) => !path.endsWith('/token')) }).toEqual({
    ...{ code: 0, told: [], writes: [] },
  });
  expect(observed(all, 'AKS-DAPR-COMPONENT')).toBe('Component demo/demo');
});

it('is well before any pod is there, and says so', async () => {
  await made('', false);
  const { code, all, told } = await verify();
  expect({ code, told }).toEqual({ code: 0, told: [] });
  expect(observed(all, 'AKS-DAPR-SIDECAR')).toBe('no pod uses it yet');
});

it('is well with a Dapr of another release, and a component of another name', async () => {
  await story.sandbox.world.daprByHelm('demo-aks', { namespace: 'mesh' });
  await made();
  const other = await copyOf(`${COMPONENTS}/demo`, { name: 'company-vault', namespace: 'demo' });
  await kubectl(story, 'POST', COMPONENTS, { ...other, scopes: undefined });
  await kubectl(story, 'DELETE', `${COMPONENTS}/demo`);
  await redeploy(({ spec }) => {
    spec.containers[0].env.find(({ name }: Any) => name === 'SECRET_STORE').value = 'company-vault';
  });
  const { code, all, told } = await verify();
  expect({ code, told }).toEqual({ code: 0, told: [] });
  expect(observed(all, 'AKS-DAPR-COMPONENT')).toBe('Component demo/company-vault');
});

it('names the first link that broke, of whatever kind, and is clean when it is mended', async () => {
  await made();
  for (const [failure, id] of [
    ['F152', 'AKS-DAPR-PROGRAMS'],
    ['F140', 'AKS-DAPR-CONVERSION'],
    ['F130', 'AKS-DAPR-SCOPES'],
    ['F132', 'AKS-DAPR-CONFIGURATION'],
    ['F135', 'AKS-DAPR-CLIENT'],
    ['F142', 'AKS-DAPR-SIDECAR'],
    ['F138', 'AKS-DAPR-LOADED'],
    ['F141', 'AKS-DAPR-STORE'],
  ] as const) {
    await story.sandbox.break(failure);
    expect((await verify()).told, failure).toMatchObject([{ id, failure, verdict: 'fail' }]);
    await story.sandbox.mend();
  }
  const { code, told } = await verify();
  expect({ code, told }).toEqual({ code: 0, told: [] });
}, 60_000);

/** Of a component, that makes nothing else of it. */
const CHANGE = { spec: { initTimeout: '10s' } };

describe('a component', () => {
  it('of another namespace is no component of the pods', async () => {
    await made();
    await kubectl(story, 'POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'ops' },
    });
    await kubectl(
      story,
      'POST',
      `${API}/ops/components`,
      await copyOf(`${COMPONENTS}/demo`, { name: 'kv', namespace: 'ops' }),
    );
    await kubectl(story, 'DELETE', `${COMPONENTS}/demo`);
    expect((await verify()).told).toMatchObject([
      { id: 'AKS-DAPR-COMPONENT', failure: 'F130', observed: 'there is none in demo, but Component ops/kv' },
    ]);
  });

  it('that was made after the pods has not been loaded by them', async () => {
    await made();
    const same = await copyOf(`${COMPONENTS}/demo`, { name: 'demo', namespace: 'demo' });
    await kubectl(story, 'DELETE', `${COMPONENTS}/demo`);
    await pass(600_000);
    await kubectl(story, 'POST', COMPONENTS, same);
    expect((await verify()).told).toMatchObject([{ id: 'AKS-DAPR-LOADED', failure: 'F130', fix: { run: RESTART } }]);
    await redeploy();
    expect((await verify()).told).toEqual([]);
  });

  it('that was changed is loaded anew by sidecars that reload', async () => {
    await made();
    await kubectl(story, 'POST', `${API}/demo/configurations`, {
      ...{ apiVersion: 'dapr.io/v1alpha1', kind: 'Configuration', metadata: { name: 'hot', namespace: 'demo' } },
      spec: { features: [{ name: 'HotReload', enabled: true }] },
    });
    await redeploy(({ metadata }) => {
      metadata.annotations['dapr.io/config'] = 'hot';
    });
    await pass(600_000);
    await kubectl(story, 'PATCH', `${COMPONENTS}/demo`, CHANGE, 'application/merge-patch+json');
    expect((await verify()).told).toEqual([]);
  });

  it.each([
    ['1.17.1', ['F138']],
    ['1.18.0', []],
    ['1.18.3-msft.1', []],
  ])('that was changed under a sidecar of Dapr %s', async (version, failures) => {
    await made();
    await redeploy(({ metadata }) => {
      metadata.annotations['dapr.io/sidecar-image'] = `registry.example/daprd:${version}`;
    });
    await pass(600_000);
    await kubectl(story, 'PATCH', `${COMPONENTS}/demo`, CHANGE, 'application/merge-patch+json');
    expect((await verify()).told.map(({ failure }) => failure)).toEqual(failures);
  });
});

describe('a sidecar', () => {
  it('that ends over another component of the application says so by its log', async () => {
    await made();
    await kubectl(story, 'POST', COMPONENTS, {
      ...{ apiVersion: 'dapr.io/v1alpha1', kind: 'Component', metadata: { name: 'orders', namespace: 'demo' } },
      spec: { type: 'state.nonesuch', version: 'v1', metadata: [] },
    });
    await redeploy();
    expect((await verify()).told).toMatchObject([
      {
        ...{ id: 'AKS-DAPR-SIDECAR', failure: 'F137', verdict: 'fail' },
        observed: expect.stringMatching(/daprd CrashLoopBackOff: .*state\.nonesuch/),
      },
    ]);
  });

  it("that ends over Dapr's own store, which wants a token that the pod does not mount", async () => {
    await made();
    await redeploy(({ metadata }) => {
      delete metadata.annotations['dapr.io/disable-builtin-k8s-secret-store'];
    });
    expect((await verify()).told).toMatchObject([{ id: 'AKS-DAPR-SIDECAR', failure: 'F141' }]);
  });

  it('that obeys a Configuration which is not there does not start', async () => {
    await made();
    await redeploy(({ metadata }) => {
      metadata.annotations['dapr.io/config'] = 'strict';
    });
    expect((await verify()).told).toMatchObject([
      { id: 'AKS-DAPR-CONFIGURATION', failure: 'F137', observed: expect.stringContaining('demo/strict') },
    ]);
  });

  it('is missing in pods that were made while the injector was away, and comes with a restart', async () => {
    await made();
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const { body } = await kubectl(story, 'GET', `${path}/dapr-sidecar-injector`);
    const webhook = structuredClone(body);
    await kubectl(story, 'DELETE', `${path}/dapr-sidecar-injector`);
    await redeploy();
    expect((await verify()).told).toMatchObject([{ id: 'AKS-DAPR-INJECTOR', failure: 'F136' }]);
    const { resourceVersion: _version, uid: _uid, ...metadata } = webhook.metadata;
    await kubectl(story, 'POST', path, { ...webhook, metadata });
    expect((await verify()).told).toMatchObject([{ id: 'AKS-DAPR-ENABLED', failure: 'F136', fix: { run: RESTART } }]);
    await redeploy();
    expect((await verify()).told).toEqual([]);
  });
});

it('who may not look at Components is told which right is missing', async () => {
  await made();
  story.sandbox.faults.failAt(
    { path: /dapr\.io\/v1alpha1/ },
    {
      status: 403,
      body: {
        ...{ kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403 },
        message:
          'components.dapr.io is forbidden: User "you" cannot list resource "components" in API group "dapr.io" in the namespace "demo"',
      },
    },
  );
  const { told, code } = await verify();
  expect(told.every(({ verdict }) => verdict === 'unknown')).toBe(true);
  expect(told).toContainEqual(
    expect.objectContaining({ id: 'AKS-DAPR-COMPONENT', right: 'list components.dapr.io in namespace demo' }),
  );
  expect(code).toBe(6);
});

it('lints files by the same rules, with the line', async () => {
  mkdirSync(join(story.folder, 'k8s'));
  writeFileSync(
    join(story.folder, 'k8s', 'dapr.yaml'),
    `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: kv, namespace: shop }
spec:
  type: secretstores.azure.keyvault
  version: v1
  metadata:
    - { name: vaultName, value: shop-kv }
    - { name: azureEnvironment, value: PublicCloud }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop
  annotations: { dapr.io/enabled: "true", dapr.io/app-id: orders }
spec:
  selector: { matchLabels: { app: orders } }
  template:
    metadata: { labels: { app: orders } }
    spec: { serviceAccountName: orders, containers: [{ name: app, image: contoso.example/orders:1 }] }
`,
  );
  const { code, out } = await story.run('verify --manifests k8s -o json');
  const { checks } = JSON.parse(out) as { checks: readonly Told[] };
  expect(checks.filter(({ verdict }) => verdict === 'fail').map(({ failure }) => failure)).toEqual(['F137', 'F136']);
  expect(code).toBe(3);
});
