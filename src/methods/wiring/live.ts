import { newestFirst, seenAt } from '../../kubernetes/event-order.ts';
import type { Kind, KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { orDenied } from '../../trouble.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope } from '../method.ts';
import { type Carrier, carrierOf } from './carrier.ts';
import { inOneLook } from './one-look.ts';
import { list, record, text, texts } from './shape.ts';

/** Kinds that are looked at in the namespace of a workload. */
export const KIND = {
  Pod: { apiVersion: 'v1', kind: 'Pod' },
  Event: { apiVersion: 'v1', kind: 'Event' },
  Service: { apiVersion: 'v1', kind: 'Service' },
  ServiceAccount: { apiVersion: 'v1', kind: 'ServiceAccount' },
  Deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
  ReplicaSet: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  CronJob: { apiVersion: 'batch/v1', kind: 'CronJob' },
} as const satisfies Record<string, Kind>;

/** Starts reads that are needed soon, so that they go in one wave; what becomes of them is told to who asks again. */
export function ahead(reads: readonly Promise<unknown>[]): void {
  for (const read of reads) read.catch(() => undefined);
}

/** What only helps to say more: who may not look at it is told less. */
export const orHidden = <T>(read: Promise<T>): Promise<T | undefined> => orDenied(read, undefined);

/** A pod that runs or is to run, and what made it. */
export interface Member {
  readonly pod: KubernetesObject;
  readonly carrier: Carrier;
  /** What a person wrote: the Deployment of its ReplicaSet, the CronJob of its Job. Absent: the pod itself. */
  readonly maker?: Carrier;
}

/** All that runs or would run as the workload. */
export interface Crew {
  readonly members: readonly Member[];
  /** What makes pods of it, also where none is there. */
  readonly makers: readonly Carrier[];
  /** What has its name and runs as somebody else. */
  readonly strays: readonly Carrier[];
}

const listIn = (world: World, kind: Kind, namespace: string) => world.kubernetes.list(kind, namespace);

/** Starts the reads of `crewOf` and of events. */
export function crewAhead(world: World, workload: Workload, scope: Scope): void {
  const { Pod, Event, Deployment, ReplicaSet, CronJob } = KIND;
  ahead([Pod, Event, Deployment, ReplicaSet, CronJob].map((kind) => listIn(world, kind, workload.namespace)));
  if (scope.selector) ahead([world.kubernetes.list(Pod, workload.namespace, scope.selector)]);
}

/** The pods that the scope names, else those of the service account, with what makes them. */
export const crewOf = inOneLook(lookForCrew);

async function lookForCrew(world: World, workload: Workload, scope: Scope): Promise<Crew> {
  const { namespace } = workload;
  const many = async (kind: Kind) => (await orHidden(listIn(world, kind, namespace))) ?? [];
  const [pods, sets, deployments, cronJobs] = await Promise.all([
    world.kubernetes.list(KIND.Pod, namespace, scope.selector),
    many(KIND.ReplicaSet),
    many(KIND.Deployment),
    many(KIND.CronJob),
  ]);
  const known = [...sets, ...deployments, ...cronJobs];
  const members = await Promise.all(
    pods.filter(isAlive).map(async (pod): Promise<Member> => {
      const maker = await makerOf(world, pod, known);
      return { pod, carrier: carrierOf(pod)!, ...(maker && { maker }) };
    }),
  );
  const isIts = ({ spec }: Carrier) => spec.serviceAccountName === workload.serviceAccount;
  if (scope.pod || scope.selector) {
    const asked = members.filter(({ pod }) => !scope.pod || pod.metadata.name === bare(scope.pod));
    return { members: asked, makers: distinct(asked.flatMap(({ maker }) => maker ?? [])), strays: [] };
  }
  const own = members.filter(({ carrier }) => isIts(carrier));
  const written = [...deployments, ...cronJobs].flatMap((object) => carrierOf(object) ?? []);
  const makers = distinct([...written, ...own.flatMap(({ maker }) => maker ?? [])]).filter(isIts);
  const free = members.flatMap(({ maker, carrier }) => maker ?? carrier);
  const strays =
    own.length + makers.length > 0 ? [] : distinct([...written, ...free]).filter((each) => isNamedAs(workload, each));
  return { members: own, makers, strays };
}

/** `shop/orders-7d4c` and `orders-7d4c` are one in the workload's namespace. */
const bare = (pod: string): string => pod.slice(pod.indexOf('/') + 1);

const isAlive = ({ metadata, status }: KubernetesObject): boolean =>
  !metadata.deletionTimestamp && !['Succeeded', 'Failed'].includes(text(record(status).phase) ?? '');

const distinct = (carriers: readonly Carrier[]): readonly Carrier[] => [
  ...new Map(carriers.map((each) => [`${each.object.kind}/${each.object.metadata.name}`, each])).values(),
];

/** By its name or the usual labels it is of the workload. */
function isNamedAs({ name }: Workload, { object, labels }: Carrier): boolean {
  const names = [name, `${name}-sample`];
  const said = ['app', 'app.kubernetes.io/name', 'app.kubernetes.io/instance'].map((key) => labels[key] ?? '');
  return [object.metadata.name, ...said].some((each) => names.includes(each));
}

/** Up the owners, as far as they can be seen. */
async function makerOf(
  world: World,
  object: KubernetesObject,
  known: readonly KubernetesObject[],
): Promise<Carrier | undefined> {
  const [owner] = object.metadata.ownerReferences ?? [];
  if (!owner) return undefined;
  const apiVersion = text(record(owner).apiVersion) ?? '';
  const namespace = object.metadata.namespace ?? '';
  const found =
    known.find(({ metadata }) => metadata.uid === owner.uid) ??
    (['StatefulSet', 'DaemonSet', 'Job'].includes(owner.kind)
      ? await orHidden(world.kubernetes.get({ apiVersion, kind: owner.kind, namespace, name: owner.name }))
      : undefined);
  if (!found) return undefined;
  return (await makerOf(world, found, known)) ?? carrierOf(found);
}

/** Templates and lone pods: where a person changes something. */
export const writtenIn = ({ members, makers }: Crew): readonly Carrier[] => [
  ...makers,
  ...members.flatMap(({ carrier, maker }) => (maker ? [] : [carrier])),
];

/** The line that makes the pods of a carrier anew, where one line does. */
export function restartOf({ object }: Carrier): string | undefined {
  const { kind, metadata } = object;
  return ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind)
    ? `kubectl rollout restart ${kind.toLowerCase()}/${metadata.name} --namespace ${metadata.namespace}`
    : undefined;
}

