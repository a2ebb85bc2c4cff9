import type { Facts } from '../facts.ts';
import type { Check, Consent, Needs, Step, StepId } from '../step.ts';
import type { World } from '../world.ts';
import type { Change, Plan, Proof, Result, Tell } from './events.ts';
import { isWell } from './events.ts';
import { foundations, graphOf, lanes, placeOf, walk } from './graph.ts';
import type { Observation, Observations } from './observe.ts';
import { problemOf } from './observe.ts';
import { knownTo } from './plan.ts';
import { prove } from './prove.ts';
import type { Ended } from './reconcile.ts';
import { reconcile } from './reconcile.ts';
import type { Run } from './run.ts';
import { agesBy, glancesOf } from './run.ts';
import type { Alarm } from './stop.ts';
import { stopOn } from './stop.ts';

export interface Applied {
  /** In the order of the plan. */
  readonly results: readonly Result[];
  readonly proofs: readonly Proof[];
}

export interface ApplyOptions {
  readonly tell: Tell;
  readonly consents: Iterable<Consent>;
  /** For everything together, milliseconds of real time. Absent: each step has the patience of its pace. */
  readonly timeout?: number;
  /** Real time; tests give their own. */
  readonly alarm?: Alarm;
}

/**
 * Makes the plan true and proves it, each step as soon as what it builds on is done. Rejects only for a graph that is
 * wrong in itself, before anything is touched; whatever happens later is in the results.
 */
export async function apply(
  steps: readonly Step[],
  checks: readonly Check[],
  observations: Observations,
  plan: Plan,
  world: World,
  options: ApplyOptions,
): Promise<Applied> {
  const early = standingFacts(steps, observations);
  const byId = new Map(steps.map((step) => [step.id, step]));
  const changes = new Map(plan.changes.map((change) => [change.id, change]));
  const places = graphOf(
    steps,
    checks,
    ({ step, fact }) => early.get(step)?.[fact] !== undefined,
    ({ id }) => changes.get(id)?.action !== 'keep',
  );
  const ends = new Map<StepId, Ended>();
  const now = () => world.clock.now().getTime();
  const stop = stopOn(world.signal, options.timeout, options.alarm);
  const run: Run = {
    world,
    tell: options.tell,
    stop,
    now,
    consents: new Set(options.consents),
    inLane: lanes(),
    ages: agesBy(now, (id) => byId.get(id)?.settles ?? 'at once'),
    glances: glancesOf(world, now),
    step: (id) => byId.get(id),
    below: foundations(places),
    standing: (id) => ends.get(id)?.standing ?? early.get(id),
  };

  const proofs = new Map<string, Proof>();
  const visitStep = async (step: Step): Promise<void> => {
    const change = changes.get(step.id);
    const end = change
      ? (unproven(step, change, proofs) ?? (await turnOf(run, step, change, observations, ends)))
      : undefined;
    if (!end) return;
    ends.set(step.id, end);
    run.tell({ type: 'ended', result: end.result, at: new Date(now()) });
  };
  const visitCheck = async (check: Check): Promise<void> => {
    const proof = await turnOfCheck(run, check, ends);
    proofs.set(placeOf(check), proof);
    run.tell({ type: 'proved', proof, at: new Date(now()) });
  };

  const after = new Map(places.map(({ id, after, behind }) => [id, [...after, ...behind]]));
  run.tell({ type: 'starting', plan, after, at: new Date(now()) });
  try {
    await walk(places, (place) => ('step' in place ? visitStep(place.step) : visitCheck(place.check)));
  } finally {
    stop.close();
  }
  return {
    results: plan.changes.flatMap(({ id }) => ends.get(id)?.result ?? []),
    proofs: checks.flatMap((check) => proofs.get(placeOf(check)) ?? []),
  };
}

/** A change that rests on a proof which did not come to be is not made; what is as wanted stays so. */
function unproven(step: Step, change: Change, proofs: ReadonlyMap<string, Proof>): Ended | undefined {
  if (change.action === 'keep' || !step.proven) return undefined;
  const failed = [...proofs.values()].filter(({ id, outcome }) => step.proven?.includes(id) && NOT_PROVEN.has(outcome));
  if (failed.length === 0) return undefined;
  const follows = [...new Set(failed.flatMap((proof) => proof.follows ?? [proof.id]))];
  return { result: { change, outcome: 'not reached', seconds: 0, tries: 0, facts: {}, follows } };
}

