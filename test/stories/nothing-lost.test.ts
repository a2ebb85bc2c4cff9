import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Story } from './harness.ts';

let story: Story;
beforeEach(async () => {
  story = await begin({ noSample: true });
});
afterEach(() => story.close());

const clusterOf = () => Object.values(story.sandbox.place.slice.clusters)[0]!.resource;
const vaultOf = () => Object.values(story.sandbox.place.slice.vaults)[0]!.resource;

describe('nothing of yours is lost', () => {
  it('a cluster keeps the properties that no SDK models', async () => {
    const { properties } = clusterOf();
    properties.futureProfile = { mode: 'Balanced', nested: [{ a: 1 }] };
    (properties.addonProfiles as Record<string, unknown>).omsagent = { enabled: true, config: { workspace: 'w' } };
    const before = structuredClone(properties);
    expect((await story.run('init --method csi --yes')).code).toBe(0);
    const after = clusterOf().properties;
    expect(after.futureProfile).toEqual(before.futureProfile);
    expect(after.addonProfiles).toMatchObject({
      omsagent: { enabled: true, config: { workspace: 'w' } },
      azureKeyvaultSecretsProvider: { enabled: true },
    });
    for (const key of Object.keys(before)) expect(after, key).toHaveProperty(key);
  });

  it('a vault that decides by policies keeps them, its mode and its tags, and gets one entry more', async () => {
    const { properties, ...vault } = vaultOf();
    const foreign = {
      tenantId: story.sandbox.place.tenantId,
      objectId: '11111111-2222-4333-8444-555555555555',
      permissions: { secrets: ['get', 'list'], keys: ['all'] },
    };
    const caller = { ...foreign, objectId: 'ca11e700-0000-4000-8000-000000000001', permissions: { secrets: ['all'] } };
    properties.enableRbacAuthorization = false;
    properties.accessPolicies = [foreign, caller];
    Object.assign(vault, { tags: { team: 'shop' } });
    const ran = await story.run('init --method workload-identity --yes');
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    const after = vaultOf();
    expect(after.properties.enableRbacAuthorization).toBe(false);
    expect(after.properties.accessPolicies).toMatchObject([foreign, caller, { permissions: { secrets: ['get'] } }]);
    expect(ran.writes.filter(({ path }) => /vaults\/demo-kv$/i.test(path))).toEqual([]);
    expect(ran.writes.filter(({ path }) => /roleAssignments/i.test(path))).toEqual([]);
    expect((await story.run('init --method workload-identity --yes')).writes).toEqual([]);
  });

  it('a ServiceAccount keeps what others wrote on it, and is not called ours', async () => {
    await story.run('init --method csi --yes');
    const put = await kubectl('POST', '/api/v1/namespaces/demo/serviceaccounts?fieldManager=kubectl-create', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web', labels: { team: 'shop' }, annotations: { 'example.com/owner': 'ana' } },
    });
    expect(put.status).toBe(201);
    const ran = await story.run('init --method workload-identity --workload web --service-account web --yes');
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    const { body } = await kubectl('GET', '/api/v1/namespaces/demo/serviceaccounts/web');
    expect(body.metadata).toMatchObject({
      labels: { team: 'shop' },
      annotations: { 'example.com/owner': 'ana', 'azure.workload.identity/client-id': expect.any(String) },
    });
    expect(body.metadata.labels).not.toHaveProperty(['app.kubernetes.io/managed-by']);
  });

  it('an object that Argo CD keeps is not taken over', async () => {
    await story.run('init --method csi --yes');
    await kubectl('POST', '/api/v1/namespaces/demo/serviceaccounts?fieldManager=argocd-controller', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web', annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ServiceAccount:demo/web' } },
    });
    const ran = await story.run('init --method workload-identity --workload web --service-account web --yes');
    expect(ran.err + ran.out).toContain('Argo CD');
    expect(ran.code).not.toBe(0);
    const { body } = await kubectl('GET', '/api/v1/namespaces/demo/serviceaccounts/web');
    expect(Object.keys(body.metadata.annotations)).toEqual(['argocd.argoproj.io/tracking-id']);
  });

  it('a value that exists is written only by --rotate, and nobody reads it back', async () => {
    const secrets = () => JSON.stringify(story.sandbox.parts.state.vaults);
    const env = { NEW: 'a-new-value-for-the-test' };
    const kept = await story.run('init --method csi --yes --secret-value db-password=env:NEW', { env });
    expect(kept.code).toBe(0);
    expect(secrets()).not.toContain(env.NEW);
    const rotated = await story.run('init --method csi --yes --secret-value db-password=env:NEW --rotate db-password', {
      env,
    });
    expect(rotated.code).toBe(0);
    expect(secrets()).toContain(env.NEW);
    const reads = [...kept.requests, ...rotated.requests].filter(
      ({ method, host, path }) => method === 'GET' && host.includes('vault') && /^\/secrets\/[^/]+\/?$/.test(path),
    );
    expect(reads).toEqual([]);
  });
});

/** The API server as another client sees it. */
async function kubectl(method: string, path: string, body?: unknown) {
  const cluster = story.sandbox.parts.arm.clusters()[0]!;
  const token = /"?token"?: "?([\w.-]+)/.exec(story.sandbox.kubeconfig())?.[1] ?? '';
  const [route, query] = path.split('?');
  const reply = await story.sandbox.parts.dispatch({
    method,
    host: cluster.fqdn,
    path: route!,
    query: new URLSearchParams(query),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'user-agent': 'kubectl' },
    body: body ? JSON.stringify(body) : '',
  });
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers is what the test looks at
  return { status: reply.status, body: (typeof reply.body === 'string' ? JSON.parse(reply.body) : reply.body) as any };
}
