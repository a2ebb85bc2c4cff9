import { describe, expect, it } from 'vitest';
import { sharedWorld } from './made-shared.ts';
import { eventsIn, get, podsOf, ready } from './made-world.ts';

const shared = sharedWorld('csi');
const CLASSES = '/apis/secrets-store.csi.x-k8s.io/v1/namespaces/demo';
const SETUP = 'FailedMount MountVolume.SetUp failed for volume "secrets" : ';

/** What the newest pod waits for, and whether it has started. */
async function mountOf() {
  const pod = (await podsOf(shared())).at(-1)!;
  const events = await get(shared(), '/api/v1/namespaces/demo/events');
  const failed = (events.items as { reason: string; message: string; involvedObject: { uid: string } }[]).filter(
    ({ reason, involvedObject }) => reason === 'FailedMount' && involvedObject.uid === pod.metadata.uid,
  );
  return { phase: pod.status.phase, said: failed.map(({ message }) => message) };
}

/** Versions that the pod has, and the vault's current ones. */
async function versions() {
  const { items } = await get(shared(), `${CLASSES}/secretproviderclasspodstatuses`);
  const mounted = (items[0].status.objects as { id: string; version: string }[]).map(({ version }) => version);
  const { secrets } = shared().sandbox.parts.state.vaults['demo-kv'] as {
    secrets: Record<string, { versions: { id: string }[] }>;
  };
  return { mounted, current: Object.values(secrets).map((each) => each.versions.at(-1)!.id) };
}

describe('a mount that fails, with the event that a real cluster has', () => {
  const PROVIDER = 'rpc error: code = Unknown desc = failed to mount objects, error: ';
  it.each<[string, string]>([
    ['F087', 'driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers'],
    ['F088', 'volume mode "Ephemeral" not supported by driver secrets-store.csi.k8s.io (no CSIDriver object)'],
    [
      'F089',
      'failed to get secretproviderclass demo/demo, error: SecretProviderClass.secrets-store.csi.x-k8s.io "demo" not found',
    ],
    ['F090', 'error connecting to provider "azure": provider not found'],
    [
      'F091',
      `${PROVIDER}failed to build auth config for mode None: failed to get credentials, nodePublishSecretRef secret is not set`,
    ],
    ['F092', 'failed to parse workload identity tokens, error: service account tokens not found'],
    ['F093', 'token for audience api://AzureADTokenExchange not found'],
    ['F094', `${PROVIDER}tenantId is not provided`],
    ['F095', 'failed to yaml unmarshal objects'],
    ['F096', 'Invalid vaultObjectTypes. Should be secret, key, or cert'],
    ['F097', 'Invalid vault name: "https://demo-kv.vault.azure.net/", must be between 3 and 24 chars'],
    ['F098', 'only one identity mode can be enabled at a time'],
    ['F099', 'cloudName PublicCloud is not valid'],
    ['F100', 'invalid objectEncoding: utf8'],
    ['F101', 'Readonly is not true in request'],
    ['F102', 'secretProviderClass is not set'],
    ['F108', 'grpc: received message larger than max'],
    ['F109', 'driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers'],
    ['F145', 'driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers'],
    [
      'F146',
      'fetching NodePublishSecretRef demo/secrets-store-creds failed: kubernetes.io/csi: failed to find the secret',
    ],
    ['F148', 'driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers'],
  ])('%s: %s', async (id, text) => {
    await shared().sandbox.break(id);
    const { phase, said } = await mountOf();
    expect(said).toEqual([expect.stringContaining(text)]);
    expect(phase).toBe('Pending');
    expect(await ready(shared())).toBe(false);
  });

  it('F087 and F109 leave the driver where it is, and the other nodes well', async () => {
    await shared().sandbox.break('F109');
    const nodes = (await get(shared(), '/apis/storage.k8s.io/v1/csinodes')).items;
    expect(nodes.map((each: { spec: { drivers: object[] } }) => each.spec.drivers.length)).toEqual([1, 0]);
    const pod = (await podsOf(shared())).at(-1)!;
    expect(pod.spec.nodeName).toBe('akswin000000');
    const node = await get(shared(), '/api/v1/nodes/akswin000000');
    expect(node.status.nodeInfo.operatingSystem).toBe('windows');
  });

  it('F145: the kind is not served, and Resource Manager knows of no add-on', async () => {
    await shared().sandbox.break('F145');
    expect((await get(shared(), `${CLASSES}/secretproviderclasses`)).code).toBe(404);
    const { resource } = Object.values(shared().sandbox.place.slice.clusters)[0]!;
    expect(Object.keys(resource.properties.addonProfiles as object)).toEqual(['azurepolicy']);
  });

  it("F148: the driver's container is killed again and again", async () => {
    await shared().sandbox.break('F148');
    const { items } = await get(shared(), '/api/v1/namespaces/kube-system/pods');
    const driver = items.find(
      (each: { metadata: { labels: Record<string, string> } }) =>
        each.metadata.labels.app === 'secrets-store-csi-driver',
    );
    const [status] = driver.status.containerStatuses;
    expect(status.lastState.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    expect(status.restartCount).toBeGreaterThan(2);
    expect(status.state.waiting.reason).toBe('CrashLoopBackOff');
  });
});

describe('a Secret that is not made', () => {
  it.each([
    ['F104', 'file matching objectName db_password not found in the pod'],
    ['F105', 'timed out waiting for the condition'],
    ['F153', 'timed out waiting for the condition'],
  ])('%s: the pod runs, and an event says %s', async (id, text) => {
    await shared().sandbox.break(id);
    expect(await ready(shared())).toBe(true);
    const said = (await eventsIn(shared())).filter((each) => each.startsWith('FailedToCreateSecret'));
    expect(said).toContainEqual(expect.stringContaining(text));
    const { items } = await get(shared(), '/api/v1/namespaces/demo/secrets');
    expect(items).toEqual([]);
  });

  it('F103: the container waits for it', async () => {
    await shared().sandbox.break('F103');
    const pod = (await podsOf(shared())).at(-1)!;
    expect(pod.status.containerStatuses[0].state.waiting).toMatchObject({
      reason: 'CreateContainerConfigError',
      message: 'secret "demo-synced" not found',
    });
  });
});

it("F155: somebody else's Secret holds what is mounted, and nothing of theirs", async () => {
  await shared().sandbox.break('F155');
  const { metadata, data } = await get(shared(), '/api/v1/namespaces/demo/secrets/demo-synced');
  expect(metadata.labels).toMatchObject({ 'secrets-store.csi.k8s.io/managed': 'true' });
  expect(Object.keys(data)).toEqual(['value']);
  const makers = metadata.managedFields.map(({ manager }: { manager: string }) => manager);
  expect(makers).toContain('kubectl-edit');
});

describe('what is mounted grows old', () => {
  it.each(['F106', 'F107'])('%s: the pod has the versions of before, and no event says so', async (id) => {
    const before = await versions();
    expect(before.mounted.sort()).toEqual(before.current.sort());
    await shared().sandbox.break(id);
    const { mounted, current } = await versions();
    expect(mounted.sort()).toEqual(before.mounted.sort());
    expect(current.filter((each) => mounted.includes(each))).toEqual([]);
    expect(await ready(shared())).toBe(true);
    expect((await eventsIn(shared())).filter((each) => each.startsWith(SETUP))).toEqual([]);
  });
});
