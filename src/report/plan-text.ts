import type { Action, Change } from '../engine/events.ts';
import type { Difference } from '../step.ts';
import type { Line, Page, Span, Tone } from './text.ts';
import { BLANK, columns, command, count, line, listed, pad, span, wrap } from './text.ts';
import { briefly, nameOf } from './words.ts';

/** Who and where: the first lines of a plan. */
export interface Header {
  readonly workloads: readonly { readonly name: string; readonly namespace: string; readonly method: string }[];
  /** `ana@contoso.com`. */
  readonly caller?: string;
  readonly subscription?: { readonly id: string; readonly name?: string };
  /** Name or id. */
  readonly tenant?: string;
  /** `simulated`, where the surroundings say so. */
  readonly label?: string;
  /** It is a plan to take away. */
  readonly removes?: true;
}

/** The plan as a person reads it. The same plan gives the same text. */
export function planText(changes: readonly Change[], header: Header, page: Page): Line[] {
  const shown = changes.filter(({ quiet, action }) => !quiet || action !== 'keep');
  const sides = (['Azure', 'Kubernetes'] as const).map((side): Group => {
    return { title: side, changes: shown.filter((change) => change.side === side) };
  });
  return [...headerLines('Plan for', header, page), ...groupLines(sides, page), BLANK, ...countLines(shown, page)];
}

/** Changes under one heading. */
export interface Group {
  readonly title: string;
  readonly changes: readonly Change[];
}

/** The groups that have something, in columns that are theirs together; each reason is said once. */
export function groupLines(groups: readonly Group[], page: Page): Line[] {
  const folded = groups.map(({ title, changes }) => ({ title, entries: fold(changes) }));
  const label = labelWidth(
    folded.flatMap(({ entries }) => entries),
    page,
  );
  const said = new Set<string>();
  return folded.flatMap(({ title, entries }) =>
    entries.length === 0
      ? []
      : [BLANK, line('  ', span(title, 'strong')), ...entries.flatMap((one) => entryLines(one, label, page, said))],
  );
}

/** Who and where, under `title` and whom it is about. */
export function headerLines(
  title: string,
  { workloads, caller, subscription, tenant, label }: Header,
  page: Page,
): Line[] {
  const [first] = workloads;
  const method = first && workloads.every((other) => other.method === first.method) ? `, by ${first.method}` : '';
  const namespace =
    first && workloads.every((other) => other.namespace === first.namespace) ? ` in ${first.namespace}` : '';
  const names = workloads.map(({ name }) => name);
  const whom = names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : listed(names);
  const where = subscription && `on ${subscription.name ?? subscription.id}`;
  const id = subscription?.name === undefined ? '' : ` (${subscription.id.slice(0, 8)})`;
  const who = [caller && `as ${caller}`, where && where + id].filter(Boolean).join(' ');
  const whole = [who, tenant && `tenant ${tenant}`].filter(Boolean).join(', ');
  // Broken between the two, so that an id is never looked for at the end of a name.
  const surroundings = columns(whole) <= page.width ? [whole] : [who, tenant ? `tenant ${tenant}` : ''];
  return [
    ...wrap(`${title} ${whom}${namespace}${method}${label ? ` (${label})` : ''}`, page.width).map((row) =>
      line(span(row, 'strong')),
    ),
    ...surroundings.flatMap((text) => wrap(text, page.width)).map((row) => line(row)),
  ];
}

/** One line of the left column: a change, or several of one kind that say the same. */
interface Entry {
  readonly first: Change;
  readonly label: string;
  /** What stands at the right because it does not fit, or because it is several. */
  readonly subject: string | undefined;
  readonly all: readonly Change[];
}

function fold(changes: readonly Change[]): Entry[] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const plain = change.differences.length === 0 && !change.problem && (!change.run || change.action === 'leave');
    const { kind, side, action, note, follows } = change;
    const key = plain ? JSON.stringify([side, kind, action, note, follows]) : change.id;
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()].map((all) => {
    const first = all[0] as Change;
    if (all.length === 1) return { first, all, label: `${first.kind} ${first.subject}`, subject: undefined };
    return { first, all, label: several(first.kind), subject: together(all.map(({ subject }) => subject)) };
  });
}

const several = (kind: string): string =>
  /ss$/.test(kind) ? kind : /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;

/** Whether something stands at the right of it besides its subject: then the subject may stand at the left. */
const saysMore = ({ action, differences, note }: Change): boolean =>
  note !== undefined || action === 'blocked' || action === 'later' || (action !== 'keep' && differences.length > 0);

