import { firstFrom, type Hit, type Hits, phraseFinder } from './phrases.ts';
import { type Clue, LAYERS, type Row } from './row.ts';
import { type Squeezed, squeeze } from './squeeze.ts';

/** A failure that a text shows. */
export interface Found {
  readonly row: Row;
  /** Surest first: a stable code, its own words, or what only sounds like it. */
  readonly strength: Strength;
  /** Where the sign that says most stands in the text, as UTF-16 indices. */
  readonly from: number;
  readonly to: number;
}
export type Strength = 'code' | 'words' | 'vague';
const STRENGTHS: readonly Strength[] = ['code', 'words', 'vague'];
const CAUSAL: readonly string[] = Object.keys(LAYERS);

/** How far apart two signs of one failure stand at most, in squeezed characters: some lines of a log. */
const NEAR = 1200;
/** How close to a sign stands what would make it something else: its own sentence. */
const CLOSE = 240;
/** Places of one failure that are kept: the best are compared with those of other rows. */
const KEPT = 64;

interface Place extends Hit {
  readonly row: Row;
  readonly strength: Strength;
  /** A code with a number. */
  readonly numbered: boolean;
}

/** What to look at in a failure: the stable code, and what was said. */
export interface Symptom {
  readonly code?: string | undefined;
  readonly text: string;
}

export interface Finder {
  /** The failures that a text shows, the root cause first. Linear in the length of the text. */
  find(text: string): readonly Found[];
  /** The row that fits best: code and words before the code alone, and that before what the words alone show. */
  match(symptom: Symptom): Row | undefined;
}

/** What finds the rows in texts. Reads the rows once, at first use. */
export function finderFor(rows: readonly Row[]): Finder {
  const codes = [...new Set(rows.flatMap(({ match }) => match.flatMap(({ code }) => code ?? [])))];
  let finder: ReturnType<typeof phraseFinder> | undefined;
  const hitsIn = (text: string): [Hits, Squeezed] => {
    finder ??= phraseFinder(rows.flatMap(({ match }) => match.flatMap(phrasesOf)));
    const squeezed = squeeze(text);
    return [withWholeCodes(finder(squeezed.text), codes, text, squeezed), squeezed];
  };
  const find = (text: string): readonly Found[] => {
    const [hits, squeezed] = hitsIn(text);
    const places = rows.map((row) => placesOf(row, hits)).filter((each) => each.length > 0);
    const found = withoutOverruled(places).map((each) => foundIn(each, text, squeezed));
    const sure = found.filter(({ strength }) => strength !== 'vague');
    return (sure.some(({ row }) => !row.wraps) ? sure : found).toSorted(before);
  };
  const match = ({ code, text }: Symptom): Row | undefined => {
    const [hits] = hitsIn(text);
    const fits = ({ with: near = [], without = [] }: Clue) =>
      near.every((phrase) => hits.of(phrase).length > 0) && !without.some((phrase) => hits.of(phrase).length > 0);
    const clues = code === undefined ? [] : rows.flatMap((row) => row.match.map((clue) => ({ row, clue })));
    const known = clues.filter(({ clue }) => clue.code === code && fits(clue));
    const best = known.find(({ clue }) => clue.with) ?? known[0];
    return best?.row ?? find(text).find(({ strength }) => strength !== 'vague')?.row;
  };
  return { find, match };
}

function phrasesOf({ code, says, with: near = [], without = [] }: Clue): readonly string[] {
  return [...(says === undefined ? [] : [says]), ...(code === undefined ? [] : formsOf(code)), ...near, ...without];
}

/** A code as it is said, and as Entra's list of numbers has it. */
const formsOf = (code: string): readonly string[] => {
  const number = /^AADSTS(\d+)$/.exec(code)?.[1];
  return number === undefined ? [code] : [code, `error_codes:[${number}`];
};

/** Codes count as whole words, spelt as they are; and of two that begin at one place, broken or not, the longer one. */
function withWholeCodes(hits: Hits, codes: readonly string[], text: string, squeezed: Squeezed): Hits {
  const whole = new Map(
    codes.flatMap((code) =>
      formsOf(code).map((form) => [
        form,
        hits.of(form).filter((hit) => isWord(hit, squeezed) && isSpelt(code, hit, text, squeezed)),
      ]),
    ),
  );
  const longest = new Map<number, number>();
  for (const { start, end } of [...whole.values()].flat()) longest.set(start, Math.max(end, longest.get(start) ?? 0));
  const kept = new Map(
    [...whole].map(([form, hits]) => [form, hits.filter(({ start, end }) => longest.get(start) === end)]),
  );
  const of = (phrase: string): readonly Hit[] => kept.get(phrase) ?? hits.of(phrase);
  return { of };
}

