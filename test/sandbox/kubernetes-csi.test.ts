import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { TENANT } from './hand-made.ts';
import { CLIENT, type ClusterWorld, clusterWorld, deployment, type Json } from './kubernetes-world.ts';

const objects = (...list: Json[]) => stringify({ array: list.map((each) => stringify(each)) });
const both = objects(
  { objectName: 'db-password', objectType: 'secret', objectAlias: 'DB_PASSWORD' },
  { objectName: 'api-key', objectType: 'secret' },
);
const parameters = { clientID: CLIENT, tenantID: TENANT, keyvaultName: 'demo-kv', objects: both };
const classOf = (more: Json = {}, spec: Json = {}) => ({
  apiVersion: 'secrets-store.csi.x-k8s.io/v1',
  kind: 'SecretProviderClass',
  metadata: { name: 'kv', namespace: 'shop' },
  spec: { provider: 'azure', parameters: clean({ ...parameters, ...more }), ...spec },
});
const clean = (object: Json) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
const volume = (more: Json = {}) => {
  const csi = { driver: 'secrets-store.csi.k8s.io', readOnly: true, volumeAttributes: { secretProviderClass: 'kv' } };
  return { volumes: [{ name: 'secrets', csi: clean({ ...csi, ...more }) }] };
};
const mounted = (world: ClusterWorld, pod: Json, file: string) =>
  join(dirname(world.parts.access.caFile), 'pods', pod.metadata.uid, 'volumes', 'secrets', file);
const podsOf = async (world: ClusterWorld) => (await world.get('/api/v1/namespaces/shop/pods')).items;
const statuses = async (world: ClusterWorld) =>
  (await world.get('/apis/secrets-store.csi.x-k8s.io/v1/namespaces/shop/secretproviderclasspodstatuses')).items;

describe('a mount', () => {
  it('exchanges the token of the pod, reads the vault, and says what it mounted', async () => {
    const world = await clusterWorld();
    await world.apply(classOf());
    await world.apply(deployment(volume()));
    const [pod] = await podsOf(world);
    expect(pod.status.phase).toBe('Running');
    expect(readFileSync(mounted(world, pod, 'DB_PASSWORD'), 'utf8')).toBe('marker-one');
    expect(readFileSync(mounted(world, pod, 'api-key'), 'utf8')).toBe('marker-two');
    const [status] = await statuses(world);
    expect(status.metadata.name).toBe(`${pod.metadata.name}-shop-kv`);
    expect(status.status).toMatchObject({
      mounted: true,
      podName: pod.metadata.name,
      secretProviderClassName: 'kv',
      objects: [
        { id: 'secret/api-key', version: 'b'.repeat(32) },
        { id: 'secret/db-password', version: 'a'.repeat(32) },
      ],
    });
    const token = new URLSearchParams(world.asked.find(({ host }) => host.startsWith('login'))!.body);
    const claims = JSON.parse(Buffer.from(token.get('client_assertion')!.split('.')[1]!, 'base64url').toString());
    expect(claims['kubernetes.io'].pod).toEqual({ name: pod.metadata.name, uid: pod.metadata.uid });
    expect(world.asked.map(({ method, host, path }) => `${method} ${host}${path}`)).toEqual([
      'GET demo-kv.vault.azure.net/secrets/db-password/',
      `POST login.microsoftonline.com/${TENANT}/oauth2/v2.0/token`,
      'GET demo-kv.vault.azure.net/secrets/db-password/',
      'GET demo-kv.vault.azure.net/secrets/api-key/',
    ]);
    expect(world.asked.every(({ headers }) => headers['user-agent']?.startsWith('csi-secrets-store/'))).toBe(true);
  });

  it('files go with the pod', async () => {
    const world = await clusterWorld();
    await world.apply(classOf());
    await world.apply(deployment(volume()));
    const [pod] = await podsOf(world);
    await world.ask('DELETE', '/apis/apps/v1/namespaces/shop/deployments/orders');
    await world.advance(1000);
    expect(await podsOf(world)).toEqual([]);
    expect(existsSync(mounted(world, pod, 'DB_PASSWORD'))).toBe(false);
    expect(await statuses(world)).toEqual([]);
  });

  it('decodes as the class says', async () => {
    const world = await clusterWorld();
    world.secrets.set('hex', { value: '6869', version: 'c'.repeat(32) });
    await world.apply(
      classOf({ objects: objects({ objectName: 'hex', objectType: 'secret', objectEncoding: 'hex' }) }),
    );
    await world.apply(deployment(volume()));
    const [pod] = await podsOf(world);
    expect(readFileSync(mounted(world, pod, 'hex'), 'utf8')).toBe('hi');
  });
});

