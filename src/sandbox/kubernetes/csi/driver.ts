import type { Cluster } from '../cluster.ts';
import { readySince } from '../controllers/pods.ts';
import { kindNamed, kindOf } from '../kinds.ts';
import type { CsiVolume, DaemonSet, Pod, Resource, Secret, SecretProviderClass } from '../model.ts';
import { MountError } from '../mount-error.ts';
import { API, classesOf, DRIVER, GROUP, statusName } from './classes.ts';
import { driverSays } from './driver-log.ts';
import { fetchObjects, type MountedFile } from './provider.ts';
import { syncSecrets } from './sync-secret.ts';

/*
 * The Secrets Store CSI driver v1.6.0 as the AKS add-on runs it, and the kubelet's side of the call to it.
 * https://github.com/kubernetes-sigs/secrets-store-csi-driver, pkg/secrets-store/nodeserver.go
 */
const MANAGER = 'secrets-store-csi-driver';
/** What the driver takes in one answer of a provider (`--max-call-recv-msg-size`), bytes. */
const LARGEST = 4 * 2 ** 20;

/** The files of a volume, really fetched. Throws a MountError with the words of the event. */
export async function publish(
  cluster: Cluster,
  pod: Pod,
  volume: string,
  csi: CsiVolume,
): Promise<readonly MountedFile[]> {
  if (csi.driver !== DRIVER) throw new MountError(unknownDriver(csi.driver));
  const { store } = cluster;
  const namespace = pod.metadata.namespace ?? '';
  const driver = driverOnNode(cluster, pod.spec.nodeName ?? '');
  const secrets = nodePublishSecret(cluster, namespace, csi);
  const tokens = tokensFor(cluster, pod, driver);

  const className = csi.volumeAttributes?.secretProviderClass ?? '';
  if (className === '') throw rpc('secretProviderClass is not set');
  const kind = kindOf(store, { ...API, kind: 'SecretProviderClass' });
  const secretClass = kind && (store.get(kind, namespace, className) as SecretProviderClass | undefined);
  if (!secretClass) {
    throw rpc(
      `failed to get secretproviderclass ${namespace}/${className}, error: SecretProviderClass.${GROUP} "${className}" not found`,
    );
  }
  const { provider = '', parameters } = secretClass.spec ?? {};
  if (provider === '') throw rpc(`provider not set in ${namespace}/${className}`);
  if (!parameters) throw rpc(`parameters not set in ${namespace}/${className}`);
  if (csi.readOnly !== true) throw rpc('Readonly is not true in request', 'InvalidArgument');
  const name = `${namespace}/${pod.metadata.name}`;
  const isRemountRequest = recordOf(cluster, pod, className) !== undefined;
  const failed = (why: string) => {
    driverSays(cluster, pod, 'failed to mount secrets store object content', why, { pod: name, isRemountRequest });
    return rpc(`failed to mount secrets store objects for pod ${name}, err: ${why}`);
  };
  if (provider !== 'azure' || !providerOnNode(cluster, pod.spec.nodeName ?? '')) {
    throw failed(`error connecting to provider "${provider}": provider not found: provider "${provider}"`);
  }

  let files: readonly MountedFile[];
  try {
    files = await fetchObjects({ parts: cluster.parts, nodes: cluster.arm(), parameters, secrets, tokens });
  } catch (error) {
    if (!(error instanceof MountError)) throw error;
    throw failed(`rpc error: code = Unknown desc = failed to mount objects, error: ${error.message}`);
  }
  if (files.length === 0) throw failed('missing object versions');
  const size = files.reduce((sum, { content }) => sum + content.length, 0);
  if (size > LARGEST) {
    throw failed(
      `rpc error: code = ResourceExhausted desc = grpc: received message larger than max (${size} vs. ${LARGEST})`,
    );
  }
  recordStatus(cluster, pod, volume, className, files);
  syncSecrets(cluster, pod, secretClass, files);
  return files;
}

/** What the driver keeps about a pod goes with it. Its Secrets go with whoever holds them. */
export function unpublish(cluster: Cluster, pod: Pod): void {
  const kind = kindOf(cluster.store, { ...API, kind: 'SecretProviderClassPodStatus' });
  for (const className of classesOf(pod)) {
    const name = statusName(pod, className);
    if (kind && cluster.store.get(kind, pod.metadata.namespace, name)) {
      cluster.registry.remove(kind, pod.metadata.namespace, name);
    }
  }
}

/** How often mounted objects are read again, by the driver's arguments; `undefined` when rotation is off. Milliseconds. */
export function rotationInterval(cluster: Cluster): number | undefined {
  const addon = cluster.arm().keyVaultAddon;
  const { rotation, interval } = addon.enabled ? addon : selfInstalled(cluster);
  if (!rotation) return undefined;
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000 };
  const parts = [...interval.matchAll(/(\d+)([hms])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0) || 120_000;
}

/** By the arguments of a driver that is not the add-on's. */
function selfInstalled(cluster: Cluster): { readonly rotation: boolean; readonly interval: string } {
  const args = (cluster.store.list(kindNamed('DaemonSet')) as readonly DaemonSet[])
    .filter(({ spec }) => spec.template.metadata?.labels?.app === 'secrets-store-csi-driver')
    .flatMap(({ spec }) => spec.template.spec.containers.flatMap((each) => each.args ?? []));
  const interval = args.flatMap((each) => /^--rotation-poll-interval=(.+)$/.exec(each)?.[1] ?? [])[0] ?? '2m';
  return { rotation: args.includes('--enable-secret-rotation=true'), interval };
}

