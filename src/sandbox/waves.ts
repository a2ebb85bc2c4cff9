import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { Activity } from './activity.ts';

/**
 * Answers in waves: each is held until nobody asks any more, and then all are given at once. So the number of the wave that
 * a request was in says how many times one had to wait for an answer before it could be sent, on any machine and
 * however long things take.
 */
export interface Waves {
  /** Resolves, with the number of the wave, when the answer may be given. Called while the request is an activity. */
  turn(): Promise<number>;
}

/** Looks in a row, a millisecond apart, that find nothing going on: a file that a client loads is no sign of an end. */
const LOOKS = 20;

export function createWaves(activity: Activity): Waves {
  const held: ((wave: number) => void)[] = [];
  let wave = 0;

  const watch = async () => {
    while (held.length > 0) {
      const before = activity.count;
      let quiet = true;
      for (let look = 0; look < LOOKS && quiet; look += 1) {
        await delay(1);
        await turn();
        quiet = activity.count === before && activity.open <= held.length;
      }
      if (!quiet) continue;
      wave += 1;
      for (const give of held.splice(0)) give(wave);
    }
  };

  return {
    turn: () =>
      new Promise((resolve) => {
        held.push(resolve);
        if (held.length === 1) void watch();
      }),
  };
}
