import type { Pace } from '../step.ts';
import type { Clock } from '../world.ts';

/** How long the world may lag behind, in milliseconds. The one table of waiting times. */
export const BUDGET: Readonly<Record<Pace, number>> = {
  'at once': 0,
  seconds: 60_000,
  minutes: 600_000,
  'long operation': 1_800_000,
};

/** How long a change may still be on its way everywhere: an operation may be long, what it made arrives in minutes. */
export const LAG: Readonly<Record<Pace, number>> = { ...BUDGET, 'long operation': BUDGET.minutes };

/** Pauses between looks, in milliseconds; the last one is repeated. */
const RHYTHM = [500, 1_000, 2_000, 3_000, 5_000, 8_000, 10_000] as const;
const STEADY = RHYTHM[RHYTHM.length - 1] as number;

/** The pause after the nth look (from 0), never shorter than the service asked for. */
export const pause = (turn: number, retryAfter = 0): number => Math.max(RHYTHM[turn] ?? STEADY, retryAfter);

/** What is still awaited, and until when (milliseconds since the epoch, by the clock) it is worth waiting for. */
export interface Wait {
  readonly reason: string;
  readonly until: number;
  readonly retryAfter?: number | undefined;
}

export type Attempt<T> = { readonly done: T } | { readonly wait: Wait };

/**
 * The one loop that waits. Tries until an attempt is done or what it waits for is overdue; then it answers with the last
 * wait, and so with the last true reason. Another reason starts the rhythm anew, for then the world has moved.
 * Rejects with the signal's reason when it is aborted in a pause, and with whatever `attempt` throws.
 */
export async function until<T>(
  clock: Clock,
  signal: AbortSignal,
  attempt: () => Promise<Attempt<T>>,
  waiting: (wait: Wait) => void,
): Promise<{ readonly done: T } | { readonly overdue: Wait }> {
  let reason: string | undefined;
  for (let turn = 0; ; turn++) {
    const tried = await attempt();
    if ('done' in tried) return tried;
    const { wait } = tried;
    const left = wait.until - clock.now().getTime();
    if (left <= 0) return { overdue: wait };
    if (wait.reason !== reason) turn = 0;
    reason = wait.reason;
    waiting(wait);
    await clock.sleep(Math.min(pause(turn, wait.retryAfter), left), signal);
  }
}
