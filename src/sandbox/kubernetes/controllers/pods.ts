import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import { controlledBy, controllerOf, type Pod, type PodTemplate, type Resource } from '../model.ts';
import { messageOf } from '../status.ts';

/** The pods that an object controls, those that are going away left out. */
export function podsOf(cluster: Cluster, owner: Resource): Pod[] {
  return (cluster.store.list(kindNamed('Pod'), owner.metadata.namespace) as readonly Pod[]).filter(
    (pod) => controllerOf(pod)?.uid === owner.metadata.uid && !pod.metadata.deletionTimestamp,
  );
}

/** Makes a pod from a template. What refuses it becomes an event of the owner; says whether it was made. */
export function createPod(
  cluster: Cluster,
  owner: Resource,
  template: PodTemplate,
  component: string,
): string | undefined {
  const { labels, annotations } = template.metadata ?? {};
  const pod: Resource = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${owner.metadata.name}-`,
      ...(owner.metadata.namespace && { namespace: owner.metadata.namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ownerReferences: [controlledBy(owner)],
    },
    spec: structuredClone(template.spec),
  };
  try {
    const made = cluster.registry.create(kindNamed('Pod'), pod, { manager: 'kube-controller-manager' });
    cluster.note(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata.name}`, component);
    return undefined;
  } catch (error) {
    const why = messageOf(error);
    cluster.note(owner, 'Warning', 'FailedCreate', `Error creating: ${why}`, component);
    return why;
  }
}

export function deletePod(cluster: Cluster, owner: Resource, pod: Pod, component: string): void {
  cluster.registry.remove(kindNamed('Pod'), pod.metadata.namespace, pod.metadata.name);
  cluster.note(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`, component);
}

/** Since when the pod is ready; `undefined` when it is not. */
export function readySince(pod: Pod): Date | undefined {
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' ? new Date(ready.lastTransitionTime ?? 0) : undefined;
}
