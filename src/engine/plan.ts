import type { Facts } from '../facts.ts';
import type { Check, Consent, Judged, Known, Needs, Step, StepId } from '../step.ts';
import { KNOWN_AFTER_APPLY } from '../step.ts';
import type { Problem } from '../trouble.ts';
import type { Action, Change, Plan } from './events.ts';
import { graphOf } from './graph.ts';
import type { Observations } from './observe.ts';
import { problemOf } from './observe.ts';

/** What is decided about one step, and what others may build on. */
interface Draft {
  readonly change: Change;
  /** What holds of it or will hold, as far as it can be told now. */
  readonly facts: Facts;
  /** It or something that it builds on is going to change. */
  readonly moving: boolean;
}

/**
 * Judges every step over one set of observations. Pure: the same in, the same out; nothing is asked or written.
 *
 * A blocked change holds back only those who need a fact that it would have brought, and those that rest on a proof of
 * what it is about: what can be done without it is done. They say whom they follow and nothing more.
 */
export function plan(
  steps: readonly Step[],
  observations: Observations,
  consents: Iterable<Consent>,
  checks: readonly Check[] = [],
): Plan {
  const given = new Set(consents);
  const drafts = new Map<StepId, Draft>();
  const byName = new Map<string, Change>();
  for (const place of graphOf(steps)) {
    if (!('step' in place)) continue;
    const { step } = place;
    const made = draft(step, observations, given, drafts, (name) => byName.get(name));
    drafts.set(step.id, made);
    byName.set(`${step.kind} ${step.subject}`, made.change);
  }
  return {
    changes: withoutUnproven(
      [...drafts.values()].map(({ change }) => change),
      steps,
      checks,
    ),
  };
}

/** What rests on a proof is not done where the proof cannot be asked for, and what needs that is not either. */
function withoutUnproven(
  changes: readonly Change[],
  steps: readonly Step[],
  checks: readonly Check[],
): readonly Change[] {
  const byId = new Map(changes.map((change) => [change.id, change]));
  const held = new Set<StepId>();
  for (const place of graphOf(steps, checks)) {
    if (!('step' in place)) continue;
    const { id, needs, proven = [] } = place.step;
    const change = byId.get(id);
    if (!change || change.action === 'keep' || change.action === 'blocked') continue;
    const proofs = checks.filter((check) => proven.includes(check.id));
    const before = [
      ...proofs.flatMap((check) => check.after).filter((other) => byId.get(other)?.action === 'blocked'),
      ...Object.values(needs).flatMap((need) => (held.has(need.step) ? [need.step] : [])),
    ];
    const roots = [...new Set(before.flatMap((other) => byId.get(other)?.follows ?? [other]))];
    if (roots.length === 0) continue;
    // Of what is there already, those who need it have what they need.
    if (change.action !== 'update') held.add(id);
    const names = roots.map((root) => `${byId.get(root)?.kind} ${byId.get(root)?.subject}`);
    byId.set(id, { ...change, action: 'blocked', note: `follows from ${names.join(', ')}`, follows: roots });
  }
  return changes.map(({ id }) => byId.get(id)!);
}

function draft(
  step: Step,
  observations: Observations,
  given: ReadonlySet<Consent>,
  drafts: ReadonlyMap<StepId, Draft>,
  called: (name: string) => Change | undefined,
): Draft {
  const below = upstream(step, drafts);
  const known = knownTo(step, (id) => drafts.get(id)?.facts);
  const decided = (
    action: Action,
    more: Partial<Change> = {},
    facts: Facts = {},
    moving = action === 'create' || action === 'update' || action === 'later',
  ): Draft => ({
    change: {
      ...described(step),
      action,
      differences: [],
      missing: [],
      consents: [],
      ...more,
      ...(action !== 'keep' && previewOf(step, known)),
    },
    facts,
    moving: moving || below.moving,
  });
  const nameOf = (id: StepId) => {
    const change = drafts.get(id)?.change;
    return change ? `${change.kind} ${change.subject}` : id;
  };
  const following = (roots: readonly StepId[]) =>
    decided('blocked', { note: `follows from ${roots.map(nameOf).join(', ')}`, follows: roots });

  const observation = observations.get(step.id);
  if (!observation || 'problem' in observation) {
    const problem = observation?.problem ?? problemOf(new Error('was not looked at'), `${step.kind} ${step.subject}`);
    if (mayBeSeenLater(problem, step, below.moving, drafts)) return decided('later', { problem });
    const unreachable = problem.trouble === 'missing' || problem.trouble === 'broken';
    if (unreachable && below.blocked.length > 0) return following(below.blocked);
    // What another step says of the same thing is said once, there.
    const other = called(problem.resource);
    if (unreachable && other?.action === 'blocked') return following(other.follows ?? [other.id]);
    return decided('blocked', { problem, ...lineToRun(step, known) });
  }

  let judged: Judged;
  try {
    judged = step.judge(observation.seen, known);
  } catch (error) {
    return decided('blocked', { problem: problemOf(error, `${step.kind} ${step.subject}`) });
  }
  const { state, differences, note } = judged;
  const noted = {
    ...(note !== undefined && { note }),
    ...(judged.failure !== undefined && { failure: judged.failure }),
  };
  const consentsNeeded = consentsOf(judged);
  switch (state) {
    case 'settling':
      // What it waits for is not going to come.
      if (below.withheld.length > 0) return following(below.withheld);
      return decided('keep', { ...noted, differences }, judged.facts, true);
    case 'as wanted':
    case 'good enough':
      return decided('keep', { ...noted, differences }, judged.facts);
    case 'blocked':
      if (below.withheld.length > 0) return following(below.withheld);
      // The usual line would meet the same obstacle: only one that takes it away is shown.
      return decided(
        'blocked',
        { ...noted, differences, ...(judged.run !== undefined && { run: judged.run }) },
        judged.facts,
      );
    case 'absent':
    case 'differs': {
      if (below.withheld.length > 0) return following(below.withheld);
      const change = { ...noted, differences, consents: consentsNeeded };
      const missing = consentsNeeded.filter((consent) => !given.has(consent));
      // Of a thing that does not exist, nothing holds that others could build on.
      const standing = state === 'absent' ? {} : judged.facts;
      if (missing.length > 0) {
        return decided('blocked', { ...change, missing, ...lineToRun(step, known, judged) }, standing);
      }
      const hint = judged.run === undefined ? {} : { run: judged.run };
      return decided(state === 'absent' ? 'create' : 'update', { ...change, ...hint }, judged.facts);
    }
  }
}

