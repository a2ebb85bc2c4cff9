/**
 * What the program endures, counted (`npm run test:endurance`): faults at the requests of its runs, kills, two runs at
 * once, an Azure that is slow, and values that must not be seen. Some minutes; `-- --all` makes every fault at every
 * request of every run. Writes the counts into docs/figures.md. Ends with 1 when something is not as promised.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '../test/endurance/tally.ts';
import { build } from './build.ts';
import { markdownOf } from './endurance-figures.ts';
import { machine, writeSection } from './figures.ts';

const root = join(import.meta.dirname, '..');
const all = process.argv.includes('--all');
const others = process.argv.slice(2).filter((argument) => argument !== '--all');
const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-endurance-'));
const file = join(folder, 'tally');
const began = performance.now();
try {
  // The program as it is installed.
  await build(join(folder, 'dist'));
  cpSync(join(root, 'templates'), join(folder, 'templates'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));

  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'endurance', ...others], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      ENDURANCE_TALLY: file,
      ENDURANCE_CLI: join(folder, 'dist', 'cli.js'),
      ...(all && { ENDURANCE_ALL: '1' }),
    },
  });
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line): Entry => JSON.parse(line));
  // Part of it is no figure of the whole.
  if (others.length === 0) {
    const minutes = (performance.now() - began) / 60_000;
    writeSection('endurance', markdownOf(entries, { machine: machine(), minutes, all }));
  }
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
