/** The same wiring by hand: scripts after the steps of the usual guides, through the real `az` and `kubectl`. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putAssignment } from '../../src/sandbox/world/put.ts';
import { ship } from '../pack.ts';
import { METHODS, type Method } from './floor.ts';
import { pathOf, versionOf } from './others.ts';
import { median, type Section, table } from './section.ts';
import { type Ended, ended, outputOf, type Program } from './turns.ts';
import { begin, DEMO, PIPELINE, type World } from './world.ts';

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
        const both = await beside(world, method, home, counting);
        for (const run of ['fresh', 'again'] as const) {
          const [theirs, ours] = await both(run);
          rows.push(row(method, run, theirs, ours));
        }
        if (method === 'workload-identity') {
          onlyContributor(world);
          const [theirs, ours] = await both('not allowed');
          rows.push(row(method, 'without the right to grant', theirs, ours));
        }
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

type Run = 'fresh' | 'again' | 'not allowed';
type Both = readonly [theirs: readonly Done[], ours: readonly Done[]];

async function beside(
  world: World,
  method: Method,
  home: string,
  counting: Counting,
): Promise<(run: Run) => Promise<Both>> {
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

  const cli = join(home, 'package', 'dist', 'cli.js');
  return async (run) => {
    const [theirs, ours]: [Done[], Done[]] = [[], []];
    // What is not allowed is tried once: the scripts wait and try again.
    for (let turn = 0; turn < (run === 'not allowed' ? 1 : TURNS); turn += 1) {
      const place = run === 'not allowed' ? 'refused' : String(turn);
      const scripts = ['identity', method].map(
        (name): Program => ({
          file: 'bash',
          args: [join(home, 'guides', `${name}.sh`)],
          env: { ...byHand, ...namesOf(`theirs-${place}`) },
        }),
      );
      theirs.push(await measured(world, scripts, counting));
      const words = `init --method ${method} ${DEMO} --workload orders --namespace ours-${place} --yes`.split(' ');
      ours.push(await measured(world, [{ file: process.execPath, args: [cli, ...words], env: signedIn }]));
    }
    return [theirs, ours];
  };
}

/** Who may make everything and grant nothing, as many a pipeline. */
function onlyContributor({ sandbox: { place, parts } }: World): void {
  const own = Object.entries(place.slice.assignments).filter(
    ([, { resource }]) =>
      resource.properties.principalId === PIPELINE &&
      resource.properties.scope === `/subscriptions/${place.subscriptionId}`,
  );
  for (const [id] of own) delete place.slice.assignments[id];
  for (const role of ['Contributor', 'Key Vault Secrets Officer'])
    putAssignment(place, role, PIPELINE, `/subscriptions/${place.subscriptionId}`);
  parts.save();
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
  return [method, run, ...cells(theirs), ...cells(ours), `${ratio.toFixed(0)} times`];
}
