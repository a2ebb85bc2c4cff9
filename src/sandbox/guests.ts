import { setTimeout as delay } from 'node:timers/promises';

/** Other processes that use this one's server now. */
export function createGuests() {
  const here = new Set<Promise<void>>();
  return {
    /** Until its connection is gone, a guest is here. */
    async stay(gone: AbortSignal): Promise<void> {
      const left = new Promise<void>((resolve) => {
        if (gone.aborted) resolve();
        else gone.addEventListener('abort', () => resolve(), { once: true });
      });
      here.add(left);
      await left;
      here.delete(left);
    },
    /** Resolves when the last has left, or the time is up. */
    async gone(milliseconds: number): Promise<void> {
      const over = new AbortController();
      const timeUp = delay(milliseconds, undefined, { signal: over.signal }).catch(() => {});
      const empty = (async () => {
        while (here.size > 0) await Promise.all(here);
      })();
      await Promise.race([empty, timeUp]);
      over.abort();
    },
  };
}
