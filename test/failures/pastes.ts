import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What somebody pasted. */
export interface Paste {
  /** The failure that it shows, or what it is. */
  readonly name: string;
  readonly text: string;
}

const FOLDER = join(import.meta.dirname, 'pastes');

/** Files of pastes: each begins with a line `==== name`. */
const read = (file: string): Paste[] =>
  readFileSync(join(FOLDER, file), 'utf8')
    .split(/^==== /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { name: part.slice(0, end), text: part.slice(end + 1) };
    });

const OTHERS = 'none.txt';

/** At least one for each failure. */
export const SHOWING: readonly Paste[] = readdirSync(FOLDER)
  .filter((file) => file !== OTHERS)
  .flatMap(read);

/** What shows none of the failures, though it may look like it. */
export const SHOWING_NOTHING: readonly Paste[] = read(OTHERS);
