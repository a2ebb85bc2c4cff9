/** What a table says of a text that comes from outside: `constructor` is a property of every object, and no entry. */
export const entryOf = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
