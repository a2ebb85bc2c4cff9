import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Access } from '../parts.ts';
import type { Egress } from './egress.ts';
import { makeFolder, temporary } from './pod-folder.ts';
import { PRELOAD } from './preload.ts';

export interface Script {
  /** The pod's folder: all that the process may see of the disk. */
  readonly folder: string;
  /** `shop/orders-7d9f-x2x4z`, for the request log. */
  readonly pod: string;
  /** Script and arguments, led to the pod's folder. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly access: Access;
  /** Ports of the pod's own that stand elsewhere on this machine: 3500 of its sidecar. */
  readonly ports?: Readonly<Record<number, number>>;
  /** What the cluster's nodes do not reach. */
  readonly egress?: Egress | undefined;
  /** Where stdout and stderr go. Absent: only to `ended`. */
  readonly log?: string;
}

export interface Running {
  /** Resolves at the first output or the end, whichever comes first. */
  readonly heard: Promise<void>;
  /** Exit code as a container has it: 128 + signal for one that was killed. */
  readonly ended: Promise<{ readonly code: number; readonly output: string; readonly reason?: string }>;
  /** What it answers to the probe that asks how it is. Absent: nobody can ask. */
  healthy?(): boolean;
  kill(): void;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
/** Of a probe's output; what a container says goes to its log whole. */
const KEPT = 4096;

/** Runs a pod's node script as a child process: its environment is the pod's and nothing of the user's. */
export function run(script: Script): Running {
  const { folder, access } = script;
  makeFolder(temporary(folder));
  const preload = join(folder, 'preload.mjs');
  writeFileSync(preload, PRELOAD, { mode: 0o600 });
  const confined = ['--permission', `--allow-fs-read=${folder}`, `--allow-fs-write=${folder}`];
  // From Node 25 on, the permission model holds the network too; the preload decides where it leads.
  if (process.allowedNodeEnvironmentFlags.has('--allow-net')) confined.push('--allow-net');
  const child = spawn(process.execPath, [...confined, '--import', preload, ...script.args], {
    cwd: folder,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: temporary(folder),
      ...script.env,
      TMPDIR: temporary(folder),
      NODE_EXTRA_CA_CERTS: access.caFile,
      SANDBOX_PROXY_PORT: new URL(access.proxyUrl).port,
      SANDBOX_POD: script.pod,
      SANDBOX_PORTS: JSON.stringify(script.ports ?? {}),
      SANDBOX_EGRESS: JSON.stringify(script.egress ?? {}),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own, so that it can be ended with all that it started.
    detached: true,
  });
  let output = '';
  const heard = Promise.withResolvers<void>();
  const hear = (chunk: Buffer) => {
    // Of a pod that was removed, with its folder, nobody reads the last words.
    if (script.log && existsSync(folder)) appendFileSync(script.log, chunk, { mode: 0o600 });
    if (output.length < KEPT) output += chunk.toString();
    heard.resolve();
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const ended = new Promise<{ code: number; output: string }>((resolve) => {
    const end = (code: number) => {
      heard.resolve();
      resolve({ code, output });
    };
    child.once('error', (error) => {
      hear(Buffer.from(`${error.message}\n`));
      end(127);
    });
    child.once('close', (code, signal) => end(code ?? 128 + (SIGNALS[signal ?? ''] ?? 0)));
  });
  // The program may end while a pod runs; the pipe that then closes ends the pod.
  child.unref();
  for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
  return { heard: heard.promise, ended, kill: () => killGroup(child) };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
