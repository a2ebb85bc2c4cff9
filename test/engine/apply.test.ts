import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Pace, Step } from '../../src/step.ts';
import type { Said, Trouble } from '../../src/trouble.ts';
import { applied, minutesAgo, trouble } from './applied.ts';
import type { FakeWorld } from './fakes.ts';
import { fakeCheck, fakeClock, fakeStep, fakeWorld, judged, needing } from './fakes.ts';

test('creates, updates and keeps; nothing is requested twice; facts reach those who need them', async () => {
  const known: unknown[] = [];
  const c = fakeStep('c', {
    needs: needing('a', 'b'),
    converge: async (world, _seen, facts) => {
      known.push(facts);
      (world as FakeWorld).state.writes.push('c');
      return 'yes';
    },
  });
  const run = await applied([c, fakeStep('a'), fakeStep('b'), fakeStep('d')], { values: { b: 'no', d: 'yes' } });
  expect(run.outcomes).toEqual({ a: 'created', b: 'updated', c: 'created', d: 'kept' });
  expect(run.world.state.writes).toEqual(['a', 'b', 'c']);
  expect(run.later).toEqual([]);
  expect(known).toEqual([{ a: 'applied of a', b: 'applied of b' }]);
  expect(run.result('c')).toMatchObject({ tries: 1, facts: { applied: 'applied of c' } });
});

test('again changes nothing and reads nothing', async () => {
  const run = await applied([fakeStep('a'), fakeStep('b', { needs: needing('a') })], {
    values: { a: 'yes', b: 'yes' },
  });
  expect(run.outcomes).toEqual({ a: 'kept', b: 'kept' });
  expect(run.world.state.writes).toEqual([]);
  expect(run.later).toEqual([]);
});

test('the first wave is judged again with the real facts, not looked at again', async () => {
  const b = fakeStep('b', {
    needs: needing('a'),
    judge: (_seen, { a }) => judged(a === 'applied of a' ? 'yes' : undefined, { applied: 'x' }),
  });
  const run = await applied([fakeStep('a'), b]);
  expect(run.outcomes).toEqual({ a: 'created', b: 'kept' });
  expect(run.later).toEqual([]);
});

test('what could not be looked at is looked at when its turn has come', async () => {
  const look = (world: unknown) =>
    (world as FakeWorld).state.values.has('cluster')
      ? (world as FakeWorld).read('b')
      : Promise.reject(trouble('missing'));
  const b = fakeStep('b', { needs: needing('cluster'), observe: look });
  const run = await applied([fakeStep('cluster'), b]);
  expect(run.outcomes).toEqual({ cluster: 'created', b: 'created' });
  expect(run.later).toEqual(['b']);
});

test('those whose turn comes at the same moment share what they read', async () => {
  const look = (world: unknown) =>
    (world as FakeWorld).state.values.has('a')
      ? (world as FakeWorld).read('list').then(() => 'yes')
      : Promise.reject(trouble('missing'));
  const step = (id: string) => fakeStep(id, { needs: needing('a'), observe: look });
  const run = await applied([fakeStep('a'), step('x'), step('y'), step('z')]);
  expect(run.outcomes).toMatchObject({ x: 'kept', y: 'kept', z: 'kept' });
  expect(run.later).toEqual(['list']);
});

/** Converges without an answer; the world shows it only after `delay`. */
const lagging = (id: string, delay: number, settles: Pace | undefined, shows: string | undefined) => {
  let at: number | undefined;
  return fakeStep(id, {
    ...(settles && { settles }),
    observe: (world) => {
      const w = world as FakeWorld;
      const arrived = at !== undefined && w.clock.now().getTime() >= at + delay;
      return w.read(id, () => (arrived ? 'yes' : at === undefined ? undefined : shows));
    },
    converge: async (world) => {
      (world as FakeWorld).state.writes.push(id);
      at = (world as FakeWorld).clock.now().getTime();
      return undefined;
    },
  });
};

