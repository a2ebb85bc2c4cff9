import type { Cloud } from '../azure/azure.ts';
import { ownerMark } from '../ownership.ts';
import type { Check, Ref, Step } from '../step.ts';
import { ref } from '../step.ts';
import { access } from '../steps/access.ts';
import { cluster as clusterStep } from '../steps/cluster.ts';
import type { ClusterFeature } from '../steps/feature.ts';
import { federation } from '../steps/federation.ts';
import { grantSelf, takeBack } from '../steps/grant.ts';
import { group } from '../steps/group.ts';
import { identity as identityStep } from '../steps/identity.ts';
import { proof } from '../steps/proof.ts';
import { provider } from '../steps/provider.ts';
import { secret } from '../steps/secret.ts';
import { vault as vaultStep } from '../steps/vault.ts';
import type { Template } from '../templates.ts';
import { armId, type SecretRef, type Spec, subjectOf, type Workload } from '../workload.ts';
import type { Method, Shared } from './method.ts';
import { object } from './objects.ts';

export interface Context {
  readonly cloud: Cloud;
  readonly methods: readonly Method[];
  /** The text of a template, the user's copy first. */
  readonly template: (path: string) => Template;
  readonly grantSelf: boolean;
  readonly keepGrant: boolean;
}

/**
 * Everything that the Spec wants, as steps and checks: one step per subject, shared by the workloads that want it, and
 * one cluster step with the union of their features.
 */
