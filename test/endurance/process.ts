import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MARKERS } from './world.ts';

/** The built program where `scripts/endurance.ts` has built it, else the source. */
const CLI = process.env.ENDURANCE_CLI ?? join(import.meta.dirname, '../../src/cli.ts');

/** How a process ended, and what it left to be read. */
export interface Ended {
  /** Exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
  /** The command lines of it and of all that it started, as every process list shows them (Linux). */
  readonly commandLines: readonly string[];
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The program as a process of its own, in the sandbox of this folder: its own, or the one that runs there. */
export function launch(
  words: string,
  folder: string,
  { stdin = '', env = {} }: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Running {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [CLI, ...words.split(' ').filter(Boolean), '--sandbox'], {
    cwd: folder,
    env: {
      ...{ PATH, HOME: folder, NO_COLOR: '1', LANG: 'C.UTF-8' },
      ...{ AKS_SECRETS_SANDBOX_DIR: join(folder, 'sandbox'), GIVEN: MARKERS.given },
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined).end(stdin);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const commandLines = new Set<string>();
  const look = () => {
    for (const line of commandLinesOf(child.pid!)) commandLines.add(line);
  };
  const looking = setInterval(look, 20);
  look();
  const ended = new Promise<Ended>((done) => {
    child.once('close', (code, signal) => {
      clearInterval(looking);
      done({ code: code ?? signal ?? 'none', ...said, commandLines: [...commandLines] });
    });
  });
  return { child, ended };
}

/** Of a process and its descendants. */
function commandLinesOf(pid: number): string[] {
  try {
    const own = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return [own, ...children.flatMap((child) => commandLinesOf(Number(child)))];
  } catch {
    return []; // it has ended, or this system shows no such thing
  }
}
