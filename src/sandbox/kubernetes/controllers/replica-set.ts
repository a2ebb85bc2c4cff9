import type { Cluster } from '../cluster.ts';
import { controllerOf, type Pod, type ReplicaSet, type Resource } from '../model.ts';
import { withCondition } from './conditions.ts';
import { keyFor } from './keys.ts';
import { createPod, deletePod, podsOf, readySince } from './pods.ts';

const COMPONENT = 'replicaset-controller';

/** As many pods as it wants, and a status that counts them. */
export function syncReplicaSet(cluster: Cluster, object: Resource): void {
  const set = object as ReplicaSet;
  const now = cluster.parts.clock.now();
  const wanted = set.spec.replicas ?? 1;
  const pods = podsOf(cluster, set).filter(
    (pod) => pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded',
  );
  let refused: string | undefined;
  for (let count = pods.length; count < wanted && refused === undefined; count += 1) {
    refused = createPod(cluster, set, set.spec.template, COMPONENT);
  }
  const surplus = [...pods].sort((a, b) => Number(!!readySince(a)) - Number(!!readySince(b)));
  for (const pod of surplus.slice(0, Math.max(pods.length - wanted, 0))) deletePod(cluster, set, pod, COMPONENT);

  const left = podsOf(cluster, set);
  const ready = left.filter((pod) => readySince(pod));
  const minReady = (set.spec.minReadySeconds ?? 0) * 1000;
  const age = (pod: Pod) => now.getTime() - (readySince(pod)?.getTime() ?? now.getTime());
  const available = ready.filter((pod) => age(pod) >= minReady);
  for (const pod of ready) if (age(pod) < minReady) cluster.queue.later(keyFor('ReplicaSet', set), minReady - age(pod));
  if (refused !== undefined) cluster.queue.later(keyFor('ReplicaSet', set), retryAfter(set, now));

  cluster.registry.edit(
    set,
    'kube-controller-manager',
    (copy) => {
      const conditions = (copy.status?.conditions ?? []).filter((condition) => condition.type !== 'ReplicaFailure');
      const known = copy.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
      // What it says stays while it fails (the name in it is another each time): a change would be a reason to try again.
      const said = known?.reason === 'FailedCreate' ? known.message : undefined;
      const failure =
        refused === undefined
          ? conditions
          : withCondition(
              copy.status?.conditions,
              { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: said ?? refused },
              now,
            );
      copy.status = {
        replicas: left.length,
        fullyLabeledReplicas: left.length,
        ...(ready.length > 0 && { readyReplicas: ready.length }),
        ...(available.length > 0 && { availableReplicas: available.length }),
        observedGeneration: set.metadata.generation,
        ...(failure.length > 0 && { conditions: failure }),
      };
    },
    'status',
  );
}

/** Twice as long each time, from one second to a minute, by how long it has been failing. */
function retryAfter(set: ReplicaSet, now: Date): number {
  const failing = set.status?.conditions?.find((condition) => condition.type === 'ReplicaFailure');
  const since = failing?.lastTransitionTime ? now.getTime() - Date.parse(failing.lastTransitionTime) : 0;
  return Math.min(Math.max(since, 1000), 60_000);
}

/** Whether the object is controlled by the one of that uid. */
export const controls = (uid: string | undefined) => (object: Resource) => controllerOf(object)?.uid === uid;
