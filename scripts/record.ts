/**
 * Runs the program as a person would, on a fresh sandbox, and renders what is on the terminal at the end to a picture:
 *
 *     npm run record                                        (writes docs/init-csi.svg)
 *     npm run record -- docs/help.svg --help                (another command line)
 *
 * Nothing is staged: the text, its colours and its timings are those of this run. Only the name of the temporary folder
 * that it ran in is left out.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import headless, { type IBufferCell, type IBufferLine } from '@xterm/headless';
import { main } from '../src/main.ts';
import { FOREGROUND, paletteColor, picture, type Run } from './svg.ts';

const COLUMNS = 80;
const [file = 'docs/init-csi.svg', ...given] = process.argv.slice(2);
const argv = given.length > 0 ? given : ['init', '--sandbox', '--method', 'csi', '--yes'];

const terminal = new headless.Terminal({
  cols: COLUMNS,
  rows: 50,
  scrollback: 2000,
  convertEol: true,
  allowProposedApi: true,
});
const folder = await mkdtemp(join(tmpdir(), 'aks-secrets-record-'));
const write = (text: string) => terminal.write(text.replaceAll(`${folder}/`, ''));
const screen = { isTTY: true, columns: COLUMNS, write };
terminal.write(`\x1b[32m$\x1b[0m \x1b[1maks-secrets ${argv.join(' ')}\x1b[0m\n`);

const exitCode = await main(argv, {
  stdin: Object.assign(Readable.from([]), { isTTY: true }),
  stdout: screen,
  stderr: screen,
  env: { PATH: process.env.PATH, HOME: folder, TERM: 'xterm-256color', FORCE_COLOR: '1' },
  cwd: folder,
  signal: new AbortController().signal,
}).finally(() => rm(folder, { recursive: true, force: true }));

await new Promise<void>((resolve) => terminal.write('', resolve));
const lines = linesOf(terminal.buffer.active.length);
await mkdir(dirname(file), { recursive: true });
await writeFile(file, picture(lines, COLUMNS, `aks-secrets ${argv[0]}`));
console.log(`${file}: ${lines.length} lines, exit code ${exitCode}`);
process.exitCode = exitCode;

/** All lines, without the empty ones at the end. */
function linesOf(count: number): readonly (readonly Run[])[] {
  const all = Array.from({ length: count }, (_, row) => runsOf(terminal.buffer.active.getLine(row)!));
  return all.slice(0, all.findLastIndex((runs) => runs.length > 0) + 1);
}

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