const failed = 'rpc error: code = Unknown desc = failed to mount secrets store objects for pod shop/POD, err: ';
const provider = `${failed}rpc error: code = Unknown desc = failed to mount objects, error: `;
const auth = `${provider}failed to create auth config, error: `;
const ofSecret = `${provider}failed to get objectType:secret, objectName:db-password, objectVersion:: `;

describe('a mount that fails says why in an event', () => {
  it.each<[string, Json, Json, string]>([
    [
      'F089 no class',
      undefined,
      {},
      'rpc error: code = Unknown desc = failed to get secretproviderclass shop/kv, error: SecretProviderClass.secrets-store.csi.x-k8s.io "kv" not found',
    ],
    [
      'F090 provider',
      classOf({}, { provider: 'Azure' }),
      {},
      `${failed}error connecting to provider "Azure": provider not found: provider "Azure"`,
    ],
    [
      'F091 no identity',
      classOf({ clientID: undefined }),
      {},
      `${auth}failed to get credentials, nodePublishSecretRef secret is not set`,
    ],
    [
      'F091 misspelt',
      classOf({ clientID: undefined, clientId: CLIENT }),
      {},
      `${auth}failed to get credentials, nodePublishSecretRef secret is not set`,
    ],
    ['F094 vault', classOf({ keyvaultName: ' ' }), {}, `${provider}keyvaultName is not provided`],
    ['F094 tenant', classOf({ tenantID: undefined }), {}, `${provider}tenantId is not provided`],
    ['F094 objects', classOf({ objects: undefined }), {}, `${provider}objects is not set`],
    [
      'F095 list',
      classOf({ objects: 'array:\n  - objectName: a' }),
      {},
      `${provider}failed to yaml unmarshal objects, error: yaml: `,
    ],
    [
      'F095 entry',
      classOf({ objects: 'array:\n  - "a: ["' }),
      {},
      `${provider}unmarshal failed for keyVaultObjects at index 0, error: yaml: `,
    ],
    [
      'F096 type',
      classOf({ objects: objects({ objectName: 'a', objectType: 'certificate' }) }),
      {},
      `${provider}failed to get objectType:certificate, objectName:a, objectVersion:: Invalid vaultObjectTypes. Should be secret, key, or cert`,
    ],
    [
      'F097 name',
      classOf({ keyvaultName: 'https://demo-kv.vault.azure.net' }),
      {},
      `${provider}failed to get vault: Invalid vault name: "https://demo-kv.vault.azure.net", must match [-a-zA-Z0-9]{3,24}`,
    ],
    [
      'F098 modes',
      classOf({ usePodIdentity: 'true', useVMManagedIdentity: 'true' }),
      {},
      `${provider}only one identity mode can be enabled at a time`,
    ],
    ['F099 cloud', classOf({ cloudName: 'AzureMoon' }), {}, `${provider}cloudName AzureMoon is not valid`],
    [
      'F100 encoding',
      classOf({ objects: objects({ objectName: 'a', objectType: 'secret', objectEncoding: 'rot13' }) }),
      {},
      `${provider}failed to get objectType:secret, objectName:a, objectVersion:: invalid objectEncoding: rot13`,
    ],
    [
      'F100 permission',
      classOf({ objects: objects({ objectName: 'a', objectType: 'secret', filePermission: '99' }) }),
      {},
      `${provider}failed to get file permission, error: file permission must be a valid octal number`,
    ],
    [
      'F101 read-only',
      classOf(),
      { readOnly: undefined },
      'rpc error: code = InvalidArgument desc = Readonly is not true in request',
    ],
    [
      'F102 no name of a class',
      classOf(),
      { volumeAttributes: {} },
      'rpc error: code = Unknown desc = secretProviderClass is not set',
    ],
    [
      'F146 credentials',
      classOf(),
      { nodePublishSecretRef: { name: 'creds' } },
      'kubernetes.io/csi: mounter.SetUpAt failed to get NodePublishSecretRef shop/creds: failed to get node publish secret: secrets "creds" not found',
    ],
    [
      'F075 vault that is not there',
      classOf({ keyvaultName: 'other-kv' }),
      {},
      `${ofSecret}Get "https://other-kv.vault.azure.net/secrets/db-password/?api-version=7.4": dial tcp: lookup other-kv.vault.azure.net on 10.0.0.10:53: no such host`,
    ],
    [
      'F110 one object missing',
      classOf({
        objects: objects(
          { objectName: 'db-password', objectType: 'secret' },
          { objectName: 'nope', objectType: 'secret' },
        ),
      }),
      {},
      `${provider}failed to get objectType:secret, objectName:nope, objectVersion:: GET https://demo-kv.vault.azure.net/secrets/nope/\n${'-'.repeat(80)}\nRESPONSE 404: 404 Not Found\nERROR CODE: SecretNotFound\n`,
    ],
  ])('%s', async (_title, secretClass, csi, message) => {
    const world = await clusterWorld();
    if (secretClass) await world.apply(secretClass);
    await world.apply(deployment(volume(csi)));
    const [pod] = await podsOf(world);
    const [event] = await world.events('FailedMount');
    const said = message.replace('POD', pod.metadata.name);
    expect(event.message).toContain(said);
    expect(event.message.startsWith(`MountVolume.SetUp failed for volume "secrets" : ${said}`)).toBe(true);
    expect(pod.status.phase).toBe('Pending');
    expect(pod.status.containerStatuses[0].state.waiting.reason).toBe('ContainerCreating');
    expect(await statuses(world)).toEqual([]);
    expect(existsSync(mounted(world, pod, 'DB_PASSWORD'))).toBe(false);
  });

  it("with Entra's own words when the subject is not trusted", async () => {
    const world = await clusterWorld();
    world.trusted.clear();
    await world.apply(classOf());
    await world.apply(deployment(volume()));
    const [event] = await world.events('FailedMount');
    expect(event.message).toContain(
      'ClientAssertionCredential authentication failed. FromAssertion(): http call(https://login.microsoftonline.com/',
    );
    expect(event.message).toContain(
      "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:shop:orders'",
    );
  });

  it.each<[string, (world: ClusterWorld) => Promise<unknown>, string]>([
    [
      'F087 driver not on the node',
      async (world) => {
        world.cluster.keyVaultAddon = { ...world.cluster.keyVaultAddon, enabled: false };
        await world.kubernetes.clusterChanged(world.cluster);
      },
      'kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers',
    ],
    [
      'F088 no CSIDriver',
      (world) => world.ask('DELETE', '/apis/storage.k8s.io/v1/csidrivers/secrets-store.csi.k8s.io'),
      'volume mode "Ephemeral" not supported by driver secrets-store.csi.k8s.io (no CSIDriver object)',
    ],
    [
      'F092 no tokens asked for',
      (world) =>
        world.ask(
          'PATCH',
          '/apis/storage.k8s.io/v1/csidrivers/secrets-store.csi.k8s.io',
          { spec: { tokenRequests: null } },
          { 'content-type': 'application/merge-patch+json' },
        ),
      'failed to parse workload identity tokens, error: service account tokens not found',
    ],
    [
      'F093 another audience',
      (world) =>
        world.ask(
          'PATCH',
          '/apis/storage.k8s.io/v1/csidrivers/secrets-store.csi.k8s.io',
          { spec: { tokenRequests: [{ audience: 'x' }] } },
          { 'content-type': 'application/merge-patch+json' },
        ),
      'failed to parse workload identity tokens, error: token for audience api://AzureADTokenExchange not found',
    ],
    [
      'F090 no provider on the node',
      (world) =>
        world.ask('DELETE', '/apis/apps/v1/namespaces/kube-system/daemonsets/aks-secrets-store-provider-azure'),
      'error connecting to provider "azure": provider not found',
    ],
  ])('%s', async (_title, wreck, message) => {
    const world = await clusterWorld();
    await world.apply(classOf());
    await wreck(world);
    await world.advance(1000);
    await world.apply(deployment(volume()));
    const [event] = await world.events('FailedMount');
    expect(event.message).toContain(message);
  });

  it('and it is tried again until it works', async () => {
    const world = await clusterWorld();
    await world.apply(deployment(volume()));
    await world.advance(10_000);
    const [event] = await world.events('FailedMount');
    expect(event.count).toBeGreaterThan(3);
    await world.apply(classOf());
    await world.advance(60_000);
    expect((await podsOf(world))[0].status.phase).toBe('Running');
  });
});

