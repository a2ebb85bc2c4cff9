import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';

/* A pod that should find its secrets in a Kubernetes Secret and does not: `verify` names the broken link, and no other. */

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

// biome-ignore lint/suspicious/noExplicitAny: of any shape
type Any = any;
const API = '/apis/external-secrets.io/v1';
const STORES = `${API}/namespaces/demo/secretstores`;
const EXTERNALS = `${API}/namespaces/demo/externalsecrets`;
const DEPLOYMENT = '/apis/apps/v1/namespaces/demo/deployments/demo-sample';
const MERGE = 'application/merge-patch+json';
const FORBIDDEN = (resource: string) => ({
  status: 403,
  body: {
    ...{ kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403 },
    message: `${resource} is forbidden: User "you" cannot list resource "${resource}" in API group "" in the namespace "demo"`,
  },
});

interface Told {
  readonly id: string;
  readonly failure?: string;
  readonly verdict: string;
  readonly observed?: string;
  readonly right?: string;
  readonly fix?: { readonly say: string; readonly run?: string };
}
async function verify(words = '') {
  const { code, out, writes } = await story.run(`verify --method external-secrets -o json ${words}`);
  const { checks: all } = JSON.parse(out) as { checks: readonly Told[] };
  return { code, all, writes, told: all.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped') };
}
const observed = (all: readonly Told[], id: string) => all.find((each) => each.id === id)?.observed;

async function made(words = '', sample = true): Promise<void> {
  const ran = await story.run(`init --method external-secrets --yes ${words}`, { noSample: !sample });
  expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
}

/** A colleague changes an object, and everything that follows from it has happened. */
async function edit(path: string, change: object): Promise<void> {
  const { status, body } = await kubectl(story, 'PATCH', path, change, MERGE);
  expect([status, body.message]).toEqual([200, undefined]);
  await story.sandbox.settled();
}
const pass = async (milliseconds: number): Promise<void> => {
  for (let left = milliseconds; left > 0; left -= 600_000) {
    story.sandbox.advance(Math.min(left, 600_000));
    await story.sandbox.settled();
  }
};
const azurekv = (fields: object) => ({ spec: { provider: { azurekv: fields } } });

/** The sample also takes one of them as a variable. */
const withVariable = () =>
  edit(DEPLOYMENT, {
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: 'reader',
              image: 'mcr.microsoft.com/node:24',
              command: ['node', '/sample/read.mjs'],
              env: [
                { name: 'SECRETS', value: 'db-password,api-key' },
                { name: 'SECRETS_FOLDER', value: '/mnt/secrets' },
                { name: 'READY_FILE', value: '/tmp/ready' },
                { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'demo', key: 'db-password' } } },
              ],
              volumeMounts: [
                { name: 'secrets', mountPath: '/mnt/secrets', readOnly: true },
                { name: 'sample', mountPath: '/sample' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
        },
      },
    },
  });

it('is well as it was made, writes nothing, and says by what', async () => {
  await made();
  const { code, all, told, writes } = await verify();
  expect({ code, told, writes: writes.filter(({ path }) => !path.endsWith('/token')) }).toEqual({
    ...{ code: 0, told: [], writes: [] },
  });
  expect(observed(all, 'AKS-ESO')).toBe('ExternalSecret demo/demo by SecretStore demo/demo');
  expect(observed(all, 'AKS-ESO-SECRET')).toBe('demo: api-key, db-password');
  expect(observed(all, 'AKS-ESO-POD')).toMatch(/^demo-sample-\S+ takes demo$/);
});

it('is well before any pod is there, and says so', async () => {
  await made('', false);
  const { code, all, told } = await verify();
  expect({ code, told }).toEqual({ code: 0, told: [] });
  expect([observed(all, 'AKS-ESO-POD'), observed(all, 'AKS-ESO-FRESH')]).toEqual(Array(2).fill('no pod uses it yet'));
});

