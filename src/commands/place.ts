import { join, resolve } from 'node:path';
import { type Complaint, Complaints } from '../complaint.ts';
import type { Io } from '../io.ts';
import type { Method } from '../methods/method.ts';
import type { Secret } from '../secret.ts';
import { type Answer, type Answers, isOn, listOf, textOf } from '../spec/answers.ts';
import { draftOf, readSpec, type Sources } from '../spec/read.ts';
import { only, signedIn } from '../spec/subscription.ts';
import { LARGEST } from '../spec/text.ts';
import type { Consent } from '../step.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Target } from '../verify/discover/index.ts';
import type { SecretRef, Spec } from '../workload.ts';
import { describe, type Flag } from './flags.ts';
import { isPointed, targetOf } from './found.ts';
import { readUpTo, textOfBytes } from './reading.ts';
import { codeOf, kubeconfigOf, usualSurroundings } from './surroundings.ts';
import type { Told } from './wizard/index.ts';

/** Where a command acts and what it wants there. */
export interface Place {
  readonly spec: Spec;
  readonly surroundings: Surroundings;
  /** Consents given by flag, variable, or the sandbox. */
  readonly allow: ReadonlySet<Consent>;
  /** What the surroundings offer for flags that nobody gave. */
  readonly defaults: Answers;
  /** Those that were given, and those that were asked for. */
  readonly answers: Answers;
  /** Values that were typed, by the names of their secrets. */
  readonly typed: ReadonlyMap<string, Secret>;
  /** Somebody was asked for what was open. */
  readonly asked: boolean;
  /** Path of the file that was read, as the user wrote it. */
  readonly file?: string;
  /** What runs is looked at, and says what is wanted; the Spec has no workload before that. */
  readonly pointed?: Target;
  /** To be said on the way. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/** Asks somebody for what the sources leave open. */
export type Ask = (sources: Sources, surroundings: Surroundings) => Promise<Told>;

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
  /** The workloads are to be taken away. */
  removes = false,
  /** Absent: nobody is asked. */
  ask?: Ask,
  /** What is wanted is taken from what runs, where nothing describes it. */
  points = false,
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
    // Who says which consents he gives is taken at his word, in a sandbox too.
    const allow = new Set(listOf(answers.has('allow') ? answers : defaults, 'allow') as Consent[]);
    const own = textOf(defaults, 'subscription');
    const sources: Sources = {
      answers,
      ...(file && { file }),
      defaults,
      methods,
      subscriptions: surroundings.label !== undefined && own !== undefined ? only(own) : signedIn(io.env),
      allow,
      describe: (flag) => describe(flag, flags),
      removes,
    };
    if (points && isPointed(answers, defaults, io, DEFAULT_FILE)) {
      const { baseOf } = await import('./found.ts');
      const base = await baseOf(sources, surroundings, io);
      return {
        ...{ ...base, answers, defaults, allow, close, notes: [], typed: new Map(), asked: false },
        pointed: targetOf(answers, defaults),
      };
    }
    const isOpen = ask !== undefined && (await draftOf(sources)).complaints.length > 0;
    const told = isOpen ? await ask(sources, surroundings) : undefined;
    const spec = await readSpec(told ? { ...sources, answers: told.answers, typed: [...told.typed.keys()] } : sources);
    refuseTyping(spec, answers, io);
    const notes = opened && file && !removes ? await opened.add(spec) : [];
    return {
      ...{ spec, defaults, allow, notes, close, asked: told !== undefined },
      ...{ answers, typed: new Map<string, Secret>(), surroundings, ...told },
      ...(file && { file: file.path }),
    };
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
  let bytes: Buffer;
  try {
    // No character has more than four bytes; what is larger is refused by what reads the text.
    bytes = await readUpTo(resolve(cwd, path), 4 * LARGEST);
  } catch (error) {
    const code = codeOf(error);
    if (named === undefined && code === 'ENOENT') return undefined;
    const why =
      code === 'ENOENT' ? 'There is no file' : code === 'EISDIR' ? 'This is a folder, not a file:' : 'Cannot read';
    throw new Complaints([{ message: `${why} ${path}${['ENOENT', 'EISDIR'].includes(code) ? '' : ` (${code})`}.` }]);
  }
  try {
    return { path, text: textOfBytes(bytes, { fatal: true }) };
  } catch {
    throw new Complaints([{ message: 'This is not text (UTF-8).', file: path }]);
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
      const vaults = existing.vaults.map(({ name, secrets, keys, certificates }) => {
        const held = [
          ...secrets,
          ...keys.map((key) => `key ${key}`),
          ...certificates.map((one) => `certificate ${one}`),
        ];
        return `vault ${name}${held.length > 0 ? ` with ${held.join(', ')} (invented values)` : ''}`;
      });
      const things = [
        ...existing.groups.map((name) => `group ${name}`),
        ...existing.clusters.map(({ name }) => `cluster ${name}`),
        ...vaults,
      ];
      return [`In the sandbox, as the file calls it existing: ${things.join('; ')}.`];
    },
  };
}

type Shelf = 'secrets' | 'keys' | 'certificates';

/** What must be there before the Spec can be reached: all that it does not make itself. */
export function existingIn({ cluster, workloads }: Spec) {
  const clusters = cluster.create ? [] : [{ resourceGroup: cluster.resourceGroup, name: cluster.name }];
  const vaults = new Map<string, { resourceGroup: string; name: string } & Record<Shelf, string[]>>();
  for (const { vault, secrets } of workloads) {
    if (vault.create) continue;
    const { resourceGroup, name } = vault;
    const known = vaults.get(name) ?? { resourceGroup, name, secrets: [], keys: [], certificates: [] };
    const there = (wanted: SecretRef['kind'], before: readonly string[]): string[] => {
      const named = secrets.filter(({ kind, value, rotate }) => kind === wanted && (!value || rotate));
      return [...new Set([...before, ...named.map((one) => one.name)])];
    };
    vaults.set(name, {
      ...known,
      secrets: there('secret', known.secrets),
      keys: there('key', known.keys),
      certificates: there('certificate', known.certificates),
    });
  }
  const groups = [
    ...clusters,
    ...vaults.values(),
    ...workloads.flatMap(({ identity }) => (identity.kind ? [] : [identity])),
  ].map(({ resourceGroup }) => resourceGroup);
  return { groups: [...new Set(groups)], clusters, vaults: [...vaults.values()] };
}
