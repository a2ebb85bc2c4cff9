import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folder } from './ways.ts';

const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const { PATH } = process.env;

it('help loads the parser and nothing large', () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [cli, '--help'], {
    env: { PATH, NODE_DEBUG: 'esm' },
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).toContain('Examples:');
  const packages = new Set(
    [...stderr.matchAll(/file:\S+?\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)].map((found) => found[1]),
  );
  expect([...packages]).toEqual(['commander']);
});

it('a reader who has enough is no error', async () => {
  const child = spawn('sh', ['-c', `'${process.execPath}' '${cli}' init --help | head -n 1`], { env: { PATH } });
  let err = '';
  child.stderr.on('data', (text) => (err += text));
  expect(await new Promise((done) => child.once('close', done))).toBe(0);
  expect(err).toBe('');
});

it('the sandbox serves until Ctrl-C', async () => {
  const cwd = folder();
  const child = spawn(process.execPath, [cli, 'sandbox', 'start', '-o', 'json'], { cwd, env: { PATH } });
  const text = await new Promise<string>((done) => child.stdout.once('data', (data) => done(String(data))));
  expect(JSON.parse(text)).toMatchObject({
    kind: 'Sandbox',
    simulated: true,
    folder: join(cwd, '.aks-secrets', 'sandbox'),
  });
  child.kill('SIGINT');
  expect(await new Promise((done) => child.once('close', done))).toBe(0);
});

it('the logs of the SDKs, in which tokens lie open, stay off', () => {
  const cwd = folder();
  const { status, stderr } = spawnSync(process.execPath, [cli, 'plan', '--sandbox', '--method', 'csi', '-v'], {
    ...{ cwd, encoding: 'utf8', env: { PATH, AZURE_LOG_LEVEL: 'verbose', DEBUG: '*' } },
  });
  expect({ status, err: status ? stderr : '' }).toEqual({ status: 0, err: '' });
  expect(stderr).toContain('GET management.azure.com');
  expect(stderr).not.toMatch(/eyJ|azure:/);
});
