import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Pace } from '../../src/step.ts';
import { applied } from './applied.ts';
import { fakeCheck, fakeClock, fakeStep, fakeWorld, needing } from './fakes.ts';

test('Ctrl-C: no new step, what is in flight may end within the grace', async () => {
  const control = new AbortController();
  const a = fakeStep('a', {
    converge: async () => {
      control.abort();
      await turn();
      return 'yes';
    },
  });
  const run = await applied([a, fakeStep('b', { needs: needing('a') }), fakeStep('c')], {
    world: fakeWorld(fakeClock(), control.signal),
    values: { c: 'yes' },
    checks: [fakeCheck(['a'], async () => [])],
  });
  expect(run.outcomes).toEqual({ a: 'created', b: 'interrupted', c: 'kept' });
  expect(run.proofs[0]?.outcome).toBe('interrupted');
});

test('Ctrl-C: what does not end within the grace is left, and named as not known', async () => {
  const control = new AbortController();
  const graces: number[] = [];
  const stuck = (id: string, settles: Pace) =>
    fakeStep(id, {
      settles,
      converge: () => {
        setImmediate(() => control.abort());
        return new Promise(() => {});
      },
    });
  const run = await applied([stuck('cluster', 'long operation'), stuck('role', 'minutes')], {
    world: fakeWorld(fakeClock(), control.signal),
    alarm: async (ms) => void graces.push(ms),
  });
  expect(graces).toEqual([5000]);
  expect(run.result('cluster')).toMatchObject({ outcome: 'interrupted', note: 'the operation goes on without us' });
  expect(run.result('role')).toMatchObject({
    outcome: 'interrupted',
    note: 'was under way; whether it took effect is not known',
  });
});

test('Ctrl-C ends a pause at once', async () => {
  const control = new AbortController();
  const world = fakeWorld(fakeClock(), control.signal);
  const a = fakeStep('a', {
    settles: 'minutes',
    converge: async () => {
      setImmediate(() => control.abort());
      return 'soon';
    },
  });
  expect((await applied([a], { world })).result('a')).toMatchObject({
    outcome: 'interrupted',
    note: 'accepted; it is on its way',
  });
});

test('a limit for everything ends it as timed out', async () => {
  const alarm = (ms: number) => (ms === 1000 ? new Promise<void>((done) => setImmediate(done)) : Promise.resolve());
  const a = fakeStep('a', { settles: 'long operation', converge: () => new Promise(() => {}) });
  const run = await applied([a, fakeStep('b', { needs: needing('a') })], { timeout: 1000, alarm });
  expect(run.outcomes).toEqual({ a: 'timed out', b: 'not reached' });
});