test.each<[string, number, Pace | undefined, string | undefined, string]>([
  ['seen at the next look', 0, undefined, undefined, 'created'],
  ['settling for a minute, minutes allowed', 60_000, 'minutes', 'soon', 'created'],
  ['still the old state for a minute, minutes allowed', 60_000, 'minutes', 'old', 'created'],
  ['still absent for a minute, minutes allowed', 60_000, 'minutes', undefined, 'created'],
  ['settling for two minutes, seconds allowed', 120_000, 'seconds', 'soon', 'timed out'],
  ['still the old state, no patience', 1000, undefined, 'old', 'timed out'],
  ['an operation of twenty minutes', 1_200_000, 'long operation', 'soon', 'created'],
])('the world lags: %s', async (_, delay, pace, shows, outcome) => {
  const run = await applied([lagging('a', delay, pace, shows)]);
  expect(run.outcomes).toEqual({ a: outcome });
  expect(run.world.state.writes).toEqual(['a']);
});

test('a wait is told with its reason, and running out of patience keeps the last true one', async () => {
  const run = await applied([lagging('a', 1e9, 'seconds', 'old')]);
  expect(run.said[0]).toBe('changing a');
  expect(run.said[1]).toBe('waiting a: accepted, but value is still old');
  expect(run.result('a')).toMatchObject({
    outcome: 'timed out',
    note: 'accepted, but value is still old',
    seconds: 60,
  });
});

/** A step whose converge meets a trouble so many times before it succeeds. */
const troubled = (
  kind: Trouble,
  times: number,
  more: Partial<Step> = {},
  said: { by?: Said['by']; retryAfter?: number } = {},
) => {
  let left = times;
  return fakeStep('b', {
    ...(more as object),
    converge: async (world) => {
      if (left-- > 0) throw trouble(kind, said);
      (world as FakeWorld).state.values.set('b', 'yes');
      return 'yes';
    },
  });
};
const grantNeeds = { may: { step: 'a', fact: 'granted' } } as const;

test.each<[Trouble, string, Pace | undefined, string]>([
  ['busy', 'made now', undefined, 'created'],
  ['busy', 'old', undefined, 'created'],
  ['not yet', 'made now', undefined, 'created'],
  ['not yet', 'old', 'minutes', 'created'],
  ['missing', 'made now', undefined, 'created'],
  ['missing', 'made now', 'minutes', 'created'],
  ['missing', 'old', 'minutes', 'failed'],
  ['denied', 'made now', 'minutes', 'failed'],
  ['denied', 'old', 'minutes', 'failed'],
  ['refused', 'made now', 'minutes', 'failed'],
  ['broken', 'made now', 'minutes', 'failed'],
  ['unsigned', 'made now', 'minutes', 'failed'],
])('converge meets %s twice, what it needs is %s, its pace %s: %s', async (kind, upstream, pace, outcome) => {
  const b = troubled(kind, 2, { needs: needing('a'), ...(pace && { settles: pace }) });
  const run = await applied([fakeStep('a'), b], { values: upstream === 'old' ? { a: 'yes' } : {} });
  expect(run.outcomes.b).toBe(outcome);
  if (outcome === 'created') expect(run.said.filter((line) => line === `waiting b: it is ${kind}`)).toHaveLength(2);
  if (outcome === 'failed') expect(run.result('b').problem?.trouble).toBe(kind);
});

test.each<[string, string | undefined, Date | undefined, string]>([
  ['made in this run', undefined, undefined, 'created'],
  ['made four minutes ago, by its own date', 'yes', minutesAgo(4), 'created'],
  ['made an hour ago', 'yes', minutesAgo(60), 'failed'],
  ['of unknown age', 'yes', undefined, 'failed'],
])('a refusal while the grant it rests on was %s', async (_, value, since, outcome) => {
  const grant = fakeStep('a', {
    ...{ yields: ['granted'], settles: 'minutes' },
    judge: (seen) => judged(seen, { granted: 'a role' }, since ? { since } : {}),
  });
  const run = await applied([grant, troubled('denied', 3, { needs: grantNeeds })], {
    values: value ? { a: value } : {},
  });
  expect(run.outcomes.b).toBe(outcome);
});

