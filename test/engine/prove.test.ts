import { expect, test } from 'vitest';
import type { Check } from '../../src/step.ts';
import type { Said, Trouble } from '../../src/trouble.ts';
import { applied, minutesAgo, trouble } from './applied.ts';
import type { FakeWorld } from './fakes.ts';
import { fakeCheck, fakeStep, judged } from './fakes.ts';

const refusal = (times: number, kind: Trouble, by?: Said['by']): Check['run'] => {
  let left = times;
  return async () => {
    if (left-- > 0) throw trouble(kind, by ? { by } : {});
    return [{ check: 'c', title: 't', verdict: 'pass' }];
  };
};

test.each<[Trouble, Said['by'] | undefined, string, number, string]>([
  ['denied', 'Key Vault', 'made now', 3, 'proven'],
  ['denied', 'Entra', 'made now', 3, 'proven'],
  ['refused', 'Entra', 'made now', 3, 'failed'],
  ['not yet', undefined, 'old', 3, 'proven'],
  ['denied', 'Key Vault', 'young', 3, 'proven'],
  ['denied', 'Key Vault', 'old', 3, 'failed'],
  ['refused', 'Entra', 'old', 3, 'failed'],
  ['denied', 'Key Vault', 'made now', 1e9, 'timed out'],
  ['denied', 'Kubernetes', 'made now', 3, 'unknown'],
  ['broken', undefined, 'made now', 3, 'failed'],
])('a proof meets %s by %s, its role is %s, %d times: %s', async (kind, by, age, times, outcome) => {
  const since = age === 'young' ? minutesAgo(1) : age === 'old' ? minutesAgo(60) : undefined;
  const role = fakeStep('role', {
    settles: 'minutes',
    judge: (seen) => judged(seen, { applied: 'x' }, since ? { since } : {}),
  });
  const run = await applied([role], {
    values: age === 'made now' ? {} : { role: 'yes' },
    checks: [fakeCheck(['role'], refusal(times, kind, by))],
  });
  expect(run.proofs[0]?.outcome).toBe(outcome);
});

test.each([
  [['pass', 'warn'], 'proven'],
  [['pass', 'unknown'], 'unknown'],
  [['unknown', 'fail'], 'failed'],
] as const)('findings %j make a proof %s', async (verdicts, outcome) => {
  const findings = verdicts.map((verdict) => ({ check: 'c', title: 't', verdict }));
  expect((await applied([], { checks: [fakeCheck([], async () => findings)] })).proofs[0]?.outcome).toBe(outcome);
});

test('a proof of what was only kept uses what the first wave read', async () => {
  const check = fakeCheck(['a'], async (world) => {
    await (world as FakeWorld).read('a');
    return [];
  });
  expect((await applied([fakeStep('a')], { values: { a: 'yes' }, checks: [check] })).later).toEqual([]);
  expect((await applied([fakeStep('a')], { checks: [check] })).later).toEqual(['a']);
});
