import { lstat, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileName, fileText, isOurFile, KUSTOMIZATIONS, listing } from '../export/files.ts';
import type { Assembly } from '../methods/assemble.ts';
import { defineStep, type Judged, KNOWN_AFTER_APPLY, type Known, type Needs, type Step, type StepId } from '../step.ts';
import { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import { barrierAt } from './barrier.ts';
import { codeOf } from './surroundings.ts';

const WRITTEN: StepId = 'manifests';

/**
 * The same world to reach, for a cluster that takes its objects from a repository: Azure is converged, and the objects
 * are written as files instead of being applied. Nothing is asked that only a cluster which has them could answer.
 */
export function asFiles(
  { steps }: Pick<Assembly, 'steps'>,
  folder: string,
  cwd: string,
): Pick<Assembly, 'steps' | 'checks'> {
  const objects = steps.filter(({ manifest }) => manifest);
  const named = new Set(objects.flatMap(({ manifest, needs }) => manifest!.holes.map((hole) => needs[hole]?.step)));
  const kept = steps.filter(({ manifest, side, id }) => !manifest && (side === 'Azure' || named.has(id)));
  const ids = new Set(kept.map(({ id }) => id));
  const among = (step: Step): Step => ({
    ...step,
    needs: Object.fromEntries(Object.entries(step.needs).filter(([, need]) => ids.has(need.step))),
    ...(step.behind && { behind: step.behind.filter((id) => ids.has(id)) }),
  });
  const others = kept.map(among).map((step) => (step.side === 'Azure' && !step.assumes ? step : assumed(step)));
  return { steps: [...others, files(objects, folder, cwd)], checks: [] };
}

/**
 * What hangs on the cluster and is not an object of ours: where it cannot be looked at, it is taken to be as it usually
 * is. Nothing is installed in the cluster; what Azure installs there is, once it could be looked at.
 */
function assumed(step: Step): Step {
  const { assumes, side } = step;
  const base = { owner: 'theirs', differences: [] } as const;
  const taken = (why: string): Judged =>
    assumes
      ? { ...base, state: 'good enough', facts: assumes, note: `taken as it usually is: ${why}` }
      : { ...base, state: 'blocked', facts: {}, note: why };
  return defineStep<Needs, { readonly seen: unknown } | undefined>({
    ...step,
    async observe(world) {
      const seen = await unlessTrouble(step.observe(world), side === 'Azure');
      return seen === TROUBLE ? undefined : { seen };
    },
    judge(looked, known) {
      if (!looked) return taken('the cluster could not be looked at');
      const judged = step.judge(looked.seen, { ...missingOf(step), ...known });
      const stands = side === 'Azure' || ['blocked', 'as wanted', 'good enough'].includes(judged.state);
      return stands ? judged : taken(judged.note ?? 'it is not in the cluster yet');
    },
    async converge(world, looked, known) {
      const seen = side === 'Azure' ? await step.converge(world, looked?.seen, known) : undefined;
      return seen === undefined ? undefined : { seen };
    },
  });
}

const missingOf = ({ needs }: Step): Known<Needs> =>
  Object.fromEntries(Object.keys(needs).map((name) => [name, KNOWN_AFTER_APPLY]));

const TROUBLE = Symbol('trouble');
/** `strict`: what Azure itself refuses is thrown on. */
const unlessTrouble = <T>(look: Promise<T>, strict = false): Promise<T | typeof TROUBLE> =>
  look.catch((error: unknown) => {
    if (error instanceof Problem && !(strict && error.said?.by === 'Azure')) return TROUBLE;
    throw error;
  });

interface Seen {
  /** Why nothing can be written there at all. */
  readonly barred?: string;
  /** Text of each file, by name; a sentence where something else is in its place. */
  readonly found: ReadonlyMap<string, { readonly text: string } | { readonly barred: string }>;
  /** What each step saw of its object, where the cluster could be looked at. */
  readonly objects: ReadonlyMap<StepId, unknown>;
}

/** All files together, so that a folder is written whole or not at all. */
function files(objects: readonly Step[], folder: string, cwd: string): Step {
  const target = resolve(cwd, folder);
  const needs = Object.fromEntries(
    objects.flatMap(({ id, manifest, needs: all }) =>
      manifest!.holes.flatMap((hole) => (all[hole] ? [[`${id} ${hole}`, all[hole]]] : [])),
    ),
  ) as Needs;

  /** The files as they should be; a list that is not ours to change as a sentence. */
  const wanted = (seen: Seen, known: Known<Needs>) => {
    const texts = new Map<string, string>();
    for (const step of objects) {
      const manifest = step.manifest!;
      const own = manifest.holes.map((hole) => [hole, known[`${step.id} ${hole}`] ?? KNOWN_AFTER_APPLY]);
      const text = manifest.text(seen.objects.get(step.id), { ...missingOf(step), ...Object.fromEntries(own) });
      if (text !== undefined) texts.set(fileName(manifest), fileText(text));
    }
    const list = KUSTOMIZATIONS.find((name) => seen.found.has(name)) ?? KUSTOMIZATIONS[0];
    const before = seen.found.get(list);
    const listed = listing([...texts.keys()].sort(), before && 'text' in before ? before.text : undefined);
    if ('text' in listed) texts.set(list, listed.text);
    return { texts, ...('blocked' in listed && { blocked: `${list} is not ours and stays: ${listed.blocked}` }) };
  };

  const look = async (world: World | undefined, known?: Seen['objects']): Promise<Seen> => {
    const looks = world
      ? objects.map(async (step) => [step.id, await unlessTrouble(step.observe(world))] as const)
      : [];
    const barred = await barrierAt(target, cwd);
    const names = [...objects.map(({ manifest }) => fileName(manifest!)), ...KUSTOMIZATIONS];
    const found = await Promise.all(
      barred === undefined ? names.map(async (name) => [name, await fileAt(join(target, name))] as const) : [],
    );
    const seen = (await Promise.all(looks)).filter(([, one]) => one !== TROUBLE);
    return {
      ...(barred !== undefined && { barred }),
      found: new Map(found.flatMap(([name, file]) => (file ? [[name, file] as const] : []))),
      objects: known ?? new Map(seen),
    };
  };

  return defineStep<Needs, Seen>({
    id: WRITTEN,
    kind: 'manifests',
    subject: folder,
    title: `the manifests are in ${folder}`,
    side: 'Kubernetes',
    workloads: [...new Set(objects.flatMap(({ workloads }) => workloads))],
    needs,
    yields: [],
    observe: (world) => look(world),
    judge(seen, known): Judged {
      const base = { owner: 'ours', facts: {}, differences: [] } as const;
      if (seen.barred !== undefined) return { ...base, state: 'blocked', note: seen.barred };
      const { texts, blocked } = wanted(seen, known);
      const foreign = [...texts.keys()].flatMap((name) => {
        const file = seen.found.get(name);
        if (!file || (KUSTOMIZATIONS as readonly string[]).includes(name))
          return file && 'barred' in file ? [`${name} ${file.barred}`] : [];
        if ('barred' in file) return [`${name} ${file.barred}`];
        return isOurFile(file.text) || file.text === texts.get(name)
          ? []
          : [`${name} is not ours and stays: move it away`];
      });
      const sentences = [...foreign, ...(blocked ? [blocked] : [])];
      if (sentences.length > 0)
        return { ...base, state: 'blocked', note: `${sentences.join('; ')}. No file was written` };
      const differences = [...texts].flatMap(([name, text]) => {
        const file = seen.found.get(name);
        if (!file) return [{ path: name, is: '-', want: 'new file' }];
        return 'text' in file && file.text === text ? [] : [{ path: name, is: 'other text', want: 'new text' }];
      });
      if (differences.length === 0) return { ...base, state: 'as wanted' };
      const isNew = differences.every(({ is }) => is === '-');
      return { ...base, differences, state: isNew ? 'absent' : 'differs', note: 'written, not applied' };
    },
    async converge(_world, seen, known) {
      const { texts } = wanted(seen, known);
      const changed = [...texts].filter(([name, text]) => {
        const file = seen.found.get(name);
        return !(file && 'text' in file && file.text === text);
      });
      await writeAll(target, changed, folder);
      return look(undefined, seen.objects);
    },
  });
}

/** Bytes; what is larger is none of ours. */
const LARGEST = 8 * 1024 * 1024;

async function fileAt(path: string): Promise<{ text: string } | { barred: string } | undefined> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) return { barred: 'is a link and stays: nothing is written through it' };
    if (!found.isFile()) return { barred: 'is not a file' };
    if (found.size > LARGEST) return { barred: 'is larger than any manifest' };
    return { text: await readFile(path, 'utf8') };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    return { barred: `cannot be read (${codeOf(error)})` };
  }
}

/** All files beside their places first; only when all are there, each takes its place. */
async function writeAll(target: string, texts: readonly (readonly [string, string])[], folder: string): Promise<void> {
  const places = texts.map(([name, text]) => {
    const place = join(target, name);
    return { place, text, beside: `${place}.${Math.random().toString(36).slice(2)}.tmp` };
  });
  try {
    await mkdir(target, { recursive: true });
    for (const { beside, text } of places) await writeFile(beside, text, { flag: 'wx', mode: 0o644 });
    for (const { beside, place } of places) await rename(beside, place);
  } catch (error) {
    await Promise.all(places.map(({ beside }) => unlink(beside).catch(() => undefined)));
    throw new Problem('refused', `folder ${folder}`, `${folder} cannot be written (${codeOf(error)}).`, {
      cause: error,
    });
  }
}