test('a refusal that outlives the youth of its grant is overdue; the trouble is kept', async () => {
  const grant = fakeStep('a', { yields: ['granted'], settles: 'minutes' });
  const run = await applied([grant, troubled('denied', 1e9, { needs: grantNeeds })]);
  expect(run.result('b')).toMatchObject({ outcome: 'timed out', problem: { trouble: 'denied' }, seconds: 600 });
});

test('a first look that was denied is taken again once the grant is made', async () => {
  const b = fakeStep('b', {
    needs: grantNeeds,
    observe: (world) => {
      const w = world as FakeWorld;
      const granted = w.clock.now().getTime() > Date.UTC(2026, 0, 5, 12) + 30_000;
      return w.read('b', () => {
        if (!granted) throw trouble('denied');
        return undefined;
      });
    },
  });
  const run = await applied([fakeStep('a', { yields: ['granted'], settles: 'minutes' }), b]);
  expect(run.outcomes).toEqual({ a: 'created', b: 'created' });
});

test('the service says when to ask again', async () => {
  const clock = fakeClock();
  await applied([troubled('busy', 1, {}, { retryAfter: 17_000 })], { world: fakeWorld(clock) });
  expect(clock.slept).toEqual([17_000]);
});

test('followers of what failed are not reached and say because of what; others go on', async () => {
  const bad = fakeStep('bad', { converge: () => Promise.reject(new Error('boom')) });
  const run = await applied(
    [
      bad,
      fakeStep('next', { needs: needing('bad') }),
      fakeStep('last', { needs: needing('next') }),
      fakeStep('other'),
      fakeStep('already', { needs: needing('bad') }),
    ],
    { values: { already: 'yes' }, checks: [fakeCheck(['last'], async () => [])] },
  );
  expect(run.outcomes).toEqual({
    bad: 'failed',
    next: 'not reached',
    last: 'not reached',
    other: 'created',
    already: 'kept',
  });
  expect(run.result('bad').problem).toMatchObject({ trouble: 'broken', resource: 'bad bad', message: 'boom' });
  expect(run.result('last').follows).toEqual(['bad']);
  expect(run.proofs).toMatchObject([{ outcome: 'not reached', follows: ['bad'] }]);
});

test('what lacks only a right or a consent still serves those who need no more of it', async () => {
  const half = (extra: Partial<Step>) =>
    fakeStep('a', { judge: () => judged('no', { applied: '1' }), ...(extra as object) });
  const denied = half({ converge: () => Promise.reject(trouble('denied')), byHand: () => 'az do it' });
  const b = fakeStep('b', { needs: needing('a') });
  const run = await applied([denied, b]);
  expect(run.outcomes).toEqual({ a: 'failed', b: 'created' });
  expect(run.result('a').run).toBe('az do it');
  const asking = half({
    judge: () => ({
      ...judged('no', { applied: '1' }),
      differences: [{ path: 'p', is: 'off', want: 'on', consent: ['cluster'] }],
    }),
  });
  expect((await applied([asking, b])).outcomes).toEqual({ a: 'blocked', b: 'created' });
  expect((await applied([half({ converge: () => Promise.reject(trouble('broken')) }), b])).outcomes).toEqual({
    a: 'failed',
    b: 'not reached',
  });
});

test('a consent that shows to be needed only then is asked for then: nothing is written without it', async () => {
  const b = fakeStep('b', {
    needs: needing('a'),
    judge: (seen, { a }) => ({
      ...judged(seen, {}),
      differences: [{ path: 'p', is: '-', want: 'on', ...(a === 'applied of a' && { consent: ['install' as const] }) }],
    }),
  });
  const run = await applied([fakeStep('a'), b]);
  expect(run.outcomes).toEqual({ a: 'created', b: 'blocked' });
  expect(run.world.state.writes).toEqual(['a']);
});

