import type { Cluster } from '../cluster.ts';
import { kindsIn } from '../kinds.ts';
import type { Resource } from '../model.ts';

/** What was owned by an object that is gone goes too, unless somebody else owns it as well. */
export function collect(cluster: Cluster, uid: string): void {
  const { store, registry } = cluster;
  const all: { object: Resource; remove: () => void }[] = kindsIn(store).flatMap((kind) =>
    store.list(kind).map((object) => ({
      object,
      remove: () => registry.remove(kind, object.metadata.namespace, object.metadata.name),
    })),
  );
  const alive = new Set(all.map(({ object }) => object.metadata.uid));
  for (const { object, remove } of all) {
    const owners = object.metadata.ownerReferences ?? [];
    if (!owners.some((owner) => owner.uid === uid) || owners.some((owner) => alive.has(owner.uid))) continue;
    if (registry.current(object)) remove();
  }
}
