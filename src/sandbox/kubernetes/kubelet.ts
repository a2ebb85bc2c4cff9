import { appendFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { atMost, freshContainer, type LocalContainer, type Place, probe, scriptOf, start } from './container.ts';
import { classesOf } from './csi/classes.ts';
import { rotationInterval, unpublish } from './csi/driver.ts';
import { isDaprd } from './dapr/daprd.ts';
import { type Door, openDoor } from './dapr/door.ts';
import { kindNamed } from './kinds.ts';
import type { Container, Pod, Resource, Volume } from './model.ts';
import { MountError } from './mount-error.ts';
import { exists, logFile, podFolder, removeFolder, writeVolume } from './pod-folder.ts';
import { podStatus } from './pod-status.ts';
import { contentOf, shortestToken } from './volumes.ts';

/** The nodes' agent: schedules, mounts, runs and ends pods. */
export interface Kubelet {
  /** Brings a pod one step on; called whenever something about it may have changed. */
  sync(namespace: string, name: string): Promise<void>;
  /** The log of a container, its last lines. Waits until a script that was just started has said something. */
  log(pod: Pod, container: string, tail: number | undefined): Promise<string>;
  /** A line in the log of a container that is simulated, not run. */
  say(pod: Pod, container: string, line: string): void;
  /** A ConfigMap or Secret changed: pods that mount it see it after a while. */
  changed(object: Resource): void;
  /** Starts the scripts of pods that ran when the sandbox was closed. */
  wake(namespace: string | undefined): void;
  stop(): Promise<void>;
}

interface Local {
  readonly uid: string;
  readonly folder: string;
  readonly containers: Map<string, LocalContainer>;
  /** Where its sidecar is reached, if it has one. */
  door: Door | undefined;
  mounted: boolean;
  attempts: number;
  /** Simulated time before which mounting is not tried again, milliseconds. */
  mountAt: number;
  /** Simulated times at which volumes are read again, milliseconds. */
  tokensAt: number | undefined;
  rotationAt: number | undefined;
  contentAt: number | undefined;
}

const usesObjects = ({ configMap, secret, projected }: Volume) =>
  configMap || secret || projected?.sources?.some((source) => source.configMap || source.secret);

/** How long the kubelet takes to bring a changed ConfigMap into a volume (its sync period). */
const CONTENT_DELAY = 60_000;

export function createKubelet(cluster: () => Cluster, known: readonly Pod[]): Kubelet {
  const locals = new Map<string, Local>();
  const dormant = new Set(known.filter((pod) => pod.status?.phase === 'Running').map((pod) => pod.metadata.uid));
  const pods = () => join(dirname(cluster().parts.access.caFile), 'pods');
  const keyOf = (pod: Pod) => `${pod.metadata.namespace}/${pod.metadata.name}`;
  const now = () => cluster().parts.clock.now().getTime();
  const time = () => new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const again = (pod: Pod) => cluster().queue.add(`Pod ${keyOf(pod)}`);
  const later = (pod: Pod, milliseconds: number) =>
    cluster().queue.later(`Pod ${keyOf(pod)}`, Math.max(milliseconds, 0));

  const end = (key: string): void => {
    const local = locals.get(key);
    locals.delete(key);
    if (!local) return;
    for (const container of local.containers.values()) {
      const { process } = container;
      delete container.process;
      process?.kill();
    }
    local.door?.close();
    removeFolder(local.folder);
  };

  const localOf = (pod: Pod): Local => {
    const key = keyOf(pod);
    const found = locals.get(key);
    if (found && found.uid === pod.metadata.uid) return found;
    end(key);
    const fresh: Local = {
      uid: pod.metadata.uid ?? '',
      folder: podFolder(pods(), pod),
      containers: new Map(),
      door: undefined,
      mounted: false,
      attempts: 0,
      mountAt: 0,
      tokensAt: undefined,
      rotationAt: undefined,
      contentAt: undefined,
    };
    locals.set(key, fresh);
    return fresh;
  };

  const placeOf = (pod: Pod, local: Local): Place => ({
    cluster: cluster(),
    pod,
    folder: local.folder,
    door: local.door,
    changed: () => again(pod),
    time,
  });

  const schedule = (pod: Pod): void => {
    const selector = Object.entries((pod.spec.nodeSelector ?? {}) as Record<string, string>);
    const nodes = cluster().store.list(kindNamed('Node'));
    const node = nodes.find(({ metadata }) => selector.every(([key, value]) => metadata.labels?.[key] === value));
    if (!node) {
      const none = `${nodes.length} node(s) didn't match Pod's node affinity/selector`;
      const why = nodes.length === 0 ? 'no nodes available to schedule pods' : none;
      const text = `0/${nodes.length} nodes are available: ${why}.`;
      cluster().note(pod, 'Warning', 'FailedScheduling', text, 'default-scheduler');
      later(pod, 30_000);
      return;
    }
    const name = node.metadata.name;
    cluster().registry.edit(pod, 'kube-scheduler', (copy) => {
      copy.spec.nodeName = name;
    });
    const text = `Successfully assigned ${keyOf(pod)} to ${name}`;
    cluster().note(pod, 'Normal', 'Scheduled', text, 'default-scheduler');
  };

  /** Mounts everything, or notes what stands in the way and comes back. */
  const mount = async (pod: Pod, local: Local): Promise<boolean> => {
    if (now() < local.mountAt) {
      later(pod, local.mountAt - now());
      return false;
    }
    for (const volume of pod.spec.volumes ?? []) {
      try {
        writeVolume(local.folder, volume.name, await contentOf(cluster(), pod, volume));
      } catch (error) {
        if (!(error instanceof MountError)) throw error;
        const text = `MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`;
        cluster().note(pod, 'Warning', 'FailedMount', text, 'kubelet');
        const pause = Math.min(500 * 2 ** local.attempts, 122_000);
        local.mountAt = now() + pause;
        local.attempts += 1;
        later(pod, pause);
        return false;
      }
    }
    local.mounted = true;
    local.attempts = 0;
    return true;
  };

  /** Reads volumes again when they are due. Errors are masked, as in the driver v1.6: the old files stay. */
  const refresh = async (pod: Pod, local: Local): Promise<void> => {
    const due = (at: number | undefined) => at !== undefined && at <= now();
    // Whoever has switched rotation off meanwhile gets no last one.
    const interval = classesOf(pod).length > 0 ? rotationInterval(cluster()) : undefined;
    if (interval === undefined) local.rotationAt = undefined;
    const [tokens, rotation, content] = [due(local.tokensAt), due(local.rotationAt), due(local.contentAt)];
    for (const volume of pod.spec.volumes ?? []) {
      const wanted = (volume.projected && tokens) || (volume.csi && rotation) || (content && usesObjects(volume));
      if (!wanted) continue;
      try {
        writeVolume(local.folder, volume.name, await contentOf(cluster(), pod, volume));
      } catch (error) {
        if (!(error instanceof MountError)) throw error;
      }
    }
    const lifetime = shortestToken(pod);
    if (lifetime !== undefined && (tokens || local.tokensAt === undefined)) local.tokensAt = now() + lifetime * 800;
    if (interval !== undefined && (rotation || local.rotationAt === undefined)) local.rotationAt = now() + interval;
    if (content) local.contentAt = undefined;
    const next = [local.tokensAt, local.rotationAt, local.contentAt].filter((at) => at !== undefined);
    if (next.length > 0) later(pod, Math.min(...next) - now());
  };

  const containerOf = (pod: Pod, local: Local, container: Container): LocalContainer => {
    const found = local.containers.get(container.name);
    if (found) return found;
    const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const fresh = freshContainer(
      container,
      statuses.find((status) => status.name === container.name),
    );
    const command = [...(container.command ?? []), ...(container.args ?? [])];
    const { state, lastState } = fresh.status;
    if (state.running && (isDaprd(container) || scriptOf(placeOf(pod, local), container, command))) {
      // It ended with the sandbox that ran it.
      const { startedAt } = state.running;
      const terminated = { exitCode: 137, reason: 'Error', startedAt, finishedAt: time() };
      fresh.wasReady = fresh.status.ready;
      fresh.status = { ...fresh.status, state: { terminated }, lastState: { ...lastState, terminated }, ready: false };
    }
    local.containers.set(container.name, fresh);
    return fresh;
  };

  /** Starts what waits and is due, and asks whether it is ready. */
  const advance = (pod: Pod, local: Local, container: Container, init: boolean): void => {
    const each = containerOf(pod, local, container);
    const { status } = each;
    const over = status.state.terminated;
    const policy = pod.spec.restartPolicy;
    const done = over && ((over.exitCode === 0 && (init || policy !== 'Always')) || policy === 'Never');
    if (!status.state.running && !done) {
      if (now() < each.notBefore) {
        later(pod, each.notBefore - now());
        return;
      }
      if (over) status.lastState = { terminated: over };
      start(placeOf(pod, local), container, each, status.lastState.terminated !== undefined);
      // The sandbox was away, and not the pod: whoever looks at it first finds it as ready as it was.
      if (each.wasReady && status.state.running) status.ready = true;
      each.wasReady = false;
      if (each.notBefore > now()) later(pod, each.notBefore - now());
    }
    // Init containers that are not run are taken as done: nothing of theirs would ever end.
    if (init && status.state.running && !each.process) {
      const { startedAt } = status.state.running;
      status.state = { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: time() } };
    }
    if (!init) {
      probe(placeOf(pod, local), container, each);
      if (status.state.running && !status.ready && each.probeAt > now()) later(pod, each.probeAt - now());
    }
  };

  const runContainers = (pod: Pod, local: Local): void => {
    for (const container of pod.spec.initContainers ?? []) {
      advance(pod, local, container, true);
      const { state } = containerOf(pod, local, container).status;
      if (state.terminated?.exitCode !== 0) return;
    }
    for (const container of pod.spec.containers) advance(pod, local, container, false);
  };

  const report = (pod: Pod, local: Local): void => {
    cluster().registry.edit(
      pod,
      'kubelet',
      (copy) => {
        const statusOf = (container: Container) => structuredClone(containerOf(pod, local, container).status);
        const node = cluster().store.get(kindNamed('Node'), undefined, pod.spec.nodeName ?? '');
        copy.status = podStatus(copy, {
          now: new Date(now()),
          started: local.mounted,
          hostIP: String(node?.metadata.annotations?.['sandbox/internal-ip'] ?? '10.224.0.4'),
          containers: pod.spec.containers.map(statusOf),
          init: (pod.spec.initContainers ?? []).map(statusOf),
        });
      },
      'status',
    );
  };

  return {
    async sync(namespace, name) {
      const key = `${namespace}/${name}`;
      const { store } = cluster();
      const kind = kindNamed('Pod');
      const pod = store.get(kind, namespace, name) as Pod | undefined;
      if (!pod) return end(key);
      if (pod.metadata.deletionTimestamp) {
        localOf(pod);
        end(key);
        unpublish(cluster(), pod);
        if ((pod.metadata.finalizers ?? []).length === 0) store.remove(kind, pod);
        return;
      }
      if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
      if (!pod.spec.nodeName) return schedule(pod);
      if (dormant.has(pod.metadata.uid)) return;
      const local = localOf(pod);
      const ready = local.mounted || (await mount(pod, local));
      // While it was mounting, the pod may have gone.
      if (locals.get(key) !== local) return;
      if (ready) {
        await refresh(pod, local);
        if (pod.spec.containers.some(isDaprd) && !local.door) {
          const door = await openDoor(cluster().parts);
          if (locals.get(key) !== local) return door.close();
          local.door = door;
        }
        if (locals.get(key) !== local || cluster().registry.current(pod)?.metadata.deletionTimestamp) return;
        runContainers(pod, local);
      }
      report(pod, local);
    },

    async log(pod, container, tail) {
      const local = locals.get(keyOf(pod));
      const process = local?.containers.get(container)?.process;
      if (process) await atMost(process.heard, 10_000);
      const file = logFile(local?.folder ?? podFolder(pods(), pod), container);
      const text = exists(file) ? readFileSync(file, 'utf8') : '';
      if (tail === undefined) return text;
      const lines = text.split('\n');
      const last = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
      return last
        .slice(Math.max(last.length - tail, 0))
        .map((line) => `${line}\n`)
        .join('');
    },

    say(pod, container, line) {
      appendFileSync(logFile(localOf(pod).folder, container), `${line}\n`);
    },

    changed(object) {
      for (const pod of cluster().store.list(kindNamed('Pod'), object.metadata.namespace) as readonly Pod[]) {
        const name = object.metadata.name;
        const uses = (pod.spec.volumes ?? []).some(({ secret, configMap, projected: { sources = [] } = {} }) =>
          object.kind === 'Secret'
            ? [secret?.secretName, ...sources.map((source) => source.secret?.name)].includes(name)
            : [configMap, ...sources.map((source) => source.configMap)].some((each) => each?.name === name),
        );
        const local = locals.get(keyOf(pod));
        if (!uses || !local?.mounted) continue;
        local.contentAt ??= now() + CONTENT_DELAY;
        later(pod, CONTENT_DELAY);
      }
    },

    wake(namespace) {
      for (const pod of cluster().store.list(kindNamed('Pod'), namespace) as readonly Pod[]) {
        if (dormant.delete(pod.metadata.uid)) again(pod);
      }
    },

    async stop() {
      for (const { door } of locals.values()) door?.close();
      const running = [...locals.values()].flatMap((local) =>
        [...local.containers.values()].flatMap((container) => {
          const { process } = container;
          // Its end is no news for the pod: the sandbox closes.
          delete container.process;
          process?.kill();
          return process ? [process.ended] : [];
        }),
      );
      await Promise.all(running);
    },
  };
}
