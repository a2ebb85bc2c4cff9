import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clusterHash } from '../../src/ownership.ts';
import { clusterIdOf, identityName } from '../../src/spec/identity-name.ts';
import { NAMES } from '../../src/spec/names.ts';
import { jsonSchema } from '../../src/spec/schema.ts';
import { signedIn } from '../../src/spec/subscription.ts';
import { complaintsOf, flags, methods, read, SUBSCRIPTION } from './ways.ts';

const file = `apiVersion: aks-secrets/v1
cluster: { resourceGroup: shop-rg, name: shop-aks }
vault: { name: shop-kv }
workloads:
  - name: orders
    namespace: shop
    method: csi
    secrets: [{ name: db-password, as: DB_PASSWORD, value: { env: DB } }]
    certificates: [tls]
`;

const GIVEN = {
  ...{ cluster: 'shop-aks', 'resource-group': 'shop-rg', vault: 'shop-kv' },
  ...{ workload: ['orders'], namespace: 'shop', method: 'csi', secret: ['db-password'] },
};

describe('what is derived', () => {
  it('names, groups and aliases', async () => {
    const { workloads, subscription } = await read(file);
    const id = clusterIdOf(SUBSCRIPTION, { resourceGroup: 'shop-rg', name: 'shop-aks' });
    expect(subscription).toBe(SUBSCRIPTION);
    expect(workloads[0]).toEqual({
      name: 'orders',
      namespace: 'shop',
      serviceAccount: 'orders',
      method: 'csi',
      vault: { resourceGroup: 'shop-rg', name: 'shop-kv' },
      identity: { resourceGroup: 'shop-rg', name: `shop-orders-${clusterHash(id)}` },
      secrets: [
        { kind: 'secret', name: 'db-password', as: 'DB_PASSWORD', value: { env: 'DB' } },
        { kind: 'certificate', name: 'tls', as: 'tls' },
      ],
      roleScope: 'vault',
      options: {},
    });
  });

  it('an identity keeps to the rule of Azure, however long its parts', () => {
    const long = { namespace: 'n'.repeat(63), name: 'w'.repeat(63) };
    const [one, other] = [identityName('/c', long), identityName('/c', { ...long, name: `${'w'.repeat(62)}x` })];
    expect(one).toHaveLength(128);
    expect(one).toMatch(NAMES.identity.pattern);
    expect(one).not.toBe(other);
  });
});

