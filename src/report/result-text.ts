import type { Proof, Result } from '../engine/events.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT } from '../exit.ts';
import type { Explain, Trouble } from './complaint-text.ts';
import { troubleOf, troubleText } from './complaint-text.ts';
import type { Line, Page } from './text.ts';
import { BLANK, columns, command, line, listed, pad, span, timeOfDay, wrap } from './text.ts';
import { plainly, proofName } from './words.ts';

/** What the end of a run is told from. Plain data. */
export interface Summary {
  readonly exit: ExitCode;
  readonly results: readonly Result[];
  readonly proofs: readonly Proof[];
  readonly workloads: readonly WorkloadSummary[];
  /** `simulated`, where the surroundings say so. */
  readonly label?: string;
  /** When the last proof was made, by the world's clock. */
  readonly at: Date;
  /** The same command line, from flags. */
  readonly again?: string;
  readonly explain?: Explain;
}

interface WorkloadSummary {
  readonly name: string;
  /** `shop/orders`, the service account. */
  readonly account: string;
  readonly secrets: readonly string[];
  /** Those that it may read too, and that were not seen to be in the vault. */
  readonly unseen?: readonly string[];
  readonly vault: string;
  /** What the application has to do now; lines from the method. */
  readonly afterwards: readonly string[];
  /** Said after the proof: "No pod uses it yet." */
  readonly note?: string;
}

/** More workloads than this are listed; what each application must do is then asked for one by one. */
const AT_LENGTH = 3;

/** What was proven, and what to do now: the result itself, for standard output. */
export function resultText(summary: Summary, page: Page): Line[] {
  const { workloads, results, exit, again } = summary;
  // Where nothing was to be proven (manifests that are only written), a list would say nothing of each.
  const long = summary.proofs.length > 0 ? listLines : () => [];
  const blocks =
    workloads.length > AT_LENGTH ? long(summary, page) : workloads.flatMap((one) => blockOf(one, summary, page));
  return [
    ...blocks,
    ...wrap(countsOf(results), page.width).map((row) => line(row)),
    ...(again === undefined || exit !== EXIT.done ? [] : [BLANK, line('  The same again:'), command(again)]),
  ];
}

function blockOf(workload: WorkloadSummary, { proofs, exit, at, label }: Summary, page: Page): Line[] {
  const own = proofs.filter((proof) => proof.workload === workload.name);
  const proven = isProven(own);
  const lines = proven
    ? [...provenLines(workload, at, label, page), ...seenLines(own)]
    : unprovenLines(workload, own, page);
  const all = [...lines, ...(exit === EXIT.done || proven ? afterwardsLines(workload.afterwards) : [])];
  return all.length > 0 ? [...(lines.length > 0 ? all : all.slice(1)), BLANK] : [];
}

const isProven = (own: readonly Proof[]): boolean => own.length > 0 && own.every(({ outcome }) => outcome === 'proven');

/** Many workloads: a line for each, and how to see what its application must do. */
function listLines({ workloads, proofs, at, label, again }: Summary, page: Page): Line[] {
  const rows = workloads.map((workload) => {
    const own = proofs.filter((proof) => proof.workload === workload.name);
    return { ...workload, own, proven: isProven(own) };
  });
  const width = Math.max(...rows.map((row) => columns(calledOf(row))));
  const number = rows.filter(({ proven }) => proven).length;
  const surely = label ? ` (${label})` : '';
  const how =
    number === 0
      ? `None of ${rows.length} workloads is proven to read its secrets${surely}.`
      : `${number} of ${rows.length} workloads can read their secrets${surely}. Proven at ${timeOfDay(at)}, ` +
        'each by a token of its service account, exchanged at Entra, against its vault.';
  const one = again?.replace(/ --yes$/, ' --workload NAME --yes');
  return [
    ...wrap(how, page.width).map((row) => line(row)),
    BLANK,
    ...rows.flatMap((workload) => {
      const { secrets, own, proven } = workload;
      const symbol = proven ? span(page.symbols.good, 'good') : span(page.symbols.bad, 'bad');
      const state = proven
        ? ''
        : own.some(({ outcome }) => outcome !== 'not reached')
          ? 'not proven: '
          : 'not reached: ';
      const room = Math.max(20, page.width - width - 6);
      return wrap(state + secrets.join(', '), room).map((row, index) =>
        index === 0
          ? line('  ', symbol, ' ', pad(calledOf(workload), width + 2), row)
          : line(' '.repeat(width + 6), row),
      );
    }),
    BLANK,
    ...(one === undefined || number === 0 || / --workload /.test(again ?? '')
      ? []
      : [line('  What the application of one of them must do:'), command(one), BLANK]),
  ];
}

