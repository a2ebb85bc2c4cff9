import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { appIdOf, componentOf, isMeant, vaultOf } from '../../src/methods/dapr/model.ts';
import { clientWrong, enabledWrong, lint, scopesWrong, startWrong, vaultWrong } from '../../src/methods/dapr/rules.ts';
import { carrierOf } from '../../src/methods/wiring/carrier.ts';

type Json = Record<string, unknown>;
const object = (kind: string, more: Json, apiVersion = 'dapr.io/v1alpha1') =>
  ({ apiVersion, kind, metadata: { name: 'kv', namespace: 'shop' }, ...more }) as unknown as KubernetesObject;

/** A component as it should be, with these settings; `undefined` takes one away. */
const componentObject = (settings: Readonly<Record<string, string | undefined>> = {}, spec: Json = {}) => {
  const all = { vaultName: 'shop-kv', azureEnvironment: 'AZUREPUBLICCLOUD', azureAuthMethods: 'wi', ...settings };
  const metadata = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  return object('Component', {
    spec: { type: 'secretstores.azure.keyvault', version: 'v1', metadata, ...spec },
    scopes: ['orders'],
  });
};
const component = (settings: Readonly<Record<string, string | undefined>> = {}, spec: Json = {}) =>
  componentOf(componentObject(settings, spec))!;

describe('a component', () => {
  it.each<[string, Readonly<Record<string, string | undefined>>, Json, string | undefined]>([
    ['starts', {}, {}, undefined],
    [
      'starts without saying more than its vault',
      { azureEnvironment: undefined, azureAuthMethods: undefined },
      {},
      undefined,
    ],
    ['starts with a cloud in any case', { azureEnvironment: 'AzurePublicCloud' }, {}, undefined],
    ['does not know the cloud of other programs', { azureEnvironment: 'PublicCloud' }, {}, 'F137'],
    ['does not know another way to sign in', { azureAuthMethods: 'workload-identity' }, {}, 'F137'],
    ['starts with ways in order', { azureAuthMethods: 'WorkloadIdentity, mi' }, {}, undefined],
    ['does not start when all ways are off', { azureAuthMethods: 'none' }, {}, 'F137'],
    ['does not start by a password that it has not', { azureAuthMethods: 'creds' }, {}, 'F137'],
    ['starts by a password', { azureAuthMethods: 'creds', azureClientSecret: 'x' }, {}, undefined],
    ['starts by the node', { azureAuthMethods: 'mi' }, {}, undefined],
    ['is of the one version', {}, { version: 'v2' }, 'F137'],
  ])('%s', (_title, settings, spec, failure) => {
    expect(startWrong(component(settings, spec))?.failure).toBe(failure);
  });

  it('starts by a password that a Secret holds', () => {
    const metadata = [
      { name: 'azureAuthMethods', value: 'creds' },
      { name: 'azureClientSecret', secretKeyRef: { name: 'a', key: 'b' } },
    ];
    expect(startWrong(component({}, { metadata }))).toBeUndefined();
  });

  it.each<[string, Readonly<Record<string, string | undefined>>, string | undefined, string?]>([
    ['the one', {}, undefined],
    ['the one in capitals', { vaultName: 'Shop-KV' }, undefined],
    ['the one by its address', { vaultName: 'https://shop-kv.vault.azure.net' }, undefined],
    ['another one', { vaultName: 'other-kv' }, 'F075', 'spec.metadata[0].value'],
    ['none', { vaultName: undefined }, 'F075', 'spec.metadata'],
    ['in another cloud', { azureEnvironment: 'AzureChina' }, 'F143', 'spec.metadata[1].value'],
  ])('reads the vault that is meant: %s', (_title, settings, failure, path) => {
    const wrong = vaultWrong(component(settings), { name: 'shop-kv', environment: 'AZUREPUBLICCLOUD' });
    expect([wrong?.failure, wrong?.path]).toEqual([failure, path]);
  });

  it('knows its settings in any case, and by their older names', () => {
    const old = component(
      {},
      {
        metadata: [
          { name: 'VAULTNAME', value: 'shop-kv' },
          { name: 'spnClientId', value: 'x' },
        ],
      },
    );
    expect([vaultOf(old), clientWrong(old, { account: 'y', meant: 'y' })?.path]).toEqual([
      'shop-kv',
      'spec.metadata[1].value',
    ]);
  });

  const [RIGHT, OTHER] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
  it.each<[string, Readonly<Record<string, string>>, string | undefined, string | undefined]>([
    ['none', {}, RIGHT, undefined],
    ['what the account says too', { azureClientId: RIGHT.toUpperCase() }, RIGHT, undefined],
    ['what was meant, and the account says another', { azureClientId: RIGHT }, OTHER, 'fail'],
    ['another, and the account is right', { azureClientId: OTHER }, RIGHT, 'warn'],
    ['another, of a client with a password', { azureClientId: OTHER, azureClientSecret: 'x' }, RIGHT, undefined],
    ['another, for the node', { azureClientId: OTHER, azureAuthMethods: 'mi' }, RIGHT, undefined],
  ])('names a client: %s', (_title, settings, account, verdict) => {
    expect(clientWrong(component(settings), { account, meant: RIGHT })?.verdict).toBe(verdict);
  });
});