/** `unknown` is no reason to stop: whoever may not ask for the proof may still deploy. */
const NOT_PROVEN: ReadonlySet<Proof['outcome']> = new Set(['failed', 'timed out', 'interrupted', 'not reached']);

/** What is known of things that exist and stays so whatever their steps change. */
function standingFacts(steps: readonly Step[], observations: Observations): ReadonlyMap<StepId, Facts> {
  const found = new Map<StepId, Facts>();
  for (const step of steps) {
    const observed = observations.get(step.id);
    if (!step.standing || !observed || 'problem' in observed) continue;
    const { state, facts } = step.judge(
      observed.seen,
      knownTo(step, () => undefined),
    );
    if (state === 'absent') continue;
    found.set(step.id, Object.fromEntries(step.standing.map((fact) => [fact, facts[fact]])));
  }
  return found;
}

async function turnOf(
  run: Run,
  step: Step,
  change: Change,
  observations: Observations,
  ends: ReadonlyMap<StepId, Ended>,
): Promise<Ended> {
  const observed = observations.get(step.id);
  const still = (outcome: 'blocked' | 'not reached' | 'failed', more: Partial<Result>): Ended => ({
    result: { change, outcome, seconds: 0, tries: 0, facts: {}, ...more },
  });
  try {
    const lacking = missingFacts(step.needs, run);
    if (change.action === 'blocked') {
      if (change.follows) return still('not reached', { follows: change.follows });
      const { note, problem, run: line, missing } = change;
      const told = { ...(note && { note }), ...(problem && { problem }), ...(line && { run: line }) };
      const end = still('blocked', { ...told, ...(missing.length > 0 && { missing }) });
      if (!observed || 'problem' in observed) return end;
      // It stays as it is, and what holds of it still serves those who need no more of it.
      const judged = step.judge(observed.seen, knownTo(step, run.standing));
      if (judged.state === 'absent') return end;
      // The line may name what exists only now.
      const said = line === undefined && judged.run !== undefined ? { run: judged.run } : {};
      return { result: { ...end.result, ...said }, standing: judged.facts };
    }
    const [first] = lacking;
    if (first) {
      const kept = asItIs(run, step, change, observed);
      if (kept) return kept;
      const culprits = lacking.map(({ step: id }) => id).filter((id) => !isFine(ends.get(id)));
      if (culprits.length > 0) return still('not reached', { follows: rootsOf(culprits, ends) });
      throw new Error(`${first.step} ended well and yielded no ${first.fact}`);
    }
    // What it comes behind may have changed what it saw.
    const stale = run.ages.anyChanged(step.behind ?? []);
    return await reconcile(run, step, change, knownTo(step, run.standing), stale ? undefined : observed);
  } catch (error) {
    return still('failed', { problem: problemOf(error, `${step.kind} ${step.subject}`) });
  }
}

/** What is already as wanted lacks nothing, whatever became of those that it refers to. */
function asItIs(run: Run, step: Step, change: Change, observed: Observation | undefined): Ended | undefined {
  if (!observed || 'problem' in observed) return undefined;
  const { state, facts, note } = step.judge(observed.seen, knownTo(step, run.standing));
  if (state !== 'as wanted' && state !== 'good enough') return undefined;
  const result = { change, outcome: 'kept', seconds: 0, tries: 0, facts, ...(note && { note }) } as const;
  return { result, standing: facts };
}

async function turnOfCheck(run: Run, check: Check, ends: ReadonlyMap<StepId, Ended>): Promise<Proof> {
  const culprits = check.after.filter((id) => !isFine(ends.get(id)));
  const lacking = missingFacts(check.needs, run).map(({ step }) => step);
  const follows = rootsOf([...new Set([...culprits, ...lacking])], ends);
  if (follows.length > 0) {
    const { id, workload, title } = check;
    return { id, workload, title, findings: [], outcome: 'not reached', seconds: 0, follows };
  }
  return prove(run, check, placeOf(check), knownTo(check, run.standing));
}

const missingFacts = (needs: Needs, run: Run) =>
  Object.values(needs).filter(({ step, fact }) => (run.standing(step) as Facts | undefined)?.[fact] === undefined);

const isFine = (end: Ended | undefined): boolean => end !== undefined && isWell(end.result.outcome);

/** The steps at which it began, for the one message that is enough. */
const rootsOf = (ids: readonly StepId[], ends: ReadonlyMap<StepId, Ended>): StepId[] => [
  ...new Set(ids.flatMap((id) => ends.get(id)?.result.follows ?? [id])),
];
