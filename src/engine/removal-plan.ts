import type { Facts } from '../facts.ts';
import type { Known, Leaving, Needs, Removal, Stays, Step, StepId } from '../step.ts';
import type { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import type { Change, Plan, Tell } from './events.ts';
import { graphOf } from './graph.ts';
import { problemOf } from './observe.ts';
import { knownTo } from './plan.ts';
import { removalOrder } from './removal-order.ts';

/** What a step saw, and what its removal depends on besides; or why it could not look. */
export type Sight = { readonly seen: unknown; readonly surveyed: unknown } | { readonly problem: Problem };
export type Sights = ReadonlyMap<StepId, Sight>;

/** Looks at everything at once, as before an apply, and at who else lives by it. Never rejects. */
export async function survey(steps: readonly Step[], world: World, tell?: Tell): Promise<Sights> {
  tell?.({ type: 'observing', steps: steps.length });
  const looks = steps.map(async (step): Promise<readonly [StepId, Sight]> => {
    try {
      return [step.id, await lookAt(step, world)];
    } catch (error) {
      return [step.id, { problem: problemOf(error, nameOf(step)) }];
    }
  });
  return new Map(await Promise.all(looks));
}

/** Throws what `observe` and `survey` throw. */
export async function lookAt(step: Step, world: World) {
  const [seen, surveyed] = await Promise.all([step.observe(world), step.survey?.(world)]);
  return { seen, surveyed };
}

export const nameOf = ({ kind, subject }: Pick<Step, 'kind' | 'subject'>): string => `${kind} ${subject}`;

/** What the step itself decides; else what is ours goes if the step knows how, and everything else stays. */
export function removalOf(
  step: Step,
  { seen, surveyed }: Exclude<Sight, { problem: Problem }>,
  known: Known<Needs>,
  leaving: Omit<Leaving, 'surveyed'>,
): Removal {
  if (step.removal) return step.removal(seen, known, { ...leaving, surveyed });
  if (step.quiet && !step.remove) return { state: 'absent' };
  const { state, owner } = step.judge(seen, known);
  const isThere = state === 'as wanted' || state === 'good enough' || state === 'differs' || !!step.remove;
  if (state === 'absent' || !isThere) return { state: 'absent' };
  if (!step.remove) return { state: 'leave', note: 'never removed by aks-secrets' };
  if (owner === 'theirs') return { state: 'leave', note: 'not made by aks-secrets' };
  if (leaving.others.length > 0) return { state: 'leave', note: `also serves ${leaving.others.join(', ')}` };
  return { state: 'remove', takes: [step.id] };
}

/** The workloads that a step serves besides the chosen ones. */
export const othersOf = (step: Step, chosen: ReadonlySet<string>): readonly string[] =>
  step.workloads.filter((name) => !chosen.has(name));

/** What steps may know of others: the facts of all that could be looked at. */
export function knownBy(steps: readonly Step[], sights: Sights): (step: Step) => Known<Needs> {
  const facts = new Map<StepId, Facts>();
  const known = (step: Step) => knownTo(step, (id) => facts.get(id));
  for (const place of graphOf(steps)) {
    if (!('step' in place)) continue;
    const sight = sights.get(place.id);
    if (!sight || 'problem' in sight) continue;
    try {
      facts.set(place.id, place.step.judge(sight.seen, known(place.step)).facts);
    } catch {
      // What cannot be judged (a template that wants what is not given) yields nothing; its removal needs none of it.
    }
  }
  return known;
}

/** Ids compare without case, as Azure's do. */
export const counted = (takes: readonly string[] = []): readonly string[] => takes.map((id) => id.toLowerCase());

/**
 * What is removed, in the order of removal, and what is left in place and why, of one look. Pure. What is not there is
 * not mentioned. `chosen` are the workloads that go; what serves others of the file stays.
 */
export function removalPlan(steps: readonly Step[], sights: Sights, chosen: Iterable<string>): Plan {
  const leavers = new Set(chosen);
  const known = knownBy(steps, sights);
  const byId = new Map(steps.map((step) => [step.id, step]));
  const called = (id: StepId): string => nameOf(byId.get(id)!);
  const going = new Set<string>();
  const unseen = new Set<StepId>();
  const acts: Change[] = [];
  const stays: Change[] = [];
  for (const { id, after } of removalOrder(steps)) {
    const step = byId.get(id)!;
    if (!step.workloads.some((name) => leavers.has(name))) continue;
    const change = (action: Change['action'], more: Partial<Change> = {}): Change => ({
      ...described(step),
      ...{ action, differences: [], missing: [], consents: [] },
      ...more,
    });
    const blocked = (problem: Problem): void => {
      unseen.add(id);
      acts.push(change('blocked', { problem }));
    };
    const sight = sights.get(id) ?? { problem: problemOf(new Error('was not looked at'), nameOf(step)) };
    if ('problem' in sight) {
      // What it lies in is gone, and it is gone with it.
      if (sight.problem.trouble === 'missing') continue;
      if (step.remove) blocked(sight.problem);
      else if (!step.quiet) stays.unshift(change('leave', { note: 'could not be looked at' }));
      continue;
    }
    let removal: Removal;
    try {
      removal = removalOf(step, sight, known(step), { others: othersOf(step, leavers), going });
    } catch (error) {
      blocked(problemOf(error, nameOf(step)));
      continue;
    }
    const beside = (removal.beside ?? []).map((one, place) => besideOf(step, one, place));
    const noted = removal.note === undefined ? {} : { note: removal.note };
    const follows = after.filter((before) => unseen.has(before) && byId.get(before)?.side === step.side);
    switch (removal.state) {
      case 'remove':
        for (const one of counted(removal.takes)) going.add(one);
        acts.push(change('remove', noted));
        break;
      case 'going':
        acts.push(change('remove', noted));
        break;
      case 'leave':
        // Whether it may go hangs on something that could not be looked at.
        if (step.remove && follows.length > 0)
          acts.push(change('blocked', { note: `hangs on ${follows.map(called).join(', ')}`, follows }));
        else beside.unshift(change('leave', { ...noted, ...(removal.run !== undefined && { run: removal.run }) }));
    }
    stays.unshift(...beside);
  }
  return { changes: [...acts, ...stays] };
}

function described({ id, kind, subject, title, side, workloads, settles }: Step) {
  return { ...{ id, kind, subject, title, side, workloads }, ...(settles && { settles }) };
}

const besideOf = (step: Step, { kind, subject, note, run }: Stays, place: number): Change => ({
  ...{ id: `${step.id}#${place + 1}`, kind, subject, side: step.side, workloads: step.workloads },
  ...{ title: `${kind} ${subject} is there`, action: 'leave', differences: [], missing: [], consents: [], note },
  ...(run !== undefined && { run }),
});