export function assemble(
  spec: Spec,
  context: Context,
): { readonly steps: readonly Step[]; readonly checks: readonly Check[] } {
  const { workloads, subscription } = spec;
  const { cloud } = context;
  const made = new Map<string, Step>();
  const once = (step: Step): Step => {
    const known = made.get(step.id);
    const served = [...new Set([...(known?.workloads ?? []), ...step.workloads])];
    // Two methods may want one object; the one that says more of it is the one that serves both.
    const best = known && Object.keys(known.needs).length >= Object.keys(step.needs).length ? known : step;
    const merged = { ...best, workloads: served };
    made.set(step.id, merged);
    return merged;
  };
  const namesOf = (some: readonly Workload[]): string[] => some.map(({ name }) => name);
  const everybody = namesOf(workloads);
  const clusterId = armId(
    subscription,
    spec.cluster.resourceGroup,
    'Microsoft.ContainerService/managedClusters',
    spec.cluster.name,
  );
  const markOf = (workload: Workload): string => ownerMark(clusterId, workload);
  const methodOf = (workload: Workload): Method => {
    const method = context.methods.find(({ name }) => name === workload.method);
    if (!method) throw new Error(`no method ${workload.method}`);
    return method;
  };

  /** What must exist before something is made in a group; nothing where its being there is proven by what lies in it. */
  const groupFor = (
    name: string,
    location: string | Ref,
    mark: string,
    some: readonly string[],
  ): Record<string, Ref> => ({ group: ref(once(group({ name, location, mark, workloads: some })), 'location') });
  const providerFor = (namespace: string, some: readonly string[], look: Parameters<typeof provider>[0]['proof']) => ({
    provider: ref(once(provider({ namespace, workloads: some, proof: look })), 'registered'),
  });

  const { create } = spec.cluster;
  const cluster = once(
    clusterStep({
      wish: spec.cluster,
      id: clusterId,
      features: unionOf(workloads.map((workload) => methodOf(workload).clusterFeatures(workload))),
      workloads: everybody,
      after: create
        ? {
            ...groupFor(
              spec.cluster.resourceGroup,
              create.location,
              ownerMark(clusterId, workloads[0] ?? { namespace: '', name: '' }),
              everybody,
            ),
            ...providerFor('Microsoft.ContainerService', everybody, (azure) => azure.clusters.get(clusterId)),
          }
        : {},
    }),
  );
  const location = ref(cluster, 'location');
  /** A group that neither the cluster nor an existing vault proves: looked at, and made when absent. */
  const ownGroup = (
    name: string,
    workload: Workload,
    place: string | Ref,
    some: readonly string[],
  ): Record<string, Ref> =>
    name.toLowerCase() === spec.cluster.resourceGroup.toLowerCase()
      ? {}
      : groupFor(name, place, markOf(workload), some);

  const vaultOf = (workload: Workload) => {
    const wish = workload.vault;
    const id = armId(subscription, wish.resourceGroup, 'Microsoft.KeyVault/vaults', wish.name);
    const uri = `https://${wish.name.toLowerCase()}${cloud.vaultSuffix}`;
    const some = namesOf(workloads.filter(({ vault }) => vault.name === wish.name));
    const step = once(
      vaultStep({
        wish,
        id,
        uri,
        mark: markOf(workload),
        workloads: some,
        location,
        after: wish.create
          ? {
              ...ownGroup(wish.resourceGroup, workload, wish.create.location ?? location, some),
              ...providerFor('Microsoft.KeyVault', some, (azure) => azure.vaults.get(id)),
            }
          : {},
      }),
    );
    return { wish, id, uri, step };
  };

  const identityOf = (workload: Workload) => {
    const wish = workload.identity;
    const id = armId(subscription, wish.resourceGroup, 'Microsoft.ManagedIdentity/userAssignedIdentities', wish.name);
    const sharing = workloads.filter(
      ({ identity }) => identity.name === wish.name && identity.resourceGroup === wish.resourceGroup,
    );
    const some = namesOf(sharing);
    const step = once(
      identityStep({
        wish,
        id,
        mark: markOf(workload),
        workloads: some,
        location,
        after:
          wish.resourceGroup === workload.vault.resourceGroup
            ? {}
            : ownGroup(wish.resourceGroup, workload, location, some),
      }),
    );
    return { wish, id, step, sharing };
  };

  const grants = new Map<string, Step>();
  const accessOf = (workload: Workload): Step[] => {
    const vault = vaultOf(workload);
    const identity = identityOf(workload);
    const together = identity.sharing.filter((other) => other.vault.name === workload.vault.name);
    const siblings = [...new Set(identity.sharing.map(subjectOf))];
    return [
      once(
        federation({
          identity,
          cluster,
          subject: subjectOf(workload),
          audience: cloud.federationAudience,
          workloads: [workload.name],
          siblings,
        }),
      ),
      once(
        access({
          vault,
          identity,
          secrets: distinct(together.flatMap(({ secrets }) => secrets)),
          scope: together.every(({ roleScope }) => roleScope === 'secret') ? 'secret' : 'vault',
          mark: markOf(workload),
          workloads: namesOf(together),
        }),
      ),
    ];
  };

  const secretsOf = (workload: Workload): Step[] => {
    const vault = vaultOf(workload);
    const sharing = workloads.filter((other) => other.vault.name === workload.vault.name);
    const toWrite = distinct(sharing.flatMap(({ secrets }) => secrets)).filter(({ value }) => value !== undefined);
    let grant = grants.get(vault.wish.name);
    if (!grant && context.grantSelf && toWrite.length > 0) {
      grant = once(grantSelf({ vault, secrets: toWrite, keep: context.keepGrant, workloads: namesOf(sharing) }));
      grants.set(vault.wish.name, grant);
    }
    return workload.secrets
      .filter(({ kind }) => kind === 'secret')
      .map((wanted) => {
        const users = sharing.filter(({ secrets }) => secrets.some(({ name }) => name === wanted.name));
        return once(secret({ vault, wanted, workloads: namesOf(users), grant: wanted.value ? grant : undefined }));
      });
  };

  const shared: Shared = {
    spec,
    cloud,
    cluster,
    template: context.template,
    vault: (workload) => vaultOf(workload).step,
    identity: (workload) => identityOf(workload).step,
    namespace: (workload) =>
      once({ ...object(workload, shared, 'namespace.yaml', { after: create ? [cluster] : [] }) }),
    readable: (workload) => [...accessOf(workload), ...secretsOf(workload)],
  };

  const checks = workloads.flatMap((workload) => {
    const readable = shared.readable(workload);
    const method = methodOf(workload);
    const own = method.steps(workload, shared).map(once);
    const account = own.filter(({ kind }) => kind === 'ServiceAccount');
    return [
      proof({
        workload,
        cloud,
        vault: shared.vault(workload),
        identity: shared.identity(workload),
        after: [...readable.filter(({ kind }) => kind !== 'secret'), ...account],
      }),
      ...method.checks(workload, shared, own),
    ];
  });

  for (const { vault } of new Map(
    workloads.map((workload) => [workload.vault.name, { vault: vaultOf(workload) }]),
  ).values())
    once(
      takeBack({
        vault,
        grant: context.keepGrant ? undefined : grants.get(vault.wish.name),
        behind: [...made.values()].filter(({ id }) => id.startsWith(`secret/${vault.wish.name}/`)).map(({ id }) => id),
        workloads: namesOf(workloads.filter((workload) => workload.vault.name === vault.wish.name)),
      }),
    );
  return { steps: [...made.values()], checks };
}

function unionOf(lists: readonly (readonly ClusterFeature[])[]): readonly ClusterFeature[] {
  const union = new Map<string, ClusterFeature>();
  // A workload that asks a setting of its own (an interval) says more than one that only wants the feature.
  for (const feature of lists.flat()) {
    const known = union.get(feature.name);
    if (!known || feature.byHand.length > known.byHand.length) union.set(feature.name, feature);
  }
  return [...union.values()];
}

/** One reference per thing in the vault; the one that brings a value wins. */
function distinct(secrets: readonly SecretRef[]): readonly SecretRef[] {
  const all = new Map<string, SecretRef>();
  for (const found of secrets) {
    const key = `${found.kind}/${found.name}`;
    if (!all.get(key)?.value) all.set(key, found);
  }
  return [...all.values()];
}
