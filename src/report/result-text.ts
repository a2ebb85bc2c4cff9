import type { Proof, Result } from '../engine/events.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT } from '../exit.ts';
import type { Explain, Trouble } from './complaint-text.ts';
import { troubleOf, troubleText } from './complaint-text.ts';
import type { Line, Page } from './text.ts';
import { BLANK, command, line, listed, span, timeOfDay, wrap } from './text.ts';

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
  readonly vault: string;
  /** What the application has to do now; lines from the method. */
  readonly afterwards: readonly string[];
  /** Said after the proof: "No pod uses it yet." */
  readonly note?: string;
}

/** What was proven, and what to do now: the result itself, for standard output. */
export function resultText(summary: Summary, page: Page): Line[] {
  const { workloads, proofs, results, exit, at, label, again } = summary;
  const blocks = workloads.flatMap((workload) => {
    const own = proofs.filter((proof) => proof.workload === workload.name);
    const proven = own.length > 0 && own.every(({ outcome }) => outcome === 'proven');
    const lines = proven
      ? [BLANK, ...provenLines(workload, at, label, page), ...seenLines(own)]
      : unprovenLines(workload, own, page);
    const done = exit === EXIT.done || proven;
    return [...lines, ...(done ? afterwardsLines(workload.afterwards) : [])];
  });
  return [
    ...blocks,
    BLANK,
    ...wrap(countsOf(results), page.width).map((row) => line(row)),
    ...(again === undefined || exit !== EXIT.done ? [] : [BLANK, line('  The same again:'), command(again)]),
  ];
}

function provenLines(workload: WorkloadSummary, at: Date, label: string | undefined, page: Page): Line[] {
  const { account, secrets, vault, note } = workload;
  const surely = label ? ` (${label})` : '';
  const what = secrets.length === 0 ? `read the secrets of ${vault}` : `read ${listed(secrets)}`;
  const text =
    `${account} can ${what}${surely}. Proven at ${timeOfDay(at)} by a token of that service account, ` +
    `exchanged at Entra, against ${vault}.${note ? ` ${note}` : ''}`;
  return wrap(text, page.width).map((row, index) => line(span(row, ...(index === 0 ? (['good'] as const) : []))));
}

/** What was seen in running pods: names, versions and byte counts. */
function seenLines(own: readonly Proof[]): Line[] {
  const seen = own.flatMap(({ findings }) => findings.filter(({ observed }) => observed !== undefined));
  return seen.length === 0 ? [] : [BLANK, ...seen.map(({ title, observed }) => line('  ', `${title}, ${observed}`))];
}

function unprovenLines({ account }: WorkloadSummary, own: readonly Proof[], page: Page): Line[] {
  const open = own.filter(({ outcome }) => outcome !== 'proven' && outcome !== 'not reached');
  if (open.length === 0) return [];
  return [BLANK, ...wrap(`${account}: not proven.`, page.width).map((row) => line(span(row, 'warn')))];
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
  const unwell = foldSame(results.filter(({ outcome }) => UNWELL.has(outcome)));
  const troubles: Trouble[] = [
    ...unwell.map(({ first, others }) => {
      const alike = others.length === 0 ? '' : ` The same with ${others.length} more.`;
      const trouble = troubleOf(first, explain);
      const followers = [first, ...others].reduce((sum, { change }) => sum + followersOf(change.id), 0);
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
          ...(last && { exit, ...(again !== undefined && { again }) }),
        },
        page,
      ),
    ];
  });
}

/** One unreachable cluster fails many steps in the same words: they are said once. */
function foldSame(results: readonly Result[]): { readonly first: Result; readonly others: readonly Result[] }[] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const { problem, change } = result;
    const key = problem && !result.run ? `${result.outcome} ${problem.trouble} ${problem.message}` : change.id;
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
    ...{ unknown: 'Could not be told: ', 'timed out': 'Not yet, and it is safe to run the same again: ' },
    ...{ interrupted: 'Interrupted before it was known. ', failed: '', proven: '', 'not reached': '' },
  }[outcome];
  const failure = known?.failure ?? broken[0]?.failure;
  return {
    resource: `proof: ${title}`,
    message: [how + (problem?.message ?? told.join('. ')), problem?.detail].filter(Boolean).join(' '),
    ...(failure !== undefined && { failure }),
    ...(known?.cause !== undefined && { cause: known.cause }),
    ...(known?.fix && { fix: known.fix }),
    ...(problem?.said && { said: problem.said }),
  };
}
