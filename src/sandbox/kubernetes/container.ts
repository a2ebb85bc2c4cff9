import { appendFileSync } from 'node:fs';
import type { Cluster } from './cluster.ts';
import { outOfMemory } from './csi/memory.ts';
import { isDaprd, startDaprd } from './dapr/daprd.ts';
import type { Door } from './dapr/door.ts';
import { HTTP_PORT } from './dapr/injector.ts';
import { ConfigError, environmentOf, expand } from './environment.ts';
import { type Container, type ContainerState, type ContainerStatus, fullName, type Pod } from './model.ts';
import { logFile, makeFolder, pathsOf } from './pod-folder.ts';
import { type Running, run } from './runner.ts';

/** What runs of a pod in this process. */
export interface LocalContainer {
  status: ContainerStatus;
  process?: Running;
  /** What it was started with; it stays so, whatever becomes of the objects that it came from. */
  env?: Readonly<Record<string, string>>;
  /** Simulated time before which it is not started again, milliseconds. */
  notBefore: number;
  probing: boolean;
  /** It was ready when the sandbox that ran it was closed. */
  wasReady?: boolean;
  /** Simulated time of the next readiness probe. */
  probeAt: number;
}

export interface Place {
  readonly cluster: Cluster;
  readonly pod: Pod;
  readonly folder: string;
  /** Of a pod that has a sidecar. */
  readonly door?: Door | undefined;
  /** Called when something happened to a container. */
  readonly changed: () => void;
  readonly time: () => string;
}

const COMPONENT = 'kubelet';

export function freshContainer(container: Container, known: ContainerStatus | undefined): LocalContainer {
  const status: ContainerStatus = known
    ? structuredClone(known)
    : {
        name: container.name,
        image: container.image ?? '',
        imageID: '',
        ready: false,
        started: false,
        restartCount: 0,
        state: { waiting: { reason: 'ContainerCreating' } },
        lastState: {},
      };
  return { status, notBefore: 0, probing: false, probeAt: 0 };
}

/** Script and arguments of a container whose command is `node` and a script from a volume; nothing else is run. */
export function scriptOf(place: Place, container: Container, command: readonly string[]): string[] | undefined {
  const { toHost, mounted } = pathsOf(place.folder, container);
  const [program = '', ...args] = command;
  const script = args.find((arg) => !arg.startsWith('-'));
  if (!/^(\/usr\/(local\/)?bin\/)?node$/.test(program) || !script || !mounted(script)) return undefined;
  return args.map(toHost);
}

/** Starts a container; `again` counts as a restart once it can be made. */
export function start(place: Place, container: Container, local: LocalContainer, again: boolean): void {
  const { cluster, pod } = place;
  const { status } = local;
  let env: Record<string, string>;
  try {
    env = environmentOf(cluster, pod, container);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    status.state = { waiting: { reason: 'CreateContainerConfigError', message: error.message } };
    cluster.note(pod, 'Warning', 'Failed', `Error: ${error.message}`, COMPONENT);
    local.notBefore = place.cluster.parts.clock.now().getTime() + 10_000;
    return;
  }
  local.env = env;
  if (again) status.restartCount += 1;
  const note = (reason: string, text: string) => cluster.note(pod, 'Normal', reason, text, COMPONENT);
  note('Pulled', `Container image "${container.image}" already present on machine`);
  note('Created', `Created container: ${container.name}`);
  note('Started', `Started container ${container.name}`);
  status.imageID = container.image ?? '';
  status.containerID = `containerd://${pod.metadata.uid?.replaceAll('-', '')}${status.restartCount}`;
  status.state = { running: { startedAt: place.time() } };
  status.started = true;

  const { toHost } = pathsOf(place.folder, container);
  const command = [...(container.command ?? []), ...(container.args ?? [])].map((each) => expand(each, env));
  const args = scriptOf(place, container, command);
  const log = logFile(place.folder, container.name);
  makeFolder(place.folder);
  if (!args && isDaprd(container) && place.door) {
    follow(place, container, local, startDaprd({ ...place, container, env, door: place.door, log }));
    return;
  }
  if (outOfMemory(container)) {
    const over = Promise.resolve({ code: 137, output: '', reason: 'OOMKilled' });
    follow(place, container, local, { heard: Promise.resolve(), ended: over, healthy: () => false, kill() {} });
    return;
  }
  if (!args) {
    const said = `sandbox: ${container.image} is not run; the sandbox runs nothing but node scripts from a volume\n`;
    appendFileSync(log, said, { mode: 0o600 });
    return;
  }
  const led = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, toHost(value)]));
  const process = run({
    folder: place.folder,
    pod: fullName(pod),
    args,
    env: { HOSTNAME: pod.metadata.name, ...led },
    access: cluster.parts.access,
    ports: portsOf(place),
    egress: cluster.state.egress,
    log,
  });
  follow(place, container, local, process);
}

