import { execFile, execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ship } from '../scripts/pack.ts';
import { docsOf, ROWS } from '../src/failures/index.ts';

const root = join(import.meta.dirname, '..');
const pack = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A folder where the package was installed, and nothing else: no `node_modules` above, no registry, an empty cache. */
let folder: string;
/** The package in it. */
let installed: string;

beforeAll(async () => {
  const made = mkdtempSync(join(tmpdir(), 'aks-secrets-package-'));
  folder = mkdtempSync(join(tmpdir(), 'aks-secrets-installed-'));
  installed = join(folder, 'node_modules', 'aks-secrets');
  try {
    await ship(made);
    const alone = ['--offline', '--no-audit', '--no-fund', '--cache', join(made, 'cache')];
    const packed = await start('npm', ['pack', '--silent', ...alone, '--pack-destination', made, made]);
    const install = await start('npm', ['install', ...alone, join(made, packed.stdout.trim())]);
    expect(install.code, install.stderr).toBe(0);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('brings no other one', () => {
    expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['aks-secrets']);
    const { dependencies, devDependencies, scripts } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    );
    expect({ dependencies, devDependencies, scripts }).toEqual({});
  });

  it('takes less than 8 MB', () => {
    const sizes = globSync('**/*', { cwd: installed, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8_000_000);
  });

  it('has the terms of all whose code it contains', () => {
    const text = readFileSync(join(installed, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['@azure/identity', '@kubernetes/client-node', 'commander', 'zod']) {
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((?:MIT|Apache-2.0)\\)$`, 'm'));
    }
    // What only building and testing need is not passed on.
    for (const name of ['rolldown', 'vitest', 'typescript']) expect(text).not.toMatch(new RegExp(`^${name} `, 'm'));
  });

  it('has the page of every failure that it names', () => {
    expect(ROWS.map(docsOf).filter((page) => !existsSync(join(installed, page)))).toEqual([]);
  });

  it('says its version', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${pack.version}\n`, stderr: '' });
  });

  it('shows its help', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('init');
  });

  it('needs nothing that it does not contain', () => {
    const wanted = globSync('*.js', { cwd: join(installed, 'dist') }).flatMap((file) => {
      const text = readFileSync(join(installed, 'dist', file), 'utf8');
      return [...text.matchAll(/^(?:import|export) (?:[^'"\n]*? from )?["']([^'"./][^'"]*)["'];?$/gm)].map(
        ([, name]) => name!,
      );
    });
    const nodes = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    expect(wanted).toContain('node:dns');
    expect(wanted.filter((name) => !nodes.has(name) && !name.startsWith('node:'))).toEqual([]);
  });

  it('loads every chunk by itself', async () => {
    const chunks = globSync('*.js', { cwd: join(installed, 'dist') }).filter((file) => file !== 'cli.js');
    expect(chunks.length).toBeGreaterThan(5);
    const script = join(installed, 'load.mjs');
    writeFileSync(script, chunks.map((file) => `await import(${JSON.stringify(`./dist/${file}`)});\n`).join(''));
    expect(await start(process.execPath, [script])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('runs on the sandbox', async () => {
    const { code, stdout, stderr } = await run(['init', '--sandbox', '--method', 'csi', '--yes']);
    expect(code, stdout + stderr).toBe(0);
  }, 60_000);

  it('ships the schema of the file', () => {
    const schema = JSON.parse(readFileSync(join(installed, 'dist', 'aks-secrets.schema.json'), 'utf8'));
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['apiVersion', 'cluster', 'workloads']));
  });
});

describe('an older Node', () => {
  const needs = /^aks-secrets needs Node 22\.19 or newer[^\n]*\n$/;

  it('is told which version is needed, in one line', async () => {
    const pretend = join(folder, 'pretend.mjs');
    writeFileSync(
      pretend,
      `Object.defineProperty(process, 'version', { value: 'v20.20.2' });
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });`,
    );
    const cli = join(installed, 'dist', 'cli.js');
    expect(await start(process.execPath, ['--import', pretend, cli, '--help'])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(needs),
    });
  });

  // Where this machine has one. Elsewhere it is counted as skipped, and the test above stands for it.
  const old = olderNode();
  it.runIf(old)(`is told so when it is real (${old?.version ?? 'none found'})`, async () => {
    expect(await start(old!.path, [join(installed, 'dist', 'cli.js'), '--help'])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(needs),
    });
  });
});

const run = (argv: readonly string[]) =>
  start(process.execPath, [join(folder, 'node_modules', '.bin', 'aks-secrets'), ...argv]);

function start(file: string, argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, HOME: folder };
  return new Promise((done) => {
    execFile(file, argv, { cwd: folder, env }, (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

/** The first Node on PATH that is older than ours needs, by what it says of itself. */
function olderNode(): { path: string; version: string } | undefined {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, 'node');
    try {
      const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
      const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
      if (major < 22 || (major === 22 && minor < 19)) return { path, version };
    } catch {
      // no Node there
    }
  }
  return undefined;
}
