import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from './api.ts';
import { type Living, live, newLiving, started } from './containers.ts';
import { isRepublished } from './csi.ts';
import { now, type Pod, type Volume } from './model.ts';
import { MountError, type Node, nameOf, podPath } from './node.ts';
import { phaseOf, statusOf } from './status.ts';
import { setUp, tearDown } from './volumes.ts';

/** A pod on its way through its life. */
export interface PodWorker {
  readonly containers: readonly Living[];
  pod(): Pod;
  /** The API server has another version of it. */
  update(pod: Pod): void;
  /** It is no longer in the API: ends at once. */
  gone(): void;
}

/** How long until what failed is tried again, milliseconds. The kubelet's grows up to two minutes; nobody waits so long here. */
const again = (attempt: number) => Math.min(500 * 2 ** attempt, 4000);
/** How often volumes are looked at again. The kubelet does so about once a minute. */
const REFRESH = 2000;

/** Takes a pod over that was bound to the node: mounts, runs, tells, and at its end takes all of it away. */
export function workOn(node: Node, first: Pod): PodWorker {
  let pod = first;
  let told = '';
  let writing = Promise.resolve();
  let mounted = false;
  let over = false;
  const startTime = now();
  const ending = new AbortController();
  const signal = ending.signal;
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  let grace: number | undefined;
  const init = (pod.spec.initContainers ?? []).map(newLiving);
  const main = pod.spec.containers.map(newLiving);
  const all = [...init, ...main];
  const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;

  const report = () => {
    writing = writing.then(async () => {
      const whole = { init, main, mounted, ip: node.addressOf(pod), nodeIp: node.ip };
      const status = statusOf(pod, whole, startTime);
      const text = JSON.stringify(status);
      if (text === told) return;
      try {
        await node.api.patch(`${path}/status`, { metadata: { uid: pod.metadata.uid }, status });
        told = text;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    });
    return writing;
  };
  const place = { node, pod: () => pod, report, signal };

  const mountAll = async () => {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        for (const volume of pod.spec.volumes ?? []) await named(volume, () => setUp(node, pod, volume, false));
        mounted = true;
        return;
      } catch (error) {
        node.record(pod, 'Warning', 'FailedMount', (error as Error).message);
      }
      await delay(again(attempt), undefined, { signal }).catch(() => {});
    }
  };

  const refresh = async () => {
    while (!signal.aborted && !over) {
      await delay(REFRESH, undefined, { signal, ref: false }).catch(() => {});
      for (const volume of pod.spec.volumes ?? []) {
        if (signal.aborted || over) return;
        if (volume.csi && !(await isRepublished(node, volume.csi).catch(() => false))) continue;
        try {
          await named(volume, () => setUp(node, pod, volume, true));
        } catch (error) {
          node.record(pod, 'Warning', 'FailedMount', (error as Error).message);
        }
      }
    }
  };

  const unmountAll = async () => {
    for (const volume of pod.spec.volumes ?? []) {
      // As the kubelet, it never gives up what it has mounted: such a pod waits until its driver is back.
      for (let attempt = 0; ; attempt += 1) {
        try {
          await tearDown(node, pod, volume);
          break;
        } catch (error) {
          if (!mounted) break;
          node.complain(`${nameOf(pod)}: ${(error as Error).message}`);
          await delay(again(attempt));
        }
      }
    }
    rmSync(node.host(podPath(pod)), { recursive: true, force: true });
  };

  const life = async () => {
    await report();
    await mountAll();
    if (signal.aborted) return;
    void refresh();
    await report();
    const sidecars: Promise<void>[] = [];
    for (const each of init) {
      const lives = live(place, each, 'init');
      if (each.container.restartPolicy === 'Always') {
        sidecars.push(lives);
        await Promise.race([started(each), lives]);
      } else await lives;
      if (signal.aborted || phaseOf(pod, { init, main }) === 'Failed') return;
    }
    await Promise.all(main.map((each) => live(place, each, 'main')));
    for (const each of init) each.running?.signal('SIGTERM');
    await Promise.all(sidecars);
  };

  const stop = async () => {
    const seconds = grace ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    for (const each of all) each.running?.signal('SIGTERM');
    const hard = delay(seconds * 1000, undefined, { ref: false }).then(() => {
      for (const each of all) each.running?.signal('SIGKILL');
    });
    const ended = Promise.all(all.map((each) => each.running?.ended));
    await Promise.race([ended, hard]);
    await ended;
  };

  const whole = async () => {
    const lived = life();
    await Promise.race([lived, aborted]);
    if (signal.aborted) await stop();
    await lived;
    over = true;
    await report();
    await unmountAll();
    await aborted;
    await node.forget(pod);
    await node.api
      .remove(path, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } })
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
      });
  };
  whole().catch((error: unknown) => node.complain(`${nameOf(pod)}: ${(error as Error).stack}`));

  return {
    containers: all,
    pod: () => pod,
    update(newer) {
      pod = newer;
      if (!newer.metadata.deletionTimestamp) return;
      grace = newer.metadata.deletionGracePeriodSeconds;
      ending.abort();
    },
    gone() {
      grace = 0;
      ending.abort();
      for (const each of all) each.running?.signal('SIGKILL');
    },
  };
}

async function named(volume: Volume, make: () => Promise<void>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!(error instanceof MountError || error instanceof ApiError)) throw error;
    throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
  }
}
