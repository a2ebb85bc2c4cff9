/**
 * Measures what the program promises about speed, as ratios from one run on one machine (`npm run bench`, `--json` for a
 * document). Exits 1 when a target is missed.
 *
 * 1. **Start**: the built `--help` against `node -e 0`, the same binary, turn by turn; medians. Target: at most 1.3.
 * 2. **Run**: the time of `init` and of `init` again on the sandbox, when every answer takes 200 ms, against the critical
 *    path of the requests that were made. Target: at most 1.25. What is compared:
 *    - The critical path is that of the *dependencies*, not of what happened to be done one after the other. `STAGES` below
 *      says which request can only be made after which (nothing is changed before all is looked at; a role names an
 *      identity; a manifest names its client id; ...). Requests of one stage could all be made at once and count once, but
 *      for the same request made again, which only makes sense after its first answer (a long operation's state, a thing
 *      that has not arrived yet). So requests made in sequence without need show as a ratio above 1.
 *    - Replication and long operations are set to take no time: what is measured is the program, and the sandbox's clock,
 *      which skips waiting, would put looks that wait side by side one after the other.
 *    - The program runs in this process, once beforehand: loading the SDKs is not in it. The sandbox's own work (it computes
 *      all answers, and runs the sample's script) is in it, on our side.
 * 3. **Requests**: their number against the floor: one read for each thing, one write for each that differs, the proof (a
 *    token, its exchange, and the vault once for each secret), and one for the cluster's credentials. Not counted, as the
 *    world sets their number: looking again at what was written until it is as wanted, a proof that is not yet possible,
 *    and reading the outcome of the sample; how many these were stands in the last column. Target: the floor.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { main } from '../src/main.ts';
import { type LogEntry, openSandbox, type Sandbox } from '../src/sandbox/index.ts';
import { ship } from './build.ts';

const LATENCY = 200;
const METHODS = ['workload-identity', 'csi'];

interface Stage {
  readonly name: string;
  /** `changing`: something was written before. The first stage that takes a request has it. */
  readonly takes: (entry: LogEntry, changing: boolean) => boolean;
  readonly after: readonly string[];
  /** Its requests could all be made at once, and each once. */
  readonly looks?: true;
  /** All its requests are about one thing, and come one after the other. Else: those of one path do. */
  readonly one?: true;
}

const at = (host: RegExp, path: RegExp) => (entry: LogEntry) => host.test(entry.host) && path.test(entry.path);
const ARM = /^management\./;
const VAULT = /\.vault\./;
const CLUSTER = /\.azmk8s\.io$/;
const PODS = at(CLUSTER, /\/pods$/);
const LOOKED = ['look at Azure', 'look at the cluster'];

