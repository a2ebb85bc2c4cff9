import { expect, test } from 'vitest';
import type { ExitCode } from '../src/exit.ts';
import { EXIT, exitOf, exitOfPlan, worst } from '../src/exit.ts';
import type { Trouble } from '../src/trouble.ts';

test('of several codes the first of the contract counts', () => {
  const order: ExitCode[] = [130, 2, 5, 1, 3, 124, 6, 4, 0];
  order.forEach((code, index) => {
    expect(worst([...order.slice(index)].reverse())).toBe(code);
  });
  expect(worst([])).toBe(0);
  expect([...Object.values(EXIT)].sort()).toEqual([...order].sort());
});

test.each<[string, Trouble | undefined, ExitCode]>([
  ['created', undefined, 0],
  ['updated', undefined, 0],
  ['kept', undefined, 0],
  ['not reached', undefined, 0],
  ['blocked', undefined, 1],
  ['blocked', 'denied', 6],
  ['blocked', 'unsigned', 5],
  ['blocked', 'broken', 1],
  ['failed', 'denied', 6],
  ['failed', 'unsigned', 5],
  ['failed', 'refused', 1],
  ['failed', 'broken', 1],
  ['timed out', 'denied', 124],
  ['timed out', undefined, 124],
  ['interrupted', undefined, 130],
])('a step that ended %s (%s): %d', (outcome, trouble, code) => {
  expect(exitOf([{ outcome: 'kept' }, { outcome, ...(trouble && { problem: { trouble } }) }])).toBe(code);
});

test.each<[string, Trouble | undefined, ExitCode]>([
  ['proven', undefined, 0],
  ['not reached', undefined, 0],
  ['failed', undefined, 1],
  ['failed', 'denied', 1],
  ['unknown', undefined, 1],
  ['unknown', 'denied', 6],
  ['timed out', 'denied', 124],
  ['interrupted', undefined, 130],
])('a proof that ended %s (%s): %d', (outcome, trouble, code) => {
  expect(exitOf([], [{ outcome, ...(trouble && { problem: { trouble } }) }])).toBe(code);
});

test.each<[string[], ExitCode]>([
  [['keep', 'keep'], 0],
  [['keep', 'create'], 4],
  [['later'], 4],
  [['create', 'blocked'], 1],
  [[], 0],
])('a plan with %j: %d', (actions, code) => {
  expect(exitOfPlan(actions.map((action) => ({ action })))).toBe(code);
});

test("what a consent would open is 6; what the world stands in the way of is 1; what follows from another is that one's", () => {
  expect(exitOf([{ outcome: 'blocked', missing: ['cluster'] }])).toBe(6);
  expect(exitOf([{ outcome: 'blocked', missing: [] }])).toBe(1);
  expect(exitOfPlan([{ action: 'blocked', missing: ['cluster'] }])).toBe(6);
  expect(
    exitOfPlan([
      { action: 'blocked', missing: ['cluster'] },
      { action: 'blocked', follows: ['a'] },
    ]),
  ).toBe(6);
});
