import type { Cluster } from '../cluster.ts';
import { kindNamed, kindsIn } from '../kinds.ts';
import type { Resource } from '../model.ts';

/** Every namespace has a service account `default` and the cluster's CA. A namespace that goes takes all that is in it. */
export function syncNamespace(cluster: Cluster, object: Resource): void {
  const namespace = object.metadata.name;
  const { store, registry, parts } = cluster;
  if (object.metadata.deletionTimestamp) {
    for (const kind of kindsIn(store).filter((each) => each.namespaced)) {
      for (const inner of store.list(kind, namespace)) registry.remove(kind, namespace, inner.metadata.name);
    }
    const left = kindsIn(store).some((kind) => kind.namespaced && store.list(kind, namespace).length > 0);
    if (left) cluster.queue.later(`Namespace /${namespace}`, 1000);
    else store.remove(kindNamed('Namespace'), object);
    return;
  }
  const make = (kind: string, name: string, more: object) => {
    if (store.get(kindNamed(kind), namespace, name)) return;
    const made = { apiVersion: 'v1', kind, metadata: { name, namespace }, ...more };
    registry.create(kindNamed(kind), made, { manager: 'kube-controller-manager' });
  };
  make('ServiceAccount', 'default', {});
  make('ConfigMap', 'kube-root-ca.crt', { data: { 'ca.crt': parts.access.ca } });
}
