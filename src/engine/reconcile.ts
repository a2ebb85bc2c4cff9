import type { Facts } from '../facts.ts';
import type { Judged, Known, Needs, Pace, Step } from '../step.ts';
import type { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import type { Change, Outcome, Result } from './events.ts';
import { isWell } from './events.ts';
import type { Observation } from './observe.ts';
import { problemOf } from './observe.ts';
import type { Attempt, Wait } from './patience.ts';
import { BUDGET, until } from './patience.ts';
import { consentsOf, grantsOf, lineToRun } from './plan.ts';
import type { Run } from './run.ts';
import { Halted } from './stop.ts';

/** How a step ended, and what others may build on. */
export interface Ended {
  readonly result: Result;
  /** Facts that hold although the step did not end well: of a thing that exists. */
  readonly standing?: Facts;
}

type End = Omit<Result, 'change' | 'seconds' | 'tries'>;

interface Sight {
  readonly seen: unknown;
  /** Through which it was seen; converge reads through the same. */
  readonly world: World;
}

/**
 * Judges, acts, looks again, until the step is as wanted or the world has had the time that its pace allows.
 * Never throws: whatever happens is the result.
 */
export async function reconcile(
  run: Run,
  step: Step,
  change: Change,
  known: Known<Needs>,
  observed: Observation | undefined,
): Promise<Ended> {
  const started = run.now();
  let from = started;
  let tries = 0;
  let waited = false;
  let acted: 'created' | 'updated' | undefined;
  let problem: Problem | undefined;
  let judged: Judged | undefined;
  /** What is judged was seen before anything was changed. */
  let early = observed !== undefined;
  let sight: Sight | undefined = observed && 'seen' in observed ? { seen: observed.seen, world: run.world } : undefined;

  const ended = (end: End): Ended => {
    const result = { change, seconds: (run.now() - started) / 1000, tries, ...end };
    const fine = isWell(end.outcome);
    // What exists and only lacks a right or a consent still serves those who need no more of it.
    const partly = end.outcome === 'blocked' || (end.outcome === 'failed' && end.problem?.trouble === 'denied');
    const stands = fine || (partly && judged !== undefined && judged.state !== 'absent');
    return { result, ...(stands && judged && { standing: judged.facts }) };
  };
  const end = (outcome: Outcome, more: Partial<End> = {}): Attempt<Ended> => ({
    done: ended({ outcome, facts: judged?.facts ?? {}, ...more }),
  });
  const noted = () => (judged?.note === undefined ? {} : { note: judged.note });

  const converge = async (now: Sight, state: 'absent' | 'differs'): Promise<void> => {
    const returned = await run.inLane(step.lane, () => {
      run.stop.check();
      tries++;
      if (tries === 1) run.tell({ type: 'changing', change, at: new Date(run.now()) });
      return run.stop.inFlight(step.converge(now.world, now.seen, known)).finally(() => run.glances.written());
    });
    acted = state === 'absent' ? 'created' : 'updated';
    from = run.now();
    run.ages.changed(step.id);
    sight = returned === undefined ? undefined : { seen: returned, world: run.world };
  };

  const attempt = async (): Promise<Attempt<Ended>> => {
    problem = undefined;
    if (!sight) {
      run.stop.check();
      const world = run.glances.fresh();
      sight = { seen: await run.stop.inFlight(step.observe(world)), world };
    }
    judged = step.judge(sight.seen, known);
    run.ages.dated(step.id, judged.since);
    switch (judged.state) {
      case 'as wanted':
      case 'good enough':
        return end(acted ?? 'kept', noted());
      case 'blocked':
        return end('blocked', { ...noted(), ...(judged.run !== undefined && { run: judged.run }) });
      case 'settling':
        // What was seen before those it builds on were changed says nothing of now.
        if (early && run.ages.anyChanged(run.below(step.id))) {
          early = false;
          sight = undefined;
          return attempt();
        }
        return lag(judged.note ?? 'not ready yet');
      default: {
        if (acted) return lag(remaining(judged));
        const missing = consentsOf(judged).filter((consent) => !run.consents.has(consent));
        if (missing.length > 0) {
          return end('blocked', {
            note: `needs ${missing.map((consent) => `--allow ${consent}`).join(' ')}`,
            missing,
            ...lineToRun(step, known, judged),
          });
        }
        run.stop.check();
        await converge(sight, judged.state);
        // What converge answered, or else a new look, is judged at once: it may be all that is needed.
        return attempt();
      }
    }
  };
  const lag = (reason: string): Attempt<Ended> => {
    sight = undefined;
    return { wait: { reason, until: from + BUDGET[step.settles ?? 'at once'] } };
  };

  const patient = async (): Promise<Attempt<Ended>> => {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Halted || run.stop.halt()) throw error;
      problem = problemOf(error, `${step.kind} ${step.subject}`);
      const wait = worthWaiting(run, step, problem, from);
      sight = undefined;
      // What was waited for and did not come in time is overdue; what was never worth waiting for has failed.
      if (!wait || (!waited && wait.until <= run.now()))
        return end('failed', { problem, ...lineForAnother(step, known, problem, judged) });
      return { wait };
    }
  };

  try {
    const answer = await until(run.world.clock, run.stop.signal, patient, ({ reason }) => {
      waited = true;
      const { id, kind, subject } = step;
      run.tell({ type: 'waiting', change: { id, kind, subject }, reason, at: new Date(run.now()) });
    });
    if ('done' in answer) return answer.done;
    const { reason } = answer.overdue;
    return ended({ outcome: 'timed out', facts: judged?.facts ?? {}, note: reason, ...(problem && { problem }) });
  } catch (error) {
    const halt = run.stop.halt();
    if (!halt)
      return ended({ outcome: 'failed', facts: {}, problem: problemOf(error, `${step.kind} ${step.subject}`) });
    const note = tries === 0 ? 'not started' : acted ? afterAccepted(judged) : inDoubt(step);
    return ended({ outcome: halt, facts: judged?.facts ?? {}, note, ...(problem && { problem }) });
  }
}

