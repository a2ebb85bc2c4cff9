import type { Cluster } from './cluster.ts';
import { publish } from './csi/driver.ts';
import { kindNamed } from './kinds.ts';
import type { Pod, ProjectedSource, Secret, Volume } from './model.ts';
import { MountError } from './mount-error.ts';

/** Content of a volume: by path below where it is mounted. */
export type Files = ReadonlyMap<string, Buffer>;

type Source = ProjectedSource & Pick<Volume, 'emptyDir' | 'csi'> & { secretName?: string };

/** What a volume holds now. Throws a MountError with the words of the event. */
export async function contentOf(cluster: Cluster, pod: Pod, volume: Volume): Promise<Files> {
  if (volume.csi) {
    const files = await publish(cluster, pod, volume.name, volume.csi);
    return new Map(files.map((file) => [file.path, file.content]));
  }
  if (volume.emptyDir) return new Map();
  if (volume.projected) {
    refuseOnVirtualNode(cluster, pod, volume);
    return new Map((volume.projected.sources ?? []).flatMap((source) => [...project(cluster, pod, source)]));
  }
  if (volume.secret) {
    const { secretName, ...rest } = volume.secret;
    return project(cluster, pod, { secret: { name: secretName, ...rest } });
  }
  if (volume.configMap) return project(cluster, pod, { configMap: volume.configMap });
  if (volume.downwardAPI) return project(cluster, pod, { downwardAPI: volume.downwardAPI });
  const type = Object.keys(volume).find((key) => key !== 'name') ?? 'nothing';
  throw new MountError(`the sandbox has no volumes of type ${type}`);
}

/** Azure Container Instances, behind a virtual node, have no tokens of accounts (the words are the sandbox's own). */
function refuseOnVirtualNode({ store }: Cluster, pod: Pod, { name, projected }: Volume): void {
  const node = store.get(kindNamed('Node'), undefined, pod.spec.nodeName ?? '');
  const tokens = projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken?.audience);
  if (!tokens || node?.metadata.labels?.type !== 'virtual-kubelet') return;
  throw new MountError(`pod ${pod.metadata.name} requires volume ${name} which is of an unsupported type`);
}

function project(cluster: Cluster, pod: Pod, source: Source): Files {
  const { namespace } = pod.metadata;
  const { serviceAccountToken, configMap, secret, downwardAPI } = source;
  if (serviceAccountToken) {
    const name = pod.spec.serviceAccountName ?? 'default';
    const account = cluster.store.get(kindNamed('ServiceAccount'), namespace, name);
    if (!account) throw new MountError(`failed to fetch token: serviceaccounts "${name}" not found`);
    const { audience, expirationSeconds = 3600, path } = serviceAccountToken;
    const { token } = cluster.tokens.issue(account, {
      audiences: audience ? [audience] : [],
      expirationSeconds,
      pod,
    });
    return new Map([[path, Buffer.from(token)]]);
  }
  if (configMap) {
    const found = cluster.store.get(kindNamed('ConfigMap'), namespace, configMap.name);
    if (!found) {
      if (configMap.optional) return new Map();
      throw new MountError(`configmap "${configMap.name}" not found`);
    }
    const texts = Object.entries((found.data as Record<string, string> | undefined) ?? {});
    const bytes = Object.entries((found.binaryData as Record<string, string> | undefined) ?? {});
    const data = new Map([
      ...texts.map(([key, text]) => [key, Buffer.from(text)] as const),
      ...bytes.map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    ]);
    return pick(data, configMap, 'configmap');
  }
  if (secret) {
    const found = cluster.store.get(kindNamed('Secret'), namespace, secret.name) as Secret | undefined;
    if (!found) {
      if (secret.optional) return new Map();
      throw new MountError(`secret "${secret.name}" not found`);
    }
    const data = new Map(
      Object.entries(found.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    );
    return pick(data, secret, 'secret');
  }
  const items = downwardAPI?.items ?? [];
  return new Map(items.map(({ path, fieldRef }) => [path, Buffer.from(fieldOf(pod, fieldRef?.fieldPath ?? '') ?? '')]));
}

function pick(
  data: ReadonlyMap<string, Buffer>,
  wish: {
    readonly name: string;
    readonly items?: readonly { key: string; path: string }[];
    readonly optional?: boolean;
  },
  what: string,
): Files {
  if (!wish.items) return data;
  return new Map(
    wish.items.flatMap(({ key, path }) => {
      const content = data.get(key);
      if (content) return [[path, content] as const];
      if (wish.optional) return [];
      throw new MountError(`references non-existent ${what} key: ${key}`);
    }),
  );
}

/** A field of the pod, as the downward API names it; `undefined` for one that the sandbox does not know. */
export function fieldOf(pod: Pod, path: string): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  const lines = (map: Record<string, string> | undefined) =>
    Object.entries(map ?? {})
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join('\n');
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return lines(pod.metadata.labels);
    case 'metadata.annotations':
      return lines(pod.metadata.annotations);
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.podIP':
      return pod.status?.podIP ?? '';
    case 'status.hostIP':
      return (pod.status?.hostIP as string | undefined) ?? '';
    default:
      return undefined;
  }
}

/** Lifetime of the shortest token that a pod's projected volumes hold; the kubelet renews at 80 percent. Seconds. */
export function shortestToken(pod: Pod): number | undefined {
  const lifetimes = (pod.spec.volumes ?? [])
    .flatMap((volume) => volume.projected?.sources ?? [])
    .flatMap((source) => (source.serviceAccountToken ? [source.serviceAccountToken.expirationSeconds ?? 3600] : []));
  return lifetimes.length > 0 ? Math.min(...lifetimes) : undefined;
}