/** The service account, and the workload where that has another name: several may share one account. */
const calledOf = ({ name, account }: WorkloadSummary): string =>
  account.endsWith(`/${name}`) ? account : `${account} (${name})`;

function provenLines(workload: WorkloadSummary, at: Date, label: string | undefined, page: Page): Line[] {
  const { account, secrets, unseen = [], vault, note } = workload;
  const once =
    unseen.length === 0
      ? ''
      : ` It may also read ${listed(unseen)}, once ${unseen.length === 1 ? 'it is' : 'they are'} there.`;
  const surely = label ? ` (${label})` : '';
  const what = secrets.length === 0 ? `read the secrets of ${vault}` : `read ${listed(secrets)}`;
  const text =
    `${account} can ${what}${surely}. Proven at ${timeOfDay(at)} by a token of that service account, ` +
    `exchanged at Entra, against ${vault}.${once}${note ? ` ${note}` : ''}`;
  return wrap(text, page.width).map((row, index) => line(span(row, ...(index === 0 ? (['good'] as const) : []))));
}

/** What was seen in running pods: names, versions and byte counts. */
function seenLines(own: readonly Proof[]): Line[] {
  const seen = own.flatMap(({ findings }) => findings.filter(({ observed }) => observed !== undefined));
  return seen.length === 0 ? [] : [BLANK, ...seen.map(({ title, observed }) => line('  ', `${title}, ${observed}`))];
}

function unprovenLines({ account }: WorkloadSummary, own: readonly Proof[], page: Page): Line[] {
  const [first] = own;
  if (!first) return [];
  const tried = own.some(({ outcome }) => outcome !== 'proven' && outcome !== 'not reached');
  // What comes after the proof itself was not reached; the right is proven all the same.
  if (!tried && first.outcome === 'proven')
    return [line(span(`${account}: the right to read is proven, no pod was tried.`, 'warn'))];
  const why = tried ? '' : ', since what it rests on is not done';
  return wrap(`${account}: not proven${why}.`, page.width).map((row) => line(span(row, 'warn')));
}

const afterwardsLines = (lines: readonly string[]): Line[] =>
  // Lines of code keep their shape: nothing here is wrapped.
  lines.length === 0 ? [] : [BLANK, ...lines.map((text) => line('  ', text))];

const COUNTED = [
  ['created', 'created'],
  ['updated', 'changed'],
  ['kept', 'as wanted'],
  ['removed', 'removed'],
  ['left', 'left in place'],
  ['blocked', 'blocked'],
  ['failed', 'failed'],
  ['timed out', 'timed out'],
  ['interrupted', 'interrupted'],
  ['not reached', 'not reached'],
] as const;

function countsOf(all: readonly Result[]): string {
  // What the plan does not mention while it is well is not counted either.
  const results = all.filter(({ change, outcome }) => !change.quiet || outcome !== 'kept');
  const parts = COUNTED.flatMap(([outcome, words]) => {
    const amount = results.filter((result) => result.outcome === outcome).length;
    return amount === 0 ? [] : [`${amount} ${words}`];
  });
  const kept = results.every(({ outcome }) => outcome === 'kept');
  return kept ? `Nothing to change, ${results.length} as wanted.` : `${parts.join(', ')}.`;
}

const UNWELL = new Set(['failed', 'blocked', 'timed out', 'interrupted']);

