import type { Known, Leaving, Needs, Pace, Removal, Step } from '../step.ts';
import type { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import type { Change, Outcome, Result, Tell } from './events.ts';
import type { lanes } from './graph.ts';
import { problemOf } from './observe.ts';
import type { Attempt, Wait } from './patience.ts';
import { BUDGET, until } from './patience.ts';
import { lookAt, nameOf, removalOf } from './removal-plan.ts';
import type { Glances } from './run.ts';
import type { Stop } from './stop.ts';
import { Halted } from './stop.ts';

/** What the turns of one removal share. */
export interface Removing {
  readonly world: World;
  readonly tell: Tell;
  readonly stop: Stop;
  readonly inLane: ReturnType<typeof lanes>;
  readonly glances: Glances;
  /** Ids of what is gone by this run. */
  readonly going: Set<string>;
  /** Milliseconds since the epoch, by the world's clock. */
  now(): number;
}

interface Sight {
  readonly seen: unknown;
  readonly surveyed: unknown;
}
type End = Omit<Result, 'change' | 'seconds' | 'tries' | 'facts'>;

/**
 * Decides, acts, looks again, until the thing is gone or the world has had the time that its pace allows. Never throws:
 * whatever happens is the result. `sight` is the look of the plan, where nothing was changed since.
 */
export async function takeAway(
  run: Removing,
  step: Step,
  change: Change,
  known: Known<Needs>,
  leaving: Omit<Leaving, 'surveyed'>,
  sight: Sight | undefined,
): Promise<{ readonly result: Result; readonly takes: readonly string[] }> {
  const started = run.now();
  let from = started;
  let tries = 0;
  let waited = false;
  let acted = false;
  let problem: Problem | undefined;
  let takes: readonly string[] = [];
  let world = run.world;

  const ended = (end: End): Result => ({
    ...{ change, seconds: (run.now() - started) / 1000, tries, facts: {} },
    ...end,
  });
  const done = (outcome: Outcome, more: Partial<End> = {}): Attempt<Result> => ({ done: ended({ outcome, ...more }) });
  const lag = (reason: string): Attempt<Result> => {
    sight = undefined;
    return { wait: { reason, until: from + BUDGET[atLeastSeconds(step.settles)] } };
  };

  const act = async (seen: unknown, removal: Removal): Promise<void> => {
    await run.inLane(step.lane, () => {
      run.stop.check();
      tries++;
      if (tries === 1) run.tell({ type: 'changing', change, at: new Date(run.now()) });
      const write = step.remove?.(world, seen, known, removal) ?? Promise.resolve();
      return run.stop.inFlight(write).finally(() => run.glances.written());
    });
    acted = true;
    takes = removal.takes ?? [];
    from = run.now();
    sight = undefined;
  };

  const attempt = async (): Promise<Attempt<Result>> => {
    problem = undefined;
    if (!sight) {
      run.stop.check();
      world = run.glances.fresh();
      sight = await run.stop.inFlight(lookAt(step, world));
    }
    const removal = removalOf(step, sight, known, leaving);
    const noted = removal.note === undefined ? {} : { note: removal.note };
    switch (removal.state) {
      case 'absent':
        return done('removed');
      case 'leave':
        // Of a thing that is not ours, what was ours is gone.
        return acted ? done('removed') : done('left', noted);
      case 'going':
        return lag(removal.note ?? 'it is on its way out');
      case 'remove': {
        if (acted) return lag('accepted, but it is still to be seen');
        run.stop.check();
        await act(sight.seen, removal);
        return attempt();
      }
    }
  };
  const patient = async (): Promise<Attempt<Result>> => {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Halted || run.stop.halt()) throw error;
      problem = problemOf(error, nameOf(step));
      sight = undefined;
      const wait = worthWaiting(step, problem, from);
      if (!wait || (!waited && wait.until <= run.now())) return done('failed', { problem });
      return { wait };
    }
  };

  const end = async (): Promise<Result> => {
    try {
      const answer = await until(run.world.clock, run.stop.signal, patient, ({ reason }) => {
        waited = true;
        const { id, kind, subject } = step;
        run.tell({ type: 'waiting', change: { id, kind, subject }, reason, at: new Date(run.now()) });
      });
      if ('done' in answer) return answer.done;
      return ended({ outcome: 'timed out', note: answer.overdue.reason, ...(problem && { problem }) });
    } catch (error) {
      const halt = run.stop.halt();
      if (!halt) return ended({ outcome: 'failed', problem: problemOf(error, nameOf(step)) });
      const note = tries === 0 ? 'not started' : acted ? 'it was accepted, and is not yet seen to be gone' : IN_DOUBT;
      return ended({ outcome: halt, note, ...(problem && { problem }) });
    }
  };
  return { result: await end(), takes };
}

const IN_DOUBT = 'it was under way; whether it took effect is not known';

const atLeastSeconds = (pace: Pace = 'at once'): Pace => (pace === 'at once' ? 'seconds' : pace);

/** Until when the same may end otherwise; nothing when it cannot. Who may not remove will not be allowed to by waiting. */
const worthWaiting = (step: Step, { trouble, message, retryAfter }: Problem, from: number): Wait | undefined =>
  trouble === 'busy' || trouble === 'not yet'
    ? { reason: message, until: from + BUDGET[atLeastSeconds(step.settles)], retryAfter }
    : undefined;
