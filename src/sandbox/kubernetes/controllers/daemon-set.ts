import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import type { DaemonSet, Resource } from '../model.ts';
import { createPod, deletePod, podsOf, readySince } from './pods.ts';

const COMPONENT = 'daemonset-controller';

/** One pod on every node that the template selects. The sandbox has one pool of Linux nodes. */
export function syncDaemonSet(cluster: Cluster, object: Resource): void {
  const set = object as DaemonSet;
  const selector = (set.spec.template.spec.nodeSelector ?? {}) as Record<string, string>;
  const nodes = cluster.store
    .list(kindNamed('Node'))
    // Those of AKS keep away from virtual nodes, which run no agents.
    .filter(({ metadata }) => metadata.labels?.type !== 'virtual-kubelet')
    .filter((node) => Object.entries(selector).every(([key, value]) => node.metadata.labels?.[key] === value))
    .map((node) => node.metadata.name);
  const pods = podsOf(cluster, set);
  for (const node of nodes) {
    if (pods.some((pod) => pod.spec.nodeName === node)) continue;
    const { template } = set.spec;
    createPod(cluster, set, { ...template, spec: { ...template.spec, nodeName: node } }, COMPONENT);
  }
  for (const pod of pods) if (!nodes.includes(pod.spec.nodeName ?? '')) deletePod(cluster, set, pod, COMPONENT);

  const left = podsOf(cluster, set);
  const ready = left.filter((pod) => readySince(pod)).length;
  cluster.registry.edit(
    set,
    'kube-controller-manager',
    (copy) => {
      copy.status = {
        currentNumberScheduled: left.length,
        desiredNumberScheduled: nodes.length,
        updatedNumberScheduled: left.length,
        numberMisscheduled: 0,
        numberReady: ready,
        ...(ready > 0 && { numberAvailable: ready }),
        ...(ready < nodes.length && { numberUnavailable: nodes.length - ready }),
        observedGeneration: copy.metadata.generation,
      };
    },
    'status',
  );
}