it('is well where a colleague has written it all under other names', async () => {
  await made();
  const { body: store } = await kubectl(story, 'GET', `${STORES}/demo`);
  const { body: external } = await kubectl(story, 'GET', `${EXTERNALS}/demo`);
  const { apiVersion } = store;
  const { account, ...own } = {
    account: store.spec.provider.azurekv.serviceAccountRef,
    ...store.spec.provider.azurekv,
  };
  await kubectl(story, 'POST', `${API}/clustersecretstores`, {
    ...{ apiVersion, kind: 'ClusterSecretStore', metadata: { name: 'company-vault' } },
    spec: {
      conditions: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'demo' } } }],
      provider: { azurekv: { ...own, serviceAccountRef: { ...account, namespace: 'demo' } } },
    },
  });
  await kubectl(story, 'POST', EXTERNALS, {
    ...{ apiVersion, kind: 'ExternalSecret', metadata: { name: 'values', namespace: 'demo' } },
    spec: {
      ...external.spec,
      secretStoreRef: { kind: 'ClusterSecretStore', name: 'company-vault' },
      target: { name: 'app-values' },
    },
  });
  await kubectl(story, 'DELETE', `${EXTERNALS}/demo`);
  await kubectl(story, 'DELETE', `${STORES}/demo`);
  const { body } = await kubectl(story, 'GET', DEPLOYMENT);
  const { volumes } = structuredClone(body.spec.template.spec);
  volumes.find(({ secret }: Any) => secret).secret.secretName = 'app-values';
  await edit(DEPLOYMENT, { spec: { template: { spec: { volumes } } } });
  await pass(1_200_000);
  const { code, all, told } = await verify();
  expect({ code, told }).toEqual({ code: 0, told: [] });
  expect(observed(all, 'AKS-ESO')).toBe('ExternalSecret demo/values by ClusterSecretStore company-vault');
  expect(observed(all, 'AKS-ESO-POD')).toMatch(/takes app-values$/);
});

it('is not well where pods take a Secret of another name', async () => {
  await made();
  const { body } = await kubectl(story, 'GET', DEPLOYMENT);
  const { volumes } = structuredClone(body.spec.template.spec);
  volumes.find(({ secret }: Any) => secret).secret.secretName = 'demo-values';
  await edit(DEPLOYMENT, { spec: { template: { spec: { volumes } } } });
  await pass(60_000);
  expect((await verify()).told).toMatchObject([
    { id: 'AKS-ESO-POD', failure: 'F103', observed: expect.stringContaining('demo-values') },
  ]);
});

it('names the first link that broke, of whatever kind, and is clean when it is mended', async () => {
  await made();
  for (const [failure, id] of [
    ['F111', 'AKS-ESO-API'],
    ['F114', 'AKS-ESO-SIGN-IN'],
    ['F119', 'AKS-ESO-TOKENS'],
    ['F057', 'AKS-ESO-IDENTITY'],
    ['F120', 'AKS-ESO-STORE-READY'],
    ['F124', 'AKS-ESO-TARGET'],
    ['F078', 'AKS-ESO-DATA'],
    ['F129', 'AKS-ESO-FRESH'],
  ] as const) {
    await story.sandbox.break(failure);
    expect((await verify()).told, failure).toMatchObject([{ id, failure, verdict: 'fail' }]);
    await story.sandbox.mend();
  }
  const { code, told } = await verify();
  expect({ code, told }).toEqual({ code: 0, told: [] });
}, 60_000);

it('says what the operator in the cluster is refused, where this machine is kept out too', async () => {
  await made();
  await story.sandbox.break('F073');
  const { told } = await verify();
  expect(told).toMatchObject([
    { id: 'AKS-VAULT-REACHABLE', verdict: 'unknown', failure: 'F073' },
    { id: 'AKS-ESO-SYNC', verdict: 'fail', failure: 'F073' },
  ]);
});

describe('a store', () => {
  it('of another vault, with the line that mends it', async () => {
    await made();
    await edit(`${STORES}/demo`, azurekv({ vaultUrl: 'https://old-kv.vault.azure.net' }));
    const { told } = await verify();
    expect(told).toMatchObject([
      {
        ...{ id: 'AKS-ESO-VAULT', failure: 'F075', verdict: 'fail' },
        fix: {
          run: `kubectl patch secretstore demo --namespace demo --type merge --patch '{"spec":{"provider":{"azurekv":{"vaultUrl":"https://demo-kv.vault.azure.net"}}}}'`,
        },
      },
    ]);
  });

  it('of another cloud', async () => {
    await made();
    await edit(`${STORES}/demo`, azurekv({ environmentType: 'USGovernmentCloud' }));
    expect((await verify()).told).toMatchObject([{ id: 'AKS-ESO-VAULT', failure: 'F143' }]);
  });

  it('that names a service account that is not there', async () => {
    await made();
    await edit(`${STORES}/demo`, azurekv({ serviceAccountRef: { name: 'orders' } }));
    expect((await verify()).told).toMatchObject([
      { id: 'AKS-ESO-SIGN-IN', failure: 'F033', observed: expect.stringContaining('no ServiceAccount demo/orders') },
    ]);
  });

  it('that is refused, and whose events are gone, is not well', async () => {
    await made();
    await story.sandbox.break('F120');
    const { body } = await kubectl(story, 'GET', '/api/v1/namespaces/demo/events');
    for (const { metadata } of body.items)
      await kubectl(story, 'DELETE', `/api/v1/namespaces/demo/events/${metadata.name}`);
    expect((await verify()).told).toMatchObject([
      {
        ...{ id: 'AKS-ESO-STORE-READY', verdict: 'fail', failure: 'F113' },
        observed: expect.stringContaining('no event is left that says why'),
        fix: { run: 'kubectl annotate secretstore demo --namespace demo --overwrite force-sync=1' },
      },
    ]);
  });
});

