import type { Action, Change } from '../engine/events.ts';
import type { Difference } from '../step.ts';
import type { Line, Page, Span, Tone } from './text.ts';
import { BLANK, columns, command, count, line, listed, pad, span, wrap } from './text.ts';

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
}

/** The plan as a person reads it. The same plan gives the same text. */
export function planText(changes: readonly Change[], header: Header, page: Page): Line[] {
  const shown = changes.filter(({ quiet, action }) => !quiet || action !== 'keep');
  const entries = fold(shown);
  const label = labelWidth(entries, page);
  const said = new Set<string>();
  const groups = (['Azure', 'Kubernetes'] as const).flatMap((side) => {
    const own = entries.filter((entry) => entry.first.side === side);
    if (own.length === 0) return [];
    return [BLANK, line('  ', span(side, 'strong')), ...own.flatMap((entry) => entryLines(entry, label, page, said))];
  });
  return [...headerLines(header, page), ...groups, BLANK, ...countLines(shown, page)];
}

function headerLines({ workloads, caller, subscription, tenant, label }: Header, page: Page): Line[] {
  const [first] = workloads;
  const method = first && workloads.every((other) => other.method === first.method) ? `, by ${first.method}` : '';
  const namespace =
    first && workloads.every((other) => other.namespace === first.namespace) ? ` in ${first.namespace}` : '';
  const names = workloads.map(({ name }) => name);
  const whom = names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : listed(names);
  const where = subscription && `on ${subscription.name ?? subscription.id}`;
  const id = subscription?.name === undefined ? '' : ` (${subscription.id.slice(0, 8)})`;
  const who = [caller && `as ${caller}`, where && where + id].filter(Boolean).join(' ');
  const surroundings = [who, tenant && `tenant ${tenant}`].filter(Boolean).join(', ');
  return [
    ...wrap(`Plan for ${whom}${namespace}${method}${label ? ` (${label})` : ''}`, page.width).map((row) =>
      line(span(row, 'strong')),
    ),
    ...wrap(surroundings, page.width).map((row) => line(row)),
  ];
}

/** One line of the left column: a change, or several of one kind that say the same. */
interface Entry {
  readonly first: Change;
  readonly label: string;
  /** What stands at the right because it does not fit, or because it is several. */
  readonly subject: string | undefined;
}

function fold(changes: readonly Change[]): (Entry & { readonly all: readonly Change[] })[] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const plain = change.differences.length === 0 && !change.problem && !change.run;
    const parent = change.id.slice(0, change.id.lastIndexOf('/'));
    const { kind, side, action, note, follows } = change;
    const key = plain ? JSON.stringify([side, kind, action, note, parent, follows]) : change.id;
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

