/** A terminal that nobody sits at: the program runs behind it, keys are typed when something shows, and it can be drawn. */
import { spawn } from '@lydell/node-pty';
import headless, { type IBufferCell, type IBufferLine } from '@xterm/headless';
import { FOREGROUND, paletteColor, type Run } from './svg.ts';

export const COLUMNS = 80;
/** More than any run needs: a test of patience, for what never shows, milliseconds. */
const PATIENCE = 60_000;

export interface Screen {
  /** Types once the text shows. */
  type(when: string, keys: string): Promise<void>;
  /** Waits until the text shows. */
  sees(text: string): Promise<void>;
  /** The exit code, when everything is drawn. */
  readonly ended: Promise<number>;
  /** All rows, with what scrolled away, without empty ones at the end. */
  rows(): readonly (readonly Run[])[];
  end(): void;
}

/** Runs a program in the folder; the first row is the line that one would have typed. */
export function run(file: string, args: readonly string[], typed: string, folder: string): Screen {
  const terminal = new headless.Terminal({ cols: COLUMNS, rows: 50, scrollback: 2000, allowProposedApi: true });
  terminal.write(`\x1b[32m$\x1b[0m \x1b[1m${typed}\x1b[0m\r\n`);
  const lookers = new Set<() => void>();
  const child = spawn(file, [...args], {
    ...{ cols: COLUMNS, rows: 50, cwd: folder, name: 'xterm-256color' },
    env: { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8' },
  });
  child.onData((text) =>
    terminal.write(text, () => {
      for (const look of lookers) look();
    }),
  );
  const text = (): string =>
    linesOf(terminal)
      .map((line) => line.translateToString(true))
      .join('\n');
  const sees = (wanted: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!text().includes(wanted)) return;
        lookers.delete(look);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => reject(new Error(`"${wanted}" never showed:\n${text()}`)), PATIENCE);
      lookers.add(look);
      look();
    });
  return {
    sees,
    async type(when, keys) {
      await sees(when);
      child.write(keys);
    },
    ended: new Promise((resolve) => {
      child.onExit(({ exitCode }) => terminal.write('', () => resolve(exitCode)));
    }),
    rows() {
      const all = linesOf(terminal).map(runsOf);
      return all.slice(0, all.findLastIndex((runs) => runs.length > 0) + 1);
    },
    end: () => child.kill(),
  };
}

const linesOf = ({ buffer: { active } }: headless.Terminal): readonly IBufferLine[] =>
  Array.from({ length: active.length }, (_, row) => active.getLine(row)!);

function runsOf(line: IBufferLine): Run[] {
  const runs: Run[] = [];
  for (let column = 0; column < line.length; ) {
    const cell = line.getCell(column)!;
    const width = Math.max(cell.getWidth(), 1);
    const text = cell.getChars() || ' ';
    const run = {
      column,
      width,
      text,
      color: colorOf(cell),
      bold: cell.isBold() !== 0,
      dim: cell.isDim() !== 0,
      underlined: cell.isUnderline() !== 0,
    };
    const last = runs.at(-1);
    if (last && sameStyle(last, run))
      runs[runs.length - 1] = { ...last, width: last.width + width, text: last.text + text };
    else runs.push(run);
    column += width;
  }
  return runs.map(trimmed).filter(({ text }) => text !== '');
}

/** Without the spaces around it, which need not be drawn. */
function trimmed(run: Run): Run {
  const start = run.text.length - run.text.trimStart().length;
  const text = run.text.trim();
  return { ...run, text, column: run.column + start, width: run.width - (run.text.length - text.length) };
}

function colorOf(cell: IBufferCell): string {
  if (cell.isFgPalette()) return paletteColor(cell.getFgColor());
  if (cell.isFgRGB()) return `#${cell.getFgColor().toString(16).padStart(6, '0')}`;
  return FOREGROUND;
}

function sameStyle(a: Run, b: Run): boolean {
  return a.color === b.color && a.bold === b.bold && a.dim === b.dim && a.underlined === b.underlined;
}
