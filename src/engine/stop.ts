import { setMaxListeners } from 'node:events';
import { setTimeout as realDelay } from 'node:timers/promises';
import { GRACE } from '../grace.ts';

/** Why a run ends before it is done. */
export type Halt = 'interrupted' | 'timed out';

/** Thrown inside the engine where work is left because of a halt; never leaves it. */
export class Halted extends Error {
  readonly halt: Halt;
  constructor(halt: Halt) {
    super(halt);
    this.name = 'Halted';
    this.halt = halt;
  }
}

/** Real time, in milliseconds, never the world's clock: a grace is for sockets. Resolves early when `signal` is aborted. */
export type Alarm = (milliseconds: number, signal: AbortSignal) => Promise<void>;

const realAlarm: Alarm = (milliseconds, signal) =>
  realDelay(milliseconds, undefined, { signal }).then(
    () => undefined,
    () => undefined,
  );

export interface Stop {
  /** Aborted when no new step may begin. */
  readonly signal: AbortSignal;
  /** Throws `Halted` when no new step may begin. */
  check(): void;
  halt(): Halt | undefined;
  /** Waits for work in flight, and once the grace is over no longer. */
  inFlight<T>(work: Promise<T>): Promise<T>;
  /** Lets go of timers. */
  close(): void;
}

/** Ctrl-C and `--timeout` (milliseconds) as one: no new step, and a short grace for what is in flight. */
export function stopOn(interrupt: AbortSignal, timeout: number | undefined, alarm: Alarm = realAlarm): Stop {
  const late = new AbortController();
  const closed = new AbortController();
  const signal = AbortSignal.any([interrupt, late.signal]);
  // Every step that waits listens; hundreds of them are no leak.
  setMaxListeners(0, signal);
  const halt = (): Halt | undefined =>
    interrupt.aborted ? 'interrupted' : late.signal.aborted ? 'timed out' : undefined;

  if (timeout !== undefined) {
    void alarm(timeout, closed.signal).then(() => {
      if (!closed.signal.aborted) late.abort(new Halted('timed out'));
    });
  }
  const abandoned = new Promise<never>((_, reject) => {
    const begin = () => {
      void alarm(GRACE, closed.signal).then(() => reject(new Halted(halt() ?? 'interrupted')));
    };
    if (signal.aborted) begin();
    else signal.addEventListener('abort', begin, { once: true });
  });
  abandoned.catch(() => undefined);

  return {
    signal,
    halt,
    check() {
      const reason = halt();
      if (reason) throw new Halted(reason);
    },
    inFlight(work) {
      work.catch(() => undefined);
      return Promise.race([work, abandoned]);
    },
    close: () => closed.abort(),
  };
}
