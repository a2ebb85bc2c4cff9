import type { Checked, VerifyReport } from '../verify/report.ts';
import type { Line, Page, Span } from './text.ts';
import { BLANK, clean, columns, command, line, pad, span, wrap } from './text.ts';
import { comparisonLines } from './verify-compared.ts';

/** Columns at the right for the id of a failure, as `F053`. */
const MARK = 6;
/** More workloads than this are told in short where all is well. */
const AT_LENGTH = 3;
/** Passes of one check under one heading are one line beyond this many. */
const ROW = 6;

/** What was found, as a person reads it: in causal order, under what it is about. */
export function verifyText(report: VerifyReport, page: Page): Line[] {
  const isMany = new Set(report.checks.flatMap(({ workloads }) => workloads)).size > AT_LENGTH;
  const groups = groupsOf(report.checks);
  const well = isMany ? groups.filter(({ checks }) => checks.every(({ verdict }) => verdict === 'pass')) : [];
  return [
    ...wellLines(well, page),
    ...groups.filter((group) => !well.includes(group)).flatMap((group) => groupLines(group, page)),
    ...tail(report, page),
  ];
}

/** Of many workloads, what is well all through is a line each. */
function wellLines(groups: readonly Group[], page: Page): Line[] {
  if (groups.length === 0) return [];
  const room = page.width - 6;
  const lines = groups.flatMap(({ subject, checks }) =>
    wrap(`${subject}: ${checks.length} well`, room).map((row, at) =>
      at === 0 ? line('  ', span(page.symbols.good, 'good'), ' ', row) : line('    ', row),
    ),
  );
  return [...lines, BLANK];
}

/** Nothing but what is not well. */
export function shortText(report: VerifyReport, page: Page): Line[] {
  const unwell = report.checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped');
  return [...groupsOf(unwell).flatMap((group) => groupLines(group, page)), ...tail(report, page)];
}

interface Group {
  readonly subject: string;
  readonly checks: readonly Checked[];
}

function groupsOf(checks: readonly Checked[]): readonly Group[] {
  return [...Map.groupBy(checks, ({ subject }) => subject)].map(([subject, all]) => ({ subject, checks: all }));
}

function groupLines({ subject, checks }: Group, page: Page): Line[] {
  const entries = folded(checks);
  return [
    line('  ', span(clean(subject), 'strong')),
    ...entries.flatMap((check) => checkLines(check, subject, page)),
    BLANK,
  ];
}

/** What passes alike is one line: `secret db-password, api-key is present and enabled`. */
function folded(checks: readonly Checked[]): readonly Checked[] {
  const groups = Map.groupBy(checks, (check) =>
    check.verdict === 'pass' ? `${check.id} ${check.observed}` : `${checks.indexOf(check)}`,
  );
  return [...groups.values()].map((all) => {
    const [first] = all as [Checked, ...Checked[]];
    return all.length === 1 ? first : { ...first, title: together(all.map(({ title }) => title)) };
  });
}

/** Titles that differ in some words alone, as one. */
function together(titles: readonly string[]): string {
  const all = titles.map((title) => title.split(' '));
  const [first = []] = all;
  const least = Math.min(...all.map(({ length }) => length));
  const same = (word: (words: readonly string[]) => string | undefined): boolean =>
    all.every((words) => word(words) === word(first));
  let before = 0;
  while (before < least - 1 && same((words) => words[before])) before++;
  let behind = 0;
  while (behind < least - 1 - before && same((words) => words.at(-1 - behind))) behind++;
  const middles = [...new Set(all.map((words) => words.slice(before, words.length - behind).join(' ')))];
  const shown = middles.length > ROW ? [...middles.slice(0, ROW - 1), `${middles.length - ROW + 1} more`] : middles;
  const [verb = '', ...rest] = first.slice(first.length - behind);
  const kind = first.slice(0, before).map((word) => (/^(secret|key|certificate)$/.test(word) ? `${word}s` : word));
  return [...kind, shown.join(', '), verb === 'is' ? 'are' : verb, ...rest].filter((word) => word !== '').join(' ');
}

function symbolOf({ verdict, suppressed }: Checked, { symbols }: Page): Span {
  if (suppressed) return span(symbols.later, 'dim');
  switch (verdict) {
    case 'pass':
      return span(symbols.good, 'good');
    case 'fail':
      return span(symbols.bad, 'bad');
    case 'warn':
      return span(symbols.warn, 'warn');
    case 'unknown':
      return span('?', 'warn');
    case 'skipped':
      return span(symbols.skipped, 'dim');
  }
}

function checkLines(check: Checked, subject: string, page: Page): Line[] {
  const { verdict, failure = '', observed, suppressed } = check;
  const title = titleUnder(check, subject);
  const symbol = symbolOf(check, page);
  const width = page.width - 6;
  if (verdict === 'skipped') return skippedLines(title, observed, symbol, page);
  if (verdict === 'pass') {
    const text = observed === '' ? title : `${title}, ${clean(observed)}`;
    return wrap(text, width).map((row, at) => (at === 0 ? line('    ', symbol, ' ', row) : line('      ', row)));
  }
  const room = width - MARK;
  const mark = suppressed ? 'accepted' : failure;
  const rows = wrap(title, room).map((row, at) =>
    at === 0
      ? line('    ', symbol, ' ', mark ? pad(row, room) : row, mark && span(`${' '.repeat(MARK - 4)}${mark}`, 'dim'))
      : line('      ', row),
  );
  return suppressed ? rows : [...rows, ...seenLines(check, page)];
}

