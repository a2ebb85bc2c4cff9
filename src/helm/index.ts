import { once } from '../memory.ts';
import { redact, type Secret } from '../secret.ts';
import { Problem } from '../trouble.ts';
import { GET_HELM, type Helm, type Release, wordsFor } from './helm.ts';

interface HelmOptions {
  /** Environment of the child process. */
  readonly env: NodeJS.ProcessEnv;
  /** The cluster, as a kubeconfig of its own. */
  readonly kubeconfig: () => Promise<Secret>;
  /** Helm is told to end when it is aborted. */
  readonly signal: AbortSignal;
}

/** Nothing is loaded or started before the first call. */
export function createHelm(options: HelmOptions): Helm {
  const program = once(async () => {
    const { programIn } = await import('./program.ts');
    return programIn(options.env);
  });
  return {
    found: async () => (await program()) !== undefined,
    async install(release) {
      const [file, { run }] = await Promise.all([program(), import('./run.ts')]);
      if (!file) throw new Problem('refused', 'helm', `helm is not on this machine: ${GET_HELM}`);
      options.signal.throwIfAborted();
      const kubeconfig = await options.kubeconfig();
      const ended = await run(file, wordsFor(release), { ...options, kubeconfig });
      options.signal.throwIfAborted();
      if (ended.code !== 0) throw failed(release, ended.output);
    },
  };
}

/** Helm's last line is its error; the rest says what it was at. */
function failed({ name, chart, version }: Release, output: string): Problem {
  const lines = redact(output)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const last = lines.findLast((line) => line.startsWith('Error:')) ?? lines.at(-1) ?? 'it said nothing';
  const rest = lines.filter((line) => line !== last).slice(-LINES);
  return new Problem('refused', `helm release ${name}`, `helm could not install ${chart} ${version}. ${last}`, {
    detail: rest.length > 0 ? `helm printed: ${rest.join(' / ')}` : undefined,
  });
}

/** So much of its output is shown. */
const LINES = 30;
