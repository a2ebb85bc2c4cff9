import type { Step, StepId } from '../step.ts';
import type { World } from '../world.ts';
import type { Change, Plan, Result, Tell } from './events.ts';
import { foundations, lanes, walk } from './graph.ts';
import { removalOrder } from './removal-order.ts';
import type { Sights } from './removal-plan.ts';
import { counted, knownBy, othersOf } from './removal-plan.ts';
import { glancesOf } from './run.ts';
import type { Alarm } from './stop.ts';
import { stopOn } from './stop.ts';
import type { Removing } from './take-away.ts';
import { takeAway } from './take-away.ts';

interface RemoveOptions {
  readonly tell: Tell;
  /** Names of the workloads that go. */
  readonly chosen: Iterable<string>;
  /** For everything together, milliseconds of real time. */
  readonly timeout?: number;
  /** Real time; tests give their own. */
  readonly alarm?: Alarm;
}

/**
 * Carries out a removal plan: what builds on a thing goes first, and what is not ordered by that goes side by side. What
 * a step finds when its turn has come decides, not what the plan saw. Whatever happens is in the results.
 */
export async function remove(
  steps: readonly Step[],
  sights: Sights,
  plan: Plan,
  world: World,
  { tell, chosen, timeout, alarm }: RemoveOptions,
): Promise<readonly Result[]> {
  const order = removalOrder(steps);
  const before = foundations(order);
  const known = knownBy(steps, sights);
  const leavers = new Set(chosen);
  const byId = new Map(steps.map((step) => [step.id, step]));
  const changes = new Map(plan.changes.map((change) => [change.id, change]));
  const now = () => world.clock.now().getTime();
  const stop = stopOn(world.signal, timeout, alarm);
  const ends = new Map<StepId, Result>();
  const changed = new Set<StepId>();
  const run: Removing = {
    ...{ world, tell, stop, now, inLane: lanes(), glances: glancesOf(world, now), going: new Set<string>() },
  };
  /** Those before it that did not go, as far as they are the beginning of it. */
  const culprits = (id: StepId): StepId[] => {
    const failed = [...before(id)].filter((other) => UNWELL.has(ends.get(other)?.outcome ?? ''));
    return [...new Set(failed.flatMap((other) => ends.get(other)?.follows ?? [other]))];
  };

  const turnOf = async (change: Change): Promise<Result> => {
    const still = (outcome: Result['outcome'], more: Partial<Result> = {}): Result => ({
      ...{ change, outcome, seconds: 0, tries: 0, facts: {} },
      ...more,
    });
    const step = byId.get(change.id);
    const { note, problem, follows } = change;
    if (change.action === 'blocked')
      return follows ? still('not reached', { follows }) : still('blocked', { ...(problem && { problem }) });
    if (change.action !== 'remove' || !step) return still('left', { ...(note !== undefined && { note }) });
    const sight = sights.get(step.id);
    // What went before it has changed what it saw.
    const isFresh = sight && 'seen' in sight && ![...before(step.id)].some((other) => changed.has(other));
    const leaving = { others: othersOf(step, leavers), going: run.going };
    const { result, takes } = await takeAway(run, step, change, known(step), leaving, isFresh ? sight : undefined);
    if (result.tries > 0) changed.add(step.id);
    if (result.outcome === 'removed') for (const id of counted(takes)) run.going.add(id);
    const roots = culprits(step.id);
    // It stays, or was not begun, because of them: that is said once, there.
    const isTheirs = result.outcome === 'left' || (result.tries === 0 && stop.halt() !== undefined);
    return isTheirs && roots.length > 0 ? still('not reached', { follows: roots }) : result;
  };
  const visit = async (id: StepId): Promise<void> => {
    const change = changes.get(id);
    if (!change) return;
    const result = await turnOf(change);
    ends.set(id, result);
    tell({ type: 'ended', result, at: new Date(now()) });
  };

  tell({ type: 'starting', plan, after: new Map(order.map(({ id, after }) => [id, after])), at: new Date(now()) });
  try {
    await walk(order, ({ id }) => visit(id));
    // What lies beside a step and stays has no turn of its own.
    for (const { id } of plan.changes) if (!ends.has(id)) await visit(id);
  } finally {
    stop.close();
  }
  return plan.changes.flatMap(({ id }) => ends.get(id) ?? []);
}

const UNWELL: ReadonlySet<string> = new Set(['blocked', 'failed', 'timed out', 'interrupted', 'not reached']);
