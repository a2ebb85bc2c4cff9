import type { ExitCode } from '../exit.ts';
import { EXIT, worst } from '../exit.ts';
import { rowOf } from '../failures/index.ts';
import { CATEGORIES } from '../step.ts';
import { type Row, rootsOf, shared } from './row.ts';

/** All rows of a chain as they are told: in causal order, each broken thing once, and what follows from it as such. */
export function conclude(rows: readonly Row[]): readonly Row[] {
  return [foldProven, foldRecreated, foldIssuer, foldLost, foldSame].reduce(
    (all, fold) => fold(all),
    inOrder(shared(rows)),
  );
}

/** By category, then by what they are about, then as the chain goes. */
function inOrder(rows: readonly Row[]): readonly Row[] {
  const place = new Map<string, number>();
  for (const row of rows) if (!place.has(row.place)) place.set(row.place, place.size);
  const rank = (row: Row): number => CATEGORIES.indexOf(row.category) * 100_000 + (place.get(row.place) ?? 0);
  return rows.toSorted((one, other) => rank(one) - rank(other));
}

const follows = ({ id, category, workloads, place, title, seconds }: Row, because: readonly string[]): Row => ({
  ...{ id, category, workloads, place, title, seconds },
  verdict: 'skipped',
  because,
});

/** An identity that was made anew under its name: all that named the old one fails with it. */
function foldRecreated(rows: readonly Row[]): readonly Row[] {
  const anew = rows.filter(({ verdict, failure }) => verdict === 'fail' && failure === 'F022');
  if (anew.length === 0) return rows;
  const echoes = new Set(['F049', 'F055', 'F057', 'F067', 'F085']);
  return rows.map((row) =>
    row.verdict === 'fail' &&
    echoes.has(row.failure ?? '') &&
    anew.some((one) => meet(one, row)) &&
    !row.compared?.length
      ? follows(row, ['F022'])
      : row,
  );
}

/** Access by means that nobody can read off: a proof that all goes well says that they serve, and one that fails says what is wrong. */
function foldProven(rows: readonly Row[]): readonly Row[] {
  const proofs = rows.filter(({ id }) => id === 'AKS-PROOF');
  return rows.map((row) => {
    if (row.id !== 'AKS-ACCESS' || row.verdict !== 'unknown' || row.right !== undefined) return row;
    const own = proofs.filter((proof) => meet(proof, row));
    const broken = own.find(({ verdict }) => verdict === 'fail');
    if (broken) return follows(row, rootsOf(broken));
    const isProven = row.workloads.every((name) => own.some(({ workloads }) => workloads.includes(name)));
    if (!isProven || own.some(({ verdict }) => verdict !== 'pass')) return row;
    const { failure: _failure, expected: _expected, observed = '', ...rest } = row;
    return { ...rest, verdict: 'pass', observed: observed.replace(/, if that .*$/, ', as the proof shows') };
  });
}

/** AKS has no workload identity without the issuer: whoever switches that on says the other in the same breath. */
function foldIssuer(rows: readonly Row[]): readonly Row[] {
  const issuer = rows.find(({ id, verdict }) => id === 'AKS-OIDC-ISSUER' && verdict === 'fail');
  if (!issuer) return rows;
  return rows.map((row) =>
    row.id === 'AKS-WORKLOAD-IDENTITY' && row.verdict === 'fail' ? follows(row, rootsOf(issuer)) : row,
  );
}

/** One service that cannot be reached is said once; where there is no cluster that runs, its API server says nothing new. */
function foldLost(rows: readonly Row[]): readonly Row[] {
  const cluster = rows.find(({ id, verdict }) => id === 'AKS-CLUSTER' && verdict === 'fail');
  const first = new Map<string, Row>();
  return rows.map((row) => {
    if (row.lost === undefined || row.verdict !== 'unknown') return row;
    if (cluster && row.lost.startsWith('Kubernetes')) return follows(row, rootsOf(cluster));
    const known = first.get(row.lost);
    if (known) return follows(row, rootsOf(known));
    first.set(row.lost, row);
    return row;
  });
}

/** What is told a second time, by another check of the same workload, follows from the first. */
function foldSame(rows: readonly Row[]): readonly Row[] {
  const told: Row[] = [];
  return rows.map((row) => {
    if (!isTold(row)) return row;
    const before = told.find((one) => one.id !== row.id && meet(one, row) && isSameWorld(one, row));
    // What could only not be told there is told here.
    if (before && (before.verdict === 'fail' || row.verdict === 'unknown')) return follows(row, rootsOf(before));
    told.push(row);
    return row;
  });
}

const isTold = ({ verdict, failure }: Row): boolean =>
  failure !== undefined && failure !== 'F086' && (verdict === 'fail' || verdict === 'unknown');

const isSameWorld = ({ failure: one = '' }: Row, { failure: other = '' }: Row): boolean =>
  one === other ||
  (rowOf(one)?.sameWorldAs?.includes(other) ?? false) ||
  (rowOf(other)?.sameWorldAs?.includes(one) ?? false);

const meet = (one: Row, other: Row): boolean => one.workloads.some((name) => other.workloads.includes(name));

/** What counts as broken besides what is. */
export type FailOn = 'warn' | 'unknown';

/** The code of a verification; the same in every format. */
export function exitOfRows(rows: readonly Row[], failOn: readonly FailOn[] = []): ExitCode {
  return worst(
    rows
      .filter(({ suppressed }) => !suppressed)
      .map(({ verdict, right, unsigned }) => {
        if (verdict === 'fail' || (failOn as readonly string[]).includes(verdict)) return EXIT.broken;
        if (verdict !== 'unknown') return EXIT.done;
        if (unsigned) return EXIT.signInNeeded;
        return right === undefined ? EXIT.failed : EXIT.notAllowed;
      }),
  );
}

/** The first broken link, or else the first that could not be told; what is accepted does not count. */
export function firstOf(rows: readonly Row[]): Row | undefined {
  const counted = rows.filter(({ suppressed }) => !suppressed);
  const worstOf = (verdict: Row['verdict']): Row | undefined => counted.find((row) => row.verdict === verdict);
  return (
    worstOf('fail') ??
    counted.find((row) => row.verdict === 'unknown' && !row.right) ??
    worstOf('unknown') ??
    worstOf('warn')
  );
}

/** Whether looking again may end better. */
export const isPending = (row: Row): boolean =>
  !row.suppressed &&
  (row.verdict === 'fail' || (row.verdict === 'unknown' && (row.young === true || row.lost !== undefined)));
