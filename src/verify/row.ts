import type { Category, Compared, Consent, Finding } from '../step.ts';
import type { Said } from '../trouble.ts';

export type Verdict = Finding['verdict'] | 'skipped';

/** One line of what `verify` says: a finding in its place. */
export interface Row {
  /** Stable, upper case: `AKS-FIC-TRUST`. */
  readonly id: string;
  readonly category: Category;
  /** Whom it concerns; several where they share the link. */
  readonly workloads: readonly string[];
  /** What it is about, as a heading: `Identity orders-id`. */
  readonly place: string;
  readonly title: string;
  readonly verdict: Verdict;
  /** Id in the catalogue of failures. */
  readonly failure?: string;
  readonly observed?: string;
  readonly expected?: string;
  readonly compared?: readonly Compared[];
  /** Why, where the catalogue does not say it. */
  readonly cause?: string;
  /** Of this very thing; the catalogue's is general. */
  readonly fix?: NonNullable<Finding['fix']>;
  /** `init` puts it right; the consents that it needs. */
  readonly repair?: readonly Consent[];
  /** The same by hand, one line. */
  readonly byHand?: string;
  /** Of what it follows: ids of failures, or of checks that have none. */
  readonly because?: readonly string[];
  /** What the caller may not do. */
  readonly right?: string;
  /** On its way: looking again may end otherwise. */
  readonly young?: true;
  /** Nobody is signed in. */
  readonly unsigned?: true;
  /** Known and accepted: shown, and not counted. */
  readonly suppressed?: true;
  /** A service could not be reached: what it is called, so that it is said once. */
  readonly lost?: string;
  readonly said?: Said;
  /** Where in a file (`--manifests`). */
  readonly at?: { readonly file: string; readonly line?: number; readonly column?: number };
  readonly seconds: number;
}

/** What a failing or skipped row is called by those that follow from it. */
export const rootsOf = (row: Row): readonly string[] =>
  row.verdict === 'skipped' && row.because ? row.because : [row.failure ?? row.id];

/** Whoever comes after it is not asked. */
export const stops = ({ verdict }: Row): boolean => verdict === 'fail' || verdict === 'skipped';

/** Rows of a link that several workloads share, said once with all of them. */
export function shared(rows: readonly Row[]): readonly Row[] {
  const all = new Map<string, Row>();
  for (const row of rows) {
    const { id, place, title, verdict, failure, observed, at } = row;
    const key = JSON.stringify([id, place, title, verdict, failure, observed, at?.file, at?.line]);
    const known = all.get(key);
    const workloads = [...new Set([...(known?.workloads ?? []), ...row.workloads])];
    all.set(key, { ...(known ?? row), workloads });
  }
  return [...all.values()];
}
