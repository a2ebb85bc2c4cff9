import { API_VERSION } from '../api-version.ts';
import type { ExitCode } from '../exit.ts';
import { docsOf, type Risk, rowOf } from '../failures/index.ts';
import type { Category, Compared, Consent } from '../step.ts';
import { firstOf } from './conclude.ts';
import type { Row, Verdict } from './row.ts';

/** The document of `verify`: every format is a function of it. */
export interface VerifyReport {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'VerifyReport';
  readonly simulated?: true;
  readonly caller?: string;
  readonly subscription?: { readonly id: string; readonly name?: string };
  /** Entra tenant. */
  readonly tenant?: string;
  readonly exitCode: ExitCode;
  /** What is accepted (`--suppress`) is not counted. */
  readonly summary: Readonly<Record<Verdict, number>>;
  /** Index of the first broken link in `checks`, or else of the first that could not be told. */
  readonly first?: number;
  /** In causal order. */
  readonly checks: readonly Checked[];
}

/** Text that there is nothing to say in is empty: the shape is the same for every check. */
export interface Checked {
  readonly id: string;
  readonly category: Category;
  /** Whom it concerns; several, separated by commas, where they share the link. */
  readonly workload: string;
  /** The same as a list. */
  readonly workloads: readonly string[];
  /** What it is about: `Identity orders-id`. */
  readonly subject: string;
  readonly title: string;
  readonly verdict: Verdict;
  readonly failure?: string;
  readonly observed: string;
  readonly expected: string;
  readonly cause: string;
  readonly fix: {
    readonly say: string;
    readonly run?: string;
    readonly byHand?: string;
    /** What the fix touches beyond the failure itself. */
    readonly risk?: Exclude<Risk, 'none'>;
  };
  /** Page about the failure. */
  readonly docs: string;
  readonly compared?: readonly Compared[];
  /** What it follows from: ids of failures, or of checks that have none. */
  readonly because?: readonly string[];
  /** What the caller may not do. */
  readonly right?: string;
  readonly suppressed?: true;
  readonly azure?: { readonly by: string; readonly code?: string; readonly requestId?: string };
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly column?: number;
  readonly seconds: number;
}

export interface About {
  readonly exit: ExitCode;
  readonly simulated?: boolean;
  readonly caller?: string;
  readonly subscription?: { readonly id: string; readonly name?: string };
  readonly tenant?: string;
  /** The line of `init` that reaches the same world, with these consents. */
  readonly repair?: (consents: readonly Consent[]) => string;
}

export function verifyReport(rows: readonly Row[], about: About): VerifyReport {
  const { exit, simulated, caller, subscription, tenant } = about;
  const counted = rows.filter(({ suppressed }) => !suppressed);
  const number = (verdict: Verdict): number => counted.filter((row) => row.verdict === verdict).length;
  const first = firstOf(rows);
  return {
    apiVersion: API_VERSION,
    kind: 'VerifyReport',
    ...(simulated && { simulated: true as const }),
    ...(caller !== undefined && { caller }),
    ...(subscription && { subscription }),
    ...(tenant !== undefined && { tenant }),
    exitCode: exit,
    summary: {
      ...{ pass: number('pass'), fail: number('fail'), warn: number('warn') },
      ...{ unknown: number('unknown'), skipped: number('skipped') },
    },
    ...(first && { first: rows.indexOf(first) }),
    checks: rows.map((row) => checked(row, about)),
  };
}

function checked(row: Row, about: About): Checked {
  const { id, category, workloads, place, title, verdict, failure, compared, because, right, suppressed, said, at } =
    row;
  const known = failure === undefined ? undefined : rowOf(failure);
  const well = verdict === 'pass' || verdict === 'skipped';
  return {
    ...{ id, category, workload: workloads.join(', '), workloads, subject: place, title, verdict },
    ...(failure !== undefined && { failure }),
    observed: row.observed ?? (because ? `follows from ${because.join(', ')}` : ''),
    expected: row.expected ?? (well ? '' : title),
    cause: well ? '' : (row.cause ?? known?.cause ?? row.observed ?? ''),
    fix: well ? { say: '' } : fixOf(row, about),
    docs: known && !well ? docsOf(known) : '',
    ...(compared && { compared }),
    ...(because && { because }),
    ...(right !== undefined && { right }),
    ...(suppressed && { suppressed }),
    ...(said && {
      azure: {
        by: said.by,
        ...(said.code !== undefined && { code: said.code }),
        ...(said.requestId !== undefined && { requestId: said.requestId }),
      },
    }),
    ...(at && {
      file: at.file,
      ...(at.line !== undefined && { line: at.line }),
      ...(at.column !== undefined && { column: at.column }),
    }),
    seconds: row.seconds,
  };
}

/** What helps with this very thing comes before what helps in general. */
function fixOf({ fix, repair, byHand, failure }: Row, about: About): Checked['fix'] {
  const known = failure === undefined ? undefined : rowOf(failure);
  const general = known?.fix.run === undefined ? undefined : pasteable(known.fix.run);
  const hand = fix?.run ?? byHand;
  const again = repair && about.repair?.(repair);
  const run = again ?? hand ?? general;
  const say = fix?.say ?? known?.fix.say ?? (again === undefined ? '' : 'Reach the world that was asked for again.');
  const risk = known && (fix?.say === undefined || (run !== undefined && run === general)) ? known.risk : 'none';
  return {
    say,
    ...(run !== undefined && { run }),
    ...(risk !== 'none' && { risk }),
    ...(hand !== undefined && hand !== run && { byHand: hand }),
  };
}

/** `<resource group>`, which we cannot know, as `RESOURCE_GROUP`: a shell would take the first for a redirection. */
const pasteable = (run: string): string =>
  run.replace(/<([a-z][a-z ]*)>/g, (_, what: string) => what.toUpperCase().replaceAll(' ', '_'));
