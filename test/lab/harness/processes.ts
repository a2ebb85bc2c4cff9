import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LAB } from './place.ts';

/** A program that goes on until it is stopped. */
export interface Started {
  readonly pid: number;
  /** All that it has written so far, both streams. */
  log(): string;
  stop(): Promise<void>;
}

export interface Command {
  /** Of the process, for messages, and of its log file. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Asked again and again until it is true. A throw counts as "not yet". */
  readonly ready?: (started: Started) => Promise<boolean> | boolean;
}

/** Highest resident memory of each program that ran, MiB: a result of the lab. */
export const memory = new Map<string, number>();

/**
 * Starts a program in a folder, and waits until it is ready. Its log lies apart: some programs watch their folder.
 * @throws with the end of its log when it ends before, or is not ready within a minute
 */
export async function start(folder: string, { name, file, args, env, ready }: Command): Promise<Started> {
  const logs = join(LAB?.folder ?? folder, 'logs');
  mkdirSync(logs, { recursive: true });
  const path = join(logs, `${name}-${basename(folder)}.log`);
  const out = openSync(path, 'a');
  const child = spawn(file, args, { env: env ?? {}, stdio: ['ignore', out, out], cwd: folder });
  closeSync(out);
  const ended = endOf(child);
  const measure = setInterval(() => remember(name, child.pid), 500).unref();
  const started: Started = {
    pid: child.pid ?? 0,
    log: () => readFileSync(path, 'utf8'),
    async stop() {
      remember(name, child.pid);
      clearInterval(measure);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(hard);
    },
  };
  const gone = ended.then((how) => {
    throw new Error(`${name} ended (${how}):\n${tail(started.log())}`);
  });
  gone.catch(() => {});
  if (ready)
    await Promise.race([
      until(
        `${name} is ready`,
        () => ready(started),
        () => tail(started.log()),
      ),
      gone,
    ]);
  return started;
}

/**
 * Asks until the answer is neither false nor undefined, and gives it.
 * @param patience in milliseconds of real time, since real programs are waited for
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | false | undefined> | T | false | undefined,
  otherwise: () => string = () => '',
  patience = 60_000,
): Promise<T> {
  const end = Date.now() + patience;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer as T;
    } catch (error) {
      last = error;
    }
    await delay(100);
  }
  throw new Error(`not so within ${patience / 1000} s: ${what}\n${last ?? ''}\n${otherwise()}`);
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, whatever that is. */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly stdin?: string; readonly cwd?: string } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: options.env ?? {}, cwd: options.cwd, stdio: 'pipe' });
    const [out, err]: string[][] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => out!.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => err!.push(text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, out: out!.join(''), err: err!.join('') }));
    child.stdin.on('error', () => {}); // who does not read it has ended
    child.stdin.end(options.stdin ?? '');
  });
}

const endOf = (child: ChildProcess) =>
  new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });

const tail = (text: string) => text.split('\n').slice(-25).join('\n');

/** Looks how much memory a process has had at most. */
export function remember(name: string, pid: number | undefined): void {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    if (kilobytes) memory.set(name, Math.max(memory.get(name) ?? 0, Math.round(Number(kilobytes) / 1024)));
  } catch {
    // It has ended.
  }
}
