import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GRACE } from '../grace.ts';
import type { Secret } from '../secret.ts';

interface Ended {
  /** -1 where it was ended by a signal, or could not be started. */
  readonly code: number;
  /** Both of its streams as they came, the end of them. */
  readonly output: string;
}

/** More is not kept: what matters is the end. */
const KEPT = 64_000;

/**
 * Runs helm against the one cluster of the kubeconfig, which lies in a folder that only this user can enter and goes
 * with the run, also when that is interrupted. What else its environment says of clusters is left out: helm must not
 * reach another one.
 */
export async function run(
  file: string,
  words: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly kubeconfig: Secret; readonly signal: AbortSignal },
): Promise<Ended> {
  const { signal } = options;
  // mkdtemp makes folders of mode 0700.
  const folder = await mkdtemp(join(tmpdir(), 'aks-secrets-helm-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  // At once: a second interruption ends this process before anything is awaited.
  signal.addEventListener('abort', clear, { once: true });
  try {
    signal.throwIfAborted();
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, options.kubeconfig.reveal(), { mode: 0o600, flag: 'wx' });
    return await started(file, [...words, '--kubeconfig', kubeconfig], ownOf(options.env), signal);
  } finally {
    signal.removeEventListener('abort', clear);
    clear();
  }
}

/** HELM_KUBECONTEXT, HELM_KUBETOKEN and their like win over what a kubeconfig says. */
const ownOf = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(KUBECONFIG$|HELM_KUBE|HELM_NAMESPACE$)/i.test(name)));

function started(file: string, words: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(file, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (text: string) => {
      output = (output + text).slice(-KEPT);
    };
    // Helm takes back what it began when it is asked to end; one that does not end is made to.
    let killing: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      killing = setTimeout(() => child.kill('SIGKILL'), GRACE).unref();
    };
    const ended = (code: number) => {
      clearTimeout(killing);
      signal.removeEventListener('abort', stop);
      resolve({ code, output });
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => {
      keep(`${error.message}\n`);
      ended(-1);
    });
    child.once('close', (code) => ended(code ?? -1));
  });
}
