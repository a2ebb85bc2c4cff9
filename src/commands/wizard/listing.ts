import type { Resource } from '../../azure/azure.ts';
import type { Listing, Row, Typed } from '../../prompt.ts';
import { NAMES } from '../../spec/names.ts';
import { Problem } from '../../trouble.ts';

/** The end of a list: to make what is not there. */
export const MAKE = 'make';
/** A resource that was picked; where one that was typed lies is not known. */
export type Place = { readonly name: string; readonly group: string | undefined } | typeof MAKE;

/** The resource group that a resource's id names. */
export const groupOf = ({ id }: Resource): string => /\/resourceGroups\/([^/]+)\//i.exec(id)?.[1] ?? '';

/** What stands in a list instead of the things that cannot be read. */
interface Around<T> {
  /** The things, as a sentence names them: `clusters`. */
  readonly what: string;
  /** What to do instead: `type a name`. */
  readonly instead: string;
  /** Rows that are always there, at the end. */
  readonly last?: readonly Row<T>[];
  readonly first?: readonly Row<T>[];
}

/** A list that is read while somebody looks at it, or the reason why it cannot be. */
export function listing<T>(
  read: Promise<readonly Row<T>[]>,
  { what, instead, first = [], last = [] }: Around<T>,
): (show: (listing: Listing<T>) => void) => void {
  const around = (rows: readonly Row<T>[]) => [
    ...first.filter(({ name }) => !rows.some((row) => row.name === name)),
    ...rows,
    ...last,
  ];
  const listed = read.then(
    (rows) => ({ rows: around(rows), ...(rows.length === 0 && { note: `There are no ${what} yet; ${instead}.` }) }),
    (error: unknown) => ({ rows: around([]), note: `${whyNot(error, what)}; ${instead}.` }),
  );
  return (show) => void listed.then(show);
}

/** Why a list cannot be read, as the beginning of a sentence. */
export function whyNot(error: unknown, what: string): string {
  if (error instanceof Problem && error.trouble === 'denied') return 'You may not list here';
  const why = error instanceof Problem ? (error.message.split(/\.\s/)[0] ?? '').replace(/\.$/, '') : '';
  return `The ${what} cannot be listed${why ? ` (${why})` : ''}`;
}

/** What is wrong with a name by the rules of what it names. */
export const wrongName =
  (rule: keyof typeof NAMES) =>
  (text: string): string | undefined =>
    NAMES[rule].pattern.test(text) ? undefined : `"${text}" ${NAMES[rule].says}`;

/** A name that is in no list, held to the rules of what it names. */
export const typedName = <T>(rule: keyof typeof NAMES, row: (text: string) => Row<T>): Typed<T> => ({
  check: wrongName(rule),
  row,
});

/** The one that is meant already comes first; the others keep their order. */
export const firstOf = <T>(rows: readonly Row<T>[], name: string): readonly Row<T>[] => [
  ...rows.filter((row) => row.name === name),
  ...rows.filter((row) => row.name !== name),
];

export const byName = <T extends { readonly name: string }>(a: T, b: T): number => (a.name < b.name ? -1 : 1);
