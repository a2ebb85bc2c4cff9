import { describe, expect, it } from 'vitest';
import { exitOfRows, firstOf, isPending } from '../../src/verify/conclude.ts';
import { rightsRows } from '../../src/verify/rights.ts';
import type { Row } from '../../src/verify/row.ts';
import { accountsOf, select, suppressionOf, unknownIds } from '../../src/verify/select.ts';
import { workload } from './chain.ts';

const row = (verdict: Row['verdict'], more: Partial<Row> = {}): Row => ({
  ...{ id: 'AKS-X', category: 'vault', workloads: ['orders'], place: 'Vault kv', title: 't', verdict, seconds: 0 },
  ...more,
});
const right = { right: 'Microsoft.X/read' };

describe('the exit code', () => {
  it.each<[string, readonly Row[], readonly ('warn' | 'unknown')[], number]>([
    ['all well', [row('pass'), row('pass')], [], 0],
    ['something broken', [row('pass'), row('fail'), row('skipped')], [], 3],
    ['a warning', [row('warn')], [], 0],
    ['a warning that counts', [row('warn')], ['warn'], 3],
    ['unknown', [row('unknown')], [], 1],
    ['unknown that counts', [row('unknown')], ['unknown'], 3],
    ['unknown for want of a right', [row('unknown', right)], [], 6],
    ['a right is missing, and something is broken', [row('unknown', right), row('fail')], [], 3],
    ['not signed in', [row('unknown', { unsigned: true }), row('fail')], [], 5],
    ['unknown and broken', [row('unknown'), row('fail')], [], 1],
    ['broken, and accepted', [row('fail', { suppressed: true }), row('pass')], [], 0],
  ])('%s', (_name, rows, failOn, code) => {
    expect(exitOfRows(rows, failOn)).toBe(code);
  });
});

it('the first is what is broken, then what cannot be told, then what lacks a right', () => {
  const [lacking, unknown, broken] = [row('unknown', right), row('unknown'), row('fail')];
  expect(firstOf([lacking, unknown, broken])).toBe(broken);
  expect(firstOf([lacking, unknown])).toBe(unknown);
  expect(firstOf([row('pass'), lacking])).toBe(lacking);
  expect(firstOf([row('fail', { suppressed: true }), row('pass')])).toBeUndefined();
});

it.each([
  ['fail', row('fail'), true],
  ['accepted', row('fail', { suppressed: true }), false],
  ['young', row('unknown', { young: true }), true],
  ['no right', row('unknown', right), false],
  ['a warning', row('warn'), false],
])('waiting helps: %s', (_name, one, helps) => expect(isPending(one)).toBe(helps));

describe('what is told', () => {
  const rows = [
    row('pass', { id: 'AKS-CLUSTER', category: 'cluster' }),
    row('fail', { id: 'AKS-FIC-TRUST', category: 'identity', failure: 'F053' }),
    row('skipped', { id: 'AKS-PROOF', category: 'exchange', because: ['F053'] }),
    row('warn', { id: 'AKS-SECRET-DATES', failure: 'F080', workloads: ['orders', 'mailer'] }),
  ];
  const ids = (more: Parameters<typeof select>[1]) =>
    select(rows, more, accountsOf([workload('orders'), workload('mailer')])).map(({ id }) => id);
  const none = { only: [], skip: [], suppress: [] };

  it.each([
    [{ ...none, only: ['cluster'] }, ['AKS-CLUSTER']],
    [{ ...none, only: ['AKS-PROOF'] }, ['AKS-FIC-TRUST', 'AKS-PROOF']],
    [{ ...none, skip: ['identity', 'exchange'] }, ['AKS-CLUSTER', 'AKS-SECRET-DATES']],
    [{ ...none, only: ['vault'], skip: ['AKS-SECRET-DATES'] }, []],
  ])('%j', (selection, expected) => expect(ids(selection)).toEqual(expected));

  it('is accepted where it is for all whom it concerns', () => {
    const accepted = (...texts: string[]) =>
      select(
        rows,
        { ...none, suppress: texts.map((text) => suppressionOf(text)!) },
        accountsOf([workload('orders'), workload('mailer')]),
      ).flatMap(({ id, suppressed }) => (suppressed ? [id] : []));
    expect(accepted('F080=shop/orders')).toEqual([]);
    expect(accepted('F080=shop/orders', 'AKS-SECRET-DATES=shop/mailer')).toEqual(['AKS-SECRET-DATES']);
    expect(accepted('f053=shop/orders')).toEqual(['AKS-FIC-TRUST']);
    expect(accepted('F053=other/orders')).toEqual([]);
  });

  it('that nobody knows is a complaint, with the nearest', () => {
    const said = unknownIds(
      { only: ['AKS-POD'], skip: ['vualt'], suppress: [{ id: 'F053', namespace: 'a', name: 'b' }] },
      ['AKS-PODS'],
    ).map(({ message }) => message);
    expect(said).toEqual([
      '--only: there is no check or category AKS-POD. Did you mean AKS-PODS?',
      '--skip: there is no check or category vualt. Did you mean vault?',
    ]);
    expect(unknownIds({ only: ['AKS-ACCESS'], skip: ['pod'], suppress: [] }, [])).toEqual([]);
  });
});

it("the caller's rights come first, on both sides, each with what is missing", () => {
  const said = { by: 'Kubernetes', message: '' } as const;
  const rows = [
    row('unknown', right),
    row('unknown', { right: 'list pods', said }),
    row('unknown', { right: 'list pods', said }),
  ];
  const where = { caller: 'ana', subscription: 'Dev', cluster: 'shop-aks' };
  expect(rightsRows(rows, where)).toMatchObject([
    { id: 'AKS-SIGN-IN', verdict: 'pass', title: 'signed in as ana on Dev' },
    { id: 'AKS-RIGHTS-AZURE', verdict: 'unknown', right: 'Microsoft.X/read' },
    { id: 'AKS-RIGHTS-CLUSTER', verdict: 'unknown', right: 'list pods' },
  ]);
  expect(rightsRows([row('fail')], where).map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass']);
});