/** Which requests there are, and after which others they can be made. */
const STAGES: readonly Stage[] = [
  { name: 'credentials', takes: at(ARM, /\/listClusterUserCredential$/i), after: [], looks: true },
  {
    name: 'token',
    takes: at(CLUSTER, /\/serviceaccounts\/[^/]+\/token$/),
    after: ['manifests', 'credential', 'access', 'look at the cluster'],
  },
  { name: 'exchange', takes: at(/^login\./, /\/token$/), after: ['token'] },
  { name: 'proof', takes: at(VAULT, /^\/secrets\/[^/]+\/0{32}/), after: ['exchange'] },
  { name: 'sample', takes: at(CLUSTER, /\/pods\/[^/]+\/log$/), after: ['deployment', 'pods'] },
  { name: 'pods', takes: (entry, changing) => !changing && PODS(entry), after: ['look at the cluster'], looks: true },
  {
    name: 'look at the cluster',
    takes: (entry, changing) => !changing && at(CLUSTER, /./)(entry) && entry.kind === 'read',
    after: ['credentials'],
    looks: true,
  },
  { name: 'look at Azure', takes: (entry, changing) => !changing && entry.kind === 'read', after: [], looks: true },
  { name: 'credential', takes: at(ARM, /\/federatedIdentityCredentials/i), after: ['identity', 'cluster'], one: true },
  { name: 'identity', takes: at(ARM, /\/userAssignedIdentities\//i), after: LOOKED, one: true },
  { name: 'access', takes: at(ARM, /\/(roleAssignments|accessPolicies)/i), after: ['identity'], one: true },
  {
    name: 'cluster',
    takes: at(ARM, /\/managedClusters\/|\/Microsoft\.ContainerService\/locations\//i),
    after: LOOKED,
    one: true,
  },
  { name: 'secrets', takes: at(VAULT, /^\/secrets\//), after: LOOKED },
  { name: 'namespace', takes: at(CLUSTER, /^\/api\/v1\/namespaces\/[^/]+$/), after: LOOKED },
  { name: 'events', takes: at(CLUSTER, /\/events$/), after: ['manifests'], looks: true },
  // The sample is deployed once access is proven. A look at what is not ready asks for it, then for its pods.
  {
    name: 'deployment',
    takes: (entry) => at(CLUSTER, /\/deployments\//)(entry) || PODS(entry),
    after: ['manifests', 'driver', 'proof', 'secrets'],
    one: true,
  },
  { name: 'driver', takes: at(CLUSTER, /\/(csidrivers|mutatingwebhookconfigurations)\b/), after: ['cluster'] },
  { name: 'manifests', takes: at(CLUSTER, /./), after: ['namespace', 'identity', 'cluster'] },
];

/** The critical path, as a number of requests one after the other. */
function criticalPath(entries: readonly LogEntry[]): number {
  const firstWrite = entries.findIndex(({ kind }) => kind === 'write');
  const chains = new Map<string, Map<string, number>>();
  entries.forEach((entry, index) => {
    const changing = firstWrite >= 0 && index >= firstWrite;
    const stage = STAGES.find(({ takes }) => takes(entry, changing));
    if (!stage) throw new Error(`no stage takes ${entry.method} ${entry.host}${entry.path}`);
    const subjects = chains.get(stage.name) ?? new Map<string, number>();
    const subject = stage.one ? '' : entry.path;
    // What is only looked at need not be looked at twice.
    subjects.set(subject, stage.looks ? 1 : (subjects.get(subject) ?? 0) + 1);
    chains.set(stage.name, subjects);
  });
  const ends = new Map<string, number>();
  const endOf = (name: string): number => {
    const known = ends.get(name);
    if (known !== undefined) return known;
    const own = chains.get(name);
    const { after } = STAGES.find((stage) => stage.name === name)!;
    // A stage that this run did not have keeps nobody waiting.
    const end = own ? Math.max(0, ...after.map(endOf)) + Math.max(...own.values()) : 0;
    ends.set(name, end);
    return end;
  };
  return Math.max(...STAGES.map(({ name }) => endOf(name)));
}

/** The things that a run is about, how their reading is known, and whether the first run must write them. */
interface Thing {
  readonly name: string;
  readonly read: (entry: LogEntry) => boolean;
  readonly written: boolean;
}
const thing = (name: string, host: RegExp, path: RegExp, written = true): Thing => ({
  name,
  read: at(host, path),
  written,
});

/** The demo workload: two secrets, and the sample that reads them. */
const THINGS: readonly Thing[] = [
  thing('subscription', ARM, /^\/subscriptions\/[^/]+$/, false),
  thing('cluster', ARM, /\/managedClusters\/[^/]+$/i),
  thing('vault', ARM, /\/vaults\/[^/]+$/i, false),
  thing('identity', ARM, /\/userAssignedIdentities\/[^/]+$/i),
  thing('credential', ARM, /\/federatedIdentityCredentials$/i),
  thing('role', ARM, /\/roleAssignments$/i),
  thing('secrets', VAULT, /^\/secrets$/, false),
  thing('namespace', CLUSTER, /\/namespaces\/[^/]+$/),
  thing('ServiceAccount', CLUSTER, /\/serviceaccounts\/[^/]+$/),
  thing('ConfigMap', CLUSTER, /\/configmaps\/[^/]+$/),
  thing('Deployment', CLUSTER, /\/deployments\/[^/]+$/),
];
const MORE: Readonly<Record<string, readonly Thing[]>> = {
  'workload-identity': [thing('webhook', CLUSTER, /\/mutatingwebhookconfigurations\//, false)],
  csi: [
    thing('driver', CLUSTER, /\/csidrivers\//, false),
    thing('SecretProviderClass', CLUSTER, /\/secretproviderclasses\/[^/]+$/),
  ],
};
/** An identity that exists proves that its provider is registered; for one that is to be made that is looked at. */
const FIRST: readonly Thing[] = [thing('provider', ARM, /\/providers\/Microsoft\.ManagedIdentity$/, false)];
/** The proof (a token, its exchange, the vault for each of the two secrets), and the cluster's credentials. */
const PROOF_AND_CREDENTIALS = 2 + 2 + 1;

/** Requests that are not in the floor: a long operation's state, what is asked again after a write, the sample's outcome. */
function apart(entries: readonly LogEntry[]): Set<LogEntry> {
  const firstWrite = entries.findIndex(({ kind }) => kind === 'write');
  const seen = new Set<string>();
  return new Set(
    entries.filter((entry, index) => {
      const request = `${entry.method} ${entry.host}${entry.path}${entry.kind === 'token' ? '' : entry.query}`;
      const again = firstWrite >= 0 && index > firstWrite && seen.has(request);
      seen.add(request);
      return again || at(ARM, /\/operation(s|results)\//i)(entry) || at(CLUSTER, /\/(pods|events)\b/)(entry);
    }),
  );
}

/** One row of the table. */
interface Row {
  readonly what: string;
  readonly is: number;
  readonly against: number;
  readonly unit: 'ms' | 'requests';
  readonly target: number;
  readonly note?: string;
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

async function start(folder: string): Promise<Row> {
  await ship(folder);
  const cli = join(folder, 'dist', 'cli.js');
  const env = { PATH: process.env.PATH, HOME: folder };
  const timed = (argv: readonly string[]): number => {
    const begun = performance.now();
    execFileSync(process.execPath, argv, { cwd: folder, env, stdio: 'ignore' });
    return performance.now() - begun;
  };
  const help: number[] = [];
  const bare: number[] = [];
  timed([cli, '--help']); // fills node's compile cache, as any first use does
  for (let turn = 0; turn < 31; turn += 1) {
    bare.push(timed(['-e', '0']));
    help.push(timed([cli, '--help']));
  }
  return { what: '--help against bare node', is: median(help), against: median(bare), unit: 'ms', target: 1.3 };
}

/** Runs `init` on the sandbox of the folder: how long it took, and the program's own requests. */
async function init(method: string, folder: string, sandbox: Sandbox) {
  const mark = sandbox.log.mark();
  const said: string[] = [];
  const stream = { write: (text: string) => said.push(text), isTTY: false };
  const begun = performance.now();
  const exitCode = await main(['init', '--sandbox', '--method', method, '--yes'], {
    stdin: Object.assign(Readable.from([]), { isTTY: false }),
    stdout: stream,
    stderr: stream,
    env: { PATH: process.env.PATH, AKS_SECRETS_SANDBOX_DIR: sandboxIn(folder) },
    cwd: folder,
    signal: new AbortController().signal,
  });
  const milliseconds = performance.now() - begun;
  if (exitCode !== 0) throw new Error(`init --method ${method} ended with ${exitCode}:\n${said.join('')}`);
  return { milliseconds, entries: sandbox.log.since(mark).filter(isOurs) };
}

/** Neither one part of the sandbox asking another, nor the sample's script. */
const isOurs = ({ via, userAgent }: LogEntry) => via !== 'inside' && !userAgent.startsWith('sandbox-pod/');
const sandboxIn = (folder: string) => join(folder, 'sandbox');

async function runs(method: string, latency: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'aks-secrets-bench-'));
  const sandbox = await openSandbox({ dir: sandboxIn(folder), settings: { latency, replication: 0, operation: 0 } });
  try {
    const rows: Row[] = [];
    for (const run of ['first', 'again']) {
      const { milliseconds, entries } = await init(method, folder, sandbox);
      const path = criticalPath(entries);
      const things = [...THINGS, ...(MORE[method] ?? []), ...(run === 'first' ? FIRST : [])];
      const written = run === 'first' ? things.filter((one) => one.written) : [];
      const floor = things.length + written.length + PROOF_AND_CREDENTIALS;
      const left = apart(entries);
      const counted = entries.filter((entry) => !left.has(entry));
      const what = `init --method ${method}, ${run} run`;
      rows.push(
        { what, is: milliseconds, against: path * latency, unit: 'ms', target: 1.25, note: `${path} in a row` },
        { what, is: counted.length, against: floor, unit: 'requests', target: 1, note: noteOf(counted, left, things) },
      );
    }
    return rows;
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What else was asked, and what of the floor was read more than once or not at all. */
function noteOf(counted: readonly LogEntry[], left: ReadonlySet<LogEntry>, things: readonly Thing[]): string {
  const reads = counted.filter(({ kind }) => kind === 'read');
  const odd = things
    .map(({ name, read }) => ({ name, times: reads.filter(read).length }))
    .filter(({ times }) => times !== 1)
    .map(({ name, times }) => `${name} read ${times} times`);
  const proof = STAGES.find(({ name }) => name === 'proof')!;
  const unknown = reads
    .filter((entry) => !things.some(({ read }) => read(entry)) && !proof.takes(entry, false))
    .map(({ method, path }) => `${method} ${path.split('/').slice(-2).join('/')}`);
  return [`${left.size} apart`, ...odd, ...unknown].join('; ');
}

function table(rows: readonly Row[]): string {
  const number = (value: number, unit: string) => (unit === 'ms' ? value.toFixed(0) : String(value));
  const cells = rows.map(({ what, is, against, unit, target, note }) => [
    what,
    `${number(is, unit)} / ${number(against, unit)} ${unit}`,
    (is / against).toFixed(2),
    `<= ${target}`,
    missed({ is, against, target }) ? 'MISSED' : 'ok',
    note ?? '',
  ]);
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const missed = ({ is, against, target }: Pick<Row, 'is' | 'against' | 'target'>) => is / against > target;

const folder = await mkdtemp(join(tmpdir(), 'aks-secrets-bench-'));
const rows = [await start(folder).finally(() => rm(folder, { recursive: true, force: true }))];
for (const method of METHODS) await runs(method, 0); // loads what is loaded lazily
for (const method of METHODS) rows.push(...(await runs(method, LATENCY)));
console.log(process.argv.includes('--json') ? JSON.stringify({ latency: LATENCY, rows }, null, 2) : table(rows));
process.exitCode = rows.some(missed) ? 1 : 0;