const portsOf = ({ door }: Place): Record<number, number> => (door ? { [HTTP_PORT]: door.port } : {});

/** A process that now runs for the container: what becomes of it, and what it says first. */
function follow(place: Place, container: Container, local: LocalContainer, process: Running): void {
  const { cluster, pod } = place;
  local.process = process;
  void process.ended.then(({ code, reason }) => {
    if (local.process !== process) return;
    delete local.process;
    ended(place, container, local, code, reason);
    place.changed();
  });
  const forever = pod.spec.restartPolicy === 'Always';
  void cluster.parts.busy(atMost(forever ? process.heard : process.ended, forever ? 10_000 : 30_000));
}

function ended(place: Place, container: Container, local: LocalContainer, code: number, reason?: string): void {
  const { cluster, pod } = place;
  const { status } = local;
  const terminated: NonNullable<ContainerState['terminated']> = {
    exitCode: code,
    reason: reason ?? (code === 0 ? 'Completed' : 'Error'),
    startedAt: status.state.running?.startedAt ?? place.time(),
    finishedAt: place.time(),
    ...(status.containerID && { containerID: status.containerID }),
  };
  status.ready = false;
  status.started = false;
  const init = (pod.spec.initContainers ?? []).includes(container);
  const policy = pod.spec.restartPolicy;
  const again = (policy === 'Always' && !init) || (code !== 0 && policy !== 'Never');
  if (!again) {
    status.state = { terminated };
    return;
  }
  // The first restart is immediate, then 10 s, 20 s … up to five minutes, as the kubelet does.
  const pause = status.restartCount === 0 ? 0 : Math.min(10_000 * 2 ** (status.restartCount - 1), 300_000);
  local.notBefore = cluster.parts.clock.now().getTime() + pause;
  status.lastState = { terminated };
  if (pause === 0) {
    status.state = { terminated };
    return;
  }
  const where = `${container.name} in pod ${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
  status.state = {
    waiting: {
      reason: 'CrashLoopBackOff',
      message: `back-off ${pause / 1000}s restarting failed container=${container.name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`,
    },
  };
  cluster.note(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${where}`, COMPONENT);
}

/**
 * Whether a running container is ready. An exec probe that is a node script is run until it succeeds once; any other
 * probe counts as passed.
 */
export function probe(place: Place, container: Container, local: LocalContainer): void {
  const { cluster, pod } = place;
  const { status } = local;
  if (!status.state.running || status.ready) return;
  const command = container.readinessProbe?.exec?.command;
  const args = command && scriptOf(place, container, command);
  if (!args) {
    status.ready = local.process?.healthy?.() ?? true;
    return;
  }
  const now = cluster.parts.clock.now().getTime();
  if (local.probing || now < local.probeAt) return;
  local.probing = true;
  const { toHost } = pathsOf(place.folder, container);
  local.env ??= environmentOf(cluster, pod, container);
  const { env } = local;
  const led = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, toHost(value)]));
  const { access } = cluster.parts;
  const start = () =>
    run({
      folder: place.folder,
      pod: fullName(pod),
      args,
      env: led,
      access,
      ports: portsOf(place),
      egress: cluster.state.egress,
    });
  // A script's start takes real time but none of the simulated: a probe before its first word would come too early.
  const begun = local.process ? atMost(local.process.heard, 10_000) : Promise.resolve();
  const done = begun
    .then(() => start().ended)
    .then(({ code, output }) => {
      local.probing = false;
      if (!status.state.running) return;
      status.ready = code === 0;
      if (code !== 0) {
        const period = (container.readinessProbe?.periodSeconds ?? 10) * 1000;
        local.probeAt = cluster.parts.clock.now().getTime() + period;
        cluster.note(pod, 'Warning', 'Unhealthy', `Readiness probe failed: ${output.slice(0, 500)}`, COMPONENT);
      }
      place.changed();
    });
  void cluster.parts.busy(atMost(done, 30_000));
}

/** Resolves with the promise or after so many real milliseconds: a script that hangs must not stop simulated time. */
export function atMost(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    timer.unref();
    void promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
