/**
 * All tests, at every place and for every method, and every failure of the catalogue, made in the sandbox: `verify` names
 * it first and nothing else fails, and is clean once it is mended. Some ten minutes. Prints fractions with their
 * denominators, and what is missing in them. Ends with 1 when a test fails.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
const file = join(folder, 'tally');
const vitest = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');
const projects = ['stories', 'sandbox', 'parts', 'catalogue'].flatMap((name) => ['--project', name]);
const { status } = spawnSync(process.execPath, [vitest, 'run', ...projects, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, EXHAUSTIVE: '1', CATALOGUE_TALLY: file },
});

interface Tried {
  readonly of: string;
  readonly right: boolean;
  readonly what: string;
}
const tried = readFileSync(file, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line): Tried => JSON.parse(line));
rmSync(folder, { recursive: true, force: true });

for (const of of [...new Set(tried.map((one) => one.of))].sort()) {
  const all = tried.filter((one) => one.of === of);
  const right = all.filter((one) => one.right);
  process.stdout.write(`${of}: ${right.length} of ${all.length}\n`);
  for (const { what } of all.filter((one) => !one.right))
    process.stdout.write(`  ${what.split('\n').join('\n    ')}\n`);
}
process.exitCode = status ?? 1;
