/** Looks into JSON that somebody else wrote: whatever is not what it should be reads as nothing. */
export const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Labels, annotations, parameters: those whose value is text. */
export const texts = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(record(value)).filter((each): each is [string, string] => typeof each[1] === 'string'),
  );

/** `a, b and c`. */
export const enumerated = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** `orders-7d4c`, `orders-7d4c and 2 more`. */
export const firstOf = (names: readonly string[]): string =>
  names.length > 1 ? `${names[0]} and ${names.length - 1} more` : (names[0] ?? '');

/** Whether it can be looked at as an object of a cluster at all. */
export const isObject = (value: unknown): boolean => text(record(value).kind) !== undefined;
