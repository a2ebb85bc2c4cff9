import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';

/*
 * A pod that should sign in at Entra by itself and cannot, for reasons that lie in the cluster: `verify` names the first
 * of them, and nothing else fails.
 */

let story: Story;
beforeEach(async () => {
  story = await begin();
  const { code, err } = await story.run('init --method workload-identity --yes');
  expect(err).toContain('created');
  expect(code).toBe(0);
});
afterEach(() => story.close());

const DEPLOYMENT = '/apis/apps/v1/namespaces/demo/deployments/demo-sample';
const ACCOUNT = '/api/v1/namespaces/demo/serviceaccounts/demo';
const USE = 'azure.workload.identity/use';
const CLIENT_ID = 'azure.workload.identity/client-id';
const MERGE = 'application/merge-patch+json';

interface Told {
  readonly id: string;
  readonly failure?: string;
  readonly verdict: string;
  readonly observed?: string;
  readonly fix?: { readonly say: string; readonly run?: string };
}

/** What `verify` tells of a workload that is not well, the first thing first. */
async function verify(words = ''): Promise<{ readonly code: number; readonly told: readonly Told[] }> {
  const { code, out } = await story.run(`verify --method workload-identity -o json ${words}`);
  const { checks } = JSON.parse(out) as { checks: readonly Told[] };
  return { code, told: checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped') };
}

async function expectFailure(failure: string, id: string, observed: RegExp, words = ''): Promise<Told> {
  const { code, told } = await verify(words);
  expect(told).toMatchObject([{ failure, id, verdict: 'fail', observed: expect.stringMatching(observed) }]);
  expect(code).toBe(3);
  return told[0]!;
}

/** A colleague changes an object. */
async function patch(path: string, change: object): Promise<void> {
  const { status } = await kubectl(story, 'PATCH', path, change, MERGE);
  expect(status).toBe(200);
  await story.sandbox.settled();
}

/** A colleague deploys the sample anew; the pods before are gone. */
async function redeploy(change: (deployment: { metadata: Any; spec: Any }) => void): Promise<void> {
  const { body } = await kubectl(story, 'GET', DEPLOYMENT);
  await patch(DEPLOYMENT, { spec: { replicas: 0 } });
  const { status: _status, ...rest } = structuredClone(body);
  delete rest.metadata.resourceVersion;
  delete rest.metadata.managedFields;
  rest.spec.template.metadata.labels ??= {};
  change(rest);
  const { status, body: answer } = await kubectl(story, 'PUT', DEPLOYMENT, rest);
  expect(answer.message).toBeUndefined();
  expect(status).toBe(200);
  await story.sandbox.settled();
}
// biome-ignore lint/suspicious/noExplicitAny: of any shape
type Any = any;

/** The pods are deleted and made again from the same template. */
async function restart(): Promise<void> {
  const { body } = await kubectl(story, 'GET', '/api/v1/namespaces/demo/pods');
  for (const { metadata } of body.items as { metadata: { name: string } }[])
    await kubectl(story, 'DELETE', `/api/v1/namespaces/demo/pods/${metadata.name}`);
  await story.sandbox.settled();
}

it('is all well as init left it', async () => {
  const { code, told } = await verify();
  expect(told).toEqual([]);
  expect(code).toBe(0);
});

it('is well under names of somebody else, and says by what', async () => {
  const { body } = await kubectl(story, 'GET', DEPLOYMENT);
  const { metadata, spec } = body;
  const own = structuredClone(spec);
  own.selector.matchLabels = { tier: 'backend' };
  own.template.metadata.labels = { tier: 'backend', [USE]: 'true' };
  await kubectl(story, 'DELETE', DEPLOYMENT);
  await kubectl(story, 'POST', DEPLOYMENT.replace('/demo-sample', ''), {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', spec: own },
    metadata: { name: 'checkout', namespace: metadata.namespace },
  });
  await story.sandbox.settled();
  const { code, told } = await verify();
  expect(told).toEqual([]);
  expect(code).toBe(0);
  const { out } = await story.run('verify --method workload-identity');
  expect(out).toContain('checkout-');
});

describe('the service account', () => {
  it('is not there', async () => {
    await kubectl(story, 'DELETE', ACCOUNT);
    await restart();
    const { fix } = await expectFailure('F033', 'AKS-SA', /no ServiceAccount demo/);
    expect(fix?.run).toBe('kubectl create serviceaccount demo --namespace demo');
  });

  it('names no identity', async () => {
    await patch(ACCOUNT, { metadata: { annotations: { [CLIENT_ID]: null } } });
    await restart();
    const { fix } = await expectFailure('F028', 'AKS-SA-CLIENT-ID', /no such annotation/);
    expect(fix?.run).toMatch(
      /^kubectl annotate serviceaccount demo --namespace demo --overwrite .*client-id=[\da-f-]+$/,
    );
  });

  it('has the annotation under a key that nobody reads', async () => {
    await patch(ACCOUNT, {
      metadata: { annotations: { [CLIENT_ID]: null, 'azure.workload.identity/client_id': 'x' } },
    });
    await restart();
    await expectFailure('F031', 'AKS-SA-CLIENT-ID', /spelt azure.workload.identity\/client_id/);
  });

  it('leaves the annotation to the Deployment, where nothing reads it', async () => {
    const { body } = await kubectl(story, 'GET', ACCOUNT);
    const id = body.metadata.annotations[CLIENT_ID];
    await patch(ACCOUNT, { metadata: { annotations: { [CLIENT_ID]: null } } });
    await patch(DEPLOYMENT, { metadata: { annotations: { [CLIENT_ID]: id } } });
    await restart();
    await expectFailure('F030', 'AKS-SA-CLIENT-ID', /Deployment demo\/demo-sample/);
  });

  it('leaves the annotation to a Service', async () => {
    const { body } = await kubectl(story, 'GET', ACCOUNT);
    const annotations = { [CLIENT_ID]: body.metadata.annotations[CLIENT_ID] };
    await patch(ACCOUNT, { metadata: { annotations: { [CLIENT_ID]: null } } });
    await kubectl(story, 'POST', '/api/v1/namespaces/demo/services', {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'demo', namespace: 'demo', annotations } },
      spec: { selector: { app: 'demo' }, ports: [{ port: 80 }] },
    });
    await restart();
    await expectFailure('F030', 'AKS-SA-CLIENT-ID', /Service demo\/demo/);
  });

  it('asks for a token that lives too short', async () => {
    await patch(ACCOUNT, {
      metadata: { annotations: { 'azure.workload.identity/service-account-token-expiration': '600' } },
    });
    await restart();
    await expectFailure('F038', 'AKS-SA-TOKEN-LIFE', /"600"/);
  });
});