describe('a Configuration', () => {
  const configuration = (...scopes: Json[]) => object('Configuration', { spec: { secrets: { scopes } } });
  const wrong = (...scopes: Json[]) => scopesWrong(configuration(...scopes), 'kv', ['db-password', 'api-key']);
  it.each<[string, Json[], string | undefined, string?]>([
    ['says nothing of the store', [{ storeName: 'other', defaultAccess: 'deny' }], undefined],
    ['allows', [{ storeName: 'kv', defaultAccess: 'Allow' }], undefined],
    [
      'allows those',
      [{ storeName: 'kv', defaultAccess: 'deny', allowedSecrets: ['db-password', 'api-key'] }],
      undefined,
    ],
    ['denies all', [{ storeName: 'kv', defaultAccess: 'deny' }], 'F132', 'db-password, api-key'],
    ['allows another', [{ storeName: 'kv', allowedSecrets: ['db-password'] }], 'F132', 'api-key'],
    ['denies one', [{ storeName: 'kv', deniedSecrets: ['api-key'] }], 'F132', 'api-key'],
    ['says something else', [{ storeName: 'kv', defaultAccess: 'maybe' }], 'F137'],
    ['says it twice', [{ storeName: 'kv' }, { storeName: 'kv' }], 'F137'],
  ])('%s', (_title, scopes, failure, names) => {
    const found = wrong(...scopes);
    expect(found?.failure).toBe(failure);
    if (names) expect(found?.observed).toContain(`let ${names} out`);
  });
});

const deployment = (template: Json, metadata: Json = {}) =>
  carrierOf(
    object(
      'Deployment',
      { metadata: { name: 'orders', namespace: 'shop', ...metadata }, spec: { template } },
      'apps/v1',
    ),
  )!;
const ON = { 'dapr.io/enabled': 'true', 'dapr.io/app-id': 'orders' };

describe('a pod that is to have a sidecar', () => {
  it.each<[string, Json, Json, string | undefined, string?]>([
    ['says so', { metadata: { annotations: ON } }, {}, undefined],
    ['says so in other words', { metadata: { annotations: { ...ON, 'dapr.io/enabled': 'on' } } }, {}, undefined],
    ['says no', { metadata: { annotations: { ...ON, 'dapr.io/enabled': 'false' } } }, {}, 'F136', 'says "false"'],
    ['says nothing', {}, {}, 'F136', 'no such annotation'],
    ['says it on what makes it', {}, { annotations: ON }, 'F136', 'on itself, and not on its pods'],
    ['says it by a label', { metadata: { labels: ON } }, {}, 'F136', 'it is a label'],
    [
      'does not say who it is',
      { metadata: { annotations: { 'dapr.io/enabled': 'true' } } },
      {},
      'F136',
      'dapr.io/app-id',
    ],
  ])('%s', (_title, template, metadata, failure, words = '') => {
    const wrong = enabledWrong(deployment(template, metadata));
    expect(wrong?.failure).toBe(failure);
    expect(wrong?.observed ?? '').toContain(words);
  });

  it('is known by its name when it was made by hand', () => {
    const pod = carrierOf(
      object('Pod', { metadata: { name: 'orders', annotations: { 'dapr.io/enabled': 'true' } } }, 'v1'),
    )!;
    expect([appIdOf(pod), enabledWrong(pod)]).toEqual(['orders', undefined]);
    expect(appIdOf(deployment({}))).toBeUndefined();
  });

  it('is told from others by any word of Dapr', () => {
    expect(isMeant(deployment({}))).toBe(false);
    expect(isMeant(deployment({}, { labels: { 'dapr.io/enabled': 'true' } }))).toBe(true);
    expect(isMeant(deployment({ spec: { containers: [{ name: 'daprd' }] } }))).toBe(true);
  });
});

