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

/** A vault or an identity, with all who share it; `wish` is as the first of them writes it. */
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
  /** `mark` is what its tag says when we made it: that of the first who wants it. */
  identity(workload: Workload): Subject<IdentityWish> & { readonly mark: string };
  /** What the tag and the descriptions say of a workload's things. */
  mark(workload: Workload): string;
}

/** Azure's names are one in whatever case. */
const isOne = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

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
    proven.some((group) => isOne(group, called))
      ? {}
      : groupFor(called, workload.vault.create?.location ?? location, mark(workload), some);

  const vault: Subjects['vault'] = (workload) => {
    const sharing = workloads.filter((other) => isOne(other.vault.name, workload.vault.name));
    const wish = sharing[0]?.vault ?? workload.vault;
    const id = idOf(wish.resourceGroup, 'Microsoft.KeyVault/vaults', wish.name);
    const uri = `https://${wish.name.toLowerCase()}${cloud.vaultSuffix}`;
    const some = namesOf(sharing);
    const after = wish.create
      ? {
          ...ownGroup(wish.resourceGroup, [resourceGroup], workload, some),
          ...providerFor('Microsoft.KeyVault', some, (azure) => azure.vaults.get(id)),
        }
      : {};
    const step = once(
      vaultStep({ wish, id, uri, mark: mark(sharing[0] ?? workload), workloads: some, location, after }),
    );
    return { wish, id, uri, step, sharing };
  };

  const identity: Subjects['identity'] = (workload) => {
    const namesakes = workloads.filter((other) => isOne(other.identity.name, workload.identity.name));
    const sharing = namesakes.filter((other) => isOne(other.identity.resourceGroup, workload.identity.resourceGroup));
    const wish = sharing[0]?.identity ?? workload.identity;
    const id = idOf(wish.resourceGroup, 'Microsoft.ManagedIdentity/userAssignedIdentities', wish.name);
    const called = namesakes.length > sharing.length ? `${wish.resourceGroup}/${wish.name}` : wish.name;
    const some = namesOf(sharing);
    const proven = [resourceGroup, ...(workload.vault.create ? [] : [workload.vault.resourceGroup])];
    const after = {
      ...ownGroup(wish.resourceGroup, proven, workload, some),
      ...providerFor('Microsoft.ManagedIdentity', some, (azure) => azure.identities.get(id)),
    };
    const owner = mark(sharing[0] ?? workload);
    const step = once(identityStep({ wish, id, called, mark: owner, workloads: some, location, after }));
    return { wish, id, mark: owner, step, sharing };
  };

  return { clusterId, cluster, vault, identity, mark };
}