/** `a in kv`, `b in kv` → `a, b in kv`. */
function together(subjects: readonly string[]): string {
  const tails = subjects.map((subject) => / (in|at|on|for) .+$/.exec(subject)?.[0] ?? '');
  const tail = tails.every((other) => other === tails[0]) ? (tails[0] ?? '') : '';
  return subjects.map((subject) => subject.slice(0, subject.length - tail.length)).join(', ') + tail;
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

const TONE: Readonly<Partial<Record<Action, Tone>>> = { create: 'good', update: 'warn', blocked: 'bad', keep: 'dim' };

function entryLines(entry: Entry, width: number, page: Page, said: Set<string>): Line[] {
  const { first } = entry;
  const { symbols } = page;
  const symbol = {
    ...{ create: symbols.create, update: symbols.update, keep: symbols.keep },
    ...{ later: symbols.later, blocked: symbols.warn },
  }[first.action];
  const fits = entry.subject === undefined && saysMore(first) && columns(entry.label) <= width;
  const label = fits ? entry.label : entry.subject === undefined ? first.kind : entry.label;
  const subject = fits ? undefined : (entry.subject ?? first.subject);
  const room = Math.max(20, page.width - MARGIN - width - GAP);

  const right: Line[] = [
    ...(subject === undefined ? [] : wrap(subject, room).map((row) => line(row))),
    ...differenceLines(first, room),
  ];
  if (first.note !== undefined) {
    const beside = right.length === 0 || first.follows !== undefined;
    right.push(...wrap(beside ? first.note : `(${first.note})`, room).map((row) => line(row)));
  }
  right.push(...reasonLines(first, room, said));
  const paste = first.action === 'blocked' && first.run !== undefined ? [command(first.run, 6)] : [];
  const [top = BLANK, ...rest] = right;
  const left = pad(label, width + GAP);
  return [
    line('  ', span(symbol, TONE[first.action]), ' ', left, ...top),
    ...rest.map((row) => line(' '.repeat(MARGIN + width + GAP), ...row)),
    ...paste,
  ];
}

/** Path, values and warning in columns; a warning that finds no room beside stands below. */
function differenceLines({ differences, action }: Change, room: number): Line[] {
  if (differences.length === 0 || action === 'keep') return [];
  const value = ({ is, want }: Difference) => (action === 'create' ? want : `${is} -> ${want}`);
  const paths = Math.min(Math.max(...differences.map(({ path }) => columns(path))), Math.floor(room * 0.45));
  const warned = differences.filter((difference) => warningOf(difference) !== '');
  const values = Math.max(0, ...warned.map((difference) => columns(value(difference))));
  const left = room - paths - 3 - values - 3;
  const beside = left >= 18;
  return differences.flatMap((difference) => {
    const warning = warningOf(difference);
    const tone: Tone | undefined = difference.irreversible ? 'bad' : 'warn';
    const long = columns(difference.path) > paths || columns(value(difference)) > room - paths - 3;
    if (long) {
      return [
        ...wrap(difference.path, room).map((row) => line(row)),
        ...wrap(value(difference), room - 2).map((row) => line('  ', row)),
        ...wrap(warning, room - 2).map((row) => line('  ', span(row, tone))),
      ];
    }
    const head = `${pad(difference.path, paths)}   `;
    if (!beside || warning === '') {
      return [
        line(head, value(difference)),
        ...wrap(warning, room - paths - 3).map((row) => line(' '.repeat(paths + 3), span(row, tone))),
      ];
    }
    return wrap(warning, left).map((row, index) =>
      index === 0
        ? line(head, pad(value(difference), values), '   ', span(row, tone))
        : line(' '.repeat(paths + values + 6), span(row, tone)),
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

function reasonLines({ action, missing, problem, run, follows }: Change, room: number, said: Set<string>): Line[] {
  if (action === 'later') {
    return [
      line(span(problem?.trouble === 'missing' ? 'not there to be looked at yet' : 'to be looked at again', 'dim')),
    ];
  }
  if (action !== 'blocked') return [];
  const spans = (text: string): Line[] => wrap(text, room).map((row): Span[] => [span(row, 'bad')]);
  const lines: Line[] = [];
  if (missing.length > 0) {
    lines.push(...spans(`blocked: needs ${missing.map((consent) => `--allow ${consent}`).join(' ')}`));
  }
  if (problem) {
    const known = said.has(problem.message);
    said.add(problem.message);
    const right = problem.right && !problem.message.includes(problem.right) ? ` (${problem.right} is missing)` : '';
    lines.push(...spans(known ? 'blocked: the same as above' : `blocked: ${problem.message}${right}`));
  }
  if (missing.length === 0 && !problem && !follows) lines.push(...spans('blocked'));
  if (run !== undefined) {
    lines.push(line(missing.length > 0 ? 'or whoever runs the cluster runs:' : 'somebody who may runs:'));
  }
  return lines;
}

const WAITS = [
  ['long operation', 'some minutes'],
  ['minutes', 'a few minutes at most'],
  ['seconds', 'some seconds'],
] as const;

function countLines(changes: readonly Change[], page: Page): Line[] {
  const number = (action: Action) => changes.filter((change) => change.action === action).length;
  const parts = [
    [number('create'), 'to create'],
    [number('update'), 'to change'],
    [number('later'), 'to be looked at later'],
    [number('blocked'), 'blocked'],
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
    return kinds.length === 0 ? [] : [` Longest wait: the ${listed(kinds.slice(0, 2))}, ${words}.`];
  })[0];
  const undone = moving.filter(({ differences }) => differences.some(({ irreversible }) => irreversible));
  const warning = undone.length === 0 ? '' : ` ${count(undone.length, 'change')} cannot be undone.`;
  return wrap(`${present.join(', ')}.${longest ?? ''}${warning}`, page.width).map((row) => line(row));
}
