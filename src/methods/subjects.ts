import type { Cloud } from '../azure/azure.ts';
import { clusterHash, ownerMark } from '../ownership.ts';
import type { Ref, Step } from '../step.ts';
import { ref } from '../step.ts';
import { application as applicationStep } from '../steps/application.ts';
import { cluster as clusterStep } from '../steps/cluster.ts';
import type { ClusterFeature } from '../steps/feature.ts';
import { group } from '../steps/group.ts';
import { lookAt } from '../steps/holder.ts';
import { identity as identityStep } from '../steps/identity.ts';
import { provider } from '../steps/provider.ts';
import { servicePrincipal } from '../steps/service-principal.ts';
import { vault as vaultStep } from '../steps/vault.ts';
import {
  type AppRegistrationWish,
  armId,
  type IdentityWish,
  type ManagedIdentityWish,
  type Spec,
  type VaultWish,
  type Workload,
} from '../workload.ts';
import { type Collection, perWorkload } from './collect.ts';

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
  identity(workload: Workload): Subject<IdentityWish> & {
    readonly mark: string;
    /** What its tag may say: the marks of all who share it. */
    readonly marks: readonly string[];
    readonly amongOthers?: boolean;
    /** Of an app registration: what bears its credentials. */
    readonly application?: Step;
  };
  /** What the tag and the descriptions say of a workload's things. */
  mark(workload: Workload): string;
}

/** Azure's names are one in whatever case. */
const isOne = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Those of hundreds who share something, without asking each of them for each. */
function sharers<T>(all: readonly T[], keyOf: (one: T) => string): (key: string) => readonly T[] {
  const groups = Map.groupBy(all, (one) => keyOf(one).toLowerCase());
  return (key) => groups.get(key.toLowerCase()) ?? [];
}

/** A vault's address follows from its name, so it can be asked in the first wave. */
export const vaultAddress = (cloud: Cloud, name: string): string => `https://${name.toLowerCase()}${cloud.vaultSuffix}`;

const isManaged = (one: Workload): one is Workload & { identity: ManagedIdentityWish } =>
  one.identity.kind === undefined;

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

  const ofVault = sharers(workloads, (other) => other.vault.name);
  const vault = perWorkload<ReturnType<Subjects['vault']>>((workload) => {
    const sharing = ofVault(workload.vault.name);
    const wish = sharing[0]?.vault ?? workload.vault;
    const id = idOf(wish.resourceGroup, 'Microsoft.KeyVault/vaults', wish.name);
    const uri = vaultAddress(cloud, wish.name);
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
  });

  const managed = workloads.flatMap(({ identity }) => (identity.kind === undefined ? [identity] : []));
  const ofName = sharers(workloads, (other) => other.identity.name);
  const inGroup = sharers(managed, (one) => one.resourceGroup);

  const managedIdentity = (workload: Workload, wanted: ManagedIdentityWish): ReturnType<Subjects['identity']> => {
    const namesakes = ofName(wanted.name);
    const sharing = namesakes.filter((other) => isOne(other.identity.resourceGroup ?? '', wanted.resourceGroup));
    const wish = sharing.find(isManaged)?.identity ?? wanted;
    const id = idOf(wish.resourceGroup, 'Microsoft.ManagedIdentity/userAssignedIdentities', wish.name);
    const called = namesakes.length > sharing.length ? `${wish.resourceGroup}/${wish.name}` : wish.name;
    const some = namesOf(sharing);
    const proven = [resourceGroup, ...(workload.vault.create ? [] : [workload.vault.resourceGroup])];
    const neighbour = inGroup(wish.resourceGroup).find((one) => !isOne(one.name, wish.name));
    const owner = mark(sharing[0] ?? workload);
    const marks = sharing.map(mark);
    const holder = { wish, id, mark: owner, marks, ...(neighbour && { amongOthers: true }) };
    const after = {
      ...ownGroup(wish.resourceGroup, proven, workload, some),
      ...providerFor('Microsoft.ManagedIdentity', some, (azure) => lookAt(azure, holder)),
    };
    const step = once(identityStep({ ...holder, called, workloads: some, location, after }));
    return { ...holder, step, sharing };
  };

  /** An application and its service principal stand where a managed identity stands alone. */
  const appRegistration = (workload: Workload, wanted: AppRegistrationWish): ReturnType<Subjects['identity']> => {
    const namesakes = ofName(wanted.name);
    const sharing = namesakes.filter(({ identity }) => identity.kind === 'app registration');
    const wish = { ...wanted, name: sharing[0]?.identity.name ?? wanted.name };
    // No resource group is called so: it may not hold a space.
    const called = namesakes.length > sharing.length ? `app registration/${wish.name}` : wish.name;
    const id = `app registration/${wish.name.toLowerCase()}`;
    const some = namesOf(sharing);
    const vaults = [...new Set(sharing.map((other) => vault(other).id))];
    const holder = { wish, id, mark: mark(sharing[0] ?? workload), marks: sharing.map(mark) };
    const common = { called, workloads: some, vaults, graph: cloud.graph };
    const application = once(applicationStep({ ...holder, ...common }));
    const step = once(servicePrincipal({ ...common, holder, mark: holder.mark, application }));
    return { ...holder, step, application, sharing };
  };

  const identity = perWorkload<ReturnType<Subjects['identity']>>((workload) =>
    workload.identity.kind === 'app registration'
      ? appRegistration(workload, workload.identity)
      : managedIdentity(workload, workload.identity),
  );

  return { clusterId, cluster, vault, identity, mark };
}
