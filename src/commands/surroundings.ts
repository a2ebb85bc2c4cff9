import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Complaints } from '../complaint.ts';
import type { Surroundings } from '../surroundings.ts';
import { Problem } from '../trouble.ts';
import type { Clock } from '../world.ts';
import { readUpTo, textOfBytes } from './reading.ts';

/** The machine's own time. */
export const realClock: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    signal?.throwIfAborted();
    await delay(milliseconds, undefined, signal && { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  },
};

export interface Wishes {
  /** Name or metadata URL; absent: the public cloud. */
  readonly cloud?: string | undefined;
  readonly tenant?: string | undefined;
  /** Path of a kubeconfig that is used instead of the credentials from Azure. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly clock?: Clock;
}

/** Bytes that are read of a kubeconfig: far more than any has. */
const KUBECONFIG = 16 * 1024 * 1024;

/** How long a metadata URL may take to answer, milliseconds. */
const METADATA_TIMEOUT = 30_000;

/**
 * The user's own Azure: nobody is asked for a sign-in before the first request, and no SDK is loaded before it.
 * @throws {Complaints} for a kubeconfig that cannot be read and a cloud that is not known
 */
export async function usualSurroundings(wishes: Wishes): Promise<Surroundings> {
  const { env, tenant, clock = realClock } = wishes;
  const { cloudOf } = await import('../azure/clouds.ts');
  const [cloud, kubeconfig] = await Promise.all([
    cloudOf(wishes.cloud ?? 'AzureCloud', async (url) => {
      const response = await fetch(url, { signal: AbortSignal.timeout(METADATA_TIMEOUT), redirect: 'manual' }).catch(
        (error: Error) => {
          throw new Complaints([{ message: `--cloud: ${url} cannot be reached (${codeOf(error)}).` }]);
        },
      );
      if (!response.ok) throw new Complaints([{ message: `--cloud: ${url} answered ${response.status}.` }]);
      return response.json().catch(() => {
        throw new Complaints([{ message: `--cloud: ${url} did not answer with JSON.` }]);
      });
    }).catch((error: unknown) => {
      // Whatever is wrong with a cloud, it was wrong in what was given.
      throw error instanceof Problem ? new Complaints([{ message: `--cloud: ${error.message}` }]) : error;
    }),
    kubeconfigOf(wishes),
  ]);
  return {
    cloud,
    credential: async () => (await import('../azure/sign-in.ts')).signIn({ cloud, tenant, env }),
    ...(kubeconfig && { kubeconfig }),
    clock,
    defaults: {},
    env,
    close: async () => undefined,
  };
}

/** The kubeconfig that flags ask for, if they do. */
export async function kubeconfigOf({
  kubeconfig,
  context,
  env,
  cwd,
}: Pick<Wishes, 'kubeconfig' | 'context' | 'env' | 'cwd'>): Promise<Surroundings['kubeconfig']> {
  if (kubeconfig === undefined && context === undefined) return undefined;
  const path = kubeconfig ?? usualKubeconfig(env);
  try {
    const text = textOfBytes(await readUpTo(resolve(cwd, path), KUBECONFIG));
    return { text, ...(context !== undefined && { context }) };
  } catch (error) {
    throw new Complaints([{ message: `The kubeconfig ${path} cannot be read (${codeOf(error)}).` }]);
  }
}

/** What `kubectl` would use here; nothing where there is none, or no telling which. */
export async function usualKubeconfigOf(env: NodeJS.ProcessEnv, cwd: string): Promise<Surroundings['kubeconfig']> {
  if ((env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '').length > 1) return undefined;
  if (!env.KUBECONFIG && !(env.HOME ?? env.USERPROFILE)) return undefined;
  const bytes = await readUpTo(resolve(cwd, usualKubeconfig(env)), KUBECONFIG).catch(() => undefined);
  return bytes === undefined ? undefined : { text: textOfBytes(bytes) };
}

/** Where `kubectl` looks, for `--context` alone. */
function usualKubeconfig(env: NodeJS.ProcessEnv): string {
  const paths = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (paths.length > 1) {
    throw new Complaints([{ message: '--context: KUBECONFIG names several files; say which by --kubeconfig FILE.' }]);
  }
  const home = env.HOME ?? env.USERPROFILE;
  const path = paths[0] ?? (home && join(home, '.kube', 'config'));
  if (!path) throw new Complaints([{ message: '--context needs --kubeconfig FILE.' }]);
  return path;
}

/** `ENOENT`, also from within a failed `fetch`. */
export function codeOf(error: unknown): string {
  const { code, cause, name } = error as NodeJS.ErrnoException;
  return code ?? (cause as NodeJS.ErrnoException | undefined)?.code ?? name;
}
