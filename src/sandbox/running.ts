import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';

/** What a running server leaves in its folder for those who join it. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  readonly proxyPort: number;
  readonly started: string;
  /** Admits to the control requests of `localhost`. */
  readonly key: string;
}

const fileOf = (folder: string) => join(folder, 'server.json');
export const newKey = () => randomBytes(24).toString('base64url');

/** Real milliseconds that a server has for a handshake: one on a busy machine, or one that was paused, still runs. */
const PATIENCE = 20_000;

/**
 * The server that runs for this folder; `undefined` when there is none, or its process is gone.
 * @throws when it is there and says nothing: two servers would each have a world of their own
 */
export async function runningIn(folder: string, patience: number = PATIENCE): Promise<Running | undefined> {
  const running = read(folder);
  if (!running) return undefined;
  const ca = textOf(join(folder, 'ca.pem'));
  const answer = ca !== undefined && alive(running.pid) ? await answerOf(running.port, ca, patience) : 'another';
  if (answer === 'ours') return running;
  if (answer === 'silence') {
    throw new Error(`a sandbox runs already for ${folder} (process ${running.pid}), and does not answer`);
  }
  // The number is another process by now: only the server of this folder has the folder's certificate.
  rmSync(fileOf(folder), { force: true });
  return undefined;
}

const read = (folder: string): Running | undefined => {
  try {
    const found = JSON.parse(textOf(fileOf(folder)) ?? '') as Running;
    return found.pid > 0 && found.port > 0 && found.proxyPort > 0 ? found : undefined;
  } catch {
    return undefined;
  }
};

/** What the file says; `undefined` when there is none. */
const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const answerOf = (port: number, ca: string, patience: number) =>
  new Promise<'ours' | 'another' | 'silence'>((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: 'localhost' });
    const timer = setTimeout(() => end('silence'), patience);
    const end = (answer: 'ours' | 'another' | 'silence') => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.once('secureConnect', () => end('ours'));
    socket.once('error', () => end('another'));
  });

/**
 * Makes this process the folder's server. False when another one has it: of two that start at once, one wins.
 * The file of a server that is gone, or a damaged one, is taken over.
 */
export function claim(folder: string, running: Running): boolean {
  const file = fileOf(folder);
  const before = read(folder);
  // The file comes into being whole, so one that cannot be read is damaged, not half written.
  const damaged = before === undefined && textOf(file) !== undefined;
  if (damaged || (before && !alive(before.pid))) rmSync(file, { force: true });
  else if (before && before.pid !== running.pid) return false;
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, JSON.stringify(running), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Gives the folder up, if it is ours. */
export function leave(folder: string, key: string): void {
  if (read(folder)?.key === key) rmSync(fileOf(folder), { force: true });
}
