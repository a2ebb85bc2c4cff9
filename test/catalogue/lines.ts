import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of every shape that `verify`, `plan` and `destroy` print; the lab gives them to the programs that they are for. */
const FILE = join(import.meta.dirname, '../lab/printed-lines.txt');

export const printedLines = (): string[] => readFileSync(FILE, 'utf8').split('\n').filter(Boolean);

/** Lines of a report's fixes, one command each. */
export function linesIn(report: unknown): string[] {
  if (typeof report !== 'object' || report === null) return [];
  return Object.entries(report).flatMap(([key, value]) =>
    typeof value === 'string' && (key === 'run' || key === 'byHand') ? value.split(/\n|; (?=az )/) : linesIn(value),
  );
}

/** Words of a line, as bash splits it; quotes are gone. */
export const wordsOf = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, one, other) => one ?? other),
  );

/** What makes a line another one to its program: command and flags, whatever their values. */
export function shapeOf(line: string): string {
  const [program = '', ...words] = wordsOf(line);
  const first = words.findIndex((word) => word.startsWith('-'));
  const command = first < 0 ? words : words.slice(0, first);
  const flags = words.flatMap((word) => /^--?[a-z][\w-]*/.exec(word) ?? []).sort();
  // Names follow kubectl's verb and kind; to az all words are the command's.
  return [program, ...(program === 'az' ? command : command.slice(0, 2)), ...new Set(flags)].join(' ');
}
