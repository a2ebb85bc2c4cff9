import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Running, startContainer } from './container.ts';
import { ConfigError, environmentOf } from './environment.ts';
import { type Image, isProgram } from './images.ts';
import { openLog } from './log.ts';
import type { Container, ContainerState, Pod } from './model.ts';
import { now } from './model.ts';
import type { Node } from './node.ts';
import { keepAsking } from './probes.ts';
import type { Told } from './status.ts';
import { volumePath } from './volumes.ts';

/** A container as it is now. */
export interface Living extends Told {
  state: ContainerState;
  lastState: ContainerState;
  restarts: number;
  ready: boolean;
  started: boolean;
  id: string | undefined;
  running: Running | undefined;
}

interface Place {
  readonly node: Node;
  pod(): Pod;
  report(): Promise<void>;
  /** The pod is to end. */
  readonly signal: AbortSignal;
}

export const newLiving = (container: Container): Living => ({
  container,
  state: { waiting: { reason: 'ContainerCreating' } },
  lastState: {},
  restarts: 0,
  ready: false,
  started: false,
  id: undefined,
  running: undefined,
});

/** Pauses before a container is started again, milliseconds. The kubelet's are 10 s, 20 s, up to 5 min. */
const backOff = (restarts: number) => Math.min(1000 * 2 ** restarts, 10_000);
/** How often is tried what needs a Secret or a ConfigMap that is not there. */
const CONFIG_PAUSE = 1000;

/** When the container has started, or its startup probe has succeeded. */
export async function started(living: Living): Promise<void> {
  while (!living.started) await delay(50);
}

/** Runs a container as often as its policy asks, until that or the pod ends. */
export async function live(place: Place, living: Living, as: 'init' | 'main'): Promise<void> {
  const { signal, node } = place;
  const { container } = living;
  const pause = (milliseconds: number) => delay(milliseconds, undefined, { signal, ref: false }).catch(() => {});
  while (!signal.aborted) {
    const { running, image } = await begin(place, living);
    if (!running) {
      if (image === 'refused') await pause(CONFIG_PAUSE);
      continue;
    }
    const startedAt = now();
    living.id = `lab://${randomUUID().replaceAll('-', '')}`;
    living.running = running;
    living.state = { running: { startedAt } };
    const asking = new AbortController();
    watchProbes(place, living, running, asking, as);
    await place.report();
    const exitCode = await running.ended;
    asking.abort();
    const terminated = {
      ...{ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt, finishedAt: now() },
      containerID: living.id,
    };
    living.running = undefined;
    living.ready = as === 'init' && exitCode === 0 && container.restartPolicy !== 'Always';
    living.started = false;
    living.state = { terminated };
    await place.report();
    if (signal.aborted || !isRestarted(place.pod(), container, as, exitCode)) return;
    const text = `back-off restarting failed container=${container.name} pod=${place.pod().metadata.name}_${place.pod().metadata.namespace}(${place.pod().metadata.uid})`;
    living.lastState = { terminated };
    living.state = { waiting: { reason: 'CrashLoopBackOff', message: text } };
    node.record(
      place.pod(),
      'Warning',
      'BackOff',
      text.replace(/^b/, 'B').replace(/container=(\S+) pod=/, 'container $1 in pod '),
    );
    await place.report();
    await pause(backOff(living.restarts));
    living.restarts += 1;
  }
}

function isRestarted(pod: Pod, container: Container, as: 'init' | 'main', exitCode: number): boolean {
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  if (exitCode !== 0) return true;
  return policy === 'Always' && (as === 'main' || container.restartPolicy === 'Always');
}

/** Starts it, or says in its state what keeps it from starting. */
async function begin(
  place: Place,
  living: Living,
): Promise<{ readonly running?: Running; readonly image?: 'refused' }> {
  const { node } = place;
  const pod = place.pod();
  const { container } = living;
  const refuse = async (reason: string, message: string, event: string) => {
    const { waiting } = living.state;
    living.state = { waiting: { reason, message } };
    if (waiting?.message !== message) node.record(pod, 'Warning', 'Failed', event);
    await place.report();
    return { image: 'refused' } as const;
  };
  const image = node.imageOf(container);
  if (!image) {
    const message = `the lab's node has no image "${container.image}"`;
    return refuse('ErrImagePull', message, `Failed to pull image "${container.image}": ${message}`);
  }
  try {
    const env = await environmentOf(node, pod, container);
    if (!isProgram(image)) return { running: await standIn(place, living, image) };
    const running = await startContainer(node, { pod, container, image, env, restarts: living.restarts });
    node.record(pod, 'Normal', 'Started', 'Container started');
    return { running };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return refuse('CreateContainerConfigError', error.message, `Error: ${error.message}`);
  }
}

/** What the agent does itself, in the shape of a process. */
async function standIn(
  { node, pod }: Place,
  { container, restarts }: Living,
  image: Exclude<Image, { files: unknown }>,
): Promise<Running> {
  const log = openLog(node, pod(), container.name, restarts);
  const path = (inside: string) => {
    const mount = (container.volumeMounts ?? []).find(({ mountPath }) => inside.startsWith(mountPath));
    const volume = (pod().spec.volumes ?? []).find(({ name }) => name === mount?.name);
    if (!mount || !volume) throw new ConfigError(`nothing is mounted at ${inside}`);
    return node.host(volumePath(pod(), volume)) + inside.slice(mount.mountPath.length);
  };
  const end = await image.begin({ pod: pod(), container, path, log: (line) => log.write('stdout', `${line}\n`) });
  let over: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    over = resolve;
  });
  return {
    ended,
    signal: () => void Promise.resolve(end()).finally(() => over(0)),
    exec: () => Promise.reject(new ConfigError('what the agent does itself runs no commands')),
  };
}

/** Startup, then readiness and liveness; a container without them is ready once it runs. */
function watchProbes(
  place: Place,
  living: Living,
  running: Running,
  asking: AbortController,
  as: 'init' | 'main',
): void {
  const { node, report } = place;
  const { container } = living;
  const { startupProbe, readinessProbe, livenessProbe } = container;
  const unhealthy = (which: string) => (message: string) =>
    node.record(place.pod(), 'Warning', 'Unhealthy', `${which} probe failed: ${message}`);
  const kill = (which: string) => {
    node.record(
      place.pod(),
      'Normal',
      'Killing',
      `Container ${container.name} failed ${which} probe, will be restarted`,
    );
    running.signal('SIGTERM');
    delay((place.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000, undefined, { ref: false }).then(() =>
      running.signal('SIGKILL'),
    );
  };
  const watch = (probe: NonNullable<typeof startupProbe>, which: string, turned: (well: boolean) => void) =>
    void keepAsking(container, probe, running, { turned, failed: unhealthy(which), signal: asking.signal }).catch(
      (error: unknown) => {
        node.complain(`${place.pod().metadata.name}: ${(error as Error).message}`);
      },
    );
  const begin = () => {
    living.started = true;
    if (as === 'main' || container.restartPolicy === 'Always') living.ready = !readinessProbe;
    if (readinessProbe)
      watch(readinessProbe, 'Readiness', (well) => {
        living.ready = well;
        void report();
      });
    if (livenessProbe) watch(livenessProbe, 'Liveness', (well) => (well ? undefined : kill('liveness')));
    void report();
  };
  if (!startupProbe) {
    begin();
    return;
  }
  watch(startupProbe, 'Startup', (well) => {
    if (!well) kill('startup');
    else if (!living.started) begin();
  });
}