describe('precedence', () => {
  it('a flag wins over the file, key by key', async () => {
    const given = { method: 'workload-identity', secret: ['api-key'], 'vault-resource-group': 'kv-rg', sample: true };
    const { workloads } = await read(file, given);
    expect(workloads[0]).toMatchObject({
      method: 'workload-identity',
      vault: { resourceGroup: 'kv-rg', name: 'shop-kv' },
      sample: { image: expect.stringContaining('nodejs') },
      secrets: [{ name: 'api-key' }, { name: 'tls', kind: 'certificate' }],
    });
  });

  it('the file wins over what the surroundings offer', async () => {
    const defaults = flags({ vault: 'demo-kv', 'resource-group': 'demo-rg', workload: 'demo', sample: true });
    const { cluster, workloads } = await read(file, {}, { defaults });
    expect([cluster.resourceGroup, workloads[0]?.vault.name, workloads[0]?.name, workloads[0]?.sample]).toEqual([
      'shop-rg',
      'shop-kv',
      'orders',
      undefined,
    ]);
  });

  it('what the surroundings offer stands in for flags, and a flag turns it off', async () => {
    const defaults = flags({
      ...{ cluster: 'demo-aks', 'resource-group': 'demo-rg', vault: 'demo-kv', workload: 'demo', namespace: 'demo' },
      ...{ secret: ['a'], sample: true, method: 'csi' },
    });
    expect((await read(undefined, {}, { defaults })).workloads[0]).toMatchObject({ name: 'demo', sample: {} });
    expect((await read(undefined, { sample: false, workload: ['x'] }, { defaults })).workloads[0]).toEqual(
      expect.not.objectContaining({ sample: expect.anything() }),
    );
  });

  it("a vault flag reaches the chosen workload's own vault", async () => {
    const own = file.replace(
      '    method: csi',
      '    method: csi\n    vault: { resourceGroup: mail-rg, name: mail-kv }',
    );
    expect((await read(own, { vault: 'new-kv' })).workloads[0]?.vault).toEqual({
      resourceGroup: 'mail-rg',
      name: 'new-kv',
    });
  });

  it('values and rotations come from flags', async () => {
    const given = { 'secret-value': ['db-password=file:a=b.txt'], rotate: ['db-password'] };
    expect((await read(file, given)).workloads[0]?.secrets[0]).toMatchObject({
      value: { file: 'a=b.txt' },
      rotate: true,
    });
  });

  it('what is made takes its size from flags', async () => {
    const given = {
      'create-cluster': true,
      'create-vault': true,
      location: 'West Europe',
      'node-count': '3',
      'purge-protection': 'yes',
    };
    const { cluster, workloads } = await read(file, given);
    expect(cluster.create).toEqual({ location: 'westeurope', nodeCount: 3, nodeSize: 'Standard_D2s_v5' });
    expect(workloads[0]?.vault.create).toEqual({ location: 'westeurope', purgeProtection: true });
  });

  it('flags win over what the file says of a vault to be made, key by key', async () => {
    const text = (create: string) => file.replace('name: shop-kv', `name: shop-kv, create: ${create}`);
    const made = async (create: string, given: Parameters<typeof read>[1]) =>
      (await read(text(create), given)).workloads[0]?.vault.create;
    const all = '{ location: westeurope, purgeProtection: true }';
    expect(await made('true', { location: 'uksouth' })).toEqual({ location: 'uksouth', purgeProtection: false });
    expect(await made(all, { 'purge-protection': 'no' })).toEqual({ location: 'westeurope', purgeProtection: false });
    expect(await made(all, { 'create-vault': true })).toEqual({ location: 'westeurope', purgeProtection: true });
  });

  it('the image is for the sample, whoever asked for the sample', async () => {
    const image = 'example.com/node:1';
    const asked = { sample: true, 'sample-image': image };
    const others = [
      read(file, asked),
      read(
        `${file}    sample: true
`,
        { 'sample-image': image },
      ),
      read(undefined, { ...GIVEN, 'sample-image': image }, { defaults: flags({ sample: true }) }),
    ];
    for (const { workloads } of await Promise.all(others)) expect(workloads[0]?.sample).toEqual({ image });
  });
});

describe('the subscription', () => {
  const OTHER = '11111111-2222-3333-4444-555555555555';
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-profile-'));
  const subscriptions = [
    { id: SUBSCRIPTION, name: 'Contoso Dev', isDefault: true },
    { id: OTHER, name: 'Contoso Prod', isDefault: false },
  ];
  writeFileSync(join(folder, 'azureProfile.json'), `\uFEFF${JSON.stringify({ subscriptions })}`);
  const env = { AZURE_CONFIG_DIR: folder };

  it.each<[what: string, given: object, env: NodeJS.ProcessEnv, id: string]>([
    ['the default of the Azure CLI', {}, env, SUBSCRIPTION],
    ['AZURE_SUBSCRIPTION_ID before it', {}, { ...env, AZURE_SUBSCRIPTION_ID: OTHER }, OTHER],
    ['a flag before both', { subscription: SUBSCRIPTION }, { ...env, AZURE_SUBSCRIPTION_ID: OTHER }, SUBSCRIPTION],
    ['a name, looked up', { subscription: 'contoso prod' }, env, OTHER],
  ])('%s', async (_, given, environment, id) => {
    expect(
      (await read(file, given as Record<string, string>, { subscriptions: signedIn(environment) })).subscription,
    ).toBe(id);
  });

  it('a name that nobody knows, and none at all', async () => {
    expect(await complaintsOf(file, { subscription: 'Contoso Prd' }, { subscriptions: signedIn(env) })).toEqual([
      expect.stringMatching(/^--subscription: "Contoso Prd" is not a subscription id.*Did you mean "Contoso Prod"\?/),
    ]);
    expect(await complaintsOf(file, {}, { subscriptions: signedIn({}) })).toEqual([
      expect.stringContaining('--subscription'),
    ]);
  });
});

it('the JSON Schema knows what the reader knows', () => {
  const schema = jsonSchema(methods) as {
    properties: { workloads: { items: { properties: object } } };
    additionalProperties: boolean;
  };
  expect(Object.keys(schema.properties.workloads.items.properties)).toEqual(
    expect.arrayContaining(['name', 'namespace', 'method', 'secrets', 'syncSecret', 'rotationInterval']),
  );
  expect(schema.additionalProperties).toBe(false);
});