describe('a new version in the vault', () => {
  it('is on its way until the next turn, and then files have it', async () => {
    await made();
    await pass(60_000);
    await story.sandbox.seed('demo-kv', 'db-password', 'invented-second');
    const first = await verify();
    expect(first.told).toMatchObject([{ id: 'AKS-ESO-FRESH', verdict: 'unknown' }]);
    expect(first.code).toBe(1);
    await pass(3_900_000);
    const then = await verify();
    expect({ code: then.code, told: then.told }).toEqual({ code: 0, told: [] });
  });

  it('never reaches a variable: who must restart is named, and after it all is well', async () => {
    await made();
    await withVariable();
    await pass(600_000);
    expect((await verify()).told).toEqual([]);
    await story.sandbox.seed('demo-kv', 'db-password', 'invented-second');
    await pass(3_900_000);
    const { told, code } = await verify();
    expect(told).toMatchObject([
      {
        ...{ id: 'AKS-ESO-FRESH', verdict: 'fail', failure: 'F129' },
        observed: expect.stringMatching(/demo-sample-\S+ started at \S+ and has variables of the Secret demo/),
        fix: { run: 'kubectl rollout restart deployment/demo-sample --namespace demo' },
      },
    ]);
    expect(code).toBe(3);
    expect(JSON.stringify(told)).not.toContain('invented');
    await edit(DEPLOYMENT, { spec: { template: { metadata: { annotations: { restarted: 'yes' } } } } });
    await pass(60_000);
    expect((await verify()).told).toEqual([]);
  });

  it('what the Secret is labelled with makes no variable old', async () => {
    await made();
    await withVariable();
    await pass(600_000);
    await edit(`${EXTERNALS}/demo`, { metadata: { labels: { team: 'shop' } } });
    await pass(3_900_000);
    expect((await verify()).told).toEqual([]);
  });

  it('is never read where that is what was asked for: a warning, as long as there is none', async () => {
    await made();
    await edit(`${EXTERNALS}/demo`, { spec: { refreshInterval: '0s' } });
    await pass(60_000);
    expect((await verify()).told).toMatchObject([{ id: 'AKS-ESO-FRESH', verdict: 'warn', failure: 'F129' }]);
    await story.sandbox.seed('demo-kv', 'db-password', 'invented-second');
    expect((await verify()).told).toMatchObject([{ id: 'AKS-ESO-FRESH', verdict: 'fail', failure: 'F129' }]);
  });
});

describe('who may not look', () => {
  it('at Secrets is told what the operator says of them', async () => {
    await made();
    story.sandbox.faults.failAt({ path: /namespaces\/demo\/secrets\// }, FORBIDDEN('secrets'));
    const { told, all } = await verify();
    expect(told.filter(({ id }) => id.startsWith('AKS-ESO'))).toEqual([]);
    expect(observed(all, 'AKS-ESO-SECRET')).toBe('by the word of the operator: you may not look at Secrets');
  });

  it('at its objects is told which right is missing', async () => {
    await made();
    story.sandbox.faults.failAt({ path: /externalsecrets/ }, FORBIDDEN('externalsecrets'));
    const { told, code } = await verify();
    expect(told.every(({ verdict }) => verdict === 'unknown')).toBe(true);
    expect(told).toContainEqual(
      expect.objectContaining({ id: 'AKS-ESO', right: expect.stringContaining('list externalsecrets') }),
    );
    expect(code).toBe(6);
  });
});

it('lints files by the same rules, with the line', async () => {
  mkdirSync(join(story.folder, 'k8s'));
  writeFileSync(
    join(story.folder, 'k8s', 'store.yaml'),
    `apiVersion: external-secrets.io/v1beta1
kind: SecretStore
metadata: { name: kv, namespace: shop }
spec:
  provider:
    azurekv:
      vaultUrl: https://shop-kv.vault.azure.net
      serviceAccountRef: { name: orders, namespace: ops }
`,
  );
  const { code, out } = await story.run('verify --manifests k8s -o json');
  const { checks } = JSON.parse(out) as { checks: readonly Told[] };
  expect(checks.filter(({ verdict }) => verdict === 'fail').map(({ failure }) => failure)).toEqual(['F111', 'F151']);
  expect(code).toBe(3);
});
