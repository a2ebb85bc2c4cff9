import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import { controlledBy, type Pod, type Resource } from '../model.ts';
import { matches } from '../selectors.ts';
import { readySince } from './pods.ts';

interface Service extends Resource {
  spec?: { selector?: Record<string, string>; ports?: { name?: string; port: number; protocol?: string }[] };
}

/** The ready pods that a service selects, as one EndpointSlice. */
export function syncService(cluster: Cluster, object: Resource): void {
  const service = object as Service;
  const { name, namespace } = service.metadata;
  const selector = service.spec?.selector;
  if (!selector || Object.keys(selector).length === 0) return;
  const pods = (cluster.store.list(kindNamed('Pod'), namespace) as readonly Pod[]).filter(
    (pod) =>
      matches(pod.metadata.labels, { matchLabels: selector }) && pod.status?.podIP && !pod.metadata.deletionTimestamp,
  );
  const endpoints = pods.map((pod) => ({
    addresses: [pod.status?.podIP],
    conditions: { ready: readySince(pod) !== undefined },
    nodeName: pod.spec.nodeName,
    targetRef: { kind: 'Pod', name: pod.metadata.name, namespace, uid: pod.metadata.uid },
  }));
  const ports = (service.spec?.ports ?? []).map(({ name: portName, port, protocol }) => ({
    name: portName ?? '',
    port,
    protocol: protocol ?? 'TCP',
  }));
  const kind = kindNamed('EndpointSlice');
  const known = cluster.store
    .list(kind, namespace)
    .find((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  const manager = 'kube-controller-manager';
  if (known) {
    cluster.registry.edit(known, manager, (copy) => {
      copy.endpoints = endpoints;
      copy.ports = ports;
    });
    return;
  }
  const slice: Resource = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: `${name}-`,
      ...(namespace && { namespace }),
      labels: { 'kubernetes.io/service-name': name },
      ownerReferences: [controlledBy(service)],
    },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
  cluster.registry.create(kind, slice, { manager });
}
