import { createHash } from 'node:crypto';
import { clusterHash } from '../ownership.ts';
import { armId } from '../workload.ts';

/**
 * The identity of a workload that names none: one per workload and cluster, `<namespace>-<workload>-<cluster hash>`.
 * A name beyond Azure's 128 characters is cut, and six digits of its own hash keep it apart from its like.
 */
export function identityName(
  clusterId: string,
  workload: { readonly namespace: string; readonly name: string },
): string {
  const base = `${workload.namespace}-${workload.name}`;
  const end = `-${clusterHash(clusterId)}`;
  if (base.length + end.length <= 128) return base + end;
  const own = `-${createHash('sha256').update(base).digest('hex').slice(0, 6)}`;
  return base.slice(0, 128 - own.length - end.length) + own + end;
}

export const clusterIdOf = (subscription: string, cluster: { readonly resourceGroup: string; readonly name: string }) =>
  armId(subscription, cluster.resourceGroup, 'Microsoft.ContainerService/managedClusters', cluster.name);
