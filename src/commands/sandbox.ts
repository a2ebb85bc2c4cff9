import { Complaints } from '../complaint.ts';
import type { Io } from '../io.ts';
import type { Sandbox, SandboxOptions } from '../sandbox/index.ts';
import { sandboxFolder } from './place.ts';

/**
 * Opens the sandbox of this folder, or of `AKS_SECRETS_SANDBOX_DIR`.
 * @throws {Complaints} for what stands in its way: a state that cannot be read, a port that is taken, a server that runs
 */
export async function openSandboxOf(io: Io, options: Omit<SandboxOptions, 'dir'>): Promise<Sandbox> {
  const { openSandbox } = await import('../sandbox/index.ts');
  return openSandbox({ ...options, dir: sandboxFolder(io) }).catch((error: unknown) => {
    const { name, message, code } = error as NodeJS.ErrnoException;
    const foreseen = name === 'Error' && (code === undefined || /^E[A-Z]+$/.test(code));
    throw foreseen ? new Complaints([{ message: `The sandbox cannot be opened: ${message}.` }], 1) : error;
  });
}
