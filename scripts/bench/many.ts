/** Many workloads in one file: what each more costs, and what a service that allows so many a second makes of it. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { published } from '../../src/azure/rates.ts';
import type { LogEntry } from '../../src/sandbox/index.ts';
import { bundle } from '../build.ts';
import type { Took } from './child.ts';
import { type Figure, figures, missedOf, type Section, table, times } from './section.ts';
import { outputOf } from './turns.ts';
import { begin, DEMO, type World } from './world.ts';

const SIZES = [1, 10, 100, 500] as const;
/** Workloads under Azure's rates: enough to meet every one of them. */
const THROTTLED = 500;
const REFUSED = 100;
const RUNS = ['plan', 'init', 'init again', 'verify'] as const;

interface Measured extends Took {
  readonly size: number;
  readonly run: (typeof RUNS)[number];
  readonly requests: readonly LogEntry[];
}

export async function manyWorkloads(): Promise<Section> {
  const measured = await apart();
  const of = (run: string, size: number) => measured.find((one) => one.run === run && one.size === size)!;
  const list: Figure[] = [
    { what: 'memory at 500', is: '', target: 300, ...largest(measured) },
    {
      what: 'a plan of 500',
      is: `${of('plan', 500).seconds.toFixed(1)} s`,
      value: of('plan', 500).seconds,
      target: 10,
      note: 'real time, in a process of its own',
    },
    ...RUNS.map((run): Figure => {
      const each = (from: number, to: number) => (of(run, to).cpuSeconds - of(run, from).cpuSeconds) / (to - from);
      const growth = each(100, 500) / each(10, 100);
      return {
        what: `growth of ${run}`,
        ...{ is: times(growth), value: growth, target: 1.2 },
        note: 'processor time of a workload between 100 and 500, against one between 10 and 100',
      };
    }),
    ...RUNS.map((run): Figure => {
      const twice = readTwice(of(run, 500).requests);
      return {
        what: `read twice in ${run} of 500`,
        ...{ is: String(twice), value: twice, target: 0 },
        note: run === 'init' ? 'before anything is written' : '',
      };
    }),
    ...(await underRates()),
    ...(await refused()),
  ];
  const missed = missedOf(list);
  return {
    name: 'many',
    missed,
    markdown: [
      '## Many workloads in one file',
      'By the CSI driver, over ten namespaces, with two secrets of one vault. The bundled program in a process of its own, signed in by a federated token, through a proxy; what would be waiting takes no time.',
      table(
        ['run', 'workloads', 'requests', 'each', 'seconds', 'of the processor', 'memory'],
        measured.map(({ run, size, requests, seconds, cpuSeconds, memory }) => [
          ...[run, String(size), String(requests.length), (requests.length / size).toFixed(1)],
          ...[seconds.toFixed(1), cpuSeconds.toFixed(1), `${memory.toFixed(0)} MiB`],
        ]),
      ),
      figures(list),
    ].join('\n\n'),
  };
}

const largest = (measured: readonly Measured[]): Partial<Figure> => {
  const most = measured.toSorted((a, b) => b.memory - a.memory)[0]!;
  return { is: `${most.memory.toFixed(0)} MiB`, value: most.memory, note: `the most of all runs: ${most.run}` };
};

/** What a person would write by hand, `size` times. */
function fileOf(folder: string, size: number): string {
  const lines = Array.from(
    { length: size },
    (_, at) => `  - { name: w${at}, namespace: ns${at % 10}, method: csi, secrets: [db-password, api-key] }`,
  );
  const file = join(folder, `${size}.yaml`);
  writeFileSync(
    file,
    `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
${lines.join('\n')}
`,
  );
  return file;
}

/** A world whose cluster has the driver, so that no operation of minutes is in what follows. */
async function prepared(settings: Parameters<typeof begin>[0] = {}): Promise<World> {
  const world = await begin(settings);
  await world.run(`init --method csi ${DEMO} --workload first --namespace first --yes --allow cluster,irreversible`);
  return world;
}

