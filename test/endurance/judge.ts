import { expect } from 'vitest';
import type { LogEntry } from '../../src/sandbox/index.ts';
import { begin, type Ran, type Story, worldOf } from '../stories/harness.ts';
import { lookThrough } from './leaks.ts';
import type { Scenario } from './scenarios.ts';
import { type Tried, tally } from './tally.ts';
import { duplicatesOf, foreignOf } from './world.ts';

/** What a disturbed run is held against. */
export interface Against {
  readonly requests: readonly LogEntry[];
  readonly world: unknown;
  readonly foreign: Readonly<Record<string, unknown>>;
}

/** Runs it as it is, and again. */
export async function undisturbed(
  { words, more, from, always }: Scenario,
  prepare: (story: Story) => void = () => undefined,
): Promise<Against> {
  const story = await begin({}, await from());
  prepare(story);
  const foreign = await foreignOf(story);
  const ran = await story.run(words, more);
  expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
  const again = await story.run(words, more);
  expect({ code: again.code, writes: writesOf(again, always) }).toEqual({ code: 0, writes: [] });
  expect(await foreignOf(story)).toEqual(foreign);
  expect(duplicatesOf(story)).toEqual([]);
  await story.sandbox.settled();
  const world = worldOf(story);
  await story.close();
  return { requests: ran.requests, world, foreign };
}

/** A disturbed run, in this process or in one of its own. */
export interface Disturbed extends Pick<Ran, 'out' | 'err'> {
  readonly code: number | string;
  readonly commandLines?: readonly string[];
}
export type Known = Pick<Tried, 'part' | 'run' | 'what'>;

/**
 * Runs it again, undisturbed, and looks at what is there then: the world of a run that nothing disturbed, nothing twice,
 * nothing lost, no value anywhere. Answers in words what is not as promised, and keeps the count.
 */
export async function judged(
  story: Story,
  { words, more, always }: Pick<Scenario, 'words' | 'more' | 'always'>,
  { world, foreign }: Against,
  first: Disturbed,
  known: Known,
): Promise<string[]> {
  const again = await story.run(`${words} -o json`, more);
  await story.sandbox.settled();
  const left = await foreignOf(story);
  const lost = Object.keys(foreign).filter((key) => JSON.stringify(left[key]) !== JSON.stringify(foreign[key]));
  const duplicates = duplicatesOf(story);
  const { looked, leaks } = lookThrough(story, {
    ...textsOf('disturbed', first),
    ...textsOf('again', again),
    ...(first.commandLines && { 'command lines': first.commandLines.join('\n') }),
  });
  const writes = writesOf(again, always);
  const alone = first.code === 0;
  const equal = JSON.stringify(worldOf(story)) === JSON.stringify(world);
  tally({
    ...{ ...known, ended: first.code, alone, equal },
    ...{ duplicates: duplicates.length, lost: lost.length, looked, leaks: leaks.length },
  });
  const wrong: readonly [boolean, () => string][] = [
    [!ENDS.has(first.code), () => `the disturbed run ended with ${first.code}: ${first.err}`],
    [again.code !== 0, () => `the run again ended with ${again.code}: ${again.out}${again.err}`],
    [alone && writes.length > 0, () => `it said that all is done, and this was left: ${writes}`],
    [lost.length > 0, () => `lost: ${lost}`],
    [duplicates.length > 0, () => `twice: ${duplicates}`],
    [leaks.length > 0, () => `a value or a token in ${leaks}`],
    [story.sandbox.errors.length > 0, () => `the sandbox broke: ${story.sandbox.errors}`],
    [!equal, () => `the world is another: ${difference(world, worldOf(story))}`],
  ];
  return wrong.filter(([is]) => is).map(([, said]) => said());
}

/** Done; failed; the sign-in; a right; timed out; interrupted. */
const ENDS: ReadonlySet<number | string> = new Set([0, 1, 5, 6, 124, 130, 'SIGKILL']);

const writesOf = ({ writes }: Ran, always: RegExp | undefined) =>
  writes.filter(({ path }) => !always?.test(path)).map(line);
const line = ({ method, host, path }: LogEntry) => `${method} ${host}${path}`;
const textsOf = (which: string, { out, err }: Pick<Ran, 'out' | 'err'>) => ({
  [`standard output, ${which}`]: out,
  [`standard error, ${which}`]: err,
});

/** How two worlds differ: lists of things have no order. */
function difference(wanted: unknown, found: unknown, path = ''): string | undefined {
  if (JSON.stringify(wanted) === JSON.stringify(found)) return undefined;
  if (Array.isArray(wanted) && Array.isArray(found)) {
    const only = (some: readonly unknown[], others: readonly unknown[]) => {
      const texts = others.map((one) => JSON.stringify(one));
      return some.filter((one) => !texts.includes(JSON.stringify(one)));
    };
    const [more, less] = [only(found, wanted), only(wanted, found)];
    if (more.length === 1 && less.length === 1) return difference(less[0], more[0], `${path}/${nameOf(more[0])}`);
    return `${path} has ${more.map(nameOf)} more and ${less.map(nameOf)} less`;
  }
  if (!isRecord(wanted) || !isRecord(found))
    return `${path} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
  const keys = [...new Set([...Object.keys(wanted), ...Object.keys(found)])];
  return keys.map((key) => difference(wanted[key], found[key], `${path}/${key}`)).find(Boolean);
}
function nameOf(thing: unknown): string {
  const { kind, name, metadata } = (isRecord(thing) ? thing : {}) as Record<string, unknown>;
  return `${kind ?? ''} ${name ?? (metadata as { name?: string })?.name ?? JSON.stringify(thing).slice(0, 300)}`;
}
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Side by side, a few at a time. */
export async function eachOf<T>(all: readonly T[], lanes: number, work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const lane = async () => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
