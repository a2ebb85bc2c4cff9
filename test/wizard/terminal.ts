import { PassThrough } from 'node:stream';
import headless from '@xterm/headless';
import { main } from '../../src/main.ts';
import type { Surroundings } from '../../src/surroundings.ts';
import type { Story } from '../stories/harness.ts';

/** A person at a terminal: sees what stands on the screen, and types. */
export interface Terminal {
  /** What stands on the screen and above it, without empty rows at the end. */
  screen(): string;
  /** Waits until the screen shows it; fails with the screen when it never does. */
  sees(text: string | RegExp): Promise<string>;
  /** Keys as a terminal sends them. */
  type(keys: string): void;
  /** Sees a question, and answers it. */
  answer(question: string | RegExp, keys: string): Promise<void>;
  /** The exit code, once the program has ended. */
  readonly ended: Promise<number>;
  /** Everything that was ever written, with its control sequences. */
  raw(): string;
  /** Whether the cursor is shown, and keys are taken one by one. */
  state(): { cursor: boolean; raw: boolean };
}

export const KEY = {
  enter: '\r',
  escape: '\x1b',
  up: '\x1b[A',
  down: '\x1b[B',
  ctrlC: '\x03',
  ctrlD: '\x04',
  backspace: '\x7f',
} as const;

/** Long enough for the slowest machine; nobody waits for it but a test that fails. */
const PATIENCE = 15_000;

/** The screen, and who waits for something to show on it. */
export function createScreen(columns: number) {
  const terminal = new headless.Terminal({ cols: columns, rows: 40, scrollback: 2000, allowProposedApi: true });
  const waiting = new Set<() => void>();
  let written = '';
  const screen = (): string => {
    const { active } = terminal.buffer;
    const rows = Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? '');
    return rows.join('\n').trimEnd();
  };
  return {
    screen,
    raw: () => written,
    /** All that was written stands on it. */
    drawn: () => new Promise<void>((resolve) => terminal.write('', resolve)),
    cursor: () => written.lastIndexOf('\x1b[?25l') <= written.lastIndexOf('\x1b[?25h'),
    write(text: string): void {
      written += text;
      terminal.write(text, () => {
        for (const look of waiting) look();
      });
    },
    sees: (text: string | RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const now = screen();
          if (typeof text === 'string' ? !now.includes(text) : !text.test(now)) return;
          done();
          resolve(now);
        };
        const timer = setTimeout(() => {
          done();
          reject(new Error(`the screen never showed ${text}:\n${screen()}`));
        }, PATIENCE);
        const done = (): void => {
          waiting.delete(look);
          clearTimeout(timer);
        };
        waiting.add(look);
        look();
      }),
  };
}

export interface Seat {
  readonly columns?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** What the surroundings offer for flags; nothing, unless given. */
  readonly defaults?: Surroundings['defaults'];
  /** Another sign-in. */
  readonly credential?: Surroundings['credential'];
  readonly signal?: AbortSignal;
}

/** Runs the program in this process, before a terminal of our own. */
export function sit(story: Story, words: string, seat: Seat = {}): Terminal {
  const { columns = 80 } = seat;
  const { screen, raw, cursor, write, sees, drawn } = createScreen(columns);
  let isRaw = false;
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(on: boolean) {
      isRaw = on;
    },
  });
  // A terminal in its usual mode makes the return of the carriage itself.
  const output = { isTTY: true, columns, write: (text: string) => write(text.replaceAll(/(?<!\r)\n/g, '\r\n')) };
  // A question that is over ends what it was written to, but for the streams of the process.
  const stderr = Object.assign(new PassThrough(), output, { end: () => stderr });
  const { defaults: _, ...surroundings } = story.sandbox.surroundings as unknown as Surroundings;
  const ended = main(words.split(' ').filter(Boolean), {
    stdin,
    stdout: output,
    stderr: stderr as never,
    env: { NO_COLOR: '1', LANG: 'C.UTF-8', HOME: story.folder, ...seat.env },
    cwd: story.folder,
    signal: seat.signal ?? new AbortController().signal,
    surroundings: {
      ...surroundings,
      defaults: seat.defaults ?? {},
      ...(seat.credential && { credential: seat.credential }),
      close: async () => undefined,
    },
  }).then(async (code) => {
    await drawn();
    return code;
  });
  const type = (keys: string): void => void stdin.write(keys);
  return {
    ...{ screen, raw, sees, type, ended },
    async answer(question, keys) {
      await sees(question);
      type(keys);
    },
    state: () => ({ cursor: cursor(), raw: isRaw }),
  };
}