/** The heading has said what it is about. */
function titleUnder({ title }: Checked, subject: string): string {
  const [, name = subject] = /^\S+ (.+)$/.exec(subject) ?? [];
  for (const prefix of [`${subject} `, `${name} `])
    if (title.toLowerCase().startsWith(prefix.toLowerCase())) return clean(title.slice(prefix.length));
  return clean(title);
}

function skippedLines(title: string, because: string, symbol: Span, page: Page): Line[] {
  const left = pad(title, 27);
  if (6 + columns(left) + 2 + columns(because) <= page.width)
    return [line('    ', symbol, ' ', span(left, 'dim'), '  ', span(because, 'dim'))];
  return [
    ...wrap(title, page.width - 6).map((row, at) =>
      at === 0 ? line('    ', symbol, ' ', span(row, 'dim')) : line('      ', span(row, 'dim')),
    ),
    ...wrap(because, page.width - 8).map((row) => line('        ', span(row, 'dim'))),
  ];
}

function seenLines({ compared = [], observed, expected, file, line: at, column }: Checked, page: Page): Line[] {
  const place =
    file === undefined ? [] : beside('at', [file, at, column].filter((part) => part !== undefined).join(':'), page);
  if (compared.length > 0) return [...place, ...comparisonLines(compared, page)];
  return [...place, ...beside('observed', observed, page), ...beside('expected', expected, page)];
}

function beside(label: string, text: string, page: Page): Line[] {
  if (text === '') return [];
  return wrap(text, Math.max(20, page.width - 20)).map((row, at) =>
    line('        ', span(pad(at === 0 ? label : '', 10), 'dim'), '  ', row),
  );
}

/** How many of each, and what to do about what is broken. */
function tail(report: VerifyReport, page: Page): Line[] {
  const { checks, first } = report;
  const broken = checks.filter(({ verdict, suppressed }) => verdict === 'fail' && !suppressed);
  const top = first === undefined ? [] : [checks[first] as Checked];
  const told = broken.length > 0 ? distinct([...top, ...broken]) : top;
  return [
    ...wrap(countsOf(report), page.width).map((row) => line(row)),
    ...told.flatMap((check) => wayOut(check, told.length > 1, page)),
  ];
}

/** One cause and one fix for each failure. */
const distinct = (checks: readonly Checked[]): readonly Checked[] =>
  [...Map.groupBy(checks, ({ failure, id, fix }) => `${failure ?? id} ${fix.run ?? ''}`).values()].flatMap(
    ([one]) => one ?? [],
  );

function countsOf({ summary, checks, simulated }: VerifyReport): string {
  const { fail, skipped, unknown, warn, pass } = summary;
  const accepted = checks.filter(({ suppressed }) => suppressed).length;
  const from = (fail || unknown) === 1 ? 'it' : 'them';
  const parts = [
    [fail, 'broken'],
    [skipped, `${skipped === 1 ? 'follows' : 'follow'} from ${from}`],
    [unknown, 'unknown'],
    [warn, 'to look at'],
    [accepted, 'accepted'],
    [pass, 'well'],
  ] as const;
  const text = parts.flatMap(([number, words]) => (number > 0 ? [`${number} ${words}`] : [])).join(', ');
  return `${text === '' ? 'Nothing was looked at' : text}${simulated ? ' (simulated)' : ''}.`;
}

const LABEL = 8;

const RISKS = {
  restarts: '(Something restarts.)',
  widens: '(It reaches beyond this workload.)',
  destroys: '(Something is removed or replaced.)',
} as const;

function wayOut({ cause, fix, failure, title }: Checked, several: boolean, page: Page): Line[] {
  const head = several ? [line('  ', span([failure, clean(title)].filter(Boolean).join('  '), 'strong'))] : [];
  const body = [
    ...labelled('Cause', cause, page),
    ...labelled('Fix', [fix.say, fix.risk && RISKS[fix.risk]].filter(Boolean).join(' '), page),
  ];
  const run = fix.run === undefined ? [] : [...(fix.say === '' ? [line('  Fix')] : []), command(clean(fix.run), 10)];
  const hand = fix.byHand === undefined ? [] : [line('  By hand'), command(clean(fix.byHand), 10)];
  const all = [...body, ...run, ...hand];
  return all.length === 0 ? [] : [BLANK, ...head, ...all];
}

function labelled(label: string, text: string, page: Page): Line[] {
  if (text === '') return [];
  return wrap(text, Math.max(20, page.width - 2 - LABEL)).map((row, at) =>
    line('  ', span(pad(at === 0 ? label : '', LABEL), 'dim'), row),
  );
}
