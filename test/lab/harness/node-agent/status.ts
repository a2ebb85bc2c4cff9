import type { Condition, Container, ContainerState, Pod } from './model.ts';
import { now } from './model.ts';

/** A container as its status tells of it. */
export interface Told {
  readonly container: Container;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  readonly restarts: number;
  readonly ready: boolean;
  readonly started: boolean;
  readonly id: string | undefined;
}

export interface Whole {
  readonly init: readonly Told[];
  readonly main: readonly Told[];
  readonly mounted: boolean;
  readonly ip: string;
  readonly nodeIp: string;
}

const isSidecar = ({ container }: Told) => container.restartPolicy === 'Always';

/** Init containers that ended well, or are sidecars that run. */
const isInitialized = (init: readonly Told[]): boolean =>
  init.every((each) => (isSidecar(each) ? each.started : each.state.terminated?.exitCode === 0));

/** The phase, as the kubelet concludes it from containers and restart policy. */
export function phaseOf(
  { spec }: Pod,
  { init, main }: Pick<Whole, 'init' | 'main'>,
): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const policy = spec.restartPolicy ?? 'Always';
  const broken = init.some(({ state }) => policy === 'Never' && state.terminated && state.terminated.exitCode !== 0);
  if (broken) return 'Failed';
  if (!isInitialized(init)) return 'Pending';
  const ends = main.map(({ state }) => state.terminated?.exitCode);
  if (policy !== 'Always' && ends.every((code) => code === 0)) return 'Succeeded';
  if (policy === 'Never' && ends.every((code) => code !== undefined)) return 'Failed';
  const waiting = main.some(({ state, lastState }) => state.waiting && !lastState.terminated);
  return waiting ? 'Pending' : 'Running';
}

/** The whole status, for a merge patch: what no longer holds is null. */
export function statusOf(pod: Pod, whole: Whole, startTime: string): Record<string, unknown> {
  const { init, main, mounted, ip, nodeIp } = whole;
  const phase = phaseOf(pod, whole);
  const over = phase === 'Succeeded' || phase === 'Failed';
  const notReady = main.filter(({ ready }) => !ready).map(({ container }) => container.name);
  const unready = {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${notReady.join(' ')}]`,
  } as const;
  const ready = over
    ? ({ status: 'False', reason: phase === 'Failed' ? 'PodFailed' : 'PodCompleted' } as const)
    : notReady.length === 0
      ? ({ status: 'True' } as const)
      : unready;
  const incomplete = init.filter((each) => !isInitialized([each])).map(({ container }) => container.name);
  const initialized =
    incomplete.length === 0
      ? ({ status: 'True', ...(phase === 'Succeeded' && { reason: 'PodCompleted' }) } as const)
      : ({
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.join(' ')}]`,
        } as const);
  const before = new Map((pod.status?.conditions ?? []).map((each) => [each.type, each]));
  const condition = (type: string, more: Omit<Condition, 'type'>): Condition => {
    const known = before.get(type);
    const lastTransitionTime = known?.status === more.status ? (known.lastTransitionTime ?? now()) : now();
    return { type, ...more, lastTransitionTime };
  };
  const conditions = [
    condition('PodReadyToStartContainers', { status: mounted && !over ? 'True' : 'False' }),
    condition('Initialized', initialized),
    condition('Ready', ready),
    condition('ContainersReady', ready),
    before.get('PodScheduled') ?? condition('PodScheduled', { status: 'True' }),
  ];
  return {
    phase,
    conditions,
    startTime,
    hostIP: nodeIp,
    hostIPs: [{ ip: nodeIp }],
    podIP: mounted ? ip : null,
    podIPs: mounted ? [{ ip }] : null,
    containerStatuses: main.map(toldOf),
    ...(init.length > 0 && { initContainerStatuses: init.map(toldOf) }),
  };
}

const toldOf = ({ container, state, lastState, restarts, ready, started, id }: Told) => ({
  name: container.name,
  image: container.image ?? '',
  imageID: id ? (container.image ?? '') : '',
  ...(id && { containerID: id }),
  state,
  lastState,
  restartCount: restarts,
  ready,
  started,
});
