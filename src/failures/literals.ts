/** Characters by which a literal is looked up: it has at least so many. */
export const KEY = 4;

/** Looks for many literals in one pass over a text. */
export interface Index {
  /** Where each of them begins, in the order of the text. Of ASCII text, in lower case. */
  places(text: string): ReadonlyMap<string, readonly number[]>;
}

/** Literals that begin alike. */
interface Node {
  /** To be compared whole. */
  readonly few: readonly string[];
  /** Many that begin alike are told apart by their next characters. */
  readonly more?: ReadonlyMap<number, Node>;
}
const FEW = 4;

export function indexOf(literals: readonly string[]): Index {
  const root = byKey([...new Set(literals)], 0);
  // Most places of a text begin nothing: one look into a table tells.
  const gate = new Uint8Array(1 << 16);
  for (const key of root.keys()) gate[fold(key)] = 1;
  return { places: (text) => scan(text, root, gate) };
}

const fold = (key: number): number => (key ^ (key >>> 13)) & 0xffff;

function keyAt(text: string, at: number): number {
  let key = 0;
  for (let index = at; index < at + KEY; index += 1) key = (key << 8) | text.charCodeAt(index);
  return key;
}

function byKey(literals: readonly string[], depth: number): ReadonlyMap<number, Node> {
  const groups = Map.groupBy(literals, (literal) => keyAt(literal, depth));
  return new Map([...groups].map(([key, group]) => [key, nodeOf(group, depth + KEY)]));
}

function nodeOf(literals: readonly string[], depth: number): Node {
  if (literals.length <= FEW) return { few: literals };
  const long = literals.filter(({ length }) => length >= depth + KEY);
  return { few: literals.filter(({ length }) => length < depth + KEY), more: byKey(long, depth) };
}

function scan(text: string, root: ReadonlyMap<number, Node>, gate: Uint8Array): Map<string, number[]> {
  const places = new Map<string, number[]>();
  let key = 0;
  for (let index = 0; index < text.length; index += 1) {
    key = (key << 8) | text.charCodeAt(index);
    if (gate[fold(key)] === 0) continue;
    const start = index - KEY + 1;
    let node = start < 0 ? undefined : root.get(key);
    for (let depth = start + KEY; node; depth += KEY) {
      for (const literal of node.few) {
        if (!text.startsWith(literal, start)) continue;
        const found = places.get(literal);
        if (found) found.push(start);
        else places.set(literal, [start]);
      }
      node = node.more?.get(keyAt(text, depth));
    }
  }
  return places;
}
