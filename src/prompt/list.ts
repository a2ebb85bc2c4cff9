import {
  createPrompt,
  isDownKey,
  isEnterKey,
  isSpaceKey,
  isTabKey,
  isUpKey,
  useEffect,
  useKeypress,
  useState,
} from '@inquirer/core';
import type { Paint } from '../report/style.ts';
import { clip, line, type Page, paragraph, span } from '../report/text.ts';
import { type Listing, matching, type Row, rowLines, type Typed, unseenRows } from './rows.ts';

export interface ListConfig {
  readonly ask: string;
  /** Shows what there is to choose from, at once or later, once or with more each time. Never throws. */
  load(show: (listing: Listing<unknown>) => void): void;
  readonly typed?: Typed<unknown> | undefined;
  /** Several may be chosen. Those that are chosen from the start. */
  readonly several?: readonly Row<unknown>[] | undefined;
  /** Whether there is a question to go back to. */
  readonly back: boolean;
  readonly page: Page & { readonly paint: Paint };
}

type Readline = { readonly line: string; clearLine(direction: 0): void; write(text: string): void };

const same = (one: Row<unknown>, other: Row<unknown>): boolean => one.name === other.name;

/**
 * A list to choose from: what is typed filters it, and may stand for a name that it does not have. With `several`, space
 * chooses, and so does the return key while something is typed; on an empty line it ends.
 */
export const listPrompt = createPrompt<readonly Row<unknown>[], ListConfig>((config, done) => {
  const { typed, several, page } = config;
  const [listing, setListing] = useState<Listing<unknown> | undefined>(undefined);
  const [text, setText] = useState('');
  const [current, setCurrent] = useState(0);
  const [chosen, setChosen] = useState<readonly Row<unknown>[]>(several ?? []);
  const [wrong, setWrong] = useState<string | undefined>(undefined);

  useEffect(() => {
    let gone = false;
    config.load((next) => {
      if (!gone) setListing(next);
    });
    return () => {
      gone = true;
    };
  }, []);

  // What was typed and chosen stays in sight.
  const others = chosen.filter((row) => !listing?.rows.some((known) => same(known, row)));
  const rows = matching([...(listing?.rows ?? []), ...others], text, typed);
  const at = Math.min(current, Math.max(0, rows.length - 1));
  const row = rows[at];

  const retype = (rl: Readline, line: string): void => {
    rl.clearLine(0);
    rl.write(line);
    setText(line);
  };
  const isChosen = (one: Row<unknown>): boolean => chosen.some((other) => same(other, one));
  const toggle = (which: Row<unknown>): void => {
    const without = chosen.filter((one) => !same(one, which));
    setChosen(without.length < chosen.length ? without : [...chosen, which]);
  };
  const complain = (rl: Readline): void => {
    retype(rl, text);
    const empty = several ? 'Nothing is chosen yet: the space bar picks.' : 'There is nothing of that name.';
    setWrong(text === '' ? (row ? empty : 'Type a name.') : (typed?.check(text) ?? empty));
  };

  useKeypress((key, rl) => {
    setWrong(undefined);
    if (isUpKey(key) || isDownKey(key)) {
      if (rl.line !== text) retype(rl, text);
      const step = isUpKey(key) ? rows.length - 1 : 1;
      if (rows.length > 0) setCurrent((at + step) % rows.length);
    } else if (isEnterKey(key) && listing === undefined) {
      // Nobody takes what they have not seen.
      retype(rl, text);
    } else if (isEnterKey(key)) {
      if (!several && row) done([row]);
      else if (several && text !== '' && row) {
        if (!isChosen(row)) toggle(row);
        retype(rl, '');
      } else if (several && text === '' && chosen.length > 0) done(chosen);
      else complain(rl);
    } else if (isTabKey(key)) retype(rl, text);
    else if (several && isSpaceKey(key)) {
      if (row) toggle(row);
      retype(rl, '');
      if (row && text !== '') setCurrent(0);
    } else if (rl.line !== text) {
      setText(rl.line);
      setCurrent(0);
    }
  });

  const dim = (words: string): string => page.paint(line(span(clip(words, page.width - 1), 'dim')));
  const more = unseenRows(rows.length);
  const keys = [
    typed ? 'type to filter or name another' : more > 0 || text !== '' ? 'type to filter' : 'up and down move',
    several ? 'space picks, enter goes on' : 'enter takes it',
    ...(config.back ? ['esc goes back'] : []),
    ...(more > 0 ? [`${more} more`] : []),
  ];
  const bottom = [
    ...(listing === undefined ? [dim('  looking ...')] : []),
    ...(listing?.note === undefined ? [] : [dim(`  ${listing.note}`)]),
    ...rowLines(rows, at, page, several && ((one) => (isChosen(one) ? '[x] ' : '[ ] '))),
    ...(row?.explains === undefined ? [] : ['', ...paragraph(row.explains, page).map(page.paint)]),
    ...(wrong === undefined ? [] : paragraph(`! ${wrong}`, page, 0, 'warn').map(page.paint)),
    dim(`  ${keys.join(', ')}`),
  ];
  return [`${page.paint(line(span('? ', 'asks'), span(config.ask, 'strong')))} ${text}`, bottom.join('\n')];
});
