import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';

/**
 * Simulated time. It runs with the real clock, and jumps ahead to the next sleeper as soon as nothing else is going on
 * in the sandbox: a replication delay of ten minutes takes none.
 */
export interface Clock {
  now(): Date;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface SimulatedClock {
  /** For clients: somebody who sleeps here lets time jump. */
  readonly client: Clock;
  /** For the sandbox's own parts: woken by a jump, never the cause of one (a control loop would race time away). */
  readonly parts: Clock;
  /** Moves time on by hand and wakes whoever is due. */
  advance(milliseconds: number): void;
  stop(): void;
}

interface Sleeper {
  readonly due: number;
  readonly jumps: boolean;
  readonly wake: () => void;
  readonly fail: (reason: unknown) => void;
}

/** Longest delay that a timer takes without overflow. */
const LONGEST = 2 ** 31 - 1;

/**
 * @param time reads and sets the offset to real time (milliseconds), which lasts in the state
 * @param idle whether nothing is going on: no request in flight, no work of the parts
 * @param activity a number that grows with everything that happens, so that a pause between two looks is noticed
 */
export function simulatedClock(options: {
  readonly time: { offset(): number; setOffset(offset: number): void };
  readonly idle: () => boolean;
  readonly activity: () => number;
  /** Never jump: other programs, that know nothing of this clock, are served. */
  readonly real: boolean;
}): SimulatedClock {
  const { time, idle, activity, real } = options;
  const sleepers = new Set<Sleeper>();
  let timer: NodeJS.Timeout | undefined;
  let watching = false;
  let stopped = false;

  const now = () => Date.now() + time.offset();
  const awaited = () => [...sleepers].some((sleeper) => sleeper.jumps);

  const wakeDue = () => {
    for (const sleeper of [...sleepers].sort((a, b) => a.due - b.due)) {
      if (sleeper.due > now()) break;
      sleepers.delete(sleeper);
      sleeper.wake();
    }
    arm();
  };

  /** One real timer for the earliest sleeper; it keeps the process alive only for a client. */
  const arm = () => {
    clearTimeout(timer);
    if (sleepers.size === 0 || stopped) return;
    const earliest = Math.min(...[...sleepers].map((sleeper) => sleeper.due));
    timer = setTimeout(wakeDue, Math.min(Math.max(earliest - now(), 0), LONGEST));
    if (!awaited()) timer.unref();
  };

  /** While a client sleeps: jump to the earliest sleeper whenever two looks in a row find nothing going on. */
  const watch = async () => {
    if (watching || real) return;
    watching = true;
    while (!stopped && awaited()) {
      const before = activity();
      await delay(1);
      await turn();
      await delay(1);
      await turn();
      // Meanwhile the last client may have been woken by real time, or have given up.
      if (!idle() || activity() !== before || !awaited()) continue;
      const earliest = Math.min(...[...sleepers].map((sleeper) => sleeper.due));
      if (earliest > now()) time.setOffset(time.offset() + earliest - now());
      wakeDue();
    }
    watching = false;
  };

  const sleepFor = (jumps: boolean) => (milliseconds: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        sleepers.delete(sleeper);
        arm();
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        due: now() + Math.max(milliseconds, 0),
        jumps,
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
        fail: reject,
      };
      signal?.addEventListener('abort', abort, { once: true });
      sleepers.add(sleeper);
      arm();
      if (jumps) void watch();
    });

  const view = (jumps: boolean): Clock => ({ now: () => new Date(now()), sleep: sleepFor(jumps) });
  return {
    client: view(true),
    parts: view(false),
    advance: (milliseconds) => {
      time.setOffset(time.offset() + milliseconds);
      wakeDue();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      // Clients learn of it; the parts' own loops have been ended before.
      for (const sleeper of sleepers) if (sleeper.jumps) sleeper.fail(new Error('the sandbox was closed'));
      sleepers.clear();
    },
  };
}
