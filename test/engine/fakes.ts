import { setImmediate as turn } from 'node:timers/promises';
import type { Event } from '../../src/engine/events.ts';
import type { Facts } from '../../src/facts.ts';
import type { Check, Judged, Needs, Step } from '../../src/step.ts';
import type { Clock, World } from '../../src/world.ts';

/** A clock that jumps to the next sleeper whenever nothing else can go on. */
export function fakeClock(
  start = Date.UTC(2026, 0, 5, 12),
): Clock & { readonly slept: number[]; move(ms: number): void } {
  let now = start;
  const slept: number[] = [];
  const sleepers = new Set<{ due: number; wake: () => void }>();
  let watching = false;
  const watch = async () => {
    if (watching) return;
    watching = true;
    while (sleepers.size > 0) {
      for (let turns = 0; turns < 5; turns++) await turn();
      const [next] = [...sleepers].sort((a, b) => a.due - b.due);
      if (!next) break;
      sleepers.delete(next);
      now = Math.max(now, next.due);
      next.wake();
    }
    watching = false;
  };
  return {
    slept,
    move: (ms) => {
      now += ms;
    },
    now: () => new Date(now),
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        slept.push(ms);
        const abort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const wake = () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const sleeper = { due: now + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', abort, { once: true });
        void watch();
      }),
  };
}

/** What invented steps look at and change: values by name, and a count of every look and write. */
export interface FakeState {
  readonly values: Map<string, string>;
  readonly reads: string[];
  readonly writes: string[];
}

export interface FakeWorld extends World {
  readonly state: FakeState;
  /** Reads through this world; equal reads of one world are one. */
  read(name: string, look?: () => string | undefined): Promise<string | undefined>;
}

export function fakeWorld(
  clock: Clock = fakeClock(),
  signal: AbortSignal = new AbortController().signal,
  state: FakeState = { values: new Map(), reads: [], writes: [] },
): FakeWorld {
  const memory = new Map<string, Promise<string | undefined>>();
  return {
    clock,
    signal,
    state,
    azure: undefined as never,
    kubernetes: undefined as never,
    helm: undefined as never,
    value: () => Promise.reject(new Error('no values here')),
    fresh: () => fakeWorld(clock, signal, state),
    read(name, look = () => state.values.get(name)) {
      const known = memory.get(name);
      if (known) return known;
      state.reads.push(name);
      const reading = Promise.resolve().then(look);
      memory.set(name, reading);
      return reading;
    },
  };
}

/** A step about one value of the fake world: `yes` is as wanted, anything else differs. */
export function fakeStep(id: string, more: Partial<Step<Needs, string | undefined>> = {}): Step {
  const [kind = 'thing', subject = id] = id.split('/');
  const facts: Facts = Object.fromEntries((more.yields ?? ['applied']).map((fact) => [fact, `${fact} of ${id}`]));
  return {
    ...{
      id,
      kind,
      subject,
      title: `${id} is there`,
      side: 'Azure',
      workloads: ['orders'],
      needs: {},
      yields: ['applied'],
    },
    observe: (world: World) => (world as FakeWorld).read(id),
    judge: (seen: string | undefined) => judged(seen, facts),
    async converge(world: World) {
      (world as FakeWorld).state.writes.push(id);
      (world as FakeWorld).state.values.set(id, 'yes');
      return 'yes';
    },
    ...more,
  } as Step;
}

export function judged(seen: string | undefined, facts: Facts, more: Partial<Judged> = {}): Judged {
  const state = seen === undefined ? 'absent' : seen === 'yes' ? 'as wanted' : seen === 'soon' ? 'settling' : 'differs';
  return {
    ...{ state, owner: 'ours', facts: state === 'absent' ? {} : facts },
    differences: state === 'differs' ? [{ path: 'value', is: String(seen), want: 'yes' }] : [],
    ...(state === 'settling' && { note: 'it is on its way' }),
    ...more,
  };
}

export const needing = (...ids: readonly string[]): Needs =>
  Object.fromEntries(ids.map((id) => [id, { step: id, fact: 'applied' as const }]));

export function fakeCheck(after: readonly string[], run: Check['run'], more: Partial<Check> = {}): Check {
  return { id: 'proof', title: 'orders can read', workload: 'orders', needs: {}, after, run, ...more };
}

export function recorder(): { readonly events: Event[]; readonly tell: (event: Event) => void; said(): string[] } {
  const events: Event[] = [];
  return {
    events,
    tell: (event) => void events.push(event),
    said: () =>
      events.flatMap((event) => {
        if (event.type === 'waiting') return [`waiting ${event.change.id}: ${event.reason}`];
        if (event.type === 'changing') return [`changing ${event.change.id}`];
        if (event.type === 'ended') return [`${event.result.outcome} ${event.result.change.id}`];
        return event.type === 'proved' ? [`${event.proof.outcome} ${event.proof.id}`] : [];
      }),
  };
}