describe('rotation', () => {
  const rotate = (world: ClusterWorld) =>
    world.secrets.set('db-password', { value: 'marker-new', version: 'd'.repeat(32) });
  const setUp = async (more: Json) => {
    const world = await clusterWorld(more);
    await world.apply(
      classOf(
        {},
        {
          secretObjects: [
            { secretName: 'copy', type: 'Opaque', data: [{ objectName: 'DB_PASSWORD', key: 'password' }] },
          ],
        },
      ),
    );
    await world.apply(deployment(volume()));
    const [pod] = await podsOf(world);
    return { world, pod, file: () => readFileSync(mounted(world, pod, 'DB_PASSWORD'), 'utf8') };
  };

  it('brings a new version to file, status and Secret after the interval', async () => {
    const { world, file } = await setUp({});
    rotate(world);
    await world.advance(110_000);
    expect(file()).toBe('marker-one');
    await world.advance(20_000);
    expect(file()).toBe('marker-new');
    expect((await statuses(world))[0].status.objects).toContainEqual({
      id: 'secret/db-password',
      version: 'd'.repeat(32),
    });
    const copy = await world.get('/api/v1/namespaces/shop/secrets/copy');
    expect(Buffer.from(copy.data.password, 'base64').toString()).toBe('marker-new');
  });

  it('hides its errors and keeps the old files', async () => {
    const { world, file } = await setUp({});
    rotate(world);
    world.trusted.clear();
    await world.advance(600_000);
    expect(file()).toBe('marker-one');
    expect(await world.events('FailedMount')).toEqual([]);
  });

  it('does not happen while it is off', async () => {
    const { world, file } = await setUp({ keyVaultAddon: { enabled: true, rotation: false, interval: '2m' } });
    rotate(world);
    await world.advance(600_000);
    expect(file()).toBe('marker-one');
  });
});