/** Everything that did not end well, each once, for standard error. */
export function troublesText(summary: Summary, page: Page): Line[] {
  const { results, proofs, exit, again, explain } = summary;
  const followersOf = (id: string) =>
    results.filter(({ follows }) => follows !== undefined && follows[0] === id).length;
  const all = results.filter(({ outcome }) => UNWELL.has(outcome));
  const cluster = all.find((result) => isClusterGone(result));
  // Where there is no cluster that answers, each of its objects says so again.
  const echoes = cluster ? all.filter((result) => result !== cluster && isEcho(result)) : [];
  const unwell = foldSame(all.filter((result) => !echoes.includes(result)));
  const troubles: Trouble[] = [
    ...unwell.map(({ first, others }) => {
      const alike = others.length === 0 ? '' : ` The same with ${others.length} more.`;
      const trouble = troubleOf(first, explain, again);
      const covered = [first, ...others, ...(first === cluster ? echoes : [])];
      const direct = first === cluster ? echoes.length : 0;
      const followers = covered.reduce((sum, { change }) => sum + followersOf(change.id), direct);
      return { ...trouble, message: trouble.message + alike, ...(followers > 0 && { followers }) };
    }),
    ...proofs
      .filter(({ outcome }) => outcome !== 'proven' && outcome !== 'not reached')
      .map((proof) => proofTrouble(proof, explain)),
  ];
  // What is not reached hangs on something else that is told here.
  const onlyOne = exit === EXIT.notAllowed && results.length > 1 && troubles.length === 1;
  const restDone = onlyOne && results.every(({ outcome }) => UNWELL.has(outcome) || outcome !== 'not reached');
  return troubles.flatMap((trouble, index) => {
    const last = index === troubles.length - 1;
    const rest = restDone ? ' Everything else is done.' : '';
    return [
      ...(index === 0 ? [] : [BLANK]),
      ...troubleText(
        {
          ...trouble,
          message: trouble.message + rest,
          ...(last && { exit, ...(again !== undefined && !trouble.or && !consents(trouble, again) && { again }) }),
        },
        page,
      ),
    ];
  });
}

/** The line to run is the same one with a consent. */
const consents = ({ fix }: Trouble, again: string): boolean =>
  fix?.run !== undefined &&
  fix.run !== again &&
  / --allow /.test(fix.run) &&
  fix.run.startsWith(again.split(' --')[0]!);

/** Absent, stopped, or not to be looked at: nothing in it can be reached. A consent that is missing is another matter. */
const isClusterGone = ({ change, outcome, problem }: Result): boolean =>
  change.kind === 'cluster' &&
  change.missing.length === 0 &&
  (problem ? problem.trouble === 'broken' : outcome === 'blocked');

const isEcho = ({ change, problem }: Result): boolean =>
  change.side === 'Kubernetes' && (problem?.trouble === 'broken' || problem?.trouble === 'missing');

/** One service that cannot be reached fails many steps alike: it is said once. */
function foldSame(results: readonly Result[]): { readonly first: Result; readonly others: readonly Result[] }[] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const { problem, change } = result;
    const lost = problem?.trouble === 'broken' && problem.said !== undefined && problem.said.status === undefined;
    const same = lost ? `${problem.said?.by} ${problem.said?.code}` : problem?.message;
    // What could not be looked at is not put right by the line of its step.
    const own = result.run !== undefined && !lost && change.action !== 'blocked';
    const key = problem && !own ? `${result.outcome} ${problem.trouble} ${same}` : change.id;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].map(([first, ...others]) => ({ first: first as Result, others }));
}

function proofTrouble(proof: Proof, explain: Explain | undefined): Trouble {
  const { problem, findings, outcome, title } = proof;
  const known = problem && explain?.(problem);
  const broken = findings.filter(({ verdict }) => verdict === 'fail' || verdict === 'unknown');
  const told = broken.map(({ title, observed, expected }) =>
    [title, observed && `observed ${observed}`, expected && `expected ${expected}`].filter(Boolean).join('; '),
  );
  const how = {
    ...{ unknown: 'It could not be told.', 'timed out': 'Not yet; it is safe to run the same again.' },
    ...{ interrupted: 'Interrupted before it was known.', failed: '', proven: '', 'not reached': '' },
  }[outcome];
  const failure = known?.failure ?? broken[0]?.failure;
  const words = [problem?.message ?? told.join('. '), problem?.detail].flatMap((text) => (text ? [plainly(text)] : []));
  return {
    resource: proofName({ title }),
    message: [how, ...words].filter(Boolean).join(' '),
    ...(failure !== undefined && { failure }),
    ...(known?.cause !== undefined && { cause: known.cause }),
    ...(known?.fix && { fix: known.fix }),
    ...(problem?.said && { said: problem.said }),
  };
}