async function apart(): Promise<readonly Measured[]> {
  const home = mkdtempSync(join(tmpdir(), 'aks-secrets-bench-'));
  const measured: Measured[] = [];
  try {
    await bundle(join(home, 'dist'), { child: 'scripts/bench/child.ts' });
    cpSync(join(import.meta.dirname, '../../templates'), join(home, 'templates'), { recursive: true });
    for (const size of SIZES) {
      const world = await prepared();
      try {
        const env = await world.signedIn();
        const file = fileOf(world.folder, size);
        for (const run of RUNS) {
          const mark = world.sandbox.log.mark();
          const more = { plan: [], init: ['--yes'], 'init again': ['--yes'], verify: ['-o', 'short'] }[run];
          const args = [join(home, 'dist', 'child.js'), run.split(' ')[0]!, '-f', file, ...more];
          const took = JSON.parse(await outputOf({ file: process.execPath, args, env, cwd: world.folder })) as Took;
          if (took.code !== 0) throw new Error(`${run} of ${size} ended with ${took.code}:\n${took.err}`);
          measured.push({ ...took, size, run, requests: world.requestsSince(mark) });
        }
      } finally {
        await world.close();
      }
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  return measured;
}

/** Reads of the same thing before anything is written: what several need is read once for all. */
function readTwice(requests: readonly LogEntry[]): number {
  const write = requests.findIndex(({ kind }) => kind === 'write');
  // Not the proof: each workload reads by a token of its own.
  const looks = requests
    .slice(0, write < 0 ? undefined : write)
    .filter(({ kind, path }) => kind === 'read' && !/\/0{32}$/.test(path));
  return looks.length - new Set(looks.map(({ host, path, query }) => `${host}${path}?${query}`)).size;
}

/** Under the rates that Azure publishes, on simulated time. */
async function underRates(): Promise<readonly Figure[]> {
  const world = await prepared({ throttle: true });
  try {
    const file = fileOf(world.folder, THROTTLED);
    const list: Figure[] = [];
    for (const run of ['init', 'init again']) {
      const { simulated, requests } = await world.run(`init -f ${file} --yes`);
      const least = leastSeconds(requests);
      const ratio = simulated / 1000 / least;
      const twice = refusedTwice(requests);
      const refusals = requests.filter(({ status }) => status === 429).length;
      list.push(
        {
          what: `${run} of ${THROTTLED} under Azure's rates`,
          ...{ is: `${times(ratio)} (${(simulated / 1000).toFixed(0)} s)`, value: ratio, target: 1.2 },
          note: `against requests over rate, ${least.toFixed(0)} s; on simulated time; ${refusals} of ${requests.length} refused`,
        },
        { what: `${run}: refused twice`, is: String(twice), value: twice, target: 0 },
      );
    }
    return list;
  } finally {
    await world.close();
  }
}

/**
 * Seconds that these requests take at least at the published rates: looks and changes one after the other, as nothing is
 * changed before all is looked at; in each the rate that allows the least.
 */
function leastSeconds(requests: readonly LogEntry[]): number {
  const first = requests.findIndex(({ kind }) => kind === 'write');
  const split = first < 0 ? requests.length : first;
  return [requests.slice(0, split), requests.slice(split)].reduce((sum, phase) => {
    const buckets = new Map<string, { count: number; burst: number; perSecond: number }>();
    for (const { method, host, path, status } of phase) {
      if (status === 429) continue;
      for (const { key, burst, perSecond } of published(method, new URL(`https://${host}${encodeURI(path)}`))) {
        buckets.set(key, { burst, perSecond, count: (buckets.get(key)?.count ?? 0) + 1 });
      }
    }
    const waits = [...buckets.values()].map(({ count, burst, perSecond }) => (count - burst) / perSecond);
    return sum + Math.max(0, ...waits);
  }, 0);
}

function refusedTwice(requests: readonly LogEntry[]): number {
  const times = new Map<string, number>();
  for (const { method, host, path, status } of requests) {
    const what = `${method} ${host}${path}`;
    if (status === 429) times.set(what, (times.get(what) ?? 0) + 1);
  }
  return [...times.values()].filter((count) => count > 1).length;
}

/** A service that asks for a pause, although everybody kept to its rates: others use it too. */
async function refused(): Promise<readonly Figure[]> {
  const world = await prepared();
  try {
    const file = fileOf(world.folder, REFUSED);
    await world.run(`init -f ${file} --yes`);
    const pause = 7;
    const reply = {
      status: 429,
      headers: { 'retry-after': String(pause) },
      body: { error: { code: 'TooManyRequests' } },
    };
    const path = /\/federatedIdentityCredentials$/i;
    const stop = world.sandbox.faults.failAt({ host: 'management.azure.com', path, outside: true }, reply, 20);
    const { requests } = await world.run(`init -f ${file} --yes`);
    stop();
    const lists = requests.filter((entry) => path.test(entry.path));
    const firstAt = Date.parse(lists.find(({ status }) => status === 429)!.at);
    const early = lists.filter(({ at }) => Date.parse(at) > firstAt && Date.parse(at) < firstAt + pause * 1000).length;
    return [
      {
        what: `sent while told to wait ${pause} s`,
        ...{ is: String(early), value: early, target: 15 },
        note: `of ${lists.length}; those that were on their way when the first was refused (16 at a time)`,
      },
      {
        what: 'requests more, for 20 refusals',
        ...{ is: String(lists.length - REFUSED), value: lists.length - REFUSED, target: 20 },
        note: 'each is sent once more, and none besides',
      },
    ];
  } finally {
    await world.close();
  }
}
