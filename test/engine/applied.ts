import { apply } from '../../src/engine/apply.ts';
import type { Result } from '../../src/engine/events.ts';
import { observe } from '../../src/engine/observe.ts';
import { plan } from '../../src/engine/plan.ts';
import type { Check, Consent, Step } from '../../src/step.ts';
import type { Said, Trouble } from '../../src/trouble.ts';
import { Problem } from '../../src/trouble.ts';
import type { FakeWorld } from './fakes.ts';
import { fakeWorld, recorder } from './fakes.ts';

export interface Given {
  readonly values?: Record<string, string>;
  readonly checks?: readonly Check[];
  readonly consents?: Consent[];
  readonly world?: FakeWorld;
  readonly timeout?: number;
  readonly alarm?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Looks, plans and applies invented steps, and says what became of each. */
export async function applied(steps: readonly Step[], given: Given = {}) {
  const world = given.world ?? fakeWorld();
  for (const [name, value] of Object.entries(given.values ?? {})) world.state.values.set(name, value);
  const observations = await observe(steps, world);
  const firstReads = world.state.reads.length;
  const consents = given.consents ?? [];
  const { tell, said, events } = recorder();
  const { timeout, alarm = () => new Promise<void>(() => {}) } = given;
  const done = await apply(steps, given.checks ?? [], observations, plan(steps, observations, consents), world, {
    ...{ tell, consents, alarm },
    ...(timeout !== undefined && { timeout }),
  });
  const result = (id: string) => done.results.find(({ change }) => change.id === id) as Result;
  const outcomes = Object.fromEntries(done.results.map(({ change, outcome }) => [change.id, outcome]));
  return { ...done, result, outcomes, said: said(), events, world, later: world.state.reads.slice(firstReads) };
}
export const minutesAgo = (minutes: number) => new Date(Date.UTC(2026, 0, 5, 12) - minutes * 60_000);
export const trouble = (kind: Trouble, more: { by?: Said['by']; retryAfter?: number } = {}) =>
  new Problem(kind, 'it', `it is ${kind}`, {
    retryAfter: more.retryAfter,
    said: more.by && { by: more.by, message: 'm' },
  });