/** What is common to all is said once: `kv/a`, `kv/b` as `a, b in kv`; `R for a on v`, `R for b on v` as `R for a, b on v`. */
function together(subjects: readonly string[]): string {
  const paths = subjects.map((subject) => /^([^/\s]+)\/([^/\s]+)$/.exec(subject));
  const folder = paths[0]?.[1];
  if (folder !== undefined && paths.every((path) => path?.[1] === folder)) {
    return `${paths.map((path) => path?.[2]).join(', ')} in ${folder}`;
  }
  const all = subjects.map((subject) => subject.split(' '));
  const least = Math.min(...all.map(({ length }) => length)) - 1;
  const same = (place: (words: readonly string[]) => string | undefined) =>
    all.every((words) => place(words) === place(all[0]!));
  let before = 0;
  while (before < least && same((words) => words[before])) before++;
  let behind = 0;
  while (behind < least - before && same((words) => words.at(-1 - behind))) behind++;
  const middles = all.map((words) => words.slice(before, words.length - behind).join(' '));
  const first = all[0]!;
  return [...first.slice(0, before), middles.join(', '), ...first.slice(first.length - behind)].join(' ');
}

/** Before the label: two blanks, the symbol, a blank. */
const MARGIN = 4;
/** Between the label and what stands at its right. */
const GAP = 2;

function labelWidth(entries: readonly Entry[], page: Page): number {
  const most = Math.max(12, Math.floor(page.width * 0.275));
  const fitting = entries.flatMap(({ label, first }) =>
    saysMore(first) && columns(label) <= most ? [columns(label)] : [columns(first.kind)],
  );
  return Math.min(most, Math.max(12, ...fitting));
}

const TONE: Readonly<Partial<Record<Action, Tone>>> = {
  ...{ create: 'good', update: 'warn', blocked: 'bad', keep: 'dim', remove: 'bad', leave: 'dim' },
};

function entryLines(entry: Entry, width: number, page: Page, said: Set<string>): Line[] {
  const { first } = entry;
  const { symbols } = page;
  const symbol = {
    ...{ create: symbols.create, update: symbols.update, keep: symbols.keep },
    ...{ remove: symbols.remove, leave: symbols.keep },
    ...{ later: symbols.later, blocked: first.follows ? symbols.skipped : symbols.warn },
  }[first.action];
  const fits = entry.subject === undefined && saysMore(first) && columns(entry.label) <= width;
  const label = fits ? entry.label : entry.subject === undefined ? first.kind : entry.label;
  const subject = fits ? undefined : (entry.subject ?? first.subject);
  const room = Math.max(20, page.width - MARGIN - width - GAP);

  const right: Line[] = [
    ...(subject === undefined ? [] : wrap(subject, room).map((row) => line(row))),
    ...differenceLines(first, room),
  ];
  const isReason = first.action === 'blocked' && first.missing.length === 0 && !first.problem && !first.follows;
  if (first.note !== undefined && !isReason) {
    const beside = right.length === 0 || first.follows !== undefined;
    right.push(...wrap(beside ? first.note : `(${first.note})`, room).map((row) => line(row)));
  }
  right.push(...reasonLines(first, room, said));
  const paste = hasLine(first) ? [command(first.run, 6)] : entry.all.flatMap(wouldRemove);
  const [top = BLANK, ...rest] = right;
  const left = `${pad(label, width)}${' '.repeat(GAP)}`;
  return [
    line('  ', span(symbol, first.follows ? 'dim' : TONE[first.action]), ' ', left, ...top),
    ...rest.map((row) => line(' '.repeat(MARGIN + width + GAP), ...row)),
    ...paste,
  ];
}

/** Of what is left in place: the line that would remove it. It is no advice, so it stands back. */
const wouldRemove = ({ action, run }: Change): Line[] =>
  action === 'leave' && run !== undefined ? [line('      ', span(run, 'dim'))] : [];

/** A line is given where it can help: not for what could not even be looked at. */
const hasLine = (change: Change): change is Change & { readonly run: string } =>
  change.action === 'blocked' && change.run !== undefined && change.problem === undefined;

/** Between path, values and warning. */
const BETWEEN = 2;

/** Path, values and warning in columns; a warning that finds no room beside stands below. */
function differenceLines({ differences, action }: Change, room: number): Line[] {
  if (differences.length === 0 || action === 'keep') return [];
  const value = ({ is, want }: Difference) => (action === 'create' ? want : `${is} -> ${want}`);
  const paths = Math.min(Math.max(...differences.map(({ path }) => columns(path))), Math.floor(room * 0.45));
  const warned = differences.filter((difference) => warningOf(difference) !== '');
  const values = Math.max(0, ...warned.map((difference) => columns(value(difference))));
  const left = room - paths - values - 2 * BETWEEN;
  const beside = left >= 18;
  return differences.flatMap((difference) => {
    const warning = warningOf(difference);
    const tone: Tone | undefined = difference.irreversible ? 'bad' : 'warn';
    const long = columns(difference.path) > paths || columns(value(difference)) > room - paths - BETWEEN;
    if (long) {
      return [
        ...wrap(difference.path, room).map((row) => line(row)),
        ...wrap(value(difference), room - 2).map((row) => line('  ', row)),
        ...wrap(warning, room - 2).map((row) => line('  ', span(row, tone))),
      ];
    }
    const head = pad(difference.path, paths + BETWEEN);
    if (!beside || warning === '') {
      return [
        line(head, value(difference)),
        ...wrap(warning, room - paths - BETWEEN).map((row) => line(' '.repeat(paths + BETWEEN), span(row, tone))),
      ];
    }
    return wrap(warning, left).map((row, index) =>
      index === 0
        ? line(head, pad(value(difference), values + BETWEEN), span(row, tone))
        : line(' '.repeat(paths + values + 2 * BETWEEN), span(row, tone)),
    );
  });
}