/** What is common to every change of a step. */
function described(step: Step) {
  const { id, kind, subject, title, side, workloads, settles, quiet } = step;
  return {
    ...{ id, kind, subject, title, side, workloads },
    ...(settles && { settles }),
    ...(quiet && { quiet }),
  };
}

/** What a step may know of others: facts by the names of its references, `KNOWN_AFTER_APPLY` for what is not there yet. */
export function knownTo<N extends Needs>(
  step: { readonly needs: N },
  factsOf: (id: StepId) => Facts | undefined,
): Known<N> {
  const known = Object.entries(step.needs).map(([name, { step: id, fact }]) => [
    name,
    factsOf(id)?.[fact] ?? KNOWN_AFTER_APPLY,
  ]);
  return Object.fromEntries(known) as Known<N>;
}

/** All consents that the differences ask for, each once. */
export const consentsOf = ({ differences }: Pick<Judged, 'differences'>): Consent[] => [
  ...new Set(differences.flatMap(({ consent }) => consent ?? [])),
];

/**
 * The steps on whose age a refusal depends: those whose `granted` this one needs, on the same side. Whoever may not
 * assign roles will not be allowed to because an identity is new; whoever was just given a role will.
 */
export const grantsOf = (step: Step, sideOf: (id: StepId) => Step['side'] | undefined): StepId[] =>
  Object.values(step.needs)
    .filter((need) => need.fact === 'granted' && sideOf(need.step) === step.side)
    .map((need) => need.step);

function upstream(step: Step, drafts: ReadonlyMap<StepId, Draft>) {
  const refs = Object.values(step.needs).map((need) => ({ ...need, draft: drafts.get(need.step) }));
  const blocked = refs.filter(({ draft }) => draft?.change.action === 'blocked');
  const roots = (of: typeof refs): StepId[] => [
    ...new Set(of.flatMap(({ step: id, draft }) => draft?.change.follows ?? [id])),
  ];
  return {
    moving: refs.some(({ draft }) => draft?.moving),
    /** Whose blockage reaches this step at all. */
    blocked: roots(blocked),
    /** Whose blockage withholds a fact from it. */
    withheld: roots(blocked.filter(({ draft, fact }) => draft?.facts[fact] === undefined)),
  };
}

/** Whether looking again, when the step's turn has come, can end otherwise. */
function mayBeSeenLater(problem: Problem, step: Step, moving: boolean, drafts: ReadonlyMap<StepId, Draft>): boolean {
  switch (problem.trouble) {
    case 'missing':
      return moving;
    case 'busy':
    case 'not yet':
      return true;
    case 'denied':
      // Granted in this run, or lately: only the clock can tell, and a plan has none.
      return grantsOf(step, (id) => drafts.get(id)?.change.side).some(
        (id) => drafts.get(id)?.change.action !== 'blocked',
      );
    default:
      return false;
  }
}

/** The line for whoever can do it. One with an open hole would paste as a redirection: none then. */
export function lineToRun(step: Step, known: Known<Needs>, judged?: Judged): { readonly run?: string } {
  const run = judged?.run ?? attempt(() => step.byHand?.(known));
  return run === undefined || run.includes(KNOWN_AFTER_APPLY) ? {} : { run };
}

function previewOf(step: Step, known: Known<Needs>): { readonly preview?: string } {
  const preview = attempt(() => step.preview?.(known));
  return preview === undefined ? {} : { preview };
}

/** A line that cannot be made is left out: it explains a plan and decides nothing. */
function attempt(make: () => string | undefined): string | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
