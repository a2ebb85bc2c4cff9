import { execFile, execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ship } from '../scripts/build.ts';

const root = join(import.meta.dirname, '..');
const pack = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A folder with what the package ships and nothing else: no `node_modules` here or above. */
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aks-secrets-bundle-'));
  await ship(folder);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('ships what this test tries', () => {
    expect(pack.files).toEqual(['dist', 'templates']);
    expect(pack.bin).toEqual({ 'aks-secrets': 'dist/cli.js' });
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
    const wanted = globSync('*.js', { cwd: join(folder, 'dist') }).flatMap((file) => {
      const text = readFileSync(join(folder, 'dist', file), 'utf8');
      return [...text.matchAll(/^(?:import|export) (?:[^'"\n]*? from )?["']([^'"./][^'"]*)["'];?$/gm)].map(
        ([, name]) => name!,
      );
    });
    const nodes = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    expect(wanted).toContain('node:path');
    expect(wanted.filter((name) => !nodes.has(name) && !name.startsWith('node:'))).toEqual([]);
  });

  it('loads every chunk by itself', async () => {
    const chunks = globSync('*.js', { cwd: join(folder, 'dist') }).filter((file) => file !== 'cli.js');
    expect(chunks.length).toBeGreaterThan(5);
    const script = join(folder, 'load.mjs');
    writeFileSync(script, chunks.map((file) => `await import(${JSON.stringify(`./dist/${file}`)});\n`).join(''));
    expect(await start(process.execPath, [script])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('runs on the sandbox', async () => {
    const { code, stdout, stderr } = await run(['init', '--sandbox', '--method', 'csi', '--yes']);
    expect(code, stdout + stderr).toBe(0);
  }, 60_000);

  it('ships the schema of the file', () => {
    const schema = JSON.parse(readFileSync(join(folder, 'dist', 'aks-secrets.schema.json'), 'utf8'));
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
    const cli = join(folder, 'dist', 'cli.js');
    expect(await start(process.execPath, ['--import', pretend, cli, '--help'])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(needs),
    });
  });

  // Where this machine has one. Elsewhere it is counted as skipped, and the test above stands for it.
  const old = olderNode();
  it.runIf(old)(`is told so when it is real (${old?.version ?? 'none found'})`, async () => {
    expect(await start(old!.path, [join(folder, 'dist', 'cli.js'), '--help'])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(needs),
    });
  });
});

const run = (argv: readonly string[]) => start(process.execPath, [join(folder, 'dist', 'cli.js'), ...argv]);

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
