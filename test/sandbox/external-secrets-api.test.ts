import { describe, expect, it } from 'vitest';
import {
  dataOf,
  EXTERNALS,
  external,
  externalReady,
  operatorWorld,
  STORES,
  SYNCED,
  store,
  storeReady,
} from './external-secrets-world.ts';
import type { ClusterWorld, Json } from './kubernetes-world.ts';

const GROUP = '/apis/external-secrets.io';
const at = (version: string, object: Json) => ({ ...object, apiVersion: `external-secrets.io/${version}` });
const versionsOf = async (world: ClusterWorld, plural = 'externalsecrets') => {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.external-secrets.io`;
  const { spec } = await world.get(path);
  return spec.versions.map(({ name, served, storage }: Json) => [name, served, storage]);
};

describe('which versions are served', () => {
  it.each([
    [
      '2.9',
      [
        ['v1', true, true],
        ['v1beta1', false, false],
      ],
    ],
    [
      '0.16',
      [
        ['v1', true, true],
        ['v1beta1', true, false],
      ],
    ],
    ['0.15', [['v1beta1', true, true]]],
  ] as const)('release %s', async (release, versions) => {
    const world = await operatorWorld();
    await world.kubernetes.externalSecrets(world.cluster, release);
    for (const plural of ['secretstores', 'clustersecretstores', 'externalsecrets']) {
      expect(await versionsOf(world, plural)).toEqual(versions);
    }
    const served = versions.flatMap(([name, isServed]) => (isServed ? [name] : []));
    const group = await world.get('/apis/external-secrets.io');
    expect(group.versions.map((each: Json) => each.version)).toEqual([...served, 'v1alpha1']);
    for (const version of ['v1', 'v1beta1'] as const) {
      const isServed = served.some((each) => each === version);
      expect((await world.ask('GET', `${GROUP}/${version}/secretstores`)).status).toBe(isServed ? 200 : 404);
      const { status, body } = await world.apply(at(version, store()));
      if (!isServed) expect([status, body.message]).toEqual([404, 'the server could not find the requested resource']);
      else expect([200, 201]).toContain(status);
    }
    await world.advance(1000);
    await world.apply(at(served[0] ?? '', external()));
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
  });

  it('an object is the same by whichever version it is read', async () => {
    const world = await operatorWorld();
    await world.kubernetes.externalSecrets(world.cluster, '0.16');
    const { body } = await world.apply(at('v1beta1', store()));
    expect(body.apiVersion).toBe('external-secrets.io/v1beta1');
    const [older, newer] = await Promise.all(
      ['v1beta1', 'v1'].map((version) => world.get(`${GROUP}/${version}/namespaces/shop/secretstores/kv`)),
    );
    expect(newer.apiVersion).toBe('external-secrets.io/v1');
    expect({ ...older, apiVersion: newer.apiVersion }).toEqual(newer);
    expect((await world.get(STORES)).items).toHaveLength(1);
    const again = await world.apply(at('v1beta1', store()));
    expect([again.status, again.body.metadata.generation]).toEqual([200, 1]);
  });

  it('an upgrade keeps what is there, and the old version is gone', async () => {
    const world = await operatorWorld();
    await world.kubernetes.externalSecrets(world.cluster, '0.15');
    await world.apply(at('v1beta1', store()));
    await world.advance(1000);
    await world.apply(at('v1beta1', external({ refreshInterval: '10m' })));
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
    await world.kubernetes.externalSecrets(world.cluster, '2.9');
    expect([await storeReady(world), await externalReady(world)]).toEqual([
      ['True', 'Valid', 'store validated'],
      SYNCED,
    ]);
    world.secrets.set('db-password', { value: 'marker-new', version: 'd'.repeat(32) });
    await world.advance(700_000);
    expect(await dataOf(world)).toEqual({ password: 'marker-new' });
    expect((await world.ask('GET', `${GROUP}/v1beta1/namespaces/shop/secretstores/kv`)).status).toBe(404);
  });

  it('without the operator there are none of its kinds', async () => {
    const world = await operatorWorld();
    await world.apply(store());
    await world.apply(external());
    await world.kubernetes.externalSecrets(world.cluster, 'none');
    await world.advance(10_000);
    expect((await world.ask('GET', GROUP)).status).toBe(404);
    expect((await world.ask('GET', '/api/v1/namespaces/external-secrets')).status).toBe(404);
    expect(await dataOf(world)).toBeUndefined();
    await world.kubernetes.externalSecrets(world.cluster, '2.9');
    await world.advance(1000);
    expect((await world.apply(store())).status).toBe(201);
  });

  it('a new cluster has what the sandbox was told', async () => {
    const world = await operatorWorld();
    const parts = { ...world.parts, with: ['old-eso'], state: { ...world.parts.state, kubernetes: {} } };
    const { createKubernetes } = await import('../../src/sandbox/kubernetes/index.ts');
    const kubernetes = createKubernetes(parts);
    await kubernetes.clusterChanged(world.cluster);
    const objects = Object.values((Object.values(parts.state.kubernetes)[0] as Json).objects) as Json[];
    const definition = objects.find(({ metadata }) => metadata.name === 'secretstores.external-secrets.io');
    expect(definition.spec.versions.map(({ name }: Json) => name)).toEqual(['v1beta1']);
    await kubernetes.stop();
  });
});

describe('the schema', () => {
  const create = (world: ClusterWorld, object: Json, query = '') =>
    world.ask('POST', `${object.kind === 'SecretStore' ? STORES : EXTERNALS}?${query}`, object);

  it.each<[string, Json, string]>([
    ['a misspelt field', store({ tenantID: 'x' }), '.spec.provider.azurekv.tenantID: field not declared in schema'],
    [
      'a misspelt provider',
      store({}, { provider: { azureKV: {} } }),
      '.spec.provider.azureKV: field not declared in schema',
    ],
    ['a misplaced field', external({ name: 'x' }), '.spec.name: field not declared in schema'],
    ['a wrong type', external({ refreshInterval: 60 }), '.spec.refreshInterval: expected string, got number'],
  ])('%s is refused by server-side apply', async (_title, object, why) => {
    const world = await operatorWorld();
    const { status, body } = await world.apply(object);
    expect([status, body.message]).toEqual([500, expect.stringContaining(why)]);
  });

  it('a misspelt field is refused strictly, else told and pruned', async () => {
    const world = await operatorWorld();
    const wrong = store({ tenantID: 'x' });
    const strict = await create(world, wrong, 'fieldValidation=Strict');
    expect([strict.status, strict.body.message]).toEqual([
      400,
      'SecretStore in version "v1" cannot be handled as a SecretStore: strict decoding error: unknown field "spec.provider.azurekv.tenantID"',
    ]);
    const { status, headers, body } = await create(world, wrong);
    expect([status, headers.warning]).toEqual([201, '299 - "unknown field \\"spec.provider.azurekv.tenantID\\""']);
    expect(Object.keys(body.spec.provider.azurekv)).not.toContain('tenantID');
  });

  it('fills in defaults', async () => {
    const world = await operatorWorld();
    const made = await create(world, store({ authType: undefined }));
    expect(made.body.spec.provider.azurekv).toMatchObject({
      authType: 'ServicePrincipal',
      environmentType: 'PublicCloud',
      useAzureSDK: false,
    });
    const { body } = await create(world, external({ target: { name: 'x' } }));
    expect(body.spec).toMatchObject({
      refreshInterval: '1h0m0s',
      target: { name: 'x', creationPolicy: 'Owner', deletionPolicy: 'Retain' },
    });
  });

  it.each<[string, Json, string]>([
    ['no provider', { ...store(), spec: {} }, 'spec.provider: Required value'],
    ['an empty provider', store({}, { provider: {} }), 'spec.provider in body should have at least 1 properties'],
    ['no vault', store({ vaultUrl: undefined }), 'spec.provider.azurekv.vaultUrl: Required value'],
    [
      'an unknown authType',
      store({ authType: 'workloadIdentity' }),
      'spec.provider.azurekv.authType: Unsupported value: "workloadIdentity": supported values: "ServicePrincipal", "ManagedIdentity", "WorkloadIdentity"',
    ],
    [
      'a name that is none',
      external({ secretStoreRef: { name: 'Kv' } }),
      'spec.secretStoreRef.name: Invalid value: "Kv": spec.secretStoreRef.name in body should match',
    ],
    [
      'a key that no Secret has',
      external({ data: [{ secretKey: 'db password', remoteRef: { key: 'a' } }] }),
      'spec.data[0].secretKey: Invalid value: "db password": spec.data[0].secretKey in body should match',
    ],
    ['no remoteRef', external({ data: [{ secretKey: 'a' }] }), 'spec.data[0].remoteRef: Required value'],
    [
      'an unknown policy',
      external({ refreshPolicy: 'Often' }),
      'spec.refreshPolicy: Unsupported value: "Often": supported values: "CreatedOnce", "Periodic", "OnChange"',
    ],
  ])('%s is 422', async (_title, object, why) => {
    const world = await operatorWorld();
    const { status, body } = await world.apply(object);
    expect([status, body.message]).toEqual([422, expect.stringContaining(why)]);
  });

  it('the status is written by itself alone', async () => {
    const world = await operatorWorld();
    await world.apply(store());
    const before = await world.get(`${STORES}/kv`);
    await world.ask('PUT', `${STORES}/kv`, { ...before, status: { capabilities: 'WriteOnly' } });
    expect((await world.get(`${STORES}/kv`)).status).toEqual(before.status);
    expect((await world.get(`${STORES}/kv/status`)).status.capabilities ?? 'ReadWrite').toBe('ReadWrite');
  });
});

describe('the webhook', () => {
  const denied = (webhook: string, why: string) =>
    `admission webhook "validate.${webhook}.external-secrets.io" denied the request: ${why}`;
  it.each<[string, Json, string]>([
    [
      'an account of another namespace',
      store({ serviceAccountRef: { name: 'orders', namespace: 'mail' } }),
      denied(
        'secretstore',
        'invalid ServiceAccountRef: namespace should either be empty or match the namespace of the SecretStore for a namespaced SecretStore',
      ),
    ],
    [
      'F128 a custom cloud with the old library',
      store({ customCloudConfig: { activeDirectoryEndpoint: 'https://login.example' } }),
      denied(
        'secretstore',
        'CustomCloudConfig requires UseAzureSDK to be set to true - the legacy SDK does not support custom clouds',
      ),
    ],
    [
      'nothing to fetch',
      external({ data: [] }),
      denied('externalsecret', 'either data or dataFrom should be specified'),
    ],
    [
      'a deletion of what it does not own',
      external({ target: { creationPolicy: 'Merge', deletionPolicy: 'Delete' } }),
      denied(
        'externalsecret',
        "deletionPolicy=Delete must not be used when the controller doesn't own the secret. Please set creationPolicy=Owner",
      ),
    ],
    [
      'a key twice',
      external({ data: ['a', 'b'].map((key) => ({ secretKey: 'x', remoteRef: { key } })) }),
      denied('externalsecret', 'duplicate secretKey found: x'),
    ],
    [
      'find and extract in one',
      external({ dataFrom: [{ find: { name: { regexp: 'a' } }, extract: { key: 'a' } }] }),
      denied('externalsecret', 'extract, find, or generatorRef cannot be set at the same time'),
    ],
  ])('denies %s', async (_title, object, why) => {
    const world = await operatorWorld();
    const { status, body } = await world.apply(object);
    expect([status, body.message]).toEqual([403, why]);
  });

  it('allows an account of its own namespace, by name', async () => {
    const world = await operatorWorld();
    expect((await world.apply(store({ serviceAccountRef: { name: 'orders', namespace: 'shop' } }))).status).toBe(201);
  });
});

describe('what is not simulated is refused, not ignored', () => {
  it.each<[string, Json]>([
    ['the provider vault', store({}, { provider: { vault: {} } })],
    ['syncWindows', external({ syncWindows: { kind: 'allow', windows: [] } })],
    ['target.manifest', external({ target: { manifest: { apiVersion: 'v1', kind: 'ConfigMap' } } })],
    ['creationPolicy CreateOrMerge', external({ target: { creationPolicy: 'CreateOrMerge' } })],
    ['target.template.templateFrom', external({ target: { template: { templateFrom: [{ literal: 'x' }] } } })],
    ['template functions', external({ target: { template: { data: { a: '{{ .password | b64enc }}' } } } })],
    ['generators', external({ dataFrom: [{ sourceRef: { generatorRef: { kind: 'Password', name: 'x' } } }] })],
    [
      'rewrites other than regexp',
      external({ dataFrom: [{ extract: { key: 'a' }, rewrite: [{ transform: { template: 'x' } }] }] }),
    ],
    [
      'metadataPolicy Fetch',
      external({ data: [{ secretKey: 'a', remoteRef: { key: 'a', metadataPolicy: 'Fetch' } }] }),
    ],
    ['the path', external({ data: [{ secretKey: 'a', remoteRef: { key: 'a', property: 'a.#.b' } }] })],
  ])('%s', async (what, object) => {
    const world = await operatorWorld();
    const { status, body } = await world.apply(object);
    expect([status, body.message]).toEqual([501, expect.stringContaining(`the sandbox does not simulate ${what}`)]);
  });
});