/** The warning, and the two marks that every such change bears whether or not its own words say so. */
function warningOf({ warning = '', irreversible, costs }: Difference): string {
  const marks = [
    ...(irreversible && !/undone|irreversible|for ever/.test(warning) ? ['cannot be undone'] : []),
    ...(costs && !/cost|bill|charge/.test(warning) ? ['costs money'] : []),
  ];
  return [...marks, ...(warning === '' ? [] : [warning])].join(', ');
}

function reasonLines(change: Change, room: number, said: Set<string>): Line[] {
  const { action, missing, problem, note, follows } = change;
  if (action === 'later') {
    return [
      line(span(problem?.trouble === 'missing' ? 'not there to be looked at yet' : 'to be looked at again', 'dim')),
    ];
  }
  if (action !== 'blocked') return [];
  const spans = (text: string): Line[] => wrap(`blocked: ${text}`, room).map((row): Span[] => [span(row, 'bad')]);
  const lines: Line[] = [];
  if (missing.length > 0) lines.push(...spans(`needs --allow ${missing.join(',')}`));
  if (problem) {
    const about = nameOf(change);
    const right = problem.right && !problem.message.includes(problem.right) ? ` (${problem.right} is missing)` : '';
    const words = briefly(problem.message, about, 1000) + right;
    lines.push(...spans(said.has(words) ? 'the same as above' : words));
    said.add(words);
  }
  if (missing.length === 0 && !problem && !follows) lines.push(...spans(note ?? 'it cannot be changed'));
  if (hasLine(change)) lines.push(line(missing.length > 0 ? 'or whoever runs the cluster runs:' : 'next:'));
  return lines;
}

const WAITS = [
  ['long operation', 'some minutes'],
  ['minutes', 'a few minutes at most'],
  ['seconds', 'some seconds'],
] as const;

function countLines(changes: readonly Change[], page: Page): Line[] {
  const number = (action: Action) => changes.filter((one) => one.action === action && !one.follows).length;
  const following = changes.filter(({ follows }) => follows !== undefined).length;
  const parts = [
    [number('create'), 'to create'],
    [number('update'), 'to change'],
    [number('later'), 'to be looked at later'],
    [number('blocked'), 'blocked'],
    [following, following === 1 ? 'follows from that' : 'follow from that'],
    [number('keep'), 'as wanted'],
  ] as const;
  const present = parts.filter(([amount]) => amount > 0).map(([amount, words]) => `${amount} ${words}`);
  if (present.length === 0) return [line('Nothing to do.')];
  if (number('keep') === changes.length) {
    return [line(`Nothing to change, ${number('keep')} as wanted.`)];
  }
  const moving = changes.filter(({ action }) => action === 'create' || action === 'update');
  const longest = WAITS.flatMap(([pace, words]) => {
    const kinds = [...new Set(moving.filter(({ settles }) => settles === pace).map(({ kind }) => kind))];
    return kinds.length === 0 ? [] : [`Longest wait: the ${listed(kinds.slice(0, 2))}, ${words}.`];
  })[0];
  const undone = moving.filter(({ differences }) => differences.some(({ irreversible }) => irreversible)).length;
  const costing = moving.some(({ differences }) => differences.some(({ costs }) => costs));
  const sentences = [
    `${present.join(', ')}.`,
    longest,
    undone > 0 && `${count(undone, 'change')} cannot be undone.`,
    costing && 'Some of it costs money.',
  ].filter((text) => text !== undefined && text !== false);
  return sentenceRows(sentences, page).map((row) => line(row));
}

/** Whole sentences side by side as far as they fit; the next one begins a row of its own. */
function sentenceRows(sentences: readonly string[], page: Page): string[] {
  const rows: string[] = [];
  for (const one of sentences) {
    const last = rows.at(-1);
    if (last !== undefined && columns(last) + 1 + columns(one) <= page.width) rows[rows.length - 1] = `${last} ${one}`;
    else rows.push(one);
  }
  return rows.flatMap((row) => wrap(row, page.width));
}