describe('the webhook', () => {
  it('is gone, though the feature is on', async () => {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    await kubectl(story, 'DELETE', `${path}/azure-wi-webhook-mutating-webhook-configuration`);
    await restart();
    await expectFailure('F036', 'AKS-WEBHOOK', /no MutatingWebhookConfiguration/);
  });

  it('is there twice', async () => {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const { body } = await kubectl(story, 'GET', `${path}/azure-wi-webhook-mutating-webhook-configuration`);
    await kubectl(story, 'POST', path, { ...body, metadata: { name: 'workload-identity-webhook' } });
    await expectFailure('F037', 'AKS-WEBHOOK', /azure-wi-webhook-.* and workload-identity-webhook/);
  });

  it('has no pod that is ready', async () => {
    await patch('/apis/apps/v1/namespaces/kube-system/deployments/azure-wi-webhook-controller-manager', {
      spec: { replicas: 0 },
    });
    await restart();
    await expectFailure('F034', 'AKS-WEBHOOK', /none of 0 pods/);
  });
});

describe('the pods', () => {
  it('bear no label', async () => {
    await redeploy(({ spec }) => {
      delete spec.template.metadata.labels[USE];
    });
    await expectFailure('F025', 'AKS-POD-LABEL', /no such label/);
  });

  it('bear no label, and the Deployment does', async () => {
    await redeploy(({ metadata, spec }) => {
      delete spec.template.metadata.labels[USE];
      metadata.labels = { ...metadata.labels, [USE]: 'true' };
    });
    await expectFailure('F026', 'AKS-POD-LABEL', /on itself, and not on its pods/);
  });

  it('bear a label that is misspelt', async () => {
    await redeploy(({ spec }) => {
      delete spec.template.metadata.labels[USE];
      spec.template.metadata.labels['azure.workload.identity/used'] = 'true';
    });
    await expectFailure('F031', 'AKS-POD-LABEL', /spelt azure.workload.identity\/used/);
  });

  it('set the client id themselves, to another one', async () => {
    await redeploy(({ spec }) => {
      const [container] = spec.template.spec.containers;
      container.env = [...container.env, { name: 'AZURE_CLIENT_ID', value: '11111111-2222-3333-4444-555555555555' }];
    });
    await expectFailure('F027', 'AKS-POD-ENV', /sets AZURE_CLIENT_ID=11111111/);
  });

  it('were made before the account was annotated', async () => {
    const { body } = await kubectl(story, 'GET', ACCOUNT);
    const { annotations } = body.metadata;
    await patch(ACCOUNT, { metadata: { annotations: { [CLIENT_ID]: null } } });
    await restart();
    story.sandbox.advance(60_000);
    await patch(ACCOUNT, { metadata: { annotations } });
    const { fix } = await expectFailure('F029', 'AKS-POD-ENV', /has no AZURE_CLIENT_ID/);
    expect(fix?.run).toBe('kubectl rollout restart deployment/demo-sample --namespace demo');
  });

  it('were made before the webhook was there', async () => {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const { body } = await kubectl(story, 'GET', `${path}/azure-wi-webhook-mutating-webhook-configuration`);
    await kubectl(story, 'DELETE', `${path}/azure-wi-webhook-mutating-webhook-configuration`);
    await restart();
    const { name, labels } = body.metadata;
    await kubectl(story, 'POST', path, { ...body, metadata: { name, labels } });
    await expectFailure('F029', 'AKS-POD-ENV', /before the webhook acted/);
  });

  it('run as the default service account', async () => {
    await redeploy(({ spec }) => {
      delete spec.template.spec.serviceAccountName;
      delete spec.template.spec.serviceAccount;
    });
    await expectFailure('F032', 'AKS-POD', /runs as default/);
  });

  it('name the file of the token where older webhooks put it', async () => {
    await redeploy(({ spec }) => {
      const [container] = spec.template.spec.containers;
      const value = '/var/run/secrets/azure/tokens/azure-identity-token';
      container.env = [...container.env, { name: 'TOKEN_FILE', value }];
    });
    await expectFailure('F042', 'AKS-POD-ENV', /where the token was up to version 1.5/);
  });

  it('ask for the proxy on the network of the node', async () => {
    await redeploy(({ spec }) => {
      spec.template.metadata.annotations = { 'azure.workload.identity/inject-proxy-sidecar': 'true' };
      spec.template.spec.hostNetwork = true;
    });
    await expectFailure('F039', 'AKS-POD-PROXY', /hostNetwork/);
  });

  it('are not there yet', async () => {
    await patch(DEPLOYMENT, { spec: { replicas: 0 } });
    const { code, told } = await verify();
    expect(told).toEqual([]);
    expect(code).toBe(0);
    expect((await story.run('verify --method workload-identity')).out).toContain('no pod uses it yet');
  });
});
