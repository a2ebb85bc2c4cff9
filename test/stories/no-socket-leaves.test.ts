import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orAll } from './exhaustive.ts';
import type { Entry } from './recorder.mts';

const root = join(import.meta.dirname, '..', '..');

/** A person's machine: signed in with `az`, and with a kubeconfig whose server answers. */
interface Machine {
  readonly folder: string;
  readonly kubeconfig: string;
  /** Exists once `az` was started. */
  readonly azCalled: string;
  readonly env: NodeJS.ProcessEnv;
  /** How many connections the kubeconfig's server has had. */
  connections(): number;
}

let server: Server;
let machine: Machine;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-machine-'));
  const [home, bin, azCalled] = [join(folder, 'home'), join(folder, 'bin'), join(folder, 'az-called')];
  for (const path of [join(home, '.kube'), join(home, '.azure'), bin, join(folder, 'work')]) {
    mkdirSync(path, { recursive: true });
  }
  let connections = 0;
  server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };

  const kubeconfig = join(home, '.kube', 'config');
  writeFileSync(kubeconfig, kubeconfigOf(port));
  writeFileSync(join(home, '.azure', 'azureProfile.json'), JSON.stringify({ subscriptions: [{ isDefault: true }] }));
  const az = join(bin, 'az');
  writeFileSync(
    az,
    `#!/bin/sh\necho "$@" >> '${azCalled}'\necho '{"accessToken":"eyJ.real.token","expiresOn":"2099-01-01"}'\n`,
  );
  chmodSync(az, 0o755);
  machine = {
    folder,
    kubeconfig,
    azCalled,
    connections: () => connections,
    env: {
      PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      HOME: home,
      KUBECONFIG: kubeconfig,
      AZURE_TENANT_ID: '11111111-1111-1111-1111-111111111111',
      AZURE_CLIENT_ID: '22222222-2222-2222-2222-222222222222',
      AZURE_CLIENT_SECRET: 'the-users-own',
      AKS_SECRETS_RECORD: join(folder, 'record.jsonl'),
    },
  };
});

afterEach(async () => {
  await new Promise((closed) => server.close(closed));
  rmSync(machine.folder, { recursive: true, force: true });
});

describe('on the sandbox, nothing of the user is touched and nothing leaves this machine', () => {
  it.each(orAll(['csi', 'workload-identity'], (method) => method === 'csi'))(
    'init --sandbox --method %s',
    async (method) => {
      const argv = ['init', '--sandbox', '--method', method, '--yes'];
      const { code, output, entries } = await recorded(join(root, 'src', 'cli.ts'), argv);
      expect(code, output).toBe(0);

      expect(existsSync(machine.azCalled)).toBe(false);
      expect(machine.connections()).toBe(0);
      expect(entries.filter(leaves)).toEqual([]);
      expect(entries.filter(touchesTheUsersOwn)).toEqual([]);
      const started = entries.filter((entry) => entry.what === 'spawn');
      expect(started.map(({ file }) => resolve(file))).toEqual(started.map(() => process.execPath));
      const users = ['HOME', 'KUBECONFIG', 'AZURE_CLIENT_SECRET'].map((name) => `${name}=${machine.env[name]}`);
      expect(started.flatMap(({ env }) => env).filter((pair) => users.includes(pair))).toEqual([]);

      // The record was being kept: the run is made of requests, and the sample's script is a process of its own.
      expect(entries.filter(({ what }) => what === 'reached').length).toBeGreaterThan(5);
      expect(started.length).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe('the record', () => {
  it('shows a program that uses what the user has', async () => {
    const script = join(machine.folder, 'work', 'nosy.mjs');
    writeFileSync(script, nosy);
    const { code, output, entries } = await recorded(script, []);
    expect(code, output).toBe(0);
    expect(existsSync(machine.azCalled)).toBe(true);
    expect(machine.connections()).toBe(2);
    expect(entries.filter(touchesTheUsersOwn)).toEqual([
      { what: 'file', call: 'existsSync', path: machine.kubeconfig },
      { what: 'file', call: 'readFile', path: machine.kubeconfig },
      { what: 'file', call: 'readFile', path: machine.kubeconfig },
    ]);
    expect(entries.filter(leaves)).toEqual([
      { what: 'lookup', host: '0.0.0.0' },
      { what: 'connect', host: '0.0.0.0' },
      { what: 'connect', host: '0.0.0.0' },
    ]);
    expect(entries.filter(({ what }) => what === 'spawn')).toMatchObject([{ file: 'az' }, { file: process.execPath }]);
  });
});

/** Does all that it should not, itself and then in a child process. 0.0.0.0 is this machine, but not by its name. */
const nosy = `
import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';

if (process.argv[2] !== 'child' && existsSync(process.env.KUBECONFIG)) {
  await lookup('0.0.0.0');
  execFileSync('az', ['account', 'show']);
  execFileSync(process.execPath, [process.argv[1], 'child']);
}
const [, port] = /127.0.0.1:([0-9]+)/.exec(await readFile(process.env.KUBECONFIG, 'utf8'));
await once(connect({ host: '0.0.0.0', port }), 'close');
`;

/** Runs a script under the recorder. */
async function recorded(script: string, argv: readonly string[]) {
  const recorder = join(import.meta.dirname, 'recorder.mts');
  const child = spawn(process.execPath, ['--import', recorder, script, ...argv], {
    cwd: join(machine.folder, 'work'),
    env: machine.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((ended) => child.on('close', ended));
  const file = machine.env.AKS_SECRETS_RECORD!;
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return { code, output, entries: lines.map((line): Entry => JSON.parse(line)) };
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|::ffff:127(\.\d+){3})$/;
const leaves = (entry: Entry) => 'host' in entry && !LOOPBACK.test(entry.host);
const touchesTheUsersOwn = (entry: Entry) =>
  entry.what === 'file' && /[\\/]home[\\/]\.(kube|azure)\b/.test(resolve(machine.folder, 'work', entry.path));

const kubeconfigOf = (port: number) => `apiVersion: v1
kind: Config
clusters: [{ name: production, cluster: { server: 'https://127.0.0.1:${port}' } }]
users: [{ name: ana, user: { token: the-users-own } }]
contexts: [{ name: production, context: { cluster: production, user: ana } }]
current-context: production
`;
