/**
 * `npm run test:lab`: builds what is missing, starts the lab in namespaces of its own (files of /etc, network and
 * processes), runs its cases, and writes what was seen into test/lab/README.md. With `--built` nothing is built: what
 * cannot run is said loudly, and its cases count as skipped. With `--partly` it runs with what is there. Other words
 * are vitest's (a file's name), and then the README stays as it is.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from './build/programs.ts';
import { writeReport } from './report.ts';

const root = join(import.meta.dirname, '../..');
const NAMESPACES = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
/** The names of Azure lead to the lab; where a pod would ask for a node's identity lies a trap. */
const INSIDE = `set -e
mount --bind "$AKS_SECRETS_LAB_FOLDER/hosts" /etc/hosts
ip link set lo up
ip address add 169.254.169.254/32 dev lo
exec "$@"`;

const [built, partly] = [process.argv.includes('--built'), process.argv.includes('--partly')];
const rest = process.argv.slice(2).filter((each) => each !== '--built' && each !== '--partly');

function namespacesFail(): string | undefined {
  const { status, stderr, error } = spawnSync('unshare', [...NAMESPACES, 'ip', 'link', 'set', 'lo', 'up']);
  if (status === 0) return undefined;
  return error?.message ?? String(stderr).trim();
}

const vitest = [process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'lab', ...rest];

if (!built && !partly && missing().length > 0) {
  execFileSync(process.execPath, [join(import.meta.dirname, 'build/main.ts')], { stdio: 'inherit' });
}
const lacking = (partly ? [] : missing()).map(({ name, version }) => `${name} ${version}`);
const refused = namespacesFail();
if (lacking.length > 0 || refused) {
  const why = [
    ...(lacking.length > 0 ? [`not built: ${lacking.join(', ')} (npm run lab:build)`] : []),
    ...(refused ? [`no private namespaces here: ${refused}`] : []),
  ].join('; ');
  process.stderr.write(`\n  THE LAB DOES NOT RUN: ${why}\n  Its cases are skipped, not passed.\n\n`);
  const [node = '', ...args] = vitest;
  spawnSync(node, args, { cwd: root, stdio: 'inherit' });
  process.exit(built ? 0 : 1);
}

execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root, stdio: 'inherit' });
const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-lab-'));
// A copy: who builds again meanwhile does not disturb the run.
for (const part of ['dist', 'templates', 'package.json']) {
  cpSync(join(root, part), join(folder, 'program', part), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(folder, 'program/node_modules'));
writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n');
const started = Date.now();
const child = spawn('unshare', [...NAMESPACES, 'sh', '-c', INSIDE, 'lab', ...vitest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, AKS_SECRETS_LAB_FOLDER: folder },
});
// Whoever ends this ends the lab: with unshare goes its process namespace, and with that every program.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGKILL'));
const status = await new Promise<number>((resolve) => {
  child.once('exit', (code) => resolve(code ?? 1));
});
const results = join(folder, 'table.json');
if (existsSync(results) && rest.length === 0 && !partly) {
  writeReport({ rows: JSON.parse(readFileSync(results, 'utf8')), seconds: (Date.now() - started) / 1000, folder });
}
if (status !== 0) process.stderr.write(`Logs of the programs: ${folder}\n`);
else rmSync(folder, { recursive: true, force: true });
process.exit(status);
