/** The same wiring by hand: scripts after the steps of the usual guides, through the real `az` and `kubectl`. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ship } from '../pack.ts';
import { METHODS, type Method } from './floor.ts';
import { pathOf, versionOf } from './others.ts';
import { median, type Section, table } from './section.ts';
import { type Ended, ended, outputOf, type Program } from './turns.ts';
import { begin, DEMO, type World } from './world.ts';

/** Milliseconds that every answer takes: what Resource Manager is at its best. */
const LATENCY = 100;
const TURNS = 3;

interface Done {
  readonly time: number;
  readonly processes: number;
  readonly requests: number;
  readonly codes: readonly number[];
}

export async function sideBySide(): Promise<Section> {
  const title = '## Side by side with scripts of guides';
  const [az, kubectl] = [pathOf('az'), pathOf('kubectl')];
  if (!az || !kubectl) {
    return { name: 'guides', missed: [], markdown: `${title}\n\nNot measured: \`az\` and \`kubectl\` are not here.` };
  }
  const home = mkdtempSync(join(tmpdir(), 'aks-secrets-bench-'));
  try {
    await ship(join(home, 'package'));
    cpSync(join(import.meta.dirname, 'guides'), join(home, 'guides'), { recursive: true });
    const counting = counters(home, { az, kubectl });
    const rows: (readonly string[])[] = [];
    for (const method of METHODS) {
      const world = await begin({ latency: LATENCY }, { realClock: true });
      try {
        const { theirs, ours } = await beside(world, method, home, counting);
        for (const run of ['fresh', 'again'] as const) rows.push(row(method, run, theirs[run], ours[run]));
      } finally {
        await world.close();
      }
    }
    return {
      name: 'guides',
      missed: [],
      markdown: [
        title,
        `One workload and two secrets on a cluster that has what the method needs, wired by scripts after the steps of the usual guides (\`scripts/bench/guides/\`) through the real az ${versionOf('az')} and kubectl ${versionOf('kubectl')}, and by \`aks-secrets init\`, against the same sandbox, whose answers take ${LATENCY} ms. Medians of ${TURNS}, each for a workload of its own. az is signed in beforehand, and its requests for tokens count on both sides. The scripts end when the last object is made; \`init\` has then also shown that the pod's identity reads both secrets.`,
        table(
          [
            'method',
            'run',
            'processes',
            'requests',
            'time',
            'exit codes',
            'ours: processes',
            'requests',
            'time',
            'exit codes',
            'faster',
          ],
          rows,
        ),
      ].join('\n\n'),
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

type Both = Readonly<Record<'fresh' | 'again', readonly Done[]>>;

async function beside(
  world: World,
  method: Method,
  home: string,
  counting: Counting,
): Promise<{ readonly theirs: Both; readonly ours: Both }> {
  world.sandbox.settings.latency = 0;
  await world.run(
    `init --method ${method} ${DEMO} --workload first --namespace first --yes --allow cluster,irreversible,install`,
  );
  const signedIn = await world.signedIn();
  const byHand = { ...signedIn, PATH: `${counting.folder}:${signedIn.PATH}`, AZURE_CORE_COLLECT_TELEMETRY: 'false' };
  const token = readFileSync(signedIn.AZURE_FEDERATED_TOKEN_FILE!, 'utf8');
  const login = ['login', '--service-principal', '--username', signedIn.AZURE_CLIENT_ID!];
  const where = ['--tenant', signedIn.AZURE_TENANT_ID!, '--federated-token', token];
  await outputOf({ file: pathOf('az')!, args: [...login, ...where], env: byHand });
  world.sandbox.settings.latency = LATENCY;

  const [theirs, ours] = [0, 1].map(() => ({ fresh: [] as Done[], again: [] as Done[] }));
  const cli = join(home, 'package', 'dist', 'cli.js');
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const run of ['fresh', 'again'] as const) {
      const scripts = ['identity', method].map(
        (name): Program => ({
          file: 'bash',
          args: [join(home, 'guides', `${name}.sh`)],
          env: { ...byHand, ...namesOf(`theirs-${turn}`) },
        }),
      );
      theirs![run].push(await measured(world, scripts, counting));
      const words = `init --method ${method} ${DEMO} --workload orders --namespace ours-${turn} --yes`.split(' ');
      ours![run].push(await measured(world, [{ file: process.execPath, args: [cli, ...words], env: signedIn }]));
    }
  }
  return { theirs: theirs!, ours: ours! };
}

const namesOf = (namespace: string): NodeJS.ProcessEnv => ({
  ...{ GROUP: 'demo-rg', LOCATION: 'westeurope', CLUSTER: 'demo-aks', VAULT: 'demo-kv' },
  ...{ NAMESPACE: namespace, ACCOUNT: 'orders', IDENTITY: `${namespace}-id`, CREDENTIAL: `${namespace}-trust` },
});

async function measured(world: World, programs: readonly Program[], counting?: Counting): Promise<Done> {
  const mark = world.sandbox.log.mark();
  counting?.reset();
  const began = performance.now();
  const all: Ended[] = [];
  for (const program of programs) all.push(await ended(program));
  return {
    time: performance.now() - began,
    processes: counting?.count() ?? programs.length,
    requests: world.requestsSince(mark).length,
    codes: all.map(({ code }) => code),
  };
}

interface Counting {
  readonly folder: string;
  reset(): void;
  count(): number;
}

/** Launchers of these names that write a line and become the program. */
function counters(home: string, programs: Readonly<Record<string, string>>): Counting {
  const folder = join(home, 'bin');
  const list = join(home, 'launches');
  mkdirSync(folder);
  for (const [name, path] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} >>'${list}'\nexec '${path}' "$@"\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return {
    folder,
    reset: () => writeFileSync(list, ''),
    count: () => readFileSync(list, 'utf8').split('\n').length - 1,
  };
}

function row(method: Method, run: string, theirs: readonly Done[], ours: readonly Done[]): readonly string[] {
  const cells = (all: readonly Done[]) => [
    String(median(all.map(({ processes }) => processes))),
    String(median(all.map(({ requests }) => requests))),
    `${(median(all.map(({ time }) => time)) / 1000).toFixed(1)} s`,
    [...new Set(all.flatMap(({ codes }) => codes))].join(', '),
  ];
  const ratio = median(theirs.map(({ time }, turn) => time / ours[turn]!.time));
  return [method, run === 'fresh' ? 'fresh' : 'again', ...cells(theirs), ...cells(ours), `${ratio.toFixed(0)} times`];
}
