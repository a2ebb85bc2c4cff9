import { runInNewContext } from 'node:vm';

/** Real milliseconds for all of the names together. */
const PATIENCE = 500;

/**
 * The names that an expression of somebody else's matches. Written for Go, whose engine takes one pass over a name, it may
 * take JavaScript's longer than anybody lives: then `undefined`.
 */
export function matched(pattern: RegExp, names: readonly string[]): readonly string[] | undefined {
  try {
    // Only a context of its own can be ended in the middle of a search.
    const found: unknown = runInNewContext(
      'names.map((name) => pattern.test(name))',
      { pattern, names },
      { timeout: PATIENCE },
    );
    return names.filter((_, index) => (found as readonly boolean[])[index]);
  } catch {
    return undefined;
  }
}
