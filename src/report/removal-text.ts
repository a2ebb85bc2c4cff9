import type { Change, Result } from '../engine/events.ts';
import type { ExitCode } from '../exit.ts';
import type { Explain } from './complaint-text.ts';
import type { Group, Header } from './plan-text.ts';
import { groupLines, headerLines } from './plan-text.ts';
import { troublesText } from './result-text.ts';
import type { Line, Page } from './text.ts';
import { BLANK, line, listed, span, wrap } from './text.ts';

/** What the end of a removal is told from. Plain data. */
export interface RemovalSummary {
  readonly exit: ExitCode;
  readonly results: readonly Result[];
  readonly workloads: Header['workloads'];
  readonly label?: string;
  /** Nothing but the trust in this issuer was taken away. */
  readonly issuer?: string;
  /** By the world's clock. */
  readonly at: Date;
  /** The same command line, without its consent. */
  readonly again: string;
  readonly explain?: Explain;
}

/** What goes, from the outside in, and what stays and why. */
export function removalPlanText(changes: readonly Change[], header: Header, page: Page): Line[] {
  const goes = (side: Change['side']): Group => ({
    title: side,
    changes: changes.filter((change) => change.side === side && change.action !== 'leave'),
  });
  const stays = changes.filter(({ action }) => action === 'leave');
  const left = { title: LEFT, changes: stays };
  return [
    ...headerLines('Plan to destroy', header, page),
    // What only hangs on another is not shown as what goes.
    ...groupLines([goes('Kubernetes'), goes('Azure'), left], {
      ...page,
      symbols: { ...page.symbols, skipped: page.symbols.later },
    }),
    BLANK,
    ...wrap(countsOf(changes), page.width).map((row) => line(row)),
  ];
}

const LEFT = 'Left in place, with the command that would remove it';

function countsOf(changes: readonly Change[]): string {
  const number = (action: Change['action']) => changes.filter((one) => one.action === action && !one.follows).length;
  const follow = changes.filter(({ follows }) => follows !== undefined).length;
  const parts = [
    [number('remove'), 'to remove'],
    [number('blocked'), 'blocked'],
    [follow, follow === 1 ? 'follows from that' : 'follow from that'],
    [number('leave'), 'left in place'],
  ] as const;
  const present = parts.filter(([amount]) => amount > 0).map(([amount, words]) => `${amount} ${words}`);
  return sentenceOf(present, number('remove') + number('blocked') === 0);
}

const sentenceOf = (present: readonly string[], nothing: boolean): string =>
  `${[...(nothing ? ['Nothing to remove'] : []), ...present].join(', ')}.`;

const COUNTED = [
  ['removed', 'removed'],
  ['blocked', 'blocked'],
  ['failed', 'failed'],
  ['timed out', 'timed out'],
  ['interrupted', 'interrupted'],
  ['not reached', 'not reached'],
  ['left', 'left in place'],
] as const;

/** What became of it: the result itself, for standard output. */
export function removalResultText({ results, workloads, label, exit, issuer }: RemovalSummary, page: Page): Line[] {
  const parts = COUNTED.flatMap(([outcome, words]) => {
    const amount = results.filter((result) => result.outcome === outcome).length;
    return amount === 0 ? [] : [`${amount} ${words}`];
  });
  const nothing = results.every(({ outcome }) => outcome === 'left');
  const names = workloads.map(({ name, namespace }) => `${namespace}/${name}`);
  const whom = names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : listed(names);
  const surely = label ? ` (${label})` : '';
  const it = names.length > 1 ? 'them' : 'it';
  const what = issuer === undefined ? `what aks-secrets made for ${it} alone` : `the trust in ${issuer}`;
  const sentence = `${whom}: ${what} is gone${surely}.`;
  return [
    ...(nothing || exit !== 0 ? [] : wrap(sentence, page.width).map((row) => line(span(row, 'good')))),
    ...wrap(sentenceOf(parts, nothing), page.width).map((row) => line(row)),
  ];
}

/** Everything that did not go, each once. Who lacks a right has the same run by somebody who has it. */
export function removalTroublesText(summary: RemovalSummary, page: Page): Line[] {
  const { again } = summary;
  const isDenied = ({ outcome, problem }: Result) => outcome === 'failed' && problem?.trouble === 'denied';
  const results = summary.results.map((one) => (isDenied(one) ? { ...one, run: again } : one));
  const told = results.some(isDenied) ? {} : { again };
  const { exit, at, explain } = summary;
  return troublesText(
    { ...{ exit, at, results, proofs: [], workloads: [] }, ...(explain && { explain }), ...told },
    page,
  );
}
