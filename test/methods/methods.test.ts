import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cloudOf } from '../../src/azure/clouds.ts';
import { graphOf } from '../../src/engine/graph.ts';
import { assemble } from '../../src/methods/assemble.ts';
import { methods } from '../../src/methods/index.ts';
import type { Step } from '../../src/step.ts';
import { readTemplate } from '../../src/templates.ts';
import type { Spec, Workload } from '../../src/workload.ts';

const cloud = await cloudOf('AzurePublicCloud', () => Promise.reject(new Error('no metadata')));
const folder = new URL('../../templates', import.meta.url).pathname;

const workload = (method: string, more: Partial<Workload> = {}): Workload => ({
  name: 'orders',
  namespace: 'shop',
  serviceAccount: 'orders',
  method,
  vault: { resourceGroup: 'shop-rg', name: 'shop-kv' },
  identity: { resourceGroup: 'shop-rg', name: 'orders-id' },
  secrets: [
    { kind: 'secret', name: 'db-password', as: 'DB_PASSWORD' },
    { kind: 'secret', name: 'api-key', as: 'api-key' },
  ],
  roleScope: 'vault',
  sample: { image: 'node:24' },
  options: {},
  ...more,
});
const spec = (...workloads: Workload[]): Spec => ({
  subscription: '00000000-0000-0000-0000-000000000001',
  cluster: { resourceGroup: 'shop-rg', name: 'shop-aks' },
  workloads,
});
const build = (wanted: Spec, more: object = {}) =>
  assemble(wanted, {
    cloud,
    methods,
    template: (path) => readTemplate(folder, path),
    grantSelf: false,
    keepGrant: false,
    ...more,
  });

const FACTS = {
  clientId: '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
  tenantId: '6fa459ea-ee8a-3ca4-894e-db77e160355e',
  vaultUri: 'https://shop-kv.vault.azure.net',
  syncSecret: 'orders-env',
  externalSecretsApi: 'external-secrets.io/v1',
};
const previewOf = (step: Step): string => step.preview?.(FACTS as never) ?? '';

describe.each(methods.map(({ name }) => [name]))('%s', (method) => {
  const { steps, checks } = build(spec(workload(method)));

  it('builds a graph in which every need is met', () => {
    expect(() => graphOf(steps, checks)).not.toThrow();
    expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
  });

  it('fills its templates', async () => {
    const manifests = steps.filter(({ preview }) => preview).map(previewOf);
    for (const text of manifests)
      expect(parse(text)).toMatchObject({ metadata: { labels: { 'app.kubernetes.io/managed-by': 'aks-secrets' } } });
    await expect(manifests.join('---\n')).toMatchFileSnapshot(`golden/${method}.yaml`);
  });

  it('says afterwards what the application has to do', async () => {
    const { afterwards } = methods.find(({ name }) => name === method)!;
    await expect(`${afterwards(workload(method), FACTS).join('\n')}\n`).toMatchFileSnapshot(
      `golden/${method}.afterwards.txt`,
    );
  });
});

describe('csi', () => {
  it('also writes a Kubernetes Secret when asked', async () => {
    const { steps } = build(spec(workload('csi', { options: { syncSecret: 'orders-env' } })));
    const text = previewOf(steps.find(({ kind }) => kind === 'SecretProviderClass')!);
    expect(parse(text).spec.secretObjects).toEqual([
      {
        secretName: 'orders-env',
        type: 'Opaque',
        data: [
          { objectName: 'DB_PASSWORD', key: 'DB_PASSWORD' },
          { objectName: 'api-key', key: 'api-key' },
        ],
      },
    ]);
  });
  it('writes objects as the provider reads them: YAML strings in a YAML list in a string', () => {
    const { steps } = build(spec(workload('csi')));
    const text = previewOf(steps.find(({ kind }) => kind === 'SecretProviderClass')!);
    const objects = parse(parse(text).spec.parameters.objects) as { array: string[] };
    expect(objects.array.map((item) => parse(item))).toEqual([
      { objectName: 'db-password', objectType: 'secret', objectAlias: 'DB_PASSWORD' },
      { objectName: 'api-key', objectType: 'secret' },
    ]);
  });
});

