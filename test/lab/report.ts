import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { folderOf, PROGRAMS } from './build/programs.ts';
import type { Row } from './harness/table.ts';

interface Run {
  readonly rows: readonly (Row & { readonly holds: boolean })[];
  readonly seconds: number;
  /** Of the run: its programs' memory lies there. */
  readonly folder: string;
}

const README = join(import.meta.dirname, 'README.md');

/** Replaces what a run has seen in the lab's README; the rest of it is written by people. */
export function writeReport(run: Run): void {
  const [start, end] = ['<!-- run -->', '<!-- /run -->'];
  const text = readFileSync(README, 'utf8');
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf(end);
  if (to < from) throw new Error(`${README} has no place for the run`);
  writeFileSync(README, `${text.slice(0, from)}\n\n${textOf(run)}\n${text.slice(to)}`);
}

function textOf({ rows, seconds, folder }: Run): string {
  const hold = rows.filter(({ holds }) => holds).length;
  const lines = rows.map((row) =>
    cells(row.program, row.version, row.case, row.expected, row.holds ? row.seen : `**${row.seen}**`, row.verify ?? ''),
  );
  return [
    `${hold} of ${rows.length} cases as expected, in ${Math.round(seconds)} s on ${cpus().length} cores with ${Math.round(totalmem() / 2 ** 30)} GiB.`,
    '',
    cells('program', 'version', 'case', 'expected', 'seen', '`verify`'),
    cells('---', '---', '---', '---', '---', '---'),
    ...lines,
    '',
    cells('program', 'version', 'built in', 'memory to build', 'memory to run'),
    cells('---', '---', '---', '---', '---'),
    ...costs(folder),
    '',
  ].join('\n');
}

function costs(folder: string): string[] {
  const ran = readJson<Record<string, number>>(join(folder, 'memory.json')) ?? {};
  return PROGRAMS.map((program) => {
    const built = readJson<{ seconds?: number; peakMemory?: number }>(join(folderOf(program), 'build.json'));
    const running = Object.keys(program.binaries).flatMap((name) => (ran[name] ? [`${name} ${ran[name]} MiB`] : []));
    return cells(
      program.name,
      program.version,
      built?.seconds === undefined ? '' : `${Math.round(built.seconds)} s`,
      built?.peakMemory === undefined ? '' : `${Math.round(built.peakMemory / 2 ** 20)} MiB`,
      running.join(', '),
    );
  });
}

const readJson = <T>(file: string): T | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;

const cells = (...all: readonly string[]) =>
  `| ${all.map((each) => each.replaceAll('|', '\\|').replace(/\s+/g, ' ')).join(' | ')} |`;
