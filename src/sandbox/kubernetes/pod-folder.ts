import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container, Pod } from './model.ts';
import type { Files } from './volumes.ts';

/*
 * A pod's folder: volumes/<name>/… for its files, tmp/, and one log per container. Only this machine's user reads it
 * (0700, 0600): projected tokens and secret values lie there in clear.
 */
const volumeFolder = (folder: string, volume: string): string => join(folder, 'volumes', volume);
export const logFile = (folder: string, container: string): string => join(folder, `${container}.log`);
export const temporary = (folder: string): string => join(folder, 'tmp');

export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** A process that is being ended may still write into it: then it is tried again. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 });
}

/** Writes what changed, each file whole or not at all, so that a reader never sees half a value. */
export function writeVolume(folder: string, volume: string, files: Files): void {
  const root = volumeFolder(folder, volume);
  makeFolder(root);
  for (const [path, content] of files) {
    const target = join(root, path);
    makeFolder(dirname(target));
    const fresh = `${target}.new`;
    writeFileSync(fresh, content, { mode: 0o600 });
    renameSync(fresh, target);
  }
}

/** Leads paths below a container's mounts to the pod's folder. */
export function pathsOf(
  folder: string,
  container: Container,
): { toHost(text: string): string; mounted(path: string): boolean } {
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => b.mountPath.length - a.mountPath.length);
  const mountOf = (path: string) =>
    mounts.find(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath.replace(/\/$/, '')}/`));
  return {
    mounted: (path) => mountOf(path) !== undefined,
    toHost(text) {
      const mount = mountOf(text);
      // What other programs mount there is in no pod here, and no file of this machine stands in for it.
      if (!mount) return text.startsWith('/var/run/secrets/') ? join(folder, 'not-mounted', text) : text;
      const root = join(volumeFolder(folder, mount.name), mount.subPath ?? '');
      // A single file mounted by subPath is itself the mount.
      const rest = text.slice(mount.mountPath.replace(/\/$/, '').length);
      return rest === '' ? root : join(root, rest);
    },
  };
}

export const podFolder = (pods: string, pod: Pod): string => join(pods, pod.metadata.uid ?? '');

export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