const unknownDriver = (driver: string) =>
  `kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name ${driver} not found in the list of registered CSI drivers`;

function driverOnNode(cluster: Cluster, node: string): Resource {
  const csiNode = cluster.store.get(kindNamed('CSINode'), undefined, node);
  const drivers = (csiNode?.spec as { drivers?: { name: string }[] } | undefined)?.drivers ?? [];
  if (!drivers.some((each) => each.name === DRIVER)) throw new MountError(unknownDriver(DRIVER));
  const driver = cluster.store.get(kindNamed('CSIDriver'), undefined, DRIVER);
  const modes = (driver?.spec as { volumeLifecycleModes?: string[] } | undefined)?.volumeLifecycleModes ?? [];
  if (!driver || !modes.includes('Ephemeral')) {
    throw new MountError(
      `kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: volume mode "Ephemeral" not supported by driver ${DRIVER} (${driver ? `only supports [${modes.map((each) => JSON.stringify(each)).join(' ')}]` : 'no CSIDriver object'})`,
    );
  }
  return driver;
}

function providerOnNode(cluster: Cluster, node: string): boolean {
  const pods = cluster.store.list(kindNamed('Pod')) as readonly Pod[];
  return pods.some(
    (pod) =>
      /^(csi-)?secrets-store-provider-azure$/.test(pod.metadata.labels?.app ?? '') &&
      !pod.metadata.deletionTimestamp &&
      pod.spec.nodeName === node &&
      readySince(pod) !== undefined,
  );
}

/** What the kubelet hands over: a token of the pod's account for each audience that the CSIDriver asks for. */
function tokensFor(cluster: Cluster, pod: Pod, driver: Resource): Readonly<Record<string, string>> | undefined {
  const requests = (driver.spec as { tokenRequests?: { audience: string; expirationSeconds?: number }[] })
    .tokenRequests;
  if (!requests || requests.length === 0) return undefined;
  const account = cluster.store.get(
    kindNamed('ServiceAccount'),
    pod.metadata.namespace,
    pod.spec.serviceAccountName ?? 'default',
  );
  if (!account)
    throw new MountError(
      `kubernetes.io/csi: mounter.SetUpAt failed to get service accoount token attributes: failed to fetch token: serviceaccounts "${pod.spec.serviceAccountName}" not found`,
    );
  return Object.fromEntries(
    requests.map(({ audience, expirationSeconds }) => [
      audience,
      cluster.tokens.issue(account, {
        audiences: [audience],
        expirationSeconds: expirationSeconds ?? 3600,
        pod,
      }).token,
    ]),
  );
}

function nodePublishSecret(cluster: Cluster, namespace: string, csi: CsiVolume): Record<string, string> | undefined {
  const name = csi.nodePublishSecretRef?.name;
  if (!name) return undefined;
  const secret = cluster.store.get(kindNamed('Secret'), namespace, name) as Secret | undefined;
  if (!secret) {
    throw new MountError(
      `fetching NodePublishSecretRef ${namespace}/${name} failed: kubernetes.io/csi: failed to find the secret ${name} in the namespace ${namespace} with error: secrets "${name}" not found`,
    );
  }
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

function recordStatus(
  cluster: Cluster,
  pod: Pod,
  volume: string,
  className: string,
  files: readonly MountedFile[],
): void {
  const kind = kindOf(cluster.store, { ...API, kind: 'SecretProviderClassPodStatus' });
  if (!kind) throw rpc(`no matches for kind "SecretProviderClassPodStatus" in version "${API.apiVersion}"`);
  const name = statusName(pod, className);
  // One entry for an object, however often it is mounted.
  const versions = new Map(files.map(({ id, version }) => [id, version]));
  const objects = [...versions].map(([id, version]) => ({ id, version })).sort((a, b) => (a.id < b.id ? -1 : 1));
  const known = cluster.store.get(kind, pod.metadata.namespace, name);
  const { namespace } = pod.metadata;
  const wanted: Resource = {
    ...API,
    kind: 'SecretProviderClassPodStatus',
    metadata: {
      ...known?.metadata,
      name,
      ...(namespace && { namespace }),
      labels: { 'internal.secrets-store.csi.k8s.io/node-name': pod.spec.nodeName ?? '' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid ?? '' }],
    },
    status: {
      mounted: true,
      objects,
      podName: pod.metadata.name,
      secretProviderClassName: className,
      targetPath: `/var/lib/kubelet/pods/${pod.metadata.uid}/volumes/kubernetes.io~csi/${volume}/mount`,
    },
  };
  if (known) cluster.registry.update(kind, wanted, { manager: MANAGER });
  else cluster.registry.create(kind, wanted, { manager: MANAGER });
}

/** What the driver keeps of a pod that it has mounted a class for. */
function recordOf({ store }: Cluster, pod: Pod, className: string): Resource | undefined {
  const kind = kindOf(store, { ...API, kind: 'SecretProviderClassPodStatus' });
  const found = kind && store.get(kind, pod.metadata.namespace, statusName(pod, className));
  return found?.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid) ? found : undefined;
}

const rpc = (text: string, code = 'Unknown') => new MountError(`rpc error: code = ${code} desc = ${text}`);
