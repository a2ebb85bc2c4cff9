import type { Cloud } from '../azure/azure.ts';
import type { Check, Step } from '../step.ts';
import { ref } from '../step.ts';
import { access } from '../steps/access.ts';
import type { ClusterFeature } from '../steps/feature.ts';
import { federation } from '../steps/federation.ts';
import { grantSelf, takeBack } from '../steps/grant.ts';
import { proof } from '../steps/proof.ts';
import { secret } from '../steps/secret.ts';
import type { Template } from '../templates.ts';
import { type SecretRef, type Spec, subjectOf, type Workload } from '../workload.ts';
import { collect, perWorkload } from './collect.ts';
import type { Method, Scope, Shared } from './method.ts';
import { object } from './objects.ts';
import { namesOf, subjectsOf } from './subjects.ts';

export interface Context {
  readonly cloud: Cloud;
  readonly methods: readonly Method[];
  /** The text of a template, the user's copy first. */
  readonly template: (path: string) => Template;
  /** Give the caller the right to write the secrets that are to be written, and take it back unless `keepGrant`. */
  readonly grantSelf: boolean;
  readonly keepGrant: boolean;
}

export interface Assembly {
  readonly steps: readonly Step[];
  readonly checks: readonly Check[];
  /** Those of the checks that need nothing deployed, one for each workload. */
  readonly proofs: readonly Check[];
  /** What `verify` asks of the cluster besides, by each workload's method. */
  examine(scope: Scope): readonly Check[];
}

