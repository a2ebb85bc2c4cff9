import type { Paint } from '../report/style.ts';
import { clip, columns, line, pad, type Span, span } from '../report/text.ts';

/** One thing to choose. */
export interface Row<T> {
  readonly name: string;
  /** What tells it from the others, beside its name. */
  readonly facts?: string;
  /** One sentence that is shown while the row is the current one. */
  readonly explains?: string;
  readonly value: T;
}

/** What there is to choose from; a list may grow better while somebody looks at it. */
export interface Listing<T> {
  readonly rows: readonly Row<T>[];
  /** Why there are no more, and what to do instead. */
  readonly note?: string;
}

/** A name that is in no list. */
export interface Typed<T> {
  /** What is wrong with the text, or nothing. */
  check(text: string): string | undefined;
  row(text: string): Row<T>;
}

/** Rows that are seen at once. */
const SEEN = 7;

/** The rows that the text is found in, and the text itself as one where it may be. */
export function matching<T>(rows: readonly Row<T>[], text: string, typed: Typed<T> | undefined): readonly Row<T>[] {
  if (text === '') return rows;
  const wanted = text.toLowerCase();
  const found = rows.filter(({ name, facts = '' }) => `${name} ${facts}`.toLowerCase().includes(wanted));
  const whole = rows.some(({ name }) => name.toLowerCase() === wanted);
  return typed && !whole && typed.check(text) === undefined ? [...found, typed.row(text)] : found;
}

/** Where the rows that are seen begin, so that the current one is among them. */
export const firstSeen = (current: number, count: number): number =>
  Math.max(0, Math.min(current - Math.floor(SEEN / 2), count - SEEN));

/** The rows around the current one, as lines; `mark` is what stands before a name besides the cursor. */
export function rowLines<T>(
  rows: readonly Row<T>[],
  current: number,
  page: { readonly width: number; readonly paint: Paint },
  mark: (row: Row<T>) => string = () => '',
): readonly string[] {
  const first = firstSeen(current, rows.length);
  const seen = rows.slice(first, first + SEEN);
  const widest = Math.max(0, ...seen.map(({ name }) => columns(name)));
  // Facts begin in one column, unless a name is so long that they would be pushed out.
  const column = Math.min(widest, Math.floor(page.width / 2)) + 2;
  return seen.map((row, index) => {
    const isCurrent = first + index === current;
    const before = `${isCurrent ? '>' : ' '} ${mark(row)}`;
    const room = page.width - 1 - columns(before);
    const name = clip(row.facts ? pad(row.name, column) : row.name, room);
    const facts = clip(row.facts ?? '', Math.max(0, room - columns(name)));
    const spans: Span[] = [span(before + name, isCurrent ? 'asks' : undefined), span(facts, 'dim')];
    return page.paint(line(...spans));
  });
}

/** How many rows lie outside of those that are seen. */
export const unseenRows = (count: number): number => Math.max(0, count - SEEN);
