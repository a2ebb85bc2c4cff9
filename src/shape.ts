/** An answer that is not what it should be. The edges make a `Problem` of it, which says whose answer it was. */
export class Odd extends Error {
  /** @param why behind "in a form that is not understood: "; nothing that was answered stands in it */
  constructor(why: string) {
    super(why);
    this.name = 'Odd';
  }
}

export type Table = Readonly<Record<string, unknown>>;

/** @throws {Odd} for what has no keys */
export function tableIn(value: unknown): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table;
  throw new Odd('it is no object');
}

/** @throws {Odd} for what is no list */
export function listIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Odd('it is no list');
}

/** @throws {Odd} when there is no text of that name, or an empty one */
export function textIn(table: Table, name: string): string {
  const text = table[name];
  if (typeof text === 'string' && text !== '') return text;
  throw new Odd(`it lacks ${name}`);
}

/** The text of that name, if there is one. What is of another type may mean anything: @throws {Odd} */
export function maybeTextIn(table: Table, name: string): string | undefined {
  const text = table[name] ?? '';
  if (typeof text === 'string') return text === '' ? undefined : text;
  throw new Odd(`its ${name} is no text`);
}

/** True or false, if it says so. @throws {Odd} */
export function maybeFlagIn(table: Table, name: string): boolean | undefined {
  const flag = table[name] ?? undefined;
  if (typeof flag === 'boolean' || flag === undefined) return flag;
  throw new Odd(`its ${name} is neither true nor false`);
}

/** The texts of a list that may be left out. @throws {Odd} for a list of anything else */
export function textsIn(table: Table, name: string): readonly string[] {
  const texts = table[name] ?? [];
  if (Array.isArray(texts) && texts.every((text) => typeof text === 'string')) return texts;
  throw new Odd(`its ${name} are not understood`);
}

/** A moment, if it says one: as ISO 8601, or in seconds since the epoch. @throws {Odd} */
export function maybeMomentIn(table: Table, name: string): Date | undefined {
  const said = table[name] ?? undefined;
  if (said === undefined) return undefined;
  const at = new Date(typeof said === 'number' ? said * 1000 : typeof said === 'string' ? said : Number.NaN);
  if (!Number.isNaN(at.getTime())) return at;
  throw new Odd(`its ${name} is no date`);
}
