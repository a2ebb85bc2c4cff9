import { createHash } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiError } from './api.ts';
import { encode, RpcError, unary } from './grpc.ts';
import type { CsiSource, Pod, Resource } from './model.ts';
import { MountError, type Node } from './node.ts';

/*
 * The kubelet's side of a CSI driver: what it asks before, what it hands over, and its words.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/volume/csi/csi_mounter.go
 * https://github.com/container-storage-interface/spec/blob/v1.11.0/csi.proto
 */

interface Place {
  /** The volume's name in the pod. */
  readonly volume: string;
  readonly source: CsiSource;
  /** Where the driver is to mount, as a path of the node. */
  readonly path: string;
}

interface CsiDriver extends Resource {
  readonly spec: {
    readonly podInfoOnMount?: boolean;
    readonly requiresRepublish?: boolean;
    readonly volumeLifecycleModes?: readonly string[];
    readonly tokenRequests?: readonly { readonly audience: string; readonly expirationSeconds?: number }[];
    readonly serviceAccountTokenInSecrets?: boolean;
  };
}

/** Access mode and kinds of the CSI specification. */
const SINGLE_NODE_WRITER = 1;

const failed = (text: string) => new MountError(`kubernetes.io/csi: ${text}`);

/** Whether the volume is to be published again and again: what rotation rests on. */
export async function isRepublished(node: Node, { driver }: CsiSource): Promise<boolean> {
  return (await driverNamed(node, driver))?.spec.requiresRepublish === true;
}

/** Has the driver mount the volume, or look at it again. Throws a MountError with the words of the event. */
export async function publish(node: Node, pod: Pod, place: Place & { readonly again: boolean }): Promise<void> {
  const { source, path, again } = place;
  const { namespace = '', name, uid = '' } = pod.metadata;
  const socket = socketOf(node, source.driver, 'mounter.SetUpAt');
  const driver = await driverNamed(node, source.driver);
  const modes = driver?.spec.volumeLifecycleModes ?? [];
  if (!modes.includes('Ephemeral')) {
    const why = driver
      ? `(only supports [${modes.map((each) => JSON.stringify(each)).join(' ')}])`
      : '(no CSIDriver object)';
    const text = `volume mode "Ephemeral" not supported by driver ${source.driver} ${why}`;
    throw failed(`mounter.SetupAt failed to check volume lifecycle mode: ${text}`);
  }
  mkdirSync(dirname(node.host(path)), { recursive: true, mode: 0o750 });
  const secrets = await publishSecrets(node, namespace, source);
  const tokens = await tokensOf(node, pod, driver?.spec.tokenRequests ?? []);
  const handed = tokens && { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(tokens) };
  const inSecrets = driver?.spec.serviceAccountTokenInSecrets === true;
  await capabilitiesOf(socket);
  const request = encode({
    1: volumeId(uid, place.volume),
    4: path,
    5: encode({ 2: encode({}), 3: encode({ 1: SINGLE_NODE_WRITER }) }),
    6: source.readOnly === true,
    7: { ...secrets, ...(inSecrets && handed) },
    8: {
      ...source.volumeAttributes,
      ...(driver?.spec.podInfoOnMount && {
        'csi.storage.k8s.io/pod.name': name,
        'csi.storage.k8s.io/pod.namespace': namespace,
        'csi.storage.k8s.io/pod.uid': uid,
        'csi.storage.k8s.io/serviceAccount.name': pod.spec.serviceAccountName ?? '',
        'csi.storage.k8s.io/ephemeral': 'true',
      }),
      ...(!inSecrets && handed),
    },
  });
  try {
    await unary({ ...socket, method: 'csi.v1.Node/NodePublishVolume', request });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (!again) removeFolder(node.host(path));
    throw new MountError(error.message);
  }
}

/** Has the driver take the volume away. Throws a MountError. */
export async function unpublish(node: Node, pod: Pod, { volume, source, path }: Place): Promise<void> {
  const socket = socketOf(node, source.driver, 'Unmounter.TearDownAt');
  const request = encode({ 1: volumeId(pod.metadata.uid ?? '', volume), 2: path });
  try {
    await unary({ ...socket, method: 'csi.v1.Node/NodeUnpublishVolume', request });
  } catch (error) {
    throw failed(`Unmounter.TearDownAt failed: ${(error as Error).message}`);
  }
  removeFolder(node.host(path));
}

function socketOf(node: Node, driver: string, who: string): { readonly socket: string; readonly named: string } {
  const named = node.drivers.get(driver);
  if (named) return { socket: node.host(named), named };
  throw failed(
    `${who} failed to get CSI client: driver name ${driver} not found in the list of registered CSI drivers`,
  );
}

async function driverNamed(node: Node, name: string): Promise<CsiDriver | undefined> {
  try {
    return await node.api.get<CsiDriver>(`/apis/storage.k8s.io/v1/csidrivers/${name}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** The kubelet's first question to a driver is what it can do: one that is down shows here. */
async function capabilitiesOf(socket: { readonly socket: string; readonly named: string }): Promise<void> {
  try {
    await unary({ ...socket, method: 'csi.v1.Node/NodeGetCapabilities', request: Buffer.alloc(0) });
  } catch (error) {
    const what = 'determine if the node service has VOLUME_MOUNT_GROUP capability';
    throw failed(`mounter.SetUpAt failed to ${what}: ${(error as Error).message}`);
  }
}

async function publishSecrets(node: Node, namespace: string, source: CsiSource): Promise<Record<string, string>> {
  const name = source.nodePublishSecretRef?.name;
  if (!name) return {};
  try {
    const { data = {} } = await node.api.get<{ data?: Record<string, string> }>(
      `/api/v1/namespaces/${namespace}/secrets/${name}`,
    );
    return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]));
  } catch (error) {
    const why = `failed to find the secret ${name} in the namespace ${namespace} with error: ${(error as Error).message}`;
    throw new MountError(`fetching NodePublishSecretRef ${namespace}/${name} failed: kubernetes.io/csi: ${why}`);
  }
}

async function tokensOf(
  node: Node,
  pod: Pod,
  requests: NonNullable<CsiDriver['spec']['tokenRequests']>,
): Promise<object | undefined> {
  if (requests.length === 0) return undefined;
  try {
    const tokens: Record<string, object> = {};
    for (const { audience, expirationSeconds } of requests) {
      tokens[audience] = await node.token(pod, audience || undefined, expirationSeconds);
    }
    return tokens;
  } catch (error) {
    // Spelt so there.
    const what = 'get service accoount token attributes';
    throw failed(`mounter.SetUpAt failed to ${what}: ${(error as Error).message}`);
  }
}

const volumeId = (uid: string, volume: string) => `csi-${createHash('sha256').update(`${uid}${volume}`).digest('hex')}`;

function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Mounted, or not there: then it is not to be removed.
  }
}