describe('files', () => {
  const flaws = (...objects: KubernetesObject[]) =>
    lint(objects).map(({ failure, verdict, path }) => [failure, verdict, path]);
  it('that are right say nothing', () => {
    const { object: right } = deployment({ metadata: { annotations: ON } });
    expect(flaws(componentObject(), right, object('Configuration', { spec: {} }))).toEqual([]);
    // A pod without a word of Dapr wants none.
    expect(flaws(deployment({}).object)).toEqual([]);
    // Another kind of store is somebody else's.
    expect(flaws(object('Component', { spec: { type: 'state.redis', metadata: [] } }))).toEqual([]);
  });

  it('of a component', () => {
    expect(flaws(componentObject({ azureEnvironment: 'PublicCloud' }))).toEqual([
      ['F137', 'fail', 'spec.metadata[1].value'],
    ]);
    expect(flaws(componentObject({ vaultName: 'shop_kv' }))).toEqual([['F075', 'fail', 'spec.metadata[0].value']]);
    expect(flaws(componentObject({ azureClientId: 'x' }))).toEqual([['F135', 'warn', 'spec.metadata[3].value']]);
    // Where the node may sign in as well, it is read.
    expect(flaws(componentObject({ azureClientId: 'x', azureAuthMethods: undefined }))).toEqual([]);
  });

  it('of pods: what is said where nobody looks', () => {
    const { object: wrong } = deployment({}, { annotations: ON });
    expect(flaws(wrong)).toEqual([['F136', 'fail', 'metadata.annotations["dapr.io/enabled"]']]);
    expect(flaws(deployment({ metadata: { annotations: { ...ON, 'dapr.io/enabled': 'false' } } }).object)).toEqual([]);
  });

  it('of a Configuration', () => {
    const twice = object('Configuration', {
      spec: { secrets: { scopes: [{ storeName: 'kv' }, { storeName: 'kv' }] } },
    });
    expect(flaws(twice)).toEqual([['F137', 'fail', 'spec.secrets.scopes[0]']]);
  });

  const near = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(
        null,
        true,
        0,
        '',
        'v1',
        'secretstores.azure.keyvault',
        'vaultName',
        'azureAuthMethods',
        'wi',
        'deny',
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          ...[
            'name',
            'namespace',
            'type',
            'version',
            'metadata',
            'value',
            'secretKeyRef',
            'scopes',
            'secrets',
            'storeName',
          ],
          ...[
            'defaultAccess',
            'allowedSecrets',
            'template',
            'annotations',
            'labels',
            'spec',
            'containers',
            'dapr.io/enabled',
          ],
        ),
        tie('value'),
        { maxKeys: 5 },
      ),
    ),
  })).value;
  it('of any shape never make it throw', () => {
    const any = fc.oneof(
      fc.anything(),
      fc.record(
        {
          apiVersion: fc.constantFrom('dapr.io/v1alpha1', 'apps/v1', 3, undefined),
          kind: fc.constantFrom('Component', 'Configuration', 'Deployment', 'Pod', 'CronJob'),
          metadata: near,
          spec: near,
        },
        { requiredKeys: ['kind'] },
      ),
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 4 }), (objects) => {
        expect(Array.isArray(lint(objects as KubernetesObject[]))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