describe('dapr', () => {
  const of = (steps: readonly Step[], kind: string) => steps.find((step) => step.kind === kind);
  const annotationsOf = (steps: readonly Step[]) =>
    parse(previewOf(of(steps, 'Deployment')!)).spec.template.metadata.annotations;

  it('narrows what the sidecar answers for when asked, and gives the pod that Configuration', () => {
    const { steps } = build(spec(workload('dapr', { options: { secretScopes: true } })));
    expect(parse(previewOf(of(steps, 'Configuration')!))).toMatchObject({
      metadata: { name: 'orders', namespace: 'shop' },
      spec: {
        secrets: {
          scopes: [{ storeName: 'orders', defaultAccess: 'deny', allowedSecrets: ['db-password', 'api-key'] }],
        },
      },
    });
    expect(annotationsOf(steps)).toMatchObject({ 'dapr.io/config': 'orders' });
    const { afterwards } = methods.find(({ name }) => name === 'dapr')!;
    expect(afterwards(workload('dapr', { options: { secretScopes: true } }), FACTS).join()).toContain(
      'dapr.io/config: orders',
    );
  });

  it('names no Configuration otherwise', () => {
    const { steps } = build(spec(workload('dapr')));
    expect(of(steps, 'Configuration')).toBeUndefined();
    expect(annotationsOf(steps)).toMatchObject({ 'dapr.io/config': '' });
  });

  it('writes the cloud as Dapr spells it', async () => {
    const government = await cloudOf('AzureUSGovernmentCloud', () => Promise.reject(new Error('no metadata')));
    const { steps } = build(spec(workload('dapr')), { cloud: government });
    expect(parse(previewOf(of(steps, 'Component')!)).spec.metadata).toContainEqual({
      name: 'azureEnvironment',
      value: 'AZUREUSGOVERNMENTCLOUD',
    });
  });

  it('applies a Component once its kind is served, and makes a pod once the injector runs', () => {
    const { steps } = build(spec(workload('dapr')));
    for (const kind of ['Component', 'Deployment'])
      expect(Object.values(of(steps, kind)!.needs)).toContainEqual({ step: 'dapr/ready', fact: 'ready' });
  });

  it('is installed once for many workloads', () => {
    const { steps } = build(spec(workload('dapr'), workload('dapr', { name: 'web', serviceAccount: 'web' })));
    for (const id of ['extension/dapr', 'dapr/ready', 'provider/Microsoft.KubernetesConfiguration'])
      expect(steps.filter((step) => step.id === id)).toMatchObject([{ workloads: ['orders', 'web'] }]);
  });
});

describe('many workloads', () => {
  it('share one cluster, one vault, one identity and one namespace step', () => {
    const { steps } = build(
      spec(workload('csi'), workload('workload-identity', { name: 'mailer', serviceAccount: 'mailer' })),
    );
    const count = (kind: string) => steps.filter((step) => step.kind === kind).length;
    expect([
      count('cluster'),
      count('vault'),
      count('identity'),
      count('Namespace'),
      count('credential'),
      count('access'),
      count('secret'),
    ]).toEqual([1, 1, 1, 1, 2, 1, 2]);
    expect(steps.find(({ kind }) => kind === 'cluster')).toMatchObject({
      workloads: ['orders', 'mailer'],
      title: expect.stringContaining('Key Vault add-on'),
    });
  });

  it('of two methods on one service account give it what both need', () => {
    const both = [workload('csi', { name: 'a' }), workload('workload-identity', { name: 'b' })];
    for (const order of [both, both.toReversed()]) {
      const { steps } = build(spec(...order));
      const account = steps.filter(({ kind }) => kind === 'ServiceAccount');
      expect(account).toHaveLength(1);
      expect(previewOf(account[0]!)).toContain('azure.workload.identity/client-id');
    }
  });
});

describe('what is made besides', () => {
  it('is looked at only when it may be made', () => {
    const ids = (wanted: Spec) =>
      build(wanted)
        .steps.map(({ id }) => id)
        .filter((id) => /^(group|provider)/.test(id));
    // What an identity is made by; one that exists proves it, without a request of its own.
    expect(ids(spec(workload('csi')))).toEqual(['provider/Microsoft.ManagedIdentity']);
    expect(
      ids(
        spec(
          workload('csi', { vault: { resourceGroup: 'kv-rg', name: 'shop-kv', create: { purgeProtection: false } } }),
        ),
      ),
    ).toEqual(['group/kv-rg', 'provider/Microsoft.KeyVault', 'provider/Microsoft.ManagedIdentity']);
  });
  it('keeps identities of one name in two groups apart', () => {
    const other = { name: 'web', serviceAccount: 'web', identity: { resourceGroup: 'web-rg', name: 'orders-id' } };
    const { steps, checks } = build(spec(workload('csi'), workload('csi', other)));
    expect(() => graphOf(steps, checks)).not.toThrow();
    const ids = steps.map(({ id }) => id).filter((id) => /^(identity|access|federation)/.test(id));
    expect(ids.sort()).toEqual([
      'access/shop-kv/shop-rg/orders-id',
      'access/shop-kv/web-rg/orders-id',
      'federation/shop-rg/orders-id/shop:orders',
      'federation/web-rg/orders-id/shop:web',
      'identity/shop-rg/orders-id',
      'identity/web-rg/orders-id',
    ]);
  });
  it('takes one identity for one, in whatever case it is written', () => {
    const other = {
      ...{ name: 'web', serviceAccount: 'web' },
      vault: { resourceGroup: 'Shop-RG', name: 'Shop-KV' },
      identity: { resourceGroup: 'Shop-RG', name: 'Orders-id' },
    };
    const { steps } = build(spec(workload('csi'), workload('csi', other)));
    for (const kind of ['identity/', 'vault/', 'access/', 'grant-end/'])
      expect(steps.filter(({ id }) => id.startsWith(kind))).toMatchObject([{ workloads: ['orders', 'web'] }]);
  });
  it('a temporary grant comes before the writes that it is for, and is taken back behind them', () => {
    const wanted = workload('csi', { secrets: [{ kind: 'secret', name: 'a', as: 'a', value: { env: 'A' } }] });
    const { steps, checks } = build(spec(wanted), { grantSelf: true });
    expect(() => graphOf(steps, checks)).not.toThrow();
    expect(steps.find(({ id }) => id === 'secret/shop-kv/a')?.needs).toMatchObject({
      grant: { step: 'grant/shop-kv' },
    });
    expect(steps.find(({ id }) => id === 'grant-end/shop-kv')?.behind).toEqual(['secret/shop-kv/a']);
  });
});
