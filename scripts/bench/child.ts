/**
 * The program in a process of its own, so that its time and memory are not those of the sandbox. It finds the sandbox and
 * its sign-in by the environment, as against Azure. Whoever would wait does not: time jumps as soon as nothing else is
 * left to do. Writes what it took as JSON.
 *
 *     node child.js WORDS...
 */
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { realClock, usualSurroundings } from '../../src/commands/surroundings.ts';
import { main } from '../../src/main.ts';
import { spareMemory } from '../../src/sparing.ts';
import type { Clock } from '../../src/world.ts';

/** What one run took. */
export interface Took {
  readonly code: number;
  /** Real, from the call to its end; loading is in it, starting Node is not. */
  readonly seconds: number;
  /** Of the processor, all threads, from the start of the process. */
  readonly cpuSeconds: number;
  /** The most memory that the process ever had, MiB. */
  readonly memory: number;
  readonly err: string;
}

const { env } = process;
const cwd = process.cwd();
const began = performance.now();
const err: string[] = [];
const code = await main(process.argv.slice(2), {
  ...{ stdin: process.stdin, env, cwd },
  spare: async () => spareMemory(Number.parseInt(process.versions.node, 10)),
  stdout: { write: () => true },
  stderr: { write: (text) => err.push(text) },
  signal: new AbortController().signal,
  surroundings: await usualSurroundings({ env, cwd, clock: hurried(realClock) }),
});
const seconds = (performance.now() - began) / 1000;
const { userCPUTime, systemCPUTime } = process.resourceUsage();
const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
const took: Took = { code, seconds, cpuSeconds, memory: mostMemory(), err: err.join('').slice(-2000) };
process.stdout.write(JSON.stringify(took), () => process.exit(0));

/** MiB. What Linux says of resources also counts the process that started this one; its own high-water mark does not. */
function mostMemory(): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

/** Wakes the earliest sleeper as soon as the loop has nothing else to do. */
function hurried(real: Clock): Clock {
  let ahead = 0;
  const sleepers: { readonly due: number; readonly wake: () => void }[] = [];
  let watching = false;
  const now = () => real.now().getTime() + ahead;
  const watch = async () => {
    watching = true;
    while (sleepers.length > 0) {
      await turn();
      sleepers.sort((a, b) => b.due - a.due);
      const { due, wake } = sleepers.pop()!;
      ahead += Math.max(due - now(), 0);
      wake();
    }
    watching = false;
  };
  return {
    now: () => new Date(now()),
    sleep: (milliseconds, signal) =>
      new Promise((wake, reject) => {
        signal?.throwIfAborted();
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        sleepers.push({ due: now() + milliseconds, wake });
        if (!watching) void watch();
      }),
  };
}
