import { expect, test } from 'vitest';
import { BUDGET, pause, until } from '../../src/engine/patience.ts';
import { fakeClock } from './fakes.ts';

const never = new AbortController().signal;

test('the rhythm begins small, grows to ten seconds, and is never quicker than the service asks', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 20].map((turn) => pause(turn))).toEqual([
    500, 1000, 2000, 3000, 5000, 8000, 10_000, 10_000, 10_000,
  ]);
  expect(pause(0, 7000)).toBe(7000);
  expect(pause(6, 1)).toBe(10_000);
});

test('every pace has its budget', () => {
  expect(BUDGET).toEqual({ 'at once': 0, seconds: 60_000, minutes: 600_000, 'long operation': 1_800_000 });
});

test('tries until it is done, tells each wait, and sleeps by the clock only', async () => {
  const clock = fakeClock();
  const end = clock.now().getTime() + 60_000;
  let tries = 0;
  const told: string[] = [];
  const answer = await until(
    clock,
    never,
    async () => (++tries === 4 ? { done: 'there' } : { wait: { reason: 'not yet', until: end } }),
    ({ reason }) => told.push(reason),
  );
  expect(answer).toEqual({ done: 'there' });
  expect(told).toHaveLength(3);
  expect(clock.slept).toEqual([500, 1000, 2000]);
});

test('another reason starts the rhythm anew', async () => {
  const clock = fakeClock();
  const end = clock.now().getTime() + 60_000;
  const reasons = ['a', 'a', 'b', 'b'];
  await until(
    clock,
    never,
    async () => (reasons.length === 0 ? { done: 1 } : { wait: { reason: reasons.shift()!, until: end } }),
    () => {},
  );
  expect(clock.slept).toEqual([500, 1000, 500, 1000]);
});

test('gives up at the end of the budget, not after it, with the last reason; and looks once more at the end', async () => {
  const clock = fakeClock();
  const start = clock.now().getTime();
  let tries = 0;
  const answer = await until(
    clock,
    never,
    async () => ({ wait: { reason: `try ${++tries}`, until: start + 4000 } }),
    () => {},
  );
  expect(clock.now().getTime()).toBe(start + 4000);
  expect(answer).toMatchObject({ overdue: { reason: `try ${tries}` } });
});

test('no budget, no wait', async () => {
  const clock = fakeClock();
  const answer = await until(
    clock,
    never,
    async () => ({ wait: { reason: 'no', until: clock.now().getTime() } }),
    () => {},
  );
  expect(answer).toMatchObject({ overdue: { reason: 'no' } });
  expect(clock.slept).toEqual([]);
});

test('an abort ends the pause', async () => {
  const clock = fakeClock();
  const control = new AbortController();
  const answer = until(
    clock,
    control.signal,
    async () => ({ wait: { reason: 'no', until: Number.MAX_SAFE_INTEGER } }),
    () => control.abort(new Error('stop')),
  );
  await expect(answer).rejects.toThrow('stop');
});
