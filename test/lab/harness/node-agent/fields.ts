import type { Pod } from './model.ts';
import type { Node } from './node.ts';

/** A field of the pod as `fieldRef` names it; undefined for one that the agent does not know. */
export function fieldOf(node: Node, pod: Pod, path: string): string | undefined {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  const lines = (map: Readonly<Record<string, string>> | undefined) =>
    Object.entries(map ?? {})
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join('\n');
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'metadata.labels': lines(metadata.labels),
    'metadata.annotations': lines(metadata.annotations),
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.hostIP': node.ip,
    'status.hostIPs': node.ip,
    'status.podIP': node.addressOf(pod),
    'status.podIPs': node.addressOf(pod),
  };
  return fields[path];
}
