import { Complaints } from '../../complaint.ts';
import { entryOf } from '../../entry.ts';
import type { Kubernetes, KubernetesObject, ObjectRef } from '../../kubernetes/kubernetes.ts';
import { type Carrier, carrierOf } from '../../methods/wiring/carrier.ts';
import { MANAGED_BY, OWNER } from '../../ownership.ts';
import { orDenied } from '../../trouble.ts';

/** What somebody who has no file points at. */
export interface Target {
  readonly namespace: string;
  /** One pod. */
  readonly pod?: string;
  /** Or those with these labels, as `kubectl` writes them. Neither: all that run in the namespace. */
  readonly selector?: string;
}

/** A pod that was found, or, where none runs, what would make it. */
export interface Sighted {
  readonly pod: Carrier;
  /** What keeps such pods: `Deployment orders`. A pod that nobody keeps is its own. */
  readonly owner: { readonly kind: string; readonly name: string };
}

export interface Sights {
  readonly sighted: readonly Sighted[];
  readonly notes: readonly string[];
  /** The pod that is looked at, where one was named: another than that one, when it has gone since. */
  readonly pod?: string;
}

const POD = { apiVersion: 'v1', kind: 'Pod' };
const APPS = 'apps/v1';
/** Kinds that keep pods, and of which a person speaks. */
const KEEPERS = [
  { apiVersion: APPS, kind: 'Deployment' },
  { apiVersion: APPS, kind: 'StatefulSet' },
  { apiVersion: APPS, kind: 'DaemonSet' },
  { apiVersion: 'batch/v1', kind: 'CronJob' },
] as const;

/**
 * The pods of a target, one for each owner, the newest.
 * @throws {Complaints} when there are none
 */
export async function podsAt(target: Target, kubernetes: Kubernetes): Promise<Sights> {
  if (target.pod !== undefined) return podCalled(target.pod, target.namespace, kubernetes);
  const { namespace, selector } = target;
  const [pods, keepers] = await Promise.all([
    kubernetes.list(POD, namespace, selector),
    // What has no pod at all (its admission fails, or it waits for its hour) shows in a whole namespace alone.
    selector === undefined ? keepersIn(namespace, kubernetes) : [],
  ]);
  const running = pods.filter((pod) => !isOurs(pod));
  const sighted = await newestOfEach(running, kubernetes);
  const idle = keepers.filter(({ kind, metadata }) =>
    sighted.every(({ owner }) => owner.kind !== kind || owner.name !== metadata.name),
  );
  const all = [...sighted, ...idle.flatMap(templateOf)];
  if (all.length === 0) {
    const which = selector === undefined ? '' : ` with the labels ${selector}`;
    throw new Complaints([{ message: `There is no pod${which} in the namespace ${namespace}.` }]);
  }
  return { sighted: all, notes: [] };
}

const keepersIn = async (namespace: string, kubernetes: Kubernetes): Promise<readonly KubernetesObject[]> => {
  // Pods are what was asked about: who may not see what keeps them is shown the pods.
  const lists = KEEPERS.map((kind) => orDenied(kubernetes.list(kind, namespace), []));
  return (await Promise.all(lists)).flat();
};

/** A probe that is running, or was left by a run that was killed. */
const isOurs = ({ metadata }: KubernetesObject): boolean =>
  metadata.labels?.[MANAGED_BY] === OWNER && metadata.labels['app.kubernetes.io/name'] === 'aks-secrets-probe';

async function newestOfEach(pods: readonly KubernetesObject[], kubernetes: Kubernetes): Promise<readonly Sighted[]> {
  const all = await Promise.all(pods.map(async (pod) => ({ pod, owner: await ownerOf(pod, kubernetes) })));
  const newest = new Map<string, (typeof all)[number]>();
  for (const each of all.toSorted((a, b) => ageOf(a.pod) - ageOf(b.pod))) {
    newest.set(`${each.owner.kind}/${each.owner.name}`, each);
  }
  return [...newest.values()].flatMap(({ pod, owner }) => carried(pod, owner));
}
const ageOf = ({ metadata }: KubernetesObject): number => Date.parse(metadata.creationTimestamp ?? '') || 0;

const carried = (object: KubernetesObject, owner: Sighted['owner']): readonly Sighted[] => {
  const pod = carrierOf(object);
  return pod ? [{ pod, owner }] : [];
};
const templateOf = (keeper: KubernetesObject): readonly Sighted[] =>
  carried(keeper, { kind: keeper.kind, name: keeper.metadata.name });

/** The Deployment behind the ReplicaSet behind the pod, the CronJob behind its Job. */
async function ownerOf(object: KubernetesObject, kubernetes: Kubernetes): Promise<Sighted['owner']> {
  const { kind, metadata } = object;
  const [owner] = metadata.ownerReferences ?? [];
  if (!owner) return { kind, name: metadata.name };
  const between: Readonly<Record<string, string>> = { ReplicaSet: APPS, Job: 'batch/v1' };
  const apiVersion = entryOf(between, owner.kind);
  if (!apiVersion) return { kind: owner.kind, name: owner.name };
  const reference: ObjectRef = { apiVersion, kind: owner.kind, name: owner.name };
  const { namespace } = metadata;
  const found = await kubernetes.get({ ...reference, ...(namespace && { namespace }) }).catch(() => undefined);
  if (found) return ownerOf({ ...found, kind: owner.kind }, kubernetes);
  return owner.kind === 'ReplicaSet'
    ? { kind: 'Deployment', name: owner.name.replace(/-[a-z0-9]+$/, '') }
    : { kind: owner.kind, name: owner.name };
}

/**
 * A pod by its name. Names of pods are soon out of date: one that has gone stands for those that its Deployment has now,
 * and what keeps pods may be named in place of one.
 */
async function podCalled(name: string, namespace: string, kubernetes: Kubernetes): Promise<Sights> {
  const pod = await kubernetes.get({ ...POD, namespace, name });
  if (pod) return { sighted: carried(pod, await ownerOf(pod, kubernetes)), notes: [], pod: name };
  const [pods, keepers] = await Promise.all([kubernetes.list(POD, namespace), keepersIn(namespace, kubernetes)]);
  // `orders-7d4c9f8b6d-x2x4z`, `orders-29281234-k8k2p`: the last two parts are made for the pod.
  const meant = keepers
    .filter(
      ({ metadata }) => metadata.name === name || name.replace(/(-[a-z0-9]+){1,2}$/, '').startsWith(metadata.name),
    )
    .toSorted((a, b) => b.metadata.name.length - a.metadata.name.length)[0];
  if (!meant) throw missing(name, namespace, pods);
  const owner = { kind: meant.kind, name: meant.metadata.name };
  const sighted = (await newestOfEach(pods, kubernetes)).filter(
    (each) => each.owner.kind === owner.kind && each.owner.name === owner.name,
  );
  const now = sighted[0]?.pod.object.metadata.name;
  const isNamed = owner.name === name;
  const gone = `There is no pod ${namespace}/${name} any more`;
  const notes = isNamed
    ? []
    : [now ? `${gone}; ${now} is its successor.` : `${gone}, and no other of ${owner.kind} ${owner.name}.`];
  return { sighted: sighted.length > 0 ? sighted : templateOf(meant), notes, ...(now && { pod: now }) };
}

function missing(name: string, namespace: string, pods: readonly KubernetesObject[]): Complaints {
  const names = pods.map(({ metadata }) => metadata.name).toSorted();
  const there = names.length === 0 ? 'none' : `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`;
  return new Complaints([{ message: `There is no pod ${name} in the namespace ${namespace}: there is ${there}.` }]);
}
