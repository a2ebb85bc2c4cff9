import { type Index, indexOf, KEY } from './literals.ts';
import { squeezedPhrase } from './squeeze.ts';

/** Where something stands in a squeezed text. */
export interface Hit {
  readonly start: number;
  readonly end: number;
}

/** All places of each phrase in one text, in the order of the text. */
export interface Hits {
  of(phrase: string): readonly Hit[];
}

/** What may stand in the place of `…`, in squeezed characters. */
const GAP = 160;
/** What a name consists of, in the place of `~`. */
const NAME = /^[\w.~-]*$/;

/** A part of a phrase: its alternatives, and whether a name alone may stand before it. */
interface Part {
  readonly literals: readonly string[];
  readonly afterName: boolean;
}

/**
 * Looks for many phrases (`row.ts` says how they are written) in one pass over a text.
 * @throws {Error} for a phrase that begins with less than four characters, or whose braces do not pair
 */
export function phraseFinder(phrases: Iterable<string>): (squeezed: string) => Hits {
  const parts = new Map([...new Set(phrases)].map((phrase) => [phrase, partsOf(phrase)]));
  const literals = [...parts.values()].flat().flatMap((part) => part.literals);
  const index: Index = indexOf(literals.filter(({ length }) => length >= KEY));
  return (squeezed) => {
    const places = index.places(squeezed);
    const known = new Map<string, readonly Hit[]>();
    const of = (phrase: string): readonly Hit[] => {
      const hits = known.get(phrase) ?? hitsOf(parts.get(phrase)!, places, squeezed);
      known.set(phrase, hits);
      return hits;
    };
    return { of };
  };
}

function partsOf(phrase: string): readonly Part[] {
  if (!/^(?:[^{}]|\{[^{}…~]*\})*$/.test(phrase)) throw new Error(`braces that do not pair: ${phrase}`);
  const pieces = phrase.split(/([…~])/);
  const parts = pieces.flatMap((piece, index) =>
    index % 2 === 0 ? [{ literals: alternativesOf(piece), afterName: pieces[index - 1] === '~' }] : [],
  );
  const literals = parts.flatMap((part) => part.literals);
  if (parts[0]!.literals.some(({ length }) => length < KEY) || literals.includes('')) {
    throw new Error(`too short a phrase: ${phrase}`);
  }
  return parts;
}

/** `{a|b} c` as `ac` and `bc`. */
function alternativesOf(part: string): readonly string[] {
  if (!part.includes('{')) return [squeezedPhrase(part)];
  const texts = part.split(/[{}]/).reduce<readonly string[]>(
    (done, piece, index) => {
      const choices = index % 2 === 0 ? [piece] : piece.split('|');
      return done.flatMap((before) => choices.map((choice) => before + choice));
    },
    [''],
  );
  return [...new Set(texts.map(squeezedPhrase))];
}

type Places = ReadonlyMap<string, readonly number[]>;

function hitsOf([head, ...rest]: readonly Part[], places: Places, text: string): Hit[] {
  const heads = placesOf(head!.literals, places);
  if (heads.length === 0) return [];
  const following = rest.map((part) => ({
    ...part,
    hits: part.literals.some(({ length }) => length < KEY) ? undefined : placesOf(part.literals, places),
  }));
  return heads.flatMap(({ start, end: after }) => {
    let end = after;
    for (const { hits, literals, afterName } of following) {
      const next = hits ? nextOf(hits, end) : nextShort(literals, text, end);
      if (!next || (afterName && !NAME.test(text.slice(end, next.start)))) return [];
      end = next.end;
    }
    return [{ start, end }];
  });
}

/** Where any of these stands; of those that begin together, the longest. */
function placesOf(literals: readonly string[], places: Places): readonly Hit[] {
  const found = literals.flatMap((literal) =>
    (places.get(literal) ?? []).map((start) => ({ start, end: start + literal.length })),
  );
  if (literals.length > 1) found.sort((a, b) => a.start - b.start || b.end - a.end);
  return found.filter(({ start }, index) => found[index - 1]?.start !== start);
}

function nextOf(hits: readonly Hit[], after: number): Hit | undefined {
  const next = hits[firstFrom(hits, after)];
  return next && next.start <= after + GAP ? next : undefined;
}

/** Parts that are too short for the index are looked for in a piece of the text. */
function nextShort(literals: readonly string[], text: string, after: number): Hit | undefined {
  const piece = text.slice(after, after + GAP);
  return literals
    .map((literal) => ({ start: after + piece.indexOf(literal), end: after + piece.indexOf(literal) + literal.length }))
    .filter(({ start }) => start >= after)
    .toSorted((a, b) => a.start - b.start)[0];
}

/** The index of the first that begins there or behind. */
export function firstFrom(hits: readonly Hit[], start: number): number {
  let low = 0;
  let high = hits.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (hits[middle]!.start < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