function isWord({ start, end }: Hit, { text, at }: Squeezed): boolean {
  const joined = (index: number) =>
    index > 0 &&
    index < text.length &&
    isWordly(text.charCodeAt(index - 1)) &&
    isWordly(text.charCodeAt(index)) &&
    at[index]! - at[index - 1]! === 1;
  return !joined(start) && !joined(end);
}

const isWordly = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 97 && code <= 122) || code === 95 || code === 126;

/** A code without digits is a word like others: only its capitals tell it apart. */
function isSpelt(code: string, { start, end }: Hit, text: string, { at }: Squeezed): boolean {
  if (/\d/.test(code)) return true;
  for (let index = start; index < end; index += 1) if (text[at[index]!] !== code[index - start]) return false;
  return true;
}

function placesOf(row: Row, hits: Hits): readonly Place[] {
  return row.match.flatMap((clue) => {
    const strength: Strength = clue.vague ? 'vague' : clue.code === undefined ? 'words' : 'code';
    const signs = (clue.code === undefined ? [clue.says!] : formsOf(clue.code)).flatMap((phrase) => hits.of(phrase));
    const places: Place[] = [];
    for (const hit of signs) {
      if (places.length === KEPT) break;
      if (!(clue.with ?? []).every((phrase) => stands(hits.of(phrase), hit, NEAR))) continue;
      if ((clue.without ?? []).some((phrase) => stands(hits.of(phrase), hit, CLOSE))) continue;
      places.push({ ...hit, row, strength, numbered: /\d/.test(clue.code ?? '') });
    }
    return places;
  });
}

/** Whether one of these places is within reach of a sign. */
function stands(places: readonly Hit[], { start, end }: Hit, reach: number): boolean {
  const next = places[firstFrom(places, start - reach)];
  return next !== undefined && next.start <= end + reach;
}

/** Leaves out what another row says better about the same words. */
function withoutOverruled(found: readonly (readonly Place[])[]): readonly (readonly Place[])[] {
  const better = new Map<string, Place[]>();
  for (const places of found) {
    for (const id of places[0]!.row.insteadOf ?? []) better.set(id, [...(better.get(id) ?? []), ...places]);
  }
  return found
    .map((places) => {
      const others = (better.get(places[0]!.row.id) ?? []).filter(
        ({ strength }) => strength !== 'vague' || places.every((place) => place.strength === 'vague'),
      );
      return places.filter(
        (place) => !others.some((other) => other.start <= place.end + CLOSE && place.start <= other.end + CLOSE),
      );
    })
    .filter((places) => places.length > 0);
}

function foundIn(places: readonly Place[], text: string, { at }: Squeezed): Found {
  const best = places.reduce((one, other) => (compare(one, other) <= 0 ? one : other));
  const shown = places.reduce((one, other) => (telling(one) <= telling(other) ? one : other));
  const { row, strength } = best;
  return { row, strength, from: at[shown.start]!, to: Math.min(text.length, at[shown.end - 1]! + 1) };
}

/** The surest, then the first in the text. */
const compare = (one: Place, other: Place): number =>
  STRENGTHS.indexOf(one.strength) - STRENGTHS.indexOf(other.strength) || one.start - other.start;

/** What is worth reading: a sentence before a bare code; codes with a number have their sentence behind them. */
const telling = ({ strength, numbered }: Place): number =>
  strength === 'vague' ? 3 : numbered ? 0 : strength === 'words' ? 1 : 2;

/** The root cause first: what only reports last, what is sure before what is not, then as one thing rests on another. */
const before = (one: Found, other: Found): number =>
  Number(one.row.wraps ?? false) - Number(other.row.wraps ?? false) ||
  Number(one.strength === 'vague') - Number(other.strength === 'vague') ||
  CAUSAL.indexOf(one.row.layer) - CAUSAL.indexOf(other.row.layer) ||
  STRENGTHS.indexOf(one.strength) - STRENGTHS.indexOf(other.strength) ||
  one.from - other.from;
