import { spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { remember, run } from '../processes.ts';
import { resolvConf } from './dns.ts';
import { ConfigError, expanded } from './environment.ts';
import type { Program } from './images.ts';
import { type Log, openLog } from './log.ts';
import type { Container, Pod, VolumeMount } from './model.ts';
import type { Node } from './node.ts';
import { volumePath } from './volumes.ts';

/** A container's main process. */
export interface Running {
  /** When it has ended: by itself with a code, or by a signal as 128 and its number. */
  readonly ended: Promise<number>;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Runs a command in the same root, as the same user, with the same variables. */
  exec(command: readonly string[]): ReturnType<typeof run>;
}

interface Wanted {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: Program;
  readonly env: Readonly<Record<string, string>>;
  /** How often it was started before: its log's name. */
  readonly restarts: number;
}

/** Folders of the system that a container sees as they are on this machine; nothing can be mounted below them. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/proc', '/dev'];

/**
 * Starts a container: a process in a mount namespace of its own, whose root is an empty tmpfs with this machine's programs
 * and the pod's volumes in it. Network and processes are those of the node. Throws a ConfigError for what the kubelet
 * would refuse, or this node cannot do.
 */
export async function startContainer(node: Node, wanted: Wanted): Promise<Running> {
  const { pod, container, image, env, restarts } = wanted;
  const command = container.command ?? image.entrypoint;
  if (!command) throw new ConfigError(`the lab's node has no image ${container.image}, and the container no command`);
  const all = { ...image.env, ...env };
  const argv = [...command, ...(container.args ?? [])].map((each) => expanded(each, all));
  const variables = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  const place = ['/usr/bin/env', '-i', `--chdir=${container.workingDir || '/'}`, ...variables];
  const user = userOf(pod, container, image);
  const log = openLog(node, pod, container.name, restarts);
  const propagation = (container.volumeMounts ?? []).some(isBidirectional) ? 'unchanged' : 'slave';
  const script = scriptOf(node, pod, container, image);
  const child = spawn(
    '/usr/bin/unshare',
    ['--mount', '--propagation', propagation, '/bin/sh', '-c', script, 'sh', ...user, ...place, ...argv],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
  const ended = endOf(child, log);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => log.write('stdout', text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => log.write('stderr', text));
  await Promise.race([new Promise((resolve) => child.stdio[3]?.once('data', resolve)), ended]);
  if (image.called) {
    const measure = setInterval(() => remember(image.called ?? '', child.pid), 500).unref();
    void ended.then(() => clearInterval(measure));
  }
  return {
    ended,
    signal(signal) {
      try {
        // Its whole group: a shell may have started others.
        process.kill(-(child.pid ?? 0), signal);
      } catch {
        // It has ended.
      }
    },
    exec: (words) =>
      run('/usr/bin/nsenter', ['--target', String(child.pid), '--mount', '--root', ...user, ...place, ...words]),
  };
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

const endOf = (child: ReturnType<typeof spawn>, log: Log) =>
  new Promise<number>((resolve) => {
    child.once('error', ({ message }) => {
      log.write('stderr', `${message}\n`);
      resolve(128);
    });
    child.once('close', (code, signal) => {
      log.close();
      resolve(code ?? 128 + (SIGNALS[signal ?? ''] ?? 0));
    });
  });

const isBidirectional = ({ mountPropagation }: VolumeMount): boolean => mountPropagation === 'Bidirectional';

/** Words that become the container's user, with the groups of the pod. */
function userOf({ spec }: Pod, { securityContext }: Container, image: Program): string[] {
  const of = spec.securityContext ?? {};
  const user = securityContext?.runAsUser ?? of.runAsUser ?? image.user ?? 0;
  if (user === 0 && (securityContext?.runAsNonRoot ?? of.runAsNonRoot))
    throw new ConfigError('container has runAsNonRoot and image will run as root');
  const group = securityContext?.runAsGroup ?? of.runAsGroup ?? 0;
  const groups = [...(of.fsGroup === undefined ? [] : [of.fsGroup]), ...(of.supplementalGroups ?? [])];
  const words = groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups';
  return ['/usr/bin/setpriv', `--reuid=${user}`, `--regid=${group}`, words];
}

/** Makes the root and changes into it, then runs what it was given. Ends with 125 when that fails. */
function scriptOf(node: Node, pod: Pod, container: Container, image: Program): string {
  const root = node.root;
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => a.mountPath.length - b.mountPath.length);
  const readOnlyRoot = container.securityContext?.readOnlyRootFilesystem === true;
  return [
    'set -e',
    "trap '[ $? = 0 ] || exit 125' EXIT",
    `R=${quoted(root)}`,
    'mount -t tmpfs -o mode=0755 lab "$R"',
    'for d in usr bin sbin lib lib32 lib64 libx32; do',
    '  if [ -L "/$d" ]; then cp -P "/$d" "$R/$d"; elif [ -d "/$d" ]; then mkdir "$R/$d"; mount --rbind "/$d" "$R/$d"; fi',
    'done',
    'for d in proc dev; do mkdir "$R/$d"; mount --rbind "/$d" "$R/$d"; done',
    'mkdir -p "$R/etc" "$R/run" "$R/var"; mkdir -m 1777 "$R/tmp"; ln -s ../run "$R/var/run"',
    'for f in passwd group; do cp "/etc/$f" "$R/etc/$f"; done',
    `printf %s ${quoted('hosts: files dns\n')} > "$R/etc/nsswitch.conf"`,
    `printf %s ${quoted(resolvConf(pod.metadata.namespace ?? '', pod.spec.hostNetwork === true))} > "$R/etc/resolv.conf"`,
    ': > "$R/etc/hosts"; mount --bind /etc/hosts "$R/etc/hosts"',
    ...Object.entries(image.files).map(([inside, file]) => bind(file, inside, true)),
    ...mounts.map((each) => mountLine(node, pod, each)),
    ...(readOnlyRoot ? ['mount -o remount,bind,ro "$R"'] : []),
    'trap - EXIT',
    // From within, so that nobody asks it anything before it is what it should be.
    `exec chroot "$R" /bin/sh -c 'echo >&3; exec 3>&-; exec "$@"' sh "$@"`,
  ].join('\n');
}

function mountLine(node: Node, pod: Pod, mount: VolumeMount): string {
  const volume = (pod.spec.volumes ?? []).find(({ name }) => name === mount.name);
  if (!volume) throw new ConfigError(`no volume is named ${mount.name}`);
  const below = SYSTEM.find((each) => mount.mountPath === each || mount.mountPath.startsWith(`${each}/`));
  if (below) throw new ConfigError(`the lab's node mounts nothing below ${below}`);
  const source = join(node.host(volumePath(pod, volume)), mount.subPath ?? '');
  if (mount.subPath && !statSync(source, { throwIfNoEntry: false })) mkdirSync(source, { recursive: true });
  return bind(source, mount.mountPath, mount.readOnly === true);
}

function bind(source: string, inside: string, readOnly: boolean): string {
  const [from, to] = [quoted(source), `"$R"${quoted(inside)}`];
  const place = `if [ -d ${from} ]; then mkdir -p ${to}; else mkdir -p "$(dirname ${to})"; [ -e ${to} ] || : > ${to}; fi`;
  return `${place}; mount --rbind ${from} ${to}${readOnly ? `; mount -o remount,bind,ro ${to}` : ''}`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
