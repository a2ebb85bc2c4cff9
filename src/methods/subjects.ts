import type { Cloud } from '../azure/azure.ts';
import { clusterHash, ownerMark } from '../ownership.ts';
import type { Ref, Step } from '../step.ts';
import { ref } from '../step.ts';
import { cluster as clusterStep } from '../steps/cluster.ts';
import type { ClusterFeature } from '../steps/feature.ts';
import { group } from '../steps/group.ts';
import { identity as identityStep } from '../steps/identity.ts';
import { provider } from '../steps/provider.ts';
import { vault as vaultStep } from '../steps/vault.ts';
import { armId, type IdentityWish, type Spec, type VaultWish, type Workload } from '../workload.ts';
import type { Collection } from './collect.ts';

/** A vault or an identity, with all who share it. */
export interface Subject<Wish> {
  readonly wish: Wish;
  readonly id: string;
  readonly step: Step;
  readonly sharing: readonly Workload[];
}

/** The Azure resources that workloads share: one step each, with what must be there before one of them is made. */
export interface Subjects {
  readonly clusterId: string;
  readonly cluster: Step;
  vault(workload: Workload): Subject<VaultWish> & { readonly uri: string };
  identity(workload: Workload): Subject<IdentityWish>;
  /** What the tag and the descriptions say of a workload's things. */
  mark(workload: Workload): string;
}

export const namesOf = (workloads: readonly Workload[]): readonly string[] => workloads.map(({ name }) => name);

export function subjectsOf(
  spec: Spec,
  cloud: Cloud,
  features: readonly ClusterFeature[],
  { once }: Collection,
): Subjects {
  const { workloads, subscription } = spec;
  const { create, resourceGroup, name } = spec.cluster;
  const idOf = (within: string, type: string, called: string): string => armId(subscription, within, type, called);
  const clusterId = idOf(resourceGroup, 'Microsoft.ContainerService/managedClusters', name);
  const mark = (workload: Workload): string => ownerMark(clusterId, workload);

  const groupFor = (called: string, location: string | Ref, owner: string, some: readonly string[]) => ({
    group: ref(once(group({ name: called, location, mark: owner, workloads: some })), 'location'),
  });
  const providerFor = (namespace: string, some: readonly string[], proof: Parameters<typeof provider>[0]['proof']) => ({
    provider: ref(once(provider({ namespace, workloads: some, proof })), 'registered'),
  });

  const everybody = namesOf(workloads);
  const cluster = once(
    clusterStep({
      wish: spec.cluster,
      id: clusterId,
      features,
      workloads: everybody,
      after: create
        ? {
            ...groupFor(resourceGroup, create.location, clusterHash(clusterId), everybody),
            ...providerFor('Microsoft.ContainerService', everybody, (azure) => azure.clusters.get(clusterId)),
          }
        : {},
    }),
  );
  const location = ref(cluster, 'location');

  /** Nothing to look at where the cluster, or a vault that is not to be made, proves that the group is there. */
  const ownGroup = (called: string, proven: readonly string[], workload: Workload, some: readonly string[]) =>
    proven.some((group) => group.toLowerCase() === called.toLowerCase())
      ? {}
      : groupFor(called, workload.vault.create?.location ?? location, mark(workload), some);

  const vault: Subjects['vault'] = (workload) => {
    const wish = workload.vault;
    const id = idOf(wish.resourceGroup, 'Microsoft.KeyVault/vaults', wish.name);
    const uri = `https://${wish.name.toLowerCase()}${cloud.vaultSuffix}`;
    const sharing = workloads.filter((other) => other.vault.name === wish.name);
    const some = namesOf(sharing);
    const after = wish.create
      ? {
          ...ownGroup(wish.resourceGroup, [resourceGroup], workload, some),
          ...providerFor('Microsoft.KeyVault', some, (azure) => azure.vaults.get(id)),
        }
      : {};
    const step = once(vaultStep({ wish, id, uri, mark: mark(workload), workloads: some, location, after }));
    return { wish, id, uri, step, sharing };
  };

  const identity: Subjects['identity'] = (workload) => {
    const wish = workload.identity;
    const id = idOf(wish.resourceGroup, 'Microsoft.ManagedIdentity/userAssignedIdentities', wish.name);
    const sharing = workloads.filter(
      (other) => other.identity.name === wish.name && other.identity.resourceGroup === wish.resourceGroup,
    );
    const some = namesOf(sharing);
    const proven = [resourceGroup, ...(workload.vault.create ? [] : [workload.vault.resourceGroup])];
    const after = ownGroup(wish.resourceGroup, proven, workload, some);
    const step = once(identityStep({ wish, id, mark: mark(workload), workloads: some, location, after }));
    return { wish, id, step, sharing };
  };

  return { clusterId, cluster, vault, identity, mark };
}
