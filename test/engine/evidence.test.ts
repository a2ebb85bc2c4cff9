import { expect, test } from 'vitest';
import type { Change, Outcome, Result } from '../../src/engine/events.ts';
import { evidence } from '../../src/engine/evidence.ts';
import { Problem } from '../../src/trouble.ts';

const change = (id: string, workloads: readonly string[]): Change => ({
  ...{ id, kind: 'k', subject: id, title: `${id} is there`, side: 'Azure', workloads, action: 'create' },
  ...{ differences: [], missing: [], consents: [] },
});
const result = (id: string, outcome: Outcome, more: Partial<Result> = {}, workloads = ['orders']): Result => ({
  ...{ change: change(id, workloads), outcome, seconds: 1.5, tries: 1, facts: {} },
  ...more,
});
const from = { exit: 0 as const, startedAt: new Date(Date.UTC(2026, 0, 5, 12)), proofs: [] };

test('facts of a workload are those on which its steps agree', () => {
  const { workloads } = evidence({
    ...from,
    results: [
      result('a', 'created', { facts: { clientId: '1', applied: '10' } }),
      result('b', 'kept', { facts: { oidcIssuer: 'https://i', applied: '11' } }, ['orders', 'mailer']),
    ],
  });
  expect(workloads).toEqual([
    { name: 'orders', facts: { clientId: '1', oidcIssuer: 'https://i' } },
    { name: 'mailer', facts: { oidcIssuer: 'https://i', applied: '11' } },
  ]);
});

test('of workloads that go, those that stay with what they share are not told of', () => {
  const results = [result('a', 'removed'), result('b', 'left', {}, ['orders', 'mailer'])];
  expect(evidence({ ...from, results, about: ['orders'] }).workloads.map(({ name }) => name)).toEqual(['orders']);
});

test.each<[Outcome, string, string | undefined]>([
  ['created', 'created', undefined],
  ['updated', 'updated', undefined],
  ['kept', 'kept', undefined],
  ['failed', 'failed', undefined],
  ['not reached', 'not reached', undefined],
  ['timed out', 'failed', 'timed out'],
  ['blocked', 'not reached', 'blocked'],
  ['interrupted', 'not reached', 'interrupted'],
])('%s is recorded as %s, because %s: the outcomes of the contract and no others', (outcome, recorded, because) => {
  const [step] = evidence({ ...from, results: [result('a', outcome)] }).steps;
  expect(step).toEqual({
    ...{ id: 'a', workloads: ['orders'], title: 'a is there', outcome: recorded, seconds: 1.5, tries: 1 },
    ...(because && { because }),
  });
});

test('a problem keeps the code and the request of the service, and its id in the catalogue', () => {
  const problem = new Problem('denied', 'vault kv', 'no', {
    right: 'a/b/write',
    said: { by: 'Azure', code: 'AuthorizationFailed', requestId: 'r', message: 'long text' },
  });
  const document = evidence({
    ...from,
    exit: 6,
    results: [result('a', 'failed', { problem })],
    failureOf: () => 'F900',
  });
  expect(document).toMatchObject({
    apiVersion: 'aks-secrets/v1',
    kind: 'Evidence',
    outcome: 'not allowed',
    startedAt: '2026-01-05T12:00:00.000Z',
  });
  expect(document.steps[0]).toMatchObject({
    failure: 'F900',
    problem: {
      ...{ trouble: 'denied', resource: 'vault kv', message: 'no', right: 'a/b/write' },
      azure: { by: 'Azure', code: 'AuthorizationFailed', requestId: 'r' },
    },
  });
});
