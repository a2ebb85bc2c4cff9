import type { OperatorRelease } from '../../parts.ts';
import type { Cluster } from '../cluster.ts';
import { kindNamed, kindOf, kindsIn, storedApiVersionOf } from '../kinds.ts';
import { chart } from './chart.ts';
import { RELEASES } from './definitions.ts';
import { GROUP } from './model.ts';

const MANAGER = 'helm';

/** Installs the operator, or brings it to that release: stores and external secrets that are there stay. */
export function installOperator(cluster: Cluster, release: OperatorRelease): void {
  const { store, registry } = cluster;
  for (const wanted of chart(release)) {
    const kind = kindOf(store, wanted);
    if (!kind) throw new Error(`no kind ${wanted.kind}`);
    if (!store.get(kind, wanted.metadata.namespace, wanted.metadata.name)) {
      registry.create(kind, wanted, { manager: MANAGER });
    } else if (kind.kind !== 'Namespace') {
      registry.update(kind, wanted, { manager: MANAGER });
    }
  }
  // As the API server's storage migration does; a version that is not served has no way to what is stored in it.
  for (const kind of kindsIn(store).filter((each) => each.group === GROUP)) {
    const apiVersion = storedApiVersionOf(kind);
    for (const object of store.list(kind)) {
      if (object.apiVersion !== apiVersion) store.put(kind, { ...object, apiVersion });
    }
  }
}

/** Takes the operator away with its definitions, and so with all objects of its kinds. */
export function removeOperator(cluster: Cluster): void {
  const { store, registry } = cluster;
  for (const kind of kindsIn(store).filter((each) => each.group === GROUP)) {
    // Its own finalizers with them: who does that in earnest must take the objects away while it still runs.
    for (const object of store.list(kind)) store.remove(kind, object);
  }
  const known = Object.keys(RELEASES) as OperatorRelease[];
  for (const { metadata, ...object } of known.flatMap(chart).reverse()) {
    const kind = kindNamed(object.kind);
    if (store.get(kind, metadata.namespace, metadata.name)) registry.remove(kind, metadata.namespace, metadata.name);
  }
}
