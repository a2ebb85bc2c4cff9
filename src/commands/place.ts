import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Complaint, Complaints } from '../complaint.ts';
import type { Io } from '../io.ts';
import type { Method } from '../methods/method.ts';
import { type Answer, type Answers, isOn, listOf, textOf } from '../spec/answers.ts';
import { readSpec } from '../spec/read.ts';
import { only, signedIn } from '../spec/subscription.ts';
import type { Consent } from '../step.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Spec } from '../workload.ts';
import { describe, type Flag } from './flags.ts';
import { codeOf, kubeconfigOf, usualSurroundings } from './surroundings.ts';

/** Where a command acts and what it wants there. */
export interface Place {
  readonly spec: Spec;
  readonly surroundings: Surroundings;
  /** Consents given by flag, variable, or the sandbox. */
  readonly allow: ReadonlySet<Consent>;
  /** What the surroundings offer for flags that nobody gave. */
  readonly defaults: Answers;
  /** Path of the file that was read, as the user wrote it. */
  readonly file?: string;
  /** To be said on the way. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export const DEFAULT_FILE = 'aks-secrets.yaml';
/** Folder of the sandbox's state. */
export const sandboxFolder = ({ env, cwd }: Pick<Io, 'env' | 'cwd'>): string =>
  resolve(cwd, env.AKS_SECRETS_SANDBOX_DIR || join('.aks-secrets', 'sandbox'));

/** Surroundings first, since they offer defaults; then the Spec in them. Whoever opens closes. */
export async function openPlace(
  answers: Answers,
  flags: readonly Flag[],
  methods: readonly Method[],
  io: Io,
): Promise<Place> {
  const file = await readFileOf(answers, io);
  const sandboxed = isOn(answers, 'sandbox');
  if (sandboxed) refuseBeside(answers);
  const opened = sandboxed ? await openSandboxFor(io, file !== undefined) : undefined;
  const surroundings = opened?.surroundings ?? (await surroundingsOf(answers, io));
  const close = async () => {
    await opened?.close();
    if (!opened && !io.surroundings) await surroundings.close();
  };
  try {
    const defaults = defaultsOf(surroundings);
    const allow = new Set([...listOf(answers, 'allow'), ...listOf(defaults, 'allow')] as Consent[]);
    const own = textOf(defaults, 'subscription');
    const spec = await readSpec({
      answers,
      ...(file && { file }),
      defaults,
      methods,
      subscriptions: surroundings.label !== undefined && own !== undefined ? only(own) : signedIn(io.env),
      allow,
      describe: (flag) => describe(flag, flags),
    });
    refuseTyping(spec, answers, io);
    const notes = opened && file ? await opened.add(spec) : [];
    return { spec, surroundings, defaults, allow, notes, close, ...(file && { file: file.path }) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Those that were handed in, with the kubeconfig of the flags, or the usual ones. */
async function surroundingsOf(answers: Answers, io: Io): Promise<Surroundings> {
  const wishes = {
    kubeconfig: textOf(answers, 'kubeconfig'),
    context: textOf(answers, 'context'),
    env: io.env,
    cwd: io.cwd,
  };
  if (!io.surroundings) {
    return usualSurroundings({ ...wishes, cloud: textOf(answers, 'cloud'), tenant: textOf(answers, 'tenant') });
  }
  const kubeconfig = await kubeconfigOf(wishes);
  return kubeconfig ? { ...io.surroundings, kubeconfig } : io.surroundings;
}

async function readFileOf(answers: Answers, { cwd }: Io): Promise<{ path: string; text: string } | undefined> {
  const named = textOf(answers, 'file');
  const path = named ?? DEFAULT_FILE;
  try {
    return { path, text: await readFile(resolve(cwd, path), 'utf8') };
  } catch (error) {
    const code = codeOf(error);
    if (named === undefined && code === 'ENOENT') return undefined;
    const why =
      code === 'ENOENT' ? 'There is no file' : code === 'EISDIR' ? 'This is a folder, not a file:' : 'Cannot read';
    throw new Complaints([{ message: `${why} ${path}${['ENOENT', 'EISDIR'].includes(code) ? '' : ` (${code})`}.` }]);
  }
}

/** The sandbox takes the place of all surroundings; half of the user's own would lead out of it. */
function refuseBeside(answers: Answers): void {
  const complaints: Complaint[] = ['cloud', 'tenant', 'kubeconfig', 'context'].flatMap((flag) => {
    const said = answers.get(flag)?.said;
    return said === undefined ? [] : [{ message: `${said} does not go with the sandbox, which brings its own.` }];
  });
  if (complaints.length > 0) throw new Complaints(complaints);
}

/** A value that is typed shows on the screen, and the question of the plan would take it for its answer. */
function refuseTyping({ workloads }: Spec, answers: Answers, { stdin }: Io): void {
  const typed = workloads.flatMap(({ secrets }) => secrets).find(({ value }) => value && 'stdin' in value);
  if (!typed || !stdin.isTTY) return;
  const said = answers.get('secret-value')!.said;
  throw new Complaints([
    {
      message: `${said}: standard input is a terminal; pipe the value of ${typed.name} into the command.`,
      fix: { say: 'Or take it from a variable or a file: NAME=env:VARIABLE, NAME=file:PATH.' },
    },
  ]);
}

/** What the surroundings offer, in the shape of answers. */
function defaultsOf({ defaults, label }: Surroundings): Answers {
  const said = label === undefined ? 'the surroundings' : 'the sandbox';
  return new Map(Object.entries(defaults).map(([flag, value]): [string, Answer] => [flag, { value, said }]));
}

/** Opens the sandbox; `add` gives it what the file calls existing, and says what that is. */
async function openSandboxFor(io: Io, withFile: boolean) {
  const { openSandboxOf } = await import('./sandbox.ts');
  const sandbox = await openSandboxOf(io, withFile ? { existing: {} } : {});
  return {
    surroundings: sandbox.surroundings as Surroundings,
    close: () => sandbox.close(),
    async add(spec: Spec): Promise<string[]> {
      const existing = existingIn(spec);
      await openSandboxOf(io, { existing });
      const vaults = existing.vaults.map(
        ({ name, secrets }) =>
          `vault ${name}${secrets.length > 0 ? ` with ${secrets.join(', ')} (invented values)` : ''}`,
      );
      const things = [
        ...existing.groups.map((name) => `group ${name}`),
        ...existing.clusters.map(({ name }) => `cluster ${name}`),
        ...vaults,
      ];
      return [`In the sandbox, as the file calls it existing: ${things.join('; ')}.`];
    },
  };
}

/** What must be there before the Spec can be reached: all that it does not make itself. */
export function existingIn({ cluster, workloads }: Spec) {
  const clusters = cluster.create ? [] : [{ resourceGroup: cluster.resourceGroup, name: cluster.name }];
  const vaults = new Map<string, { resourceGroup: string; name: string; secrets: string[] }>();
  for (const { vault, secrets } of workloads) {
    if (vault.create) continue;
    const known = vaults.get(vault.name) ?? { resourceGroup: vault.resourceGroup, name: vault.name, secrets: [] };
    const there = secrets
      .filter(({ kind, value, rotate }) => kind === 'secret' && (!value || rotate))
      .map(({ name }) => name);
    vaults.set(vault.name, { ...known, secrets: [...new Set([...known.secrets, ...there])] });
  }
  const groups = [...clusters, ...vaults.values(), ...workloads.map(({ identity }) => identity)].map(
    ({ resourceGroup }) => resourceGroup,
  );
  return { groups: [...new Set(groups)], clusters, vaults: [...vaults.values()] };
}
