import type { Parts } from '../parts.ts';

/** Work by key: each key at most once at a time, different keys side by side. */
export interface WorkQueue {
  add(key: string): void;
  /** Adds it once this much simulated time has passed; the sooner of several wins. Milliseconds. */
  later(key: string, milliseconds: number): void;
  /** Resolves when nothing waits and nothing runs. Rejects with what a handler threw, once. */
  settled(): Promise<void>;
  stop(): void;
}

/**
 * @param handle does the work of one key; must look at the world anew each time
 */
export function createWorkQueue(
  parts: Pick<Parts, 'busy' | 'clock' | 'save'>,
  handle: (key: string) => unknown,
): WorkQueue {
  const waiting = new Set<string>();
  const running = new Set<string>();
  const timers = new Map<string, { due: number; cancel: AbortController }>();
  let stopped = false;
  let idle: PromiseWithResolvers<void> | undefined;
  let failure: { error: unknown } | undefined;

  const pump = (): void => {
    for (const key of [...waiting]) {
      if (running.has(key) || stopped) continue;
      waiting.delete(key);
      running.add(key);
      // Not at once: whoever adds a key finishes what it does first.
      Promise.resolve()
        .then(() => (stopped ? undefined : handle(key)))
        .catch((error: unknown) => {
          failure = { error };
        })
        .finally(() => {
          running.delete(key);
          pump();
        });
    }
    if (waiting.size > 0 || running.size > 0) {
      if (!idle) {
        idle = Promise.withResolvers<void>();
        void parts.busy(idle.promise);
      }
    } else if (idle) {
      // Once stopped, what it was is saved, and its folder may be gone.
      if (!stopped) parts.save();
      idle.resolve();
      idle = undefined;
    }
  };

  return {
    add(key) {
      if (stopped) return;
      waiting.add(key);
      pump();
    },
    later(key, milliseconds) {
      const due = parts.clock.now().getTime() + milliseconds;
      const known = timers.get(key);
      if (stopped || (known && known.due <= due)) return;
      known?.cancel.abort();
      const timer = { due, cancel: new AbortController() };
      timers.set(key, timer);
      parts.clock.sleep(milliseconds, timer.cancel.signal).then(
        () => {
          if (timers.get(key) === timer) timers.delete(key);
          if (stopped) return;
          waiting.add(key);
          pump();
        },
        () => undefined,
      );
    },
    async settled() {
      while (idle) await idle.promise;
      if (failure) {
        const { error } = failure;
        failure = undefined;
        throw error;
      }
    },
    stop() {
      stopped = true;
      waiting.clear();
      for (const { cancel } of timers.values()) cancel.abort();
      timers.clear();
      if (running.size === 0) {
        idle?.resolve();
        idle = undefined;
      }
    },
  };
}
