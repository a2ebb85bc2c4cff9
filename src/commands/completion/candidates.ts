import type { Entry } from '../command.ts';
import { type Flag, withGlobal } from '../flags.ts';

/** What may stand at the cursor. */
export interface Candidate {
  readonly word: string;
  readonly says?: string;
}

/** Either words, or that the shell itself knows what goes here. */
export type Candidates = readonly Candidate[] | 'files' | 'folders';

/** What the line before the cursor says. */
export interface Known {
  readonly entries: readonly Entry[];
  /** What groups of commands (`sandbox`) are for. */
  readonly groups: Readonly<Record<string, { readonly summary: string }>>;
  /** Names that exist (`cluster`, `vault`, `namespace`, `method`, `workload`), for the flag; empty when none are known. */
  names(flag: Flag, line: Line): Promise<readonly Candidate[]>;
}

/** A command line as far as it goes. */
export interface Line {
  readonly entry: Entry | undefined;
  /** Words that are neither flags nor their values. */
  readonly words: readonly string[];
  /** Values of flags, by flag. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** The flag whose value is to come. */
  readonly open: Flag | undefined;
}

/** Candidates for the last of `words`, which may be empty; the program's own name is not among them. */
export async function candidatesFor(words: readonly string[], known: Known): Promise<Candidates> {
  const [last = '', ...before] = unsplit(words).toReversed();
  const current = last.trim();
  const entry = entryOf(before.toReversed(), known.entries);
  const module = await entry?.load();
  const all = withGlobal((await module?.flags()) ?? []);
  const line = lineOf(before.toReversed(), all, entry);

  if (line.open) return values(current, '', line.open, line, known);
  const [, named, part] = /^--([a-z-]+)=(.*)$/.exec(current) ?? [];
  const assigned = all.find(({ flag }) => flag === named);
  if (assigned) return values(part ?? '', `--${named}=`, assigned, line, known);
  if (current.startsWith('-')) return fitting(current, flagsOf(all, line));
  if (!entry) return fitting(current, commandsAfter(line.words, known));
  const places = line.words.slice(entry.name.split(' ').length);
  const argument = places.length === 0 ? module?.argument : undefined;
  if (argument?.choices)
    return fitting(
      current,
      argument.choices.map((word) => ({ word })),
    );
  return fitting(current, flagsOf(all, line));
}

/** Bash takes `--flag=value` for three words. */
function unsplit(words: readonly string[]): readonly string[] {
  const whole: string[] = [];
  for (const word of words) {
    const last = whole.at(-1);
    if (last !== undefined && (word === '=' || last.endsWith('=')) && last.startsWith('--'))
      whole.push(`${whole.pop()}${word}`);
    else whole.push(word);
  }
  return whole;
}

const nameAsWords = ({ name }: Entry): readonly string[] => name.split(' ');

function entryOf(words: readonly string[], entries: readonly Entry[]): Entry | undefined {
  // Values of flags stand between them; no value is taken for a command, since commands come first.
  return entries.find(
    (entry) => nameAsWords(entry).every((word) => words.includes(word)) || (entry.alias && words[0] === entry.alias),
  );
}

function lineOf(words: readonly string[], flags: readonly Flag[], entry: Entry | undefined): Line {
  const plain: string[] = [];
  const given = new Map<string, readonly string[]>();
  let open: Flag | undefined;
  const give = (flag: Flag, value: string): void => void given.set(flag.flag, [...(given.get(flag.flag) ?? []), value]);
  for (const word of words) {
    if (open) {
      give(open, word);
      open = undefined;
      continue;
    }
    const [, long, value] = /^--([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
    const flag = flags.find((one) => one.flag === long || (one.short !== undefined && word === `-${one.short}`));
    if (!flag) plain.push(...(word.startsWith('-') ? [] : [word]));
    else if (flag.value === undefined || value !== undefined) give(flag, value ?? '');
    else open = flag;
  }
  return { entry, words: plain, flags: given, open };
}

async function values(part: string, prefix: string, flag: Flag, line: Line, known: Known): Promise<Candidates> {
  if (flag.value === 'FILE') return 'files';
  if (flag.value === 'DIR') return 'folders';
  const found = flag.choices ? flag.choices.map((word) => ({ word })) : await known.names(flag, line);
  // Of a list that is separated by commas the last item is the one to complete.
  const start = flag.commas ? part.slice(0, part.lastIndexOf(',') + 1) : '';
  return fitting(
    prefix + part,
    found.map((one) => ({ ...one, word: prefix + start + one.word })),
  );
}

const flagsOf = (all: readonly Flag[], { flags }: Line): readonly Candidate[] => [
  ...all
    .filter(({ flag, list }) => list || !flags.has(flag))
    .map(({ flag, help }) => ({ word: `--${flag}`, says: help })),
  { word: '--help', says: 'print help' },
];

/** The next word of each command that begins with these. */
function commandsAfter(words: readonly string[], { entries, groups }: Known): readonly Candidate[] {
  const next = new Map<string, Candidate>();
  for (const entry of entries) {
    const name = nameAsWords(entry);
    const word = name[words.length];
    if (word === undefined || !words.every((before, index) => name[index] === before)) continue;
    const says = name.length > words.length + 1 ? (groups[word]?.summary ?? '') : entry.summary;
    if (!next.has(word)) next.set(word, { word, says });
  }
  return [...next.values()];
}

const fitting = (part: string, all: readonly Candidate[]): readonly Candidate[] =>
  all.filter(({ word }) => word.startsWith(part));
