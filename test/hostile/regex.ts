import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { parseAst } from 'rolldown/parseAst';

/** A pattern as it stands in the sources. */
export interface Pattern {
  /** `src/azure/names.ts:43` */
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** Every regular expression that is written out in the sources, but those of the sandbox, which nobody attacks but us. */
export function patternsOf(folder = 'src'): readonly Pattern[] {
  return globSync(`${folder}/**/*.ts`, { cwd: ROOT })
    .filter((path) => !path.startsWith(join('src', 'sandbox')))
    .sort()
    .flatMap((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      const found: Pattern[] = [];
      collect(parseAst(text, { lang: 'ts' }), (node) => {
        const { regex, start } = node as { regex?: { pattern: string; flags: string }; start: number };
        if (!regex) return;
        const line = text.slice(0, start).split('\n').length;
        found.push({ place: `${path}:${line}`, source: regex.pattern, flags: regex.flags });
      });
      return found;
    });
}

function collect(node: unknown, visit: (node: object) => void): void {
  if (Array.isArray(node)) for (const each of node) collect(each, visit);
  else if (node && typeof node === 'object') {
    visit(node);
    for (const value of Object.values(node)) if (value && typeof value === 'object') collect(value, visit);
  }
}

// The engine itself counts how often it goes back; unoptimized, so that no step is left out of the count. Its flags are
// those of the process, which this file has for itself.
setFlagsFromString('--allow-natives-syntax');
setFlagsFromString('--no-regexp-optimization');
const limited = new Function(
  'source',
  'flags',
  'limit',
  'return %NewRegExpWithBacktrackLimit(source, flags, limit)',
) as (source: string, flags: string, limit: number) => RegExp;

/** Looks for the pattern in a whole text; answers whether that took no more steps back than so many. */
export function searcher(
  { source, flags }: Pick<Pattern, 'source' | 'flags'>,
  limit: number,
): (text: string) => boolean {
  // What is not found in any place still ends well, at the beginning; only what goes beyond the limit finds nothing.
  const whole = limited(`(?<![^])(?:[^]*?(?:${source}))|(?<![^])`, flags.replaceAll(/[gy]/g, ''), limit);
  return (text) => whole.exec(text) !== null;
}

/** Texts of this length made of what the pattern itself would take: its own words, and each piece of them repeated. */
export function* attacks(
  { source, flags }: Pattern,
  length: number,
  samples: number,
  pieces: number,
): Iterable<string> {
  for (const word of new Set(words(source, flags, samples))) {
    if (word === '') continue;
    const cuts = new Set<string>();
    for (const size of [1, 2, 3, 5, 8, word.length]) {
      for (let at = 0; at + size <= word.length; at += 1) cuts.add(`${at} ${size}`);
    }
    const all = [...cuts];
    const chosen = all.filter((_, index) => all.length <= pieces || (index * 7919) % all.length < pieces);
    for (const cut of chosen) {
      const [at = 0, size = 0] = cut.split(' ').map(Number);
      const piece = word.slice(at, at + size);
      const pumped = word.slice(0, at) + piece.repeat(Math.ceil(length / size));
      yield `${pumped}\u0001`;
      yield pumped + word.slice(at + size);
    }
  }
}

/** Texts that the pattern takes, or nearly: what looks around itself is left out. */
function words(source: string, flags: string, samples: number): readonly string[] {
  const letters = [...new Set([...source.replaceAll(/\\[dwsDWSbB]/g, ''), ...'a0 \n_A~/.'])];
  return Array.from({ length: samples }, (_, turn) =>
    word({ source, flags, letters, turn, at: 0, choices: (turn * 7) % 5 }),
  );
}

interface Reader {
  readonly source: string;
  readonly flags: string;
  /** Of these a class takes its own. */
  readonly letters: readonly string[];
  turn: number;
  at: number;
  choices: number;
}

/** One alternative of several, in turn. */
function word(reader: Reader): string {
  const all = [''];
  while (reader.at < reader.source.length && reader.source[reader.at] !== ')') {
    if (reader.source[reader.at] === '|') {
      reader.at += 1;
      all.push('');
    } else all[all.length - 1] += repeated(reader);
  }
  reader.at += 1;
  return all[reader.turn++ % all.length]!;
}

function repeated(reader: Reader): string {
  const one = atom(reader);
  const [quantifier = '', least = ''] = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})\??/.exec(reader.source.slice(reader.at)) ?? [];
  reader.at += quantifier.length;
  if (quantifier === '') return one;
  const times = least === '' ? (quantifier[0] === '?' ? 1 : 2) : Math.max(1, Math.min(40, Number(least)));
  return one.repeat(times);
}

function atom(reader: Reader): string {
  const { source, at, flags, letters } = reader;
  const rest = source.slice(at);
  if (rest[0] === '(') {
    const [opening, around] = /^\((?:\?(?:(<?[=!])|:|<\w+>))?/.exec(rest)!;
    reader.at += opening.length;
    const inside = word(reader);
    return around === undefined ? inside : '';
  }
  const [whole] = /^(?:\\(?:u\{\w+\}|u\w{4}|x\w\w|[pP]\{\w+\}|k<\w+>|.)|\[(?:\\.|[^\]\\])*\]|.)/su.exec(rest)!;
  reader.at += whole.length;
  if (/^(?:[\^$]|\\[bB]|\\k<)/.test(whole)) return '';
  const one = new RegExp(`^${whole}$`, flags.replaceAll(/[gymd]/g, ''));
  const taken = [...letters, ...'\u2500\u00e9\u202e'].filter((letter) => one.test(letter));
  return taken[reader.choices++ % taken.length] ?? '';
}

/** Patterns that are put together when `failures/fill.ts` is loaded, which writes none of them out. */
export const built: readonly Pattern[] = await recorded();

async function recorded(): Promise<readonly Pattern[]> {
  const Real = globalThis.RegExp;
  const made: Pattern[] = [];
  globalThis.RegExp = new Proxy(Real, {
    construct(target, [source, flags = '']: [string, string?]) {
      made.push({ place: 'src/failures/fill.ts', source, flags });
      return new target(source, flags);
    },
  });
  try {
    // Under a name of its own: it may be loaded already.
    const again = '../../src/failures/fill.ts?again';
    await import(/* @vite-ignore */ again);
  } finally {
    globalThis.RegExp = Real;
  }
  return made;
}
