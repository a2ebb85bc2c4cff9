import type { Cluster } from '../cluster.ts';
import { readySince } from '../controllers/pods.ts';
import { kindNamed } from '../kinds.ts';
import type { Pod, Resource } from '../model.ts';
import { isGranted } from '../rbac.ts';

const NAME = 'app.kubernetes.io/name';

export const isOperatorPod = (object: Resource): boolean =>
  object.kind === 'Pod' && object.metadata.labels?.[NAME] === 'external-secrets';

/** A ready pod of the operator, in whichever namespace it was installed; without one nothing is reconciled. */
export function operatorPod(cluster: Cluster): Pod | undefined {
  const pods = cluster.store.list(kindNamed('Pod')) as readonly Pod[];
  return pods.find((pod) => isOperatorPod(pod) && !pod.metadata.deletionTimestamp && readySince(pod) !== undefined);
}

/**
 * Whether the operator may ask for service account tokens in a namespace, by the roles bound to its account: the one
 * right that people take from it (chart value `rbac.serviceAccountTokenCreate`). Otherwise who it is.
 */
export function mayCreateTokens(cluster: Cluster, namespace: string): true | string {
  const pod = operatorPod(cluster);
  const account = { name: pod?.spec.serviceAccountName ?? 'default', namespace: pod?.metadata.namespace ?? '' };
  const wish = { group: '', resource: 'serviceaccounts/token', verb: 'create' };
  const granted = isGranted(cluster, { account, namespace, ...wish });
  return granted || `system:serviceaccount:${account.namespace}:${account.name}`;
}
