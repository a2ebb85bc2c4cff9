import type { Io } from '../io.ts';
import { painter, symbolsFor, wantsColour, widthOf } from '../report/style.ts';
import { clip, columns, type Line, line, pad, span } from '../report/text.ts';
import { Secret } from '../secret.ts';
import { ask, BACK, type Back, type Context } from './ask.ts';
import type { Listing, Row, Typed } from './rows.ts';
import { themeOf } from './theme.ts';

/** Asks one thing at a time. Each question is gone when it is answered; what stays is what `answered` writes. */
export interface Prompter {
  choose<T>(question: ListQuestion<T>): Promise<Row<T> | Back>;
  /** At least one. */
  several<T>(question: ListQuestion<T> & { readonly chosen: readonly Row<T>[] }): Promise<readonly Row<T>[] | Back>;
  text(question: TextQuestion): Promise<string | Back>;
  /** Never shown. Nothing typed: `undefined`. */
  secret(question: Question): Promise<Secret | undefined | Back>;
  confirm(question: Question & { readonly default: boolean }): Promise<boolean | Back>;
  /** What a question came to, on one row. */
  answered(label: string, answer: string, facts?: string): void;
  /** A row of its own. */
  say(text: string, tone?: 'dim' | 'warn'): void;
  /** Takes away the last rows that were written. */
  erase(rows: number): void;
}

export interface Question {
  readonly ask: string;
  /** Whether there is a question to go back to. */
  readonly back: boolean;
}
export interface ListQuestion<T> extends Question {
  load(show: (listing: Listing<T>) => void): void;
  readonly typed?: Typed<T>;
}
export interface TextQuestion extends Question {
  readonly default?: string;
  /** What is wrong with the text, or nothing. */
  check(text: string): string | undefined | Promise<string | undefined>;
}

/** Columns of what was asked, before what was answered. */
const LABEL = 17;
/** Columns of an answer, before its facts. */
const ANSWER = 14;

/**
 * A prompter on the streams. Whatever is broken off throws what `interrupted` makes.
 */
export function createPrompter(
  io: Io,
  options: { readonly noColor: boolean; readonly interrupted: () => Error },
): Prompter {
  const paint = painter(wantsColour(io.stderr, io.env, options.noColor));
  const symbols = symbolsFor(io.env);
  const page = () => ({ width: widthOf(io.stderr), symbols, paint });
  const write = (row: Line): void => void io.stderr.write(`${paint(row)}\n`);

  const put = async <T>(question: Question, run: (context: Context) => Promise<T>): Promise<T | Back> => {
    const answer = await ask(io, (context) => run({ ...context, clearPromptOnDone: true }), question.back);
    // An answer may come in the moment of the interruption.
    if (answer === undefined || io.signal.aborted) throw options.interrupted();
    return answer;
  };

  const list = async <T>(
    { ask: words, load, typed, back }: ListQuestion<T>,
    several?: readonly Row<T>[],
  ): Promise<readonly Row<T>[] | Back> => {
    const { listPrompt } = await import('./list.ts');
    const config = { ask: words, load, typed, several, back, page: page() };
    return put({ ask: words, back }, (context) => listPrompt(config as never, context as never)) as Promise<
      readonly Row<T>[] | Back
    >;
  };

  /** One of inquirer's own, in our colours. */
  const simple = async <T>(question: Question, type: string, more: object): Promise<T | Back> => {
    const { default: inquirer } = await import('inquirer');
    const theme = themeOf(io, options.noColor);
    const answered = await put(question, (context) =>
      inquirer.createPromptModule(context as never)([
        { type, name: 'answer', message: question.ask, theme, ...more } as never,
      ]),
    );
    return answered === BACK ? BACK : (answered.answer as T);
  };

  return {
    async choose(question) {
      const rows = await list(question);
      return rows === BACK ? BACK : rows[0]!;
    },
    several: (question) => list(question, question.chosen),
    async text({ check, default: usual, ...question }) {
      const validate = async (text: string): Promise<string | true> => (await check(text.trim())) ?? true;
      const text = await simple<string>(question, 'input', { default: usual, validate });
      return text === BACK ? BACK : text.trim();
    },
    async secret(question) {
      const text = await simple<string>(question, 'password', { mask: '*', toggleMask: false });
      return text === BACK ? BACK : text === '' ? undefined : new Secret(text);
    },
    confirm: (question) => simple<boolean>(question, 'confirm', { default: question.default }),
    answered(label, answer, facts = '') {
      const { width } = page();
      const before = pad(label, LABEL - 1);
      const room = width - 3 - columns(before);
      const shown = clip(facts === '' ? answer : pad(answer, ANSWER), room);
      const beside = clip(facts, Math.max(0, room - columns(shown) - 3));
      write(
        line(
          span('? ', 'asks'),
          span(`${before} `, 'dim'),
          span(shown, 'strong'),
          ...(beside.length > 3 ? [span(`   ${beside}`, 'dim')] : []),
        ),
      );
    },
    say: (text, tone) => write(line(span(clip(text, page().width - 1), tone))),
    erase(rows) {
      // One up and empty, as often: what stands below was taken away before.
      io.stderr.write('\x1b[1A\x1b[2K'.repeat(rows));
    },
  };
}