/** Everything that the Spec wants, as steps and checks: one step per subject, whoever shares it. */
export function assemble(spec: Spec, context: Context): Assembly {
  const { workloads } = spec;
  const { cloud } = context;
  const collection = collect();
  const { once } = collection;
  const methodOf = (workload: Workload): Method => {
    const method = context.methods.find(({ name }) => name === workload.method);
    if (!method) throw new Error(`no method ${workload.method}`);
    return method;
  };
  const lists = (workload: Workload): boolean => methodOf(workload).lists?.(workload.options) ?? false;
  const features = unionOf(workloads.map((workload) => methodOf(workload).clusterFeatures(workload)));
  const subjects = subjectsOf(spec, cloud, features, collection);
  const { cluster } = subjects;

  /** That the identity trusts the service account of the workload. */
  const trustOf = perWorkload((workload): Step => {
    const identity = subjects.identity(workload);
    return once(
      federation({
        ...{ identity, cluster, clusterId: subjects.clusterId },
        subject: subjectOf(workload),
        audience: cloud.federationAudience,
        workloads: [workload.name],
        siblings: [...new Set(identity.sharing.map(subjectOf))],
      }),
    );
  });

  const accessOf = perWorkload((workload): { trust: Step; right: Step } => {
    const vault = subjects.vault(workload);
    const identity = subjects.identity(workload);
    const together = identity.sharing.filter((other) => subjects.vault(other).step.id === vault.step.id);
    const right = access({
      vault,
      identity,
      credentials: [...new Set(identity.sharing.map((other) => trustOf(other).id))],
      secrets: distinct(together),
      scope: together.every(({ roleScope }) => roleScope === 'secret') ? 'secret' : 'vault',
      lists: together.some(lists),
      mark: subjects.mark(together[0] ?? workload),
      workloads: namesOf(together),
    });
    return { trust: trustOf(workload), right: once(right) };
  });

  /** The caller's own right to write, where it was asked for and something is to be written. */
  const grantFor = perWorkload((workload): Step | undefined => {
    const vault = subjects.vault(workload);
    const toWrite = distinct(vault.sharing).filter(({ value }) => value !== undefined);
    if (!context.grantSelf || toWrite.length === 0) return undefined;
    return once(grantSelf({ vault, secrets: toWrite, keep: context.keepGrant, workloads: namesOf(vault.sharing) }));
  });

  const taken = new Map<string, ReadonlyMap<string, Step>>();
  /** What workloads take from a vault: a step for each thing, by its key. */
  const takenFrom = (vault: ReturnType<typeof subjects.vault>, workload: Workload): ReadonlyMap<string, Step> => {
    const known = taken.get(vault.step.id);
    if (known) return known;
    const grant = grantFor(workload);
    const named = vault.sharing.flatMap((user) =>
      user.secrets.filter(({ standIn }) => !standIn).map((one) => ({ user, one })),
    );
    const steps = new Map<string, Step>();
    for (const [key, all] of Map.groupBy(named, ({ one }) => keyOf(one))) {
      const wanted = all.find(({ one }) => one.value)?.one ?? all.at(-1)!.one;
      const users = namesOf([...new Set(all.map(({ user }) => user))]);
      steps.set(key, once(secret({ vault, wanted, workloads: users, grant: wanted.value ? grant : undefined })));
    }
    taken.set(vault.step.id, steps);
    return steps;
  };
  const secretsOf = perWorkload((workload): readonly Step[] => {
    const steps = takenFrom(subjects.vault(workload), workload);
    const named = distinct([workload]).filter(({ standIn }) => !standIn);
    return named.map((one) => steps.get(keyOf(one))!);
  });

  const namespaces = new Map<string, Step>();
  const shared: Shared = {
    spec,
    cloud,
    cluster,
    template: context.template,
    vault: (workload) => subjects.vault(workload).step,
    identity: (workload) => subjects.identity(workload).step,
    namespace: (workload) => {
      const known = namespaces.get(workload.namespace);
      if (known) return known;
      const own = object(workload, shared, 'namespace.yaml', { after: [ref(cluster, 'clusterId')] });
      const inIt = workloads.filter(({ namespace }) => namespace === workload.namespace);
      const step = once({ ...own, workloads: namesOf(inIt) });
      namespaces.set(workload.namespace, step);
      return step;
    },
    readable: (workload) => {
      const { trust, right } = accessOf(workload);
      return [ref(trust, 'trusted'), ref(right, 'granted'), ...secretsOf(workload).map((step) => ref(step, 'present'))];
    },
  };

  const asked = workloads.map((workload) => {
    const method = methodOf(workload);
    const { trust, right } = accessOf(workload);
    secretsOf(workload);
    const own = method.steps(workload, shared).map(once);
    // The proof is of a right: it holds whether or not a secret could be looked at.
    const after = [trust, right, ...own.filter(({ kind }) => kind === 'ServiceAccount')];
    const proven = proof({
      ...{ workload, cloud, after, lists: lists(workload) },
      vault: shared.vault(workload),
      identity: shared.identity(workload),
    });
    return { proven, others: method.checks(workload, shared, own) };
  });

  const vaults = new Map(workloads.map((workload) => [subjects.vault(workload).step.id, workload]));
  for (const workload of vaults.values()) {
    const vault = subjects.vault(workload);
    once(
      takeBack({
        vault,
        grant: context.keepGrant ? undefined : grantFor(workload),
        behind: [...new Set(vault.sharing.flatMap(secretsOf).map(({ id }) => id))],
        workloads: namesOf(vault.sharing),
      }),
    );
  }
  return {
    steps: collection.all(),
    checks: asked.flatMap(({ proven, others }) => [proven, ...others]),
    proofs: asked.map(({ proven }) => proven),
    examine: (scope) => workloads.flatMap((workload) => methodOf(workload).examine?.(workload, shared, scope) ?? []),
  };
}

function unionOf(lists: readonly (readonly ClusterFeature[])[]): readonly ClusterFeature[] {
  const union = new Map<string, ClusterFeature>();
  // A workload that asks a setting of its own (an interval) says more than one that only wants the feature.
  for (const feature of lists.flat()) {
    const known = union.get(feature.name);
    if (!known || (feature.specific && !known.specific)) union.set(feature.name, feature);
  }
  return [...union.values()];
}

const keyOf = ({ kind, name }: SecretRef): string => `${kind}/${name}`;

/** One reference per thing in the vault; the one that brings a value wins. */
function distinct(workloads: readonly Workload[]): readonly SecretRef[] {
  const all = new Map<string, SecretRef>();
  for (const found of workloads.flatMap(({ secrets }) => secrets)) {
    const key = keyOf(found);
    if (!all.get(key)?.value) all.set(key, found);
  }
  return [...all.values()];
}
