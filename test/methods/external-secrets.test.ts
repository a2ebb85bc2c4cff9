import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CLOUDS } from '../../src/azure/clouds.ts';
import { graphOf } from '../../src/engine/graph.ts';
import { assemble } from '../../src/methods/assemble.ts';
import { methods } from '../../src/methods/index.ts';
import type { Step } from '../../src/step.ts';
import { readTemplate } from '../../src/templates.ts';
import type { Workload } from '../../src/workload.ts';

const folder = new URL('../../templates', import.meta.url).pathname;
const workload = (options: object = {}, more: Partial<Workload> = {}): Workload => ({
  ...{ name: 'orders', namespace: 'shop', serviceAccount: 'orders', method: 'external-secrets' },
  vault: { resourceGroup: 'shop-rg', name: 'shop-kv' },
  identity: { resourceGroup: 'shop-rg', name: 'orders-id' },
  secrets: [
    { kind: 'secret', name: 'db-password', as: 'DB_PASSWORD' },
    { kind: 'key', name: 'sign', as: 'sign' },
    { kind: 'certificate', name: 'tls', as: 'tls' },
  ],
  roleScope: 'vault',
  sample: { image: 'node:24' },
  options,
  ...more,
});
const build = (workloads: readonly Workload[], cloud = CLOUDS[0]!) =>
  assemble(
    {
      subscription: '00000000-0000-0000-0000-000000000001',
      cluster: { resourceGroup: 'shop-rg', name: 'shop-aks' },
      workloads,
    },
    { cloud, methods, template: (path) => readTemplate(folder, path), grantSelf: false, keepGrant: false },
  );
const known = (api: string) => ({
  clientId: '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
  tenantId: '6fa459ea-ee8a-3ca4-894e-db77e160355e',
  vaultUri: 'https://shop-kv.vault.azure.net',
  syncSecret: 'orders',
  externalSecretsApi: api,
});
const textOf = (steps: readonly Step[], kind: string, api = 'external-secrets.io/v1'): string =>
  steps.find((step) => step.kind === kind)?.preview?.(known(api) as never) ?? '';

describe('external-secrets', () => {
  it.each(['v1', 'v1beta1'])('its objects, where the cluster serves %s', async (version) => {
    const { steps } = build([workload()]);
    const texts = ['ServiceAccount', 'SecretStore', 'ExternalSecret'].map((kind) =>
      textOf(steps, kind, `external-secrets.io/${version}`),
    );
    await expect(texts.join('---\n')).toMatchFileSnapshot(`golden/external-secrets.${version}.yaml`);
  });

  it('what is found comes beside what is named, also where nothing is', () => {
    const found = (more: Partial<Workload>) =>
      parse(textOf(build([workload({ find: '^db-.*\\d$' }, more)]).steps, 'ExternalSecret')).spec;
    expect(found({}).dataFrom).toEqual([{ find: { name: { regexp: '^db-.*\\d$' } } }]);
    expect(found({}).data).toHaveLength(3);
    expect(found({ secrets: [] }).data).toEqual([]);
  });

  it('looking through the vault needs the right to list, and is proven', () => {
    const { steps, checks } = build([workload({ find: 'x' }, { secrets: [] })]);
    expect(() => graphOf(steps, checks)).not.toThrow();
    const access = steps.find(({ kind }) => kind === 'access')!;
    const by = { principalId: 'p', tenantId: 't', mode: 'policies' };
    expect(access.byHand?.(by)).toContain('--secret-permissions get list');
    expect(checks[0]?.title).toBe('shop/orders can list and read the secrets of shop-kv');
    const [named] = build([workload()]).steps.filter(({ kind }) => kind === 'access');
    expect(named?.byHand?.(by)).toMatch(
      /--secret-permissions get --key-permissions get --certificate-permissions get$/,
    );
  });

  it('neither store nor ExternalSecret is made before the right is proven, nor a pod before the Secret is filled', () => {
    const { steps } = build([workload()]);
    for (const kind of ['SecretStore', 'ExternalSecret', 'sync', 'Deployment'])
      expect(steps.find((step) => step.kind === kind)?.proven, kind).toEqual(['proof/orders']);
    const needs = (kind: string) =>
      Object.values(steps.find((step) => step.kind === kind)!.needs).map(({ step }) => step);
    expect(needs('Deployment')).toContain('sync/shop/orders');
    expect(needs('sync')).toEqual(
      expect.arrayContaining(['secret/shop-kv/db-password', 'key/shop-kv/sign', 'certificate/shop-kv/tls']),
    );
    expect(needs('ExternalSecret')).not.toContain('secret/shop-kv/db-password');
  });

  it.each([
    ['AzurePublicCloud', 'PublicCloud'],
    ['AzureUSGovernmentCloud', 'USGovernmentCloud'],
    ['AzureChinaCloud', 'ChinaCloud'],
  ])('in %s the store says %s', (name, environmentType) => {
    const { steps } = build([workload()], CLOUDS.find((cloud) => cloud.name === name)!);
    expect(parse(textOf(steps, 'SecretStore')).spec.provider.azurekv).toMatchObject({ environmentType });
  });

  it('the tenant stands in the store, and on the service account where another method shares it: never in both', () => {
    const tenants = (workloads: readonly Workload[]) => {
      const { steps } = build(workloads);
      const account = parse(textOf(steps, 'ServiceAccount')).metadata.annotations as Record<string, string>;
      return [
        parse(textOf(steps, 'SecretStore')).spec.provider.azurekv.tenantId,
        account['azure.workload.identity/tenant-id'],
      ];
    };
    const { tenantId } = known('');
    expect(tenants([workload()])).toEqual([tenantId, undefined]);
    const other = workload({}, { name: 'b', method: 'workload-identity' });
    for (const both of [
      [workload(), other],
      [other, workload()],
    ])
      expect(tenants(both)).toEqual(['', tenantId]);
  });

  it('Reloader is asked on the sample, and named to who wants it', () => {
    const annotations = (options: object) =>
      parse(textOf(build([workload(options)]).steps, 'Deployment')).metadata.annotations;
    expect(annotations({ reloader: true })).toEqual({ 'secret.reloader.stakater.com/reload': 'orders' });
    expect(annotations({})).toBeUndefined();
    const { afterwards } = methods.find(({ name }) => name === 'external-secrets')!;
    expect(afterwards(workload({ reloader: true }), {}).join('\n')).toContain(
      'secret.reloader.stakater.com/reload: orders',
    );
    expect(afterwards(workload({ find: '^x' }, { secrets: [] }), {}).join('\n')).toMatch(
      /envFrom:\s+- secretRef:\s+name: orders/,
    );
  });

  it('one operator serves all', () => {
    const { steps } = build([workload(), workload({}, { name: 'mailer', serviceAccount: 'mailer' })]);
    expect(steps.filter(({ kind }) => kind === 'operator')).toMatchObject([{ workloads: ['orders', 'mailer'] }]);
  });
});
