import type { Cluster } from '../cluster.ts';
import { readySince } from '../controllers/pods.ts';
import { kindNamed } from '../kinds.ts';
import { equal, type Pod, type Resource } from '../model.ts';
import { DRIVER } from './classes.ts';

const APP = 'secrets-store-csi-driver';

export const isDriverPod = (object: Resource): boolean => object.kind === 'Pod' && object.metadata.labels?.app === APP;

/**
 * A node knows a driver while a pod of it runs there: the driver's registrar opens a socket that the kubelet watches
 * (https://kubernetes-csi.github.io/docs/node-driver-registrar.html).
 */
export function syncCsiNode(cluster: Cluster, object: Resource): void {
  const node = object.metadata.name;
  const pods = cluster.store.list(kindNamed('Pod')) as readonly Pod[];
  const runs = pods.some(
    (pod) =>
      isDriverPod(pod) &&
      pod.spec.nodeName === node &&
      !pod.metadata.deletionTimestamp &&
      readySince(pod) !== undefined,
  );
  const present = (object.spec as { drivers?: { name: string }[] }).drivers ?? [];
  const others = present.filter((each) => each.name !== DRIVER);
  const drivers = runs ? [...others, { name: DRIVER, nodeID: node, topologyKeys: [] }] : others;
  if (equal(present, drivers)) return;
  cluster.registry.edit(object, 'kubelet', (copy) => {
    copy.spec = { ...(copy.spec as object), drivers };
  });
}
