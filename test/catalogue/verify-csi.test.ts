import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';

/* A pod that should find its secrets as files and does not: `verify` names the link that is broken, and nothing else. */

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const CLASSES = '/apis/secrets-store.csi.x-k8s.io/v1/namespaces/demo/secretproviderclasses';
const DEPLOYMENT = '/apis/apps/v1/namespaces/demo/deployments/demo-sample';
// biome-ignore lint/suspicious/noExplicitAny: of any shape
type Any = any;

interface Told {
  readonly id: string;
  readonly failure?: string;
  readonly verdict: string;
  readonly observed?: string;
  readonly fix?: { readonly say: string; readonly run?: string };
}

async function verify(words = ''): Promise<{ code: number; all: readonly Told[]; told: readonly Told[] }> {
  const { code, out } = await story.run(`verify --method csi -o json ${words}`);
  const { checks: all } = JSON.parse(out) as { checks: readonly Told[] };
  return { code, all, told: all.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped') };
}
const observed = (all: readonly Told[], id: string) => all.find((each) => each.id === id)?.observed;

/** A colleague deploys the sample anew, with a changed template; the pods before are gone. */
async function redeploy(change: (spec: Any) => void): Promise<void> {
  const { body } = await kubectl(story, 'GET', DEPLOYMENT);
  await kubectl(story, 'PATCH', DEPLOYMENT, { spec: { replicas: 0 } }, 'application/merge-patch+json');
  await story.sandbox.settled();
  const { status: _status, ...rest } = structuredClone(body);
  delete rest.metadata.resourceVersion;
  delete rest.metadata.managedFields;
  change(rest.spec.template.spec);
  const { status } = await kubectl(story, 'PUT', DEPLOYMENT, rest);
  expect(status).toBe(200);
  await story.sandbox.settled();
}

it('is well with a class of another name, which the pods mount', async () => {
  await story.run('init --method csi --yes');
  const { body } = await kubectl(story, 'GET', `${CLASSES}/demo`);
  await kubectl(story, 'POST', CLASSES, { ...body, metadata: { name: 'kv-prod', namespace: 'demo' } });
  await redeploy((spec) => {
    const volume = spec.volumes.find(({ csi }: Any) => csi);
    volume.csi.volumeAttributes.secretProviderClass = 'kv-prod';
  });
  await kubectl(story, 'DELETE', `${CLASSES}/demo`);
  const { code, all, told } = await verify();
  expect(told).toEqual([]);
  expect(code).toBe(0);
  expect(observed(all, 'AKS-CSI-CLASS')).toBe('by SecretProviderClass demo/kv-prod');
});

it('is well before any pod is there, and says so', async () => {
  await story.run('init --method csi --yes', { noSample: true });
  const { code, all, told } = await verify();
  expect(told).toEqual([]);
  expect(code).toBe(0);
  expect(observed(all, 'AKS-CSI-MOUNT')).toBe('no pod uses it yet');
});

describe('a new version in the vault', () => {
  beforeEach(async () => {
    await story.run('init --method csi --yes');
  });

  it('is on its way while it is new, and then it is there', async () => {
    story.sandbox.advance(60_000);
    await story.sandbox.seed('demo-kv', 'db-password', 'invented-second');
    const first = await verify();
    expect(first.told).toMatchObject([{ id: 'AKS-CSI-FRESH', verdict: 'unknown' }]);
    expect(first.code).toBe(1);
    story.sandbox.advance(150_000);
    await story.sandbox.settled();
    const then = await verify();
    expect(then.told).toEqual([]);
    expect(then.code).toBe(0);
  });

  it('never reaches a file that is mounted by subPath', async () => {
    await redeploy((spec) => {
      const [container] = spec.containers;
      const mount = container.volumeMounts.find(({ name }: Any) => name === 'secrets');
      container.volumeMounts = [
        ...container.volumeMounts,
        { ...mount, mountPath: '/etc/db-password', subPath: 'db-password' },
      ];
    });
    story.sandbox.advance(60_000);
    await story.sandbox.seed('demo-kv', 'db-password', 'invented-second');
    story.sandbox.advance(150_000);
    await story.sandbox.settled();
    const { told, code } = await verify();
    expect(told).toMatchObject([
      {
        ...{ id: 'AKS-CSI-FRESH', verdict: 'fail', failure: 'F106' },
        observed: expect.stringContaining('subPath'),
        fix: { run: 'kubectl rollout restart deployment/demo-sample --namespace demo' },
      },
    ]);
    expect(code).toBe(3);
  });
});

it('names the first link that broke, of whatever kind, and is clean when it is mended', async () => {
  await story.run('init --method csi --yes');
  for (const [failure, id] of [
    ['F087', 'AKS-CSI-NODES'],
    ['F089', 'AKS-CSI-CLASS'],
    ['F091', 'AKS-CSI-PARAMETERS'],
    ['F057', 'AKS-CSI-IDENTITY'],
    ['F102', 'AKS-CSI-VOLUME'],
    ['F104', 'AKS-CSI-SECRET'],
    ['F108', 'AKS-CSI-MOUNT'],
    ['F105', 'AKS-CSI-SYNC'],
  ] as const) {
    await story.sandbox.break(failure);
    expect((await verify()).told).toMatchObject([{ id, failure, verdict: 'fail' }]);
    await story.sandbox.mend();
  }
  const { code, told } = await verify();
  expect(told).toEqual([]);
  expect(code).toBe(0);
});

it('lints files by the same rules', async () => {
  const { writeFileSync, mkdirSync } = await import('node:fs');
  const { join } = await import('node:path');
  mkdirSync(join(story.folder, 'k8s'));
  writeFileSync(
    join(story.folder, 'k8s', 'class.yaml'),
    [
      'apiVersion: secrets-store.csi.x-k8s.io/v1',
      'kind: SecretProviderClass',
      'metadata: { name: orders, namespace: shop }',
      'spec:',
      '  provider: azure',
      '  parameters:',
      '    clientId: 1b4e28ba-2fa1-11d2-883f-0016d3cca427',
      '    tenantID: 6fa459ea-ee8a-3ca4-894e-db77e160355e',
      '    keyvaultName: shop-kv',
      '    objects: |',
      '      array:',
      '        - |',
      '          objectName: db-password',
      '          objectType: secrets',
      '',
    ].join('\n'),
  );
  const { code, out } = await story.run('verify --manifests k8s -o json');
  const { checks } = JSON.parse(out) as { checks: readonly Told[] };
  expect(checks.filter(({ verdict }) => verdict === 'fail').map(({ failure }) => failure)).toEqual(['F091', 'F096']);
  expect(code).toBe(3);
});
