import { resolve } from 'node:path';
import { joinSandbox } from './join.ts';
import { startSandbox } from './own.ts';
import { runningIn } from './running.ts';
import { againOf, type Sandbox, type SandboxOptions } from './sandbox.ts';
import { defaultsOf } from './surroundings.ts';
import { addExisting } from './world/demo.ts';

/** Folders whose server runs in this process, also while it starts. */
const here = new Map<string, Promise<Sandbox | undefined>>();

/**
 * Opens the sandbox of a folder: joins the server that runs for it, else starts one in this process.
 * @throws when the folder's state cannot be read, the port is taken, or a server runs and `join` is false
 */
export function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  return attempt(options, ATTEMPTS);
}

/** Of several that start at once one wins; a winner that ends before the others have joined leaves them to try again. */
const ATTEMPTS = 10;

async function attempt(options: SandboxOptions, left: number): Promise<Sandbox> {
  const folder = resolve(options.dir);
  const own = await here.get(folder);
  if (own && options.join !== false) {
    if (options.anew) await own.reset(againOf(options));
    else if (options.existing) await addExisting(own.place, own.give, options.existing);
    return shared(own, options);
  }
  const running = own ? undefined : await runningIn(folder);
  if (own || (running && options.join === false)) {
    throw new Error(`a sandbox runs already for ${folder} (process ${running?.pid ?? process.pid})`);
  }
  if (running) return joinSandbox(folder, running, options);

  const starting = startSandbox(folder, options);
  const registered = starting.catch(() => undefined);
  here.set(folder, registered);
  const started = await starting.catch((error: unknown) => {
    here.delete(folder);
    throw error;
  });
  // Another process was faster: it runs now.
  if (!started) {
    here.delete(folder);
    if (left === 0) throw new Error(`${folder} cannot be claimed: other processes open and close it all the time`);
    return attempt(options, left - 1);
  }
  const close = async () => {
    if (here.get(folder) === registered) here.delete(folder);
    await started.close();
  };
  return Object.create(started, {
    surroundings: { value: { ...started.surroundings, close }, enumerable: true },
    close: { value: close, enumerable: true },
  }) as Sandbox;
}

/** A second opening in one process: the same sandbox; closing it leaves the first one open. */
function shared(own: Sandbox, options: SandboxOptions): Sandbox {
  const close = async () => {};
  const defaults = defaultsOf(own.place.subscriptionId, options.existing !== undefined);
  return Object.create(own, {
    surroundings: { value: { ...own.surroundings, defaults, close }, enumerable: true },
    close: { value: close, enumerable: true },
  }) as Sandbox;
}
