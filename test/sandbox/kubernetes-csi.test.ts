import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { classOf, mounted, objects, podsOf, statuses, volume } from './csi-world.ts';
import { TENANT } from './hand-made.ts';
import { CLIENT, type ClusterWorld, clusterWorld, deployment, type Json } from './kubernetes-world.ts';

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
    const token = new URLSearchParams(world.asked.find(({ method }) => method === 'POST')!.body);
    const claims = JSON.parse(Buffer.from(token.get('client_assertion')!.split('.')[1]!, 'base64url').toString());
    expect(claims['kubernetes.io'].pod).toEqual({ name: pod.metadata.name, uid: pod.metadata.uid });
    expect(world.asked.map(({ method, host, path }) => `${method} ${host}${path}`)).toEqual([
      'GET demo-kv.vault.azure.net/secrets/db-password/',
      `GET login.microsoftonline.com/${TENANT}/v2.0/.well-known/openid-configuration`,
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

const rpc = 'rpc error: code = Unknown desc = ';
const failed = 'rpc error: code = Unknown desc = failed to mount secrets store objects for pod shop/POD, err: ';
const provider = `${failed}rpc error: code = Unknown desc = failed to mount objects, error: `;
const auth = `${provider}failed to build auth config for mode None: `;
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
      `${provider}failed to get vault: Invalid vault name: "https://demo-kv.vault.azure.net", must be between 3 and 24 chars`,
    ],
    [
      'F098 modes',
      classOf({ usePodIdentity: 'true', useVMManagedIdentity: 'true' }),
      {},
      `${provider}only one identity mode can be enabled at a time: usePodIdentity, useVMManagedIdentity, or useAzureTokenProxy`,
    ],
    ['F099 cloud', classOf({ cloudName: 'AzureMoon' }), {}, `${provider}cloudName AzureMoon is not valid`],
    [
      'F100 encoding',
      classOf({ objects: objects({ objectName: 'a', objectType: 'secret', objectEncoding: 'rot13' }) }),
      {},
      `${provider}failed to get objectType:secret, objectName:a, objectVersion:: invalid objectEncoding: rot13`,
    ],
    [
      'a value that is not encoded as it should be',
      classOf({ objects: objects({ objectName: 'db-password', objectType: 'secret', objectEncoding: 'hex' }) }),
      {},
      `${provider}encoding/hex: invalid byte: U+006D 'm'`,
    ],
    [
      'a file that would lie elsewhere',
      classOf({ objects: objects({ objectName: 'a', objectType: 'secret', objectAlias: '../a' }) }),
      {},
      `${provider}failed to get objectType:secret, objectName:a, objectVersion:: file name must not contain '..'`,
    ],
    ['an empty list', classOf({ objects: 'array: []' }), {}, `${failed}missing object versions`],
    ['no provider', classOf({}, { provider: undefined }), {}, `${rpc}provider not set in shop/kv`],
    ['no parameters', classOf({}, { parameters: undefined }), {}, `${rpc}parameters not set in shop/kv`],
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
      'fetching NodePublishSecretRef shop/creds failed: kubernetes.io/csi: failed to find the secret creds in the namespace shop with error: secrets "creds" not found',
    ],
    [
      'F075 vault that is not there',
      classOf({ keyvaultName: 'other-kv' }),
      {},
      `${ofSecret}Get "https://other-kv.vault.azure.net/secrets/db-password/?api-version=7.4": dial tcp: lookup other-kv.vault.azure.net on 168.63.129.16:53: no such host`,
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
    const line = '-'.repeat(80);
    const body = {
      error: 'invalid_client',
      error_description:
        "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:shop:orders'",
      error_codes: [700213],
    };
    expect(event.message).toBe(
      `MountVolume.SetUp failed for volume "secrets" : ${ofSecret}ClientAssertionCredential authentication failed. \nPOST https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/token\n${line}\nRESPONSE 401: 401 Unauthorized\n${line}\n${JSON.stringify(body, null, 2)}\n${line}`.replace(
        'POD',
        event.involvedObject.name,
      ),
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
      'mounter.SetupAt failed to check volume lifecycle mode: volume mode "Ephemeral" not supported by driver secrets-store.csi.k8s.io (no CSIDriver object)',
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
      'failed to build auth config for mode None: failed to parse workload identity tokens, error: service account tokens not found',
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
      'failed to build auth config for mode None: failed to parse workload identity tokens, error: token for audience api://AzureADTokenExchange not found',
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