/** When an annotation was last written, by the records of its managers; undefined where they do not say. */
export function writtenAt({ metadata }: KubernetesObject, annotation: string): Date | undefined {
  const times = (metadata.managedFields ?? []).flatMap(({ fieldsV1, time }) => {
    const fields = record(record(record(fieldsV1)['f:metadata'])['f:annotations']);
    return time && `f:${annotation}` in fields ? [Date.parse(time)] : [];
  });
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

export interface Note {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly reason: string;
  readonly message: string;
  readonly at: Date;
}

/** Warnings of the namespace, newest first; they are gone after an hour. None where one may not look. */
export async function warningsIn(world: World, namespace: string): Promise<readonly Note[]> {
  const events = (await orHidden(listIn(world, KIND.Event, namespace))) ?? [];
  return newestFirst(events.filter((event) => event.type === 'Warning')).map((event) => {
    const { kind = '', name = '', uid = '' } = texts(event.involvedObject);
    const { reason = '', message = '' } = texts(event);
    return { kind, name, uid, reason, message, at: new Date(seenAt(event)) };
  });
}

/** Whether the pod says that it is ready. */
export const isHealthy = ({ status }: KubernetesObject): boolean =>
  list(record(status).conditions)
    .map(texts)
    .some((condition) => condition.type === 'Ready' && condition.status === 'True');
