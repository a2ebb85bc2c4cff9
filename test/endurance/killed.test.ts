import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { begin, type Story } from '../stories/harness.ts';
import { eachOf, judged, type Known, undisturbed } from './judge.ts';
import { type Ended, launch } from './process.ts';
import { CSI, DAPR, NEW_VAULT, type Scenario, WORKLOAD_IDENTITY } from './scenarios.ts';
import { ALL } from './tally.ts';

type Signal = 'SIGKILL' | 'SIGINT';
const SIGNALS: readonly Signal[] = ['SIGKILL', 'SIGINT'];
/** Places of a run, evenly spread. */
const PLACES = ALL ? 24 : 8;

/** In a process of its own there is no clock to jump: what takes time in the world takes this long. */
const SETTINGS = { replication: 0, operation: 150, latency: 4 };
/** A process has the sandbox's own defaults, with the sample. */
const saving = ({ words, more, ...rest }: Scenario): Scenario => ({
  ...rest,
  words: `${words} --save saved.yaml`,
  ...(more?.env && { more: { env: more.env } }),
});

describe('killed at places of its requests, in a world that goes on', () => {
  it.each([CSI, WORKLOAD_IDENTITY, NEW_VAULT].map(saving))('$name', async (scenario) => {
    const against = await undisturbed(scenario);
    const wrong: string[] = [];
    const cases = SIGNALS.flatMap((signal) =>
      Array.from({ length: PLACES }, (_, at) => ({
        signal,
        after: Math.round(((at + 0.5) / PLACES) * against.requests.length),
      })),
    );
    await eachOf(cases, 2, async ({ signal, after }) => {
      const story = await begin({ settings: SETTINGS }, await scenario.from());
      try {
        const first = await killedAfter(story, scenario, after, signal);
        const known: Known = { part: 'killed', run: scenario.name, what: signal };
        const found = [...endedWell(first, signal), ...savedWell(story.folder)];
        found.push(...(await judged(story, scenario, against, first, known)));
        found.push(...savedWell(story.folder));
        wrong.push(...found.map((said) => `${signal} after ${after} requests: ${said}`));
      } finally {
        await story.close();
      }
    });
    expect(wrong).toEqual([]);
  });
});

/** Sends the signal as soon as so many requests have been answered. */
async function killedAfter(story: Story, { words }: Scenario, after: number, signal: Signal): Promise<Ended> {
  const { child, ended } = launch(`${words} -v`, story.folder);
  const watch = setInterval(() => {
    if (
      story.sandbox.log.entries.filter(({ via, userAgent }) => via === 'proxy' && !/^sandbox-pod/.test(userAgent))
        .length < after
    )
      return;
    clearInterval(watch);
    child.kill(signal);
  }, 1);
  return ended.finally(() => clearInterval(watch));
}

function endedWell({ code, err }: Ended, signal: Signal): string[] {
  // Who was done before the signal came has ended by himself.
  if (code === 0 || (signal === 'SIGKILL' && code === 'SIGKILL')) return [];
  if (code !== 130) return [`ended with ${code}: ${err}`];
  return /aks-secrets init .*--method/.test(err) ? [] : [`130 without the line to run again: ${err}`];
}

/** A file that was asked for is whole or not there, and is for everybody to read. */
function savedWell(folder: string): string[] {
  const file = join(folder, 'saved.yaml');
  if (!existsSync(file)) return [];
  const { apiVersion, workloads } = parse(readFileSync(file, 'utf8')) as { apiVersion?: string; workloads?: unknown[] };
  const mode = (statSync(file).mode & 0o777).toString(8);
  return apiVersion === 'aks-secrets/v1' && workloads?.length === 1 && mode === '644'
    ? []
    : [`saved.yaml is not whole, or of mode ${mode}`];
}

describe('killed together with the world that it runs in', () => {
  it.each([CSI, DAPR])('$name', async (scenario) => {
    const against = await undisturbed(scenario);
    const wrong: string[] = [];
    const whole = await begin({}, await scenario.from());
    await whole.sandbox.close();
    const began = performance.now();
    expect((await launch(scenario.words, whole.folder).ended).code).toBe(0);
    const takes = performance.now() - began;
    await whole.close();
    const cases = SIGNALS.flatMap((signal) =>
      Array.from({ length: PLACES }, (_, at) => ({ signal, part: (at + 0.5) / PLACES })),
    );
    await eachOf(cases, 2, async ({ signal, part }) => {
      const story = await begin({}, await scenario.from());
      await story.sandbox.close();
      const { child, ended } = launch(`${scenario.words} -v`, story.folder);
      const timer = setTimeout(() => child.kill(signal), takes * part);
      const first = await ended.finally(() => clearTimeout(timer));
      const again = await launch(scenario.words, story.folder).ended;
      const left = await begin({}, join(story.folder, 'sandbox'));
      try {
        const known: Known = { part: 'killed', run: `${scenario.name}, with its world`, what: signal };
        const found = endedWell(first, signal);
        if (again.code !== 0) found.push(`the run again ended with ${again.code}: ${again.err}`);
        found.push(...privateFiles(join(story.folder, 'sandbox')));
        found.push(...(await judged(left, scenario, against, first, known)));
        wrong.push(...found.map((said) => `${signal} at ${part}: ${said}`));
      } finally {
        await left.close();
        await story.close();
      }
    });
    expect(wrong).toEqual([]);
  });
});

/** What the sandbox keeps holds values, and is for its owner alone. */
function privateFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !OTHERS.has(entry.name))
    .flatMap(({ parentPath, name }) => {
      const mode = statSync(join(parentPath, name)).mode & 0o777;
      return mode & 0o077 ? [`${name} is of mode ${mode.toString(8)}`] : [];
    });
}
/** What a pod's script writes is the script's. */
const OTHERS = new Set(['ready']);
