/** Starts a program that builds, and watches the memory that it and all that it starts have. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** How it went. */
export interface Ran {
  readonly stdout: string;
  /** The most memory that was resident at one time, of all its processes together; 0 where the system does not tell. */
  readonly peakMemory: number;
}

/** A program ended badly, or could not be started. The message is what it printed itself. */
export class BuildFailure extends Error {}

/** How often memory is looked at, in milliseconds: a linker's peak lasts for seconds. */
const LOOK = 250;

/** Bytes; of the x86-64 and arm64 kernels that Node is built for. */
const PAGE = 4096;

/** Resident memory of every process of the group, in bytes. What ends while it is looked at has none. */
function memoryOf(group: number): number {
  let pages = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name, in parentheses, may have anything in it; of what follows, the third field is the process group.
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) !== group) continue;
      pages += Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    } catch {}
  }
  return pages * PAGE;
}

/** Why it ended badly: without the hundreds of lines of what was fetched. Some say it on standard output. */
const said = (stdout: string, stderr: string): string =>
  `${stderr.replaceAll(/^go: downloading .*\n/gm, '')}\n${stdout}`.trim();

/**
 * Runs it to its end, behind everything else that the machine has to do. It is a process group of its own: whatever
 * ends this program ends all of it. Throws a `BuildFailure` with what it printed.
 */
export function run(
  command: string,
  words: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = child;
    let stdout = '';
    let stderr = '';
    let peakMemory = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const end = () => {
      if (pid) process.kill(-pid);
    };
    const look = setInterval(() => {
      if (pid && process.platform === 'linux') peakMemory = Math.max(peakMemory, memoryOf(pid));
    }, LOOK);
    const over = () => {
      clearInterval(look);
      process.off('exit', end);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      over();
      reject(new BuildFailure(error.code === 'ENOENT' ? `${command} is not on PATH` : error.message));
    });
    child.on('close', (code, signal) => {
      over();
      if (code === 0) resolve({ stdout, peakMemory });
      else
        reject(
          new BuildFailure(`${[command, ...words].join(' ')} ended with ${code ?? signal}:\n${said(stdout, stderr)}`),
        );
    });
    if (!pid) return;
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
    process.on('exit', end);
  });
}