/** Until when the same may end otherwise; nothing when it cannot. */
function worthWaiting(run: Run, step: Step, problem: Problem, from: number): Wait | undefined {
  const pace = step.settles ?? 'at once';
  const below = run.below(step.id);
  const wait = (end: number): Wait | undefined =>
    Number.isFinite(end) ? { reason: problem.message, until: end, retryAfter: problem.retryAfter } : undefined;
  switch (problem.trouble) {
    case 'busy':
    case 'not yet':
      // Said by the service itself: worth at least a minute even to those who expect no delay.
      return wait(Math.max(from + BUDGET[atLeastSeconds(pace)], run.ages.youngUntil(below, pace)));
    case 'missing':
      return run.ages.anyChanged(below) ? wait(run.ages.youngUntil(below, atLeastSeconds(pace))) : undefined;
    case 'denied':
      return wait(
        run.ages.youngUntil(
          grantsOf(step, (id) => run.step(id)?.side),
          pace,
        ),
      );
    default:
      return undefined;
  }
}

const atLeastSeconds = (pace: Pace): Pace => (pace === 'at once' ? 'seconds' : pace);

/** Of a refusal: the line with which somebody who has the right does it. */
function lineForAnother(step: Step, known: Known<Needs>, problem: Problem, judged: Judged | undefined) {
  return problem.trouble === 'denied' ? lineToRun(step, known, judged) : {};
}

/** What the world still shows although the write was accepted. */
function remaining(judged: Judged): string {
  const [first] = judged.differences;
  if (judged.note !== undefined) return judged.note;
  if (judged.state === 'absent' || !first) return 'accepted, but not to be seen yet';
  return `accepted, but ${first.path} is still ${first.is}`;
}

const afterAccepted = (judged: Judged | undefined): string =>
  `accepted; ${judged?.note ?? 'not yet seen to have taken effect'}`;

const inDoubt = (step: Step): string =>
  step.settles === 'long operation'
    ? 'the operation goes on without us'
    : 'was under way; whether it took effect is not known';
