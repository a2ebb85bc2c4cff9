import { createHash } from 'node:crypto';
import { withCondition } from './controllers/conditions.ts';
import type { Condition, ContainerStatus, Pod, PodStatus } from './model.ts';

interface Facts {
  readonly now: Date;
  /** The volumes are mounted: containers may run. */
  readonly started: boolean;
  readonly hostIP: string;
  readonly containers: readonly ContainerStatus[];
  readonly init: readonly ContainerStatus[];
}

/** The status of a pod from that of its containers. */
export function podStatus(pod: Pod, facts: Facts): PodStatus {
  const { now, containers, init } = facts;
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  const policy = pod.spec.restartPolicy;
  const initialized = init.every((each) => each.state.terminated?.exitCode === 0);
  const initFailed = policy === 'Never' && init.some((each) => (each.state.terminated?.exitCode ?? 0) !== 0);
  const ends = containers.map((each) => each.state.terminated);
  const over =
    containers.length > 0 &&
    ends.every((each) => each !== undefined && (policy === 'Never' || (policy === 'OnFailure' && each.exitCode === 0)));
  const failed = initFailed || ends.some((each) => (each?.exitCode ?? 0) !== 0);
  const any = containers.some((each) => each.state.running || each.state.terminated || each.lastState.terminated);
  const phase = over || initFailed ? (failed ? 'Failed' : 'Succeeded') : any ? 'Running' : 'Pending';
  const ready = phase === 'Running' && containers.every((each) => each.ready);
  const unready = containers.filter((each) => !each.ready).map((each) => each.name);

  const condition = (
    type: string,
    holds: boolean,
    reason: string,
    message: string,
  ): Omit<Condition, 'lastTransitionTime'> =>
    holds ? { type, status: 'True' } : { type, status: 'False', reason, message };
  const why = phase === 'Succeeded' ? 'PodCompleted' : 'ContainersNotReady';
  const text = phase === 'Succeeded' ? '' : `containers with unready status: [${unready.join(' ')}]`;
  const wanted = [
    { type: 'PodScheduled', status: 'True' as const },
    condition('PodReadyToStartContainers', facts.started, '', ''),
    condition('Initialized', initialized, 'ContainersNotInitialized', 'containers with incomplete status'),
    condition('ContainersReady', ready, why, text),
    condition('Ready', ready, why, text),
  ];
  const conditions = wanted.reduce<Condition[]>(
    (all, each) => withCondition(all, each, now),
    pod.status?.conditions ?? [],
  );
  const waiting = initialized ? 'ContainerCreating' : 'PodInitializing';
  return {
    phase,
    conditions,
    hostIP: facts.hostIP,
    startTime: pod.status?.startTime ?? time,
    ...(facts.started && { podIP: pod.status?.podIP ?? address(pod) }),
    qosClass: 'BestEffort',
    ...(init.length > 0 && { initContainerStatuses: [...init] }),
    containerStatuses: containers.map((each) =>
      each.state.waiting?.reason === 'ContainerCreating' ? { ...each, state: { waiting: { reason: waiting } } } : each,
    ),
  };
}

/** An address of the pod network, by the pod's uid. */
function address(pod: Pod): string {
  const [a = 0, b = 0] = createHash('sha256')
    .update(pod.metadata.uid ?? '')
    .digest();
  return `10.244.${a % 16}.${1 + (b % 254)}`;
}