describe('the synced Secret', () => {
  const sync = (more: Json = {}) => ({
    secretObjects: [
      { secretName: 'copy', type: 'Opaque', data: [{ objectName: 'DB_PASSWORD', key: 'password', ...more }] },
    ],
  });
  const path = '/api/v1/namespaces/shop/secrets/copy';

  it('is made with the first pod, belongs to its ReplicaSet, and goes with the last', async () => {
    const world = await clusterWorld();
    await world.apply(classOf({}, sync()));
    expect((await world.ask('GET', path)).status).toBe(404);
    await world.apply(deployment(volume()));
    const copy = await world.get(path);
    expect(copy.metadata.labels).toEqual({ 'secrets-store.csi.k8s.io/managed': 'true' });
    expect(copy.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet' }]);
    expect(Buffer.from(copy.data.password, 'base64').toString()).toBe('marker-one');
    await world.ask(
      'PATCH',
      '/apis/apps/v1/namespaces/shop/deployments/orders',
      { spec: { replicas: 0 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await world.advance(1000);
    expect((await world.ask('GET', path)).status).toBe(404);
  });

  it.each<[string, Json, string]>([
    [
      'F104 no such file',
      sync({ objectName: 'db-password' }),
      'file matching objectName db-password not found in the pod',
    ],
    [
      'F153 a format that does not fit',
      {
        secretObjects: [
          {
            ...sync().secretObjects[0],
            type: 'kubernetes.io/dockerconfigjson',
            data: [{ objectName: 'DB_PASSWORD', key: '.dockerconfigjson' }],
          },
        ],
      },
      'Secret "copy" is invalid: data[.dockerconfigjson]: Invalid value',
    ],
  ])('%s: an event, and the pod runs', async (_title, spec, message) => {
    const world = await clusterWorld();
    await world.apply(classOf({}, spec));
    await world.apply(deployment(volume()));
    const [event] = await world.events('FailedToCreateSecret');
    expect(event.message).toContain(message);
    expect((await podsOf(world))[0].status.phase).toBe('Running');
  });
});