test('writes of one lane never overlap, waiting happens outside of it', async () => {
  let writing = 0;
  let most = 0;
  const waits: string[] = [];
  const step = (id: string) => {
    let looks = 0;
    return fakeStep(id, {
      ...{ lane: 'identity', settles: 'minutes' },
      observe: async () => (looks++ === 0 ? undefined : looks < 5 ? 'soon' : 'yes'),
      converge: async () => {
        most = Math.max(most, ++writing);
        for (let turns = 0; turns < 4; turns++) await turn();
        writing--;
        waits.push(id);
        return undefined;
      },
    });
  };
  const clock = fakeClock();
  const run = await applied([step('a'), step('b'), step('c')], { world: fakeWorld(clock) });
  expect(run.outcomes).toEqual({ a: 'created', b: 'created', c: 'created' });
  expect(most).toBe(1);
  // Side by side: each waits 0.5, 1 and 2 s, and all of them together no longer.
  expect(clock.now().getTime()).toBeLessThan(Date.UTC(2026, 0, 5, 12) + 8000);
});

test('behind runs whatever became of what it follows, and looks anew when that changed something', async () => {
  const back = (behind: string) => fakeStep('back', { behind: [behind], needs: needing('grant') });
  const bad = fakeStep('write', { needs: needing('grant'), converge: () => Promise.reject(trouble('broken')) });
  const run = await applied([fakeStep('grant'), bad, back('write')]);
  expect(run.outcomes).toEqual({ grant: 'created', write: 'failed', back: 'created' });
  expect((await applied([fakeStep('grant'), fakeStep('write'), back('write')])).later).toEqual(['back']);
});

test('a bug in judge at apply is recorded, and escapes nobody', async () => {
  let judgements = 0;
  const a = fakeStep('a', {
    judge: (seen) => {
      if (judgements++ > 0) throw new RangeError('bug');
      return judged(seen, {});
    },
  });
  const run = await applied([a, fakeStep('b')]);
  expect(run.outcomes).toEqual({ a: 'failed', b: 'created' });
  expect(run.result('a').problem).toMatchObject({ trouble: 'broken', message: expect.stringContaining('RangeError') });
});

test('a fact that was promised and did not come is a bug that is recorded', async () => {
  const a = fakeStep('a', { yields: ['applied', 'clientId'], judge: (seen) => judged(seen, { applied: 'x' }) });
  const run = await applied([a, fakeStep('b', { needs: { id: { step: 'a', fact: 'clientId' } } })]);
  expect(run.result('b')).toMatchObject({
    outcome: 'failed',
    problem: { message: 'a ended well and yielded no clientId' },
  });
});

test('what needs only a standing fact does not wait for the change of the thing that has it', async () => {
  const order: string[] = [];
  const slow = fakeStep('cluster', {
    standing: ['location'],
    yields: ['location', 'applied'],
    judge: (seen) => ({
      ...judged(seen === 'yes' ? 'yes' : 'no', { location: 'here', ...(seen === 'yes' && { applied: 'x' }) }),
    }),
    converge: async (world) => {
      await world.clock.sleep(60_000);
      order.push('cluster');
      (world as FakeWorld).state.values.set('cluster', 'yes');
      return 'yes';
    },
  });
  const writes = (id: string, fact: 'location' | 'applied') =>
    fakeStep(id, {
      needs: { it: { step: 'cluster', fact } },
      converge: async () => {
        order.push(id);
        return 'yes';
      },
    });
  const run = await applied([slow, writes('waits', 'applied'), writes('goes on', 'location')], {
    values: { cluster: 'no' },
  });
  expect(run.outcomes).toEqual({ cluster: 'updated', waits: 'created', 'goes on': 'created' });
  expect(order).toEqual(['goes on', 'cluster', 'waits']);
});

test.each([
  ['proven', async () => [{ check: 'c', title: 't', verdict: 'pass' as const }], 'created'],
  ['unknown', async () => [{ check: 'c', title: 't', verdict: 'unknown' as const }], 'created'],
  ['failed', async () => [{ check: 'c', title: 't', verdict: 'fail' as const }], 'not reached'],
])('a step that rests on a proof, and the proof is %s', async (_name, ask, outcome) => {
  const check = fakeCheck(['a'], ask);
  const run = await applied([fakeStep('a'), fakeStep('b', { proven: [check.id] })], { checks: [check] });
  expect(run.outcomes).toEqual({ a: 'created', b: outcome });
});
