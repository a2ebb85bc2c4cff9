import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { ApiError } from './api.ts';
import { publish, unpublish } from './csi.ts';
import { fieldOf } from './fields.ts';
import type { Item, Pod, Source, Volume } from './model.ts';
import { MountError, type Node, podPath } from './node.ts';
import { type Content, type File, writeAtomically } from './payload.ts';

/** Where a volume of a pod lies, as a path of the node, in the kubelet's layout. */
export function volumePath(pod: Pod, volume: Volume): string {
  if (volume.hostPath) return volume.hostPath.path.replace(/(.)\/$/, '$1');
  const type = volume.csi ? 'csi' : (Object.keys(volume).find((key) => key !== 'name') ?? 'nothing');
  const path = `${podPath(pod)}/volumes/kubernetes.io~${type.toLowerCase()}/${volume.name}`;
  return volume.csi ? `${path}/mount` : path;
}

/** Brings a volume to what it should be now, the first time or again. Throws a MountError in the kubelet's words. */
export async function setUp(node: Node, pod: Pod, volume: Volume, again: boolean): Promise<void> {
  const path = volumePath(pod, volume);
  const host = node.host(path);
  if (volume.csi) return publish(node, pod, { volume: volume.name, source: volume.csi, path, again });
  if (volume.emptyDir) return again ? undefined : emptyFolder(host, pod);
  if (volume.hostPath) {
    const { type = '' } = volume.hostPath;
    if (!['', 'Directory', 'DirectoryOrCreate'].includes(type)) throw unsupported(`hostPath of type ${type}`);
    mkdirSync(host, { recursive: true });
    return;
  }
  const { sources, defaultMode } = sourcesOf(volume);
  const content = new Map<string, File>();
  for (const source of sources) {
    for (const [file, bytes] of await contentOf(node, pod, source, defaultMode ?? 0o644)) content.set(file, bytes);
  }
  writeAtomically(host, content, pod.spec.securityContext?.fsGroup);
}

/** Takes a volume away, as far as somebody else must: files go with the pod's folder. */
export async function tearDown(node: Node, pod: Pod, volume: Volume): Promise<void> {
  if (volume.csi)
    await unpublish(node, pod, { volume: volume.name, source: volume.csi, path: volumePath(pod, volume) });
}

const unsupported = (what: string) => new MountError(`the lab's node has no ${what}`);

function emptyFolder(host: string, pod: Pod): void {
  mkdirSync(host, { recursive: true });
  const group = pod.spec.securityContext?.fsGroup;
  if (group !== undefined) chownSync(host, 0, group);
  // The umask would take from the mode of a new folder.
  chmodSync(host, group === undefined ? 0o777 : 0o2777);
}

function sourcesOf(volume: Volume): { readonly sources: readonly Source[]; readonly defaultMode?: number | undefined } {
  const { projected, configMap, secret, downwardAPI } = volume;
  if (projected) return { sources: projected.sources ?? [], defaultMode: projected.defaultMode };
  if (configMap) return { sources: [{ configMap }], defaultMode: configMap.defaultMode };
  if (secret) return { sources: [{ secret: { ...secret, name: secret.secretName } }], defaultMode: secret.defaultMode };
  if (downwardAPI) return { sources: [{ downwardAPI }], defaultMode: downwardAPI.defaultMode };
  throw unsupported(`volumes of type ${Object.keys(volume).find((key) => key !== 'name') ?? 'nothing'}`);
}

async function contentOf(node: Node, pod: Pod, source: Source, mode: number): Promise<Content> {
  const { serviceAccountToken, configMap, secret, downwardAPI, ...rest } = source;
  const other = Object.keys(rest).find((key) => key === 'clusterTrustBundle' || key === 'podCertificate');
  if (other) throw unsupported(`projected ${other}`);
  if (serviceAccountToken) {
    const { path, audience, expirationSeconds } = serviceAccountToken;
    const { token } = await node.token(pod, audience, expirationSeconds ?? 3600);
    return new Map([[path, { bytes: Buffer.from(token), ...tokenMode(pod, mode) }]]);
  }
  if (configMap || secret) {
    const [what, { name, items, optional }] = configMap ? ['configmap', configMap] : ['secret', secret!];
    const data = await keysOf(node, pod, what as 'configmap' | 'secret', name, optional === true);
    return data ? pick(data, items, optional === true, what, mode) : new Map();
  }
  return new Map(
    (downwardAPI?.items ?? []).map(({ path, fieldRef }) => {
      const value = fieldOf(node, pod, fieldRef?.fieldPath ?? '');
      if (value === undefined) throw unsupported(`field ${fieldRef?.fieldPath}`);
      return [path, { bytes: Buffer.from(value), mode }];
    }),
  );
}

/** Who may read a token is told by the pod's group, or by the one user that all its containers have. */
function tokenMode({ spec }: Pod, mode: number): Pick<File, 'mode' | 'user'> {
  if (spec.securityContext?.fsGroup !== undefined) return { mode: 0o600 };
  const users = new Set(
    [...(spec.initContainers ?? []), ...spec.containers].map(
      ({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
    ),
  );
  const [user] = users;
  return users.size === 1 && user !== undefined ? { mode: 0o600, user } : { mode };
}

/** Data of a ConfigMap or Secret; undefined where it is not there and need not be. Throws a MountError. */
export async function keysOf(
  node: Node,
  pod: Pod,
  what: 'configmap' | 'secret',
  name: string,
  optional: boolean,
): Promise<ReadonlyMap<string, Buffer> | undefined> {
  type Keyed = { data?: Record<string, string>; binaryData?: Record<string, string> };
  try {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/${what}s/${name}`;
    const { data = {}, binaryData = {} } = await node.api.get<Keyed>(path);
    const encoding = what === 'secret' ? 'base64' : 'utf8';
    return new Map([
      ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)] as const),
      ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    ]);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404 && optional) return undefined;
    // The kubelet says so from its own cache, which knows one object and not the list of them.
    throw new MountError(error.status === 404 ? `${what} "${name}" not found` : error.message);
  }
}

function pick(
  data: ReadonlyMap<string, Buffer>,
  items: readonly Item[] | undefined,
  optional: boolean,
  what: string,
  mode: number,
): Content {
  if (!items) return new Map([...data].map(([key, bytes]) => [key, { bytes, mode }]));
  return new Map(
    items.flatMap((item) => {
      const bytes = data.get(item.key);
      if (bytes) return [[item.path, { bytes, mode: item.mode ?? mode }] as const];
      if (optional) return [];
      throw new MountError(
        `${what === 'configmap' ? 'configmap references non-existent config' : 'references non-existent secret'} key: ${item.key}`,
      );
    }),
  );
}
