import type { Resource } from '../azure/azure.ts';
import { type Complaint, Complaints } from '../complaint.ts';
import { isForSameWorkload, ownerMark, TAG } from '../ownership.ts';
import type { ManagedIdentityWish, Spec, Workload } from '../workload.ts';
import { clusterIdOf, identityName } from './identity-name.ts';

/**
 * `--rebind`: the same Spec, in which every workload that names no identity has the one that was made for it, on
 * whichever cluster; its tag says so. `list` answers the identities of a resource group.
 * @throws {Complaints} where it is none, or several
 */
export async function rebind(spec: Spec, list: (resourceGroup: string) => Promise<readonly Resource[]>): Promise<Spec> {
  const clusterId = clusterIdOf(spec.subscription, spec.cluster);
  /** The managed identity that nobody named. */
  const unnamed = (workload: Workload): ManagedIdentityWish | undefined => {
    const { identity } = workload;
    const isNamed = identity.kind === 'app registration' || identity.name !== identityName(clusterId, workload);
    return isNamed ? undefined : identity;
  };
  const groups = new Set(spec.workloads.flatMap((one) => unnamed(one)?.resourceGroup ?? []));
  const listed = new Map(await Promise.all([...groups].map(async (group) => [group, await list(group)] as const)));
  const complaints: Complaint[] = [];
  const workloads = spec.workloads.map((workload) => {
    const identity = unnamed(workload);
    if (!identity) return workload;
    const { name, namespace } = workload;
    const mark = ownerMark(clusterId, workload);
    const made = (listed.get(identity.resourceGroup) ?? []).filter(({ tags }) => isForSameWorkload(tags?.[TAG], mark));
    const [only, ...more] = made;
    if (only && more.length === 0) return { ...workload, identity: { ...identity, name: only.name } };
    const found = `in ${identity.resourceGroup} is tagged ${TAG}=.../${namespace}/${name}`;
    complaints.push({
      message: only
        ? `--rebind: more than one identity ${found}: ${made.map((one) => one.name).join(', ')}. Name the one to keep by --identity.`
        : `--rebind: no identity ${found}. Name it by --identity, and its group by --identity-resource-group; without --rebind a new one is made.`,
    });
    return workload;
  });
  if (complaints.length > 0) throw new Complaints(complaints);
  return { ...spec, workloads };
}
