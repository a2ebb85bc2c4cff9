import { lstat, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Complaints } from '../complaint.ts';
import type { Io } from '../io.ts';
import type { Sandbox, SandboxOptions } from '../sandbox/index.ts';
import { barrierAt } from './barrier.ts';
import { sandboxFolder } from './place.ts';

/**
 * Opens the sandbox of this folder, or of `AKS_SECRETS_SANDBOX_DIR`.
 * @throws {Complaints} for what stands in its way: a state that cannot be read, a port that is taken, a server that runs
 */
export async function openSandboxOf(io: Io, options: Omit<SandboxOptions, 'dir'>): Promise<Sandbox> {
  const { openSandbox } = await import('../sandbox/index.ts');
  const dir = sandboxFolder(io);
  // A folder that the user names is the user's; the usual one may have come with a repository.
  const isUsual = !io.env.AKS_SECRETS_SANDBOX_DIR;
  if (isUsual) await refuseForeign(dir, io.cwd, options.anew === true);
  const sandbox = await openSandbox({ ...options, dir }).catch((error: unknown) => {
    const { name, message, code } = error as NodeJS.ErrnoException;
    const foreseen = name === 'Error' && (code === undefined || /^E[A-Z]+$/.test(code));
    throw foreseen ? new Complaints([{ message: `The sandbox cannot be opened: ${message}.` }], 1) : error;
  });
  if (isUsual) await writeFile(join(dir, HERE), await placeOf(dir), { mode: 0o600 });
  return sandbox;
}

/** Says where the folder was when a sandbox was made in it: no repository can know that of the machine that it comes to. */
const HERE = 'made-here';
const placeOf = async (dir: string): Promise<string> => {
  const { dev, ino } = await stat(dir, { bigint: true });
  return `${dev}:${ino}\n`;
};

/** What lies in a sandbox is run: its pods are scripts. So a sandbox that somebody else has put here is not opened. */
async function refuseForeign(dir: string, cwd: string, anew: boolean): Promise<void> {
  const barred = await barrierAt(dir, cwd);
  if (barred !== undefined) throw new Complaints([{ message: `The sandbox cannot be opened: ${barred}.` }], 1);
  const mark = await lstat(join(dir, HERE)).catch(() => undefined);
  if (mark?.isSymbolicLink())
    throw new Complaints([{ message: `The sandbox cannot be opened: ${HERE} is a link.` }], 1);
  const holdsState = (await lstat(join(dir, 'state.json')).catch(() => undefined)) !== undefined;
  if (anew || !holdsState) return;
  const [said, is] = await Promise.all([readFile(join(dir, HERE), 'utf8').catch(() => ''), placeOf(dir)]);
  if (said === is) return;
  throw new Complaints(
    [
      {
        message: `The sandbox in ${dir} was not made here: it was copied, or came with the files around it. What lies in it would be run.`,
        fix: { say: 'Begin a new one in its place:', run: 'aks-secrets sandbox reset' },
      },
    ],
    1,
  );
}
