/** How long programs take beside each other, on a machine that does other things too. */
import { spawn } from 'node:child_process';
import { median } from './section.ts';

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface Timed {
  /** Median, milliseconds. */
  readonly time: number;
  /** Median of what it took against the first program in the same turn. */
  readonly ratio: number;
}

/**
 * Runs all of them, one after the other, so many times: what the machine does at one time meets all of them. Their
 * output goes into a pipe. Throws when one ends with another code than 0.
 */
export async function turns(count: number, programs: readonly Program[]): Promise<readonly Timed[]> {
  const took: number[][] = programs.map(() => []);
  for (let turn = 0; turn < count; turn += 1) {
    for (const [index, program] of programs.entries()) took[index]!.push(await timeOf(program));
  }
  return took.map((own) => ({
    time: median(own),
    ratio: median(own.map((time, turn) => time / took[0]![turn]!)),
  }));
}

/** Milliseconds from its start until it has ended and all that it wrote was read. */
export async function timeOf(program: Program): Promise<number> {
  const began = performance.now();
  await outputOf(program);
  return performance.now() - began;
}

/** What it wrote to standard output. Throws when it ends with another code than 0. */
export async function outputOf(program: Program): Promise<string> {
  const { code, out, err } = await ended(program);
  if (code !== 0) throw new Error(`${program.file} ${program.args.join(' ')} ended with ${code}:\n${out}${err}`);
  return out;
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs it to its end. */
export function ended({ file, args, env, cwd }: Program): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: env ?? { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, out: out.join(''), err: err.join('') }));
  });
}
