/** From the root of a tree to a value: `['workloads', 0, 'name']`. */
export type Path = readonly (string | number)[];

/** A key for maps; the root's is empty. */
export const keyOf = (path: Path): string => path.map((part) => `\n${part}`).join('');

export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined,
    tree,
  );
}

/** `workloads[0].identity.name` */
export function written(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** What is found for the path, or for the nearest thing around it. */
export function nearestAbove<T>(path: Path, find: (key: string) => T | undefined): T | undefined {
  for (let length = path.length; length >= 0; length--) {
    const found = find(keyOf(path.slice(0, length)));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether the set holds the path or something around it. */
export const holds = (keys: ReadonlySet<string>, path: Path): boolean =>
  nearestAbove(path, (key) => keys.has(key) || undefined) === true;
