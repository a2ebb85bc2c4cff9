import type { Cluster } from '../cluster.ts';
import { isDriverPod, syncCsiNode } from '../csi/registration.ts';
import { kindNamed } from '../kinds.ts';
import { controllerOf, type Pod, type Resource } from '../model.ts';
import type { Change } from '../store.ts';
import { syncDaemonSet } from './daemon-set.ts';
import { syncDeployment } from './deployment.ts';
import { collect } from './garbage.ts';
import { syncJob } from './job.ts';
import { keyFor } from './keys.ts';
import { syncNamespace } from './namespace.ts';
import { syncReplicaSet } from './replica-set.ts';
import { syncService } from './service.ts';

/** By kind: what makes the world follow an object of it. The object may be gone: then it is not called. */
const CONTROLLERS: Readonly<Record<string, (cluster: Cluster, object: Resource) => unknown>> = {
  Namespace: syncNamespace,
  Deployment: syncDeployment,
  ReplicaSet: syncReplicaSet,
  DaemonSet: syncDaemonSet,
  Job: syncJob,
  Service: syncService,
  CSINode: syncCsiNode,
};

/** Does the work of one key of the queue. */
export function work(cluster: Cluster, key: string): unknown {
  const [kind, rest] = key.split(' ') as [string, string];
  if (kind === 'collect') return collect(cluster, rest);
  const [namespace, name] = rest.split('/') as [string, string];
  if (kind === 'Pod') return cluster.kubelet.sync(namespace, name);
  if (cluster.operator.has(kind)) return cluster.operator.reconcile(kind, namespace, name);
  const object = cluster.store.get(kindNamed(kind), namespace, name);
  return object && CONTROLLERS[kind]?.(cluster, object);
}

/** What a change gives work to. */
export function concerned(cluster: Cluster, change: Change): readonly string[] {
  const { object, type } = change;
  const { kind } = change.kind;
  const keys: string[] = [...cluster.operator.concerned(change)];
  if (type === 'DELETED') keys.push(`collect ${object.metadata.uid}`);
  if (kind === 'Pod') keys.push(keyFor('Pod', object), ...servicesOf(cluster, object as Pod));
  else if (CONTROLLERS[kind]) keys.push(keyFor(kind, object));
  if (isDriverPod(object)) keys.push(`CSINode /${(object as Pod).spec.nodeName}`);
  const owner = controllerOf(object);
  if (owner && CONTROLLERS[owner.kind]) {
    keys.push(`${owner.kind} ${object.metadata.namespace ?? ''}/${owner.name}`);
  }
  if (kind === 'ServiceAccount' || kind === 'ConfigMap') {
    const namespace = cluster.store.get(kindNamed('Namespace'), undefined, object.metadata.namespace ?? '');
    if (namespace && type === 'DELETED') keys.push(keyFor('Namespace', namespace));
  }
  return keys;
}

/** What may have been left undone when the sandbox was closed. */
export function everything(cluster: Cluster): readonly string[] {
  const controlled = Object.keys(CONTROLLERS).flatMap((kind) =>
    cluster.store.list(kindNamed(kind)).map((object) => keyFor(kind, object)),
  );
  return [...controlled, ...cluster.operator.everything()];
}

const servicesOf = (cluster: Cluster, pod: Pod) =>
  cluster.store.list(kindNamed('Service'), pod.metadata.namespace).map((service) => keyFor('Service', service));
