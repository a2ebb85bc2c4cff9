import type { Kubernetes, KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { list, record, text } from '../../methods/wiring/shape.ts';
import type { World } from '../../world.ts';

/** How a probe ended. */
export type Ended =
  /** Its script came to its end. */
  | { readonly how: 'read'; readonly log: string }
  /** Its pod, or its sidecar, did not come so far: the words of the cluster. */
  | { readonly how: 'stuck'; readonly reason: string; readonly message: string }
  /** Nothing of that, within the time. */
  | { readonly how: 'late'; readonly message: string };

/** Milliseconds; less than the Job's own deadline. */
const PATIENCE = 100_000;
const PAUSE = 1000;
/** A volume is tried again and again; what keeps it from being mounted for so long stays so. */
const MOUNTING = 15_000;

const PODS = 'app.kubernetes.io/name=aks-secrets-probe';
const NO_IMAGE = /^(ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName|RegistryUnavailable)$/;

/** Looks at a Job until it has said something or cannot any more. */
export async function watch(job: KubernetesObject, world: World): Promise<Ended> {
  const { namespace = '', name } = job.metadata;
  const began = world.clock.now().getTime();
  for (;;) {
    world.signal.throwIfAborted();
    const { kubernetes } = world.fresh();
    const [pods, events] = await Promise.all([
      kubernetes.list({ apiVersion: 'v1', kind: 'Pod' }, namespace, PODS),
      // They explain: who may not see them is told less.
      kubernetes.list({ apiVersion: 'v1', kind: 'Event' }, namespace).catch(() => []),
    ]);
    const waited = world.clock.now().getTime() - began;
    const pod = pods.find(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
    const said = warnings(events, pod ? pod.metadata.uid : job.metadata.uid);
    const ended = pod ? await podEnded(pod, said, waited, kubernetes, name) : notMade(said);
    if (ended) return ended;
    if (waited > PATIENCE) return { how: 'late', message: said.at(-1)?.message ?? 'its pod was not ready in time' };
    await world.clock.sleep(PAUSE, world.signal);
  }
}

interface Warning {
  readonly reason: string;
  readonly message: string;
}

/** What went wrong with an object, the newest last. */
const warnings = (events: readonly KubernetesObject[], uid: string | undefined): readonly Warning[] =>
  events
    .filter(({ type, involvedObject }) => type === 'Warning' && record(involvedObject).uid === uid)
    .toSorted((a, b) => timeOf(a) - timeOf(b))
    .map(({ reason, message }) => ({ reason: text(reason) ?? '', message: text(message) ?? '' }));
const timeOf = (event: KubernetesObject): number =>
  Date.parse(text(event.lastTimestamp) ?? text(event.eventTime) ?? event.metadata.creationTimestamp ?? '') || 0;

function notMade(said: readonly Warning[]): Ended | undefined {
  const refused = said.findLast(({ reason }) => reason === 'FailedCreate');
  return refused && { how: 'stuck', ...refused };
}

async function podEnded(
  pod: KubernetesObject,
  said: readonly Warning[],
  waited: number,
  kubernetes: Kubernetes,
  scripts: string,
): Promise<Ended | undefined> {
  const { namespace = '', name } = pod.metadata;
  const containers = list(record(pod.status).containerStatuses).map(record);
  const stateOf = (container: string) => record(containers.find((each) => each.name === container)?.state);
  const reader = stateOf('reader');
  if (reader.terminated) {
    const log = await kubernetes.log(namespace, name, 200, 'reader');
    const sidecar = record(stateOf('daprd').terminated);
    // What kept the sidecar from starting says more than that it is not there.
    const fatal = sidecar.exitCode ? fatalIn(await kubernetes.log(namespace, name, 50, 'daprd').catch(() => '')) : '';
    return fatal ? { how: 'stuck', reason: 'daprd', message: fatal } : { how: 'read', log };
  }
  const { reason = '', message = '' } = record(reader.waiting) as { reason?: string; message?: string };
  if (NO_IMAGE.test(reason)) return { how: 'stuck', reason: 'image', message: message || reason };
  if (reason === 'CreateContainerConfigError') return { how: 'stuck', reason, message };
  // Its own scripts come a moment after it.
  const mount = said.findLast(
    (each) => each.reason === 'FailedMount' && !each.message.includes(`"${scripts}" not found`),
  );
  if (mount && waited > MOUNTING) return { how: 'stuck', ...mount };
  return undefined;
}

const fatalIn = (log: string): string => log.split('\n').findLast((line) => /level=fatal/.test(line)) ?? '';
