import type { Io } from '../../io.ts';
import { COMMANDS, GROUPS } from '../index.ts';
import { candidatesFor } from './candidates.ts';
import { namesThatExist } from './names.ts';

/** The shell puts the word into the line as it is: a name that somebody chose must not become a command there. */
const PLAIN = /^[\w.:/@%+=,-]+$/;

/**
 * Answers a shell: a line for each word that may stand at the cursor, with a tab before its explanation. Whatever goes
 * wrong, a shell at its prompt is not the place to hear of it: then there are no words.
 */
export async function complete(words: readonly string[], io: Io): Promise<number> {
  const found = await candidatesFor(words, {
    entries: COMMANDS,
    groups: GROUPS,
    names: (flag, line) => namesThatExist(flag, line, io),
  }).catch(() => []);
  const lines =
    typeof found === 'string'
      ? [`:${found}`]
      : found
          .filter(({ word }) => PLAIN.test(word))
          .map(({ word, says }) => (says ? `${word}\t${says.replaceAll(/[\p{C}\s]+/gu, ' ')}` : word));
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}
