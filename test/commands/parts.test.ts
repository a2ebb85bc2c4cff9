import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { questionFor } from '../../src/commands/converge.ts';
import { existingIn } from '../../src/commands/place.ts';
import { timeoutOf } from '../../src/commands/running.ts';
import { save } from '../../src/commands/save.ts';
import { usualSurroundings } from '../../src/commands/surroundings.ts';
import { told } from '../../src/commands/troubles.ts';
import { createWorld } from '../../src/commands/world.ts';
import { Complaints } from '../../src/complaint.ts';
import type { Change } from '../../src/engine/events.ts';
import type { Io } from '../../src/io.ts';
import { confirm } from '../../src/prompt.ts';
import { Secret } from '../../src/secret.ts';
import { Problem } from '../../src/trouble.ts';
import type { Spec } from '../../src/workload.ts';
import { flags } from '../spec/ways.ts';
import { folder } from './ways.ts';

const change = (more: Partial<Change>): Change => ({
  ...{ id: 'a', kind: 'cluster', subject: 'a', side: 'Azure', workloads: [], title: '', action: 'update' },
  ...{ differences: [], missing: [], consents: [], ...more },
});

describe('the one question', () => {
  const lasting = { path: 'OIDC issuer', is: 'off', want: 'on', irreversible: true };
  it.each<[open: Change[], says: string]>([
    [[change({})], 'Apply?'],
    [[change({ consents: ['cluster'] })], 'This changes the whole cluster. Apply?'],
    [
      [change({ consents: ['cluster', 'irreversible'], differences: [lasting] })],
      'This changes the whole cluster, and one change cannot be undone. Apply?',
    ],
    [[change({ differences: [lasting] }), change({ differences: [lasting] })], '2 changes cannot be undone. Apply?'],
  ])('%#', (open, says) => {
    expect(questionFor(open)).toBe(says);
  });

  /** A terminal on which somebody types. */
  async function typing(keys: string): Promise<boolean | undefined> {
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    stderr.resume();
    const io = { stdin, stderr, env: {}, signal: new AbortController().signal } as unknown as Io;
    const answer = confirm(io, 'Apply?');
    const press = setInterval(() => stdin.write(keys), 20);
    return answer.finally(() => clearInterval(press));
  }

  it('is answered by yes, by no, by the return key with no, and by Ctrl-C not at all', async () => {
    expect(await typing('y\r')).toBe(true);
    expect(await typing('n\r')).toBe(false);
    expect(await typing('\r')).toBe(false);
    expect(await typing('\u0003')).toBeUndefined();
  });
});

it.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['1h', 3_600_000],
  ['900000h', 2 ** 31 - 1],
])('a timeout of %s', (text, milliseconds) => {
  expect(timeoutOf(flags({ timeout: text }))).toBe(milliseconds);
});

describe('--save', () => {
  const yes = async () => true;
  const no = async () => false;

  it('writes, leaves equal text alone, and replaces only when it may', async () => {
    const cwd = folder();
    expect(await save('a.yaml', 'one', cwd, no)).toBe(true);
    expect(await save('a.yaml', 'one', cwd, no)).toBe(false);
    await expect(save('a.yaml', 'two', cwd, no)).rejects.toThrow('exists already');
    expect(await save('a.yaml', 'two', cwd, yes)).toBe(true);
    expect(readFileSync(join(cwd, 'a.yaml'), 'utf8')).toBe('two');
    expect(statSync(join(cwd, 'a.yaml')).mode & 0o133).toBe(0);
  });

  it('goes through no link and over no folder', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'theirs'), 'keep');
    symlinkSync('theirs', join(cwd, 'link'));
    mkdirSync(join(cwd, 'dir'));
    await expect(save('link', 'x', cwd, yes)).rejects.toThrow('is a link');
    await expect(save('dir', 'x', cwd, yes)).rejects.toThrow('is not a file');
    await expect(save('no/where', 'x', cwd, yes)).rejects.toBeInstanceOf(Complaints);
    expect(readFileSync(join(cwd, 'theirs'), 'utf8')).toBe('keep');
  });
});

const spec: Spec = {
  subscription: '3f2a91c0-0000-4000-8000-00000000abcd',
  cluster: { resourceGroup: 'shop-rg', name: 'shop-aks' },
  workloads: [],
};

describe('values', () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'value.txt'), 'from a file\r\n');
  writeFileSync(join(cwd, 'binary'), Buffer.from([0xff, 0xfe]));
  const world = async (input = '') => {
    const stdin = new PassThrough();
    stdin.end(input);
    const env = { VALUE: 'from the environment', EMPTY: '' };
    const io = { stdin, env, cwd, signal: new AbortController().signal } as unknown as Io;
    return createWorld(spec, await usualSurroundings({ env, cwd }), io);
  };

  it('come from where the Spec says, without the line break at their end, and standard input once', async () => {
    const { value, fresh } = await world('typed\n\n');
    const texts = await Promise.all(
      [{ env: 'VALUE' }, { file: 'value.txt' }, { stdin: true } as const, { stdin: true } as const].map(fresh().value),
    );
    expect(texts.every((text) => text instanceof Secret)).toBe(true);
    expect(texts.map((text) => text.reveal())).toEqual(['from the environment', 'from a file', 'typed\n', 'typed\n']);
    await expect(value({ env: 'NOWHERE' })).rejects.toThrow('env:NOWHERE is not set');
    await expect(value({ env: 'EMPTY' })).rejects.toThrow('env:EMPTY is empty');
    await expect(value({ file: 'nowhere' })).rejects.toThrow('file:nowhere cannot be read (ENOENT)');
    await expect(value({ file: 'binary' })).rejects.toThrow('is not text');
  });
});

describe('the usual surroundings', () => {
  it('take a kubeconfig only when asked to', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'config'), 'text of a kubeconfig');
    const env = { KUBECONFIG: join(cwd, 'config') };
    expect((await usualSurroundings({ env, cwd })).kubeconfig).toBeUndefined();
    expect((await usualSurroundings({ env, cwd, context: 'shop' })).kubeconfig).toEqual({
      text: 'text of a kubeconfig',
      context: 'shop',
    });
    expect((await usualSurroundings({ env: {}, cwd, kubeconfig: 'config' })).kubeconfig).toEqual({
      text: 'text of a kubeconfig',
    });
    await expect(usualSurroundings({ env: {}, cwd, kubeconfig: 'nowhere' })).rejects.toThrow('cannot be read (ENOENT)');
  });

  it('refuse a cloud that nobody knows', async () => {
    const refused = usualSurroundings({ env: {}, cwd: folder(), cloud: 'Azur' });
    await expect(refused).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(/"Azur" is not known/) });
  });
});

describe('what goes wrong', () => {
  const quiet = { interrupted: false, verbose: false };

  it('unforeseen is said without its data, and with -v its trace', async () => {
    const bug = new TypeError('cannot read x of {"password":"hunter2"}');
    expect(await told(bug, quiet)).toMatchObject({ exitCode: 1 });
    expect(JSON.stringify(await told(bug, quiet))).not.toContain('hunter2');
    expect(JSON.stringify(await told(bug, { ...quiet, verbose: true }))).toContain('parts.test.ts');
  });

  it.each([
    ['unsigned', 5],
    ['denied', 6],
    ['broken', 1],
  ] as const)('%s ends with %i', async (trouble, code) => {
    const problem = new Problem(trouble, 'vault demo-kv', 'No.', {
      said: { by: 'Azure', code: 'Odd', message: 'no', requestId: '7' },
    });
    expect(await told(problem, quiet)).toMatchObject({
      exitCode: code,
      complaints: [{ resource: 'vault demo-kv', message: 'No.', azure: { code: 'Odd', requestId: '7' } }],
    });
  });
});

it('the sandbox is given what a file calls existing, and no more', () => {
  const identity = { resourceGroup: 'id-rg', name: 'orders-id' };
  const workload = {
    name: 'orders',
    namespace: 'shop',
    serviceAccount: 'orders',
    method: 'csi',
    identity,
    roleScope: 'vault',
  } as const;
  const old = { kind: 'secret', name: 'old', as: 'old' } as const;
  const key = { kind: 'key', name: 'signing', as: 'signing' } as const;
  const certificate = { kind: 'certificate', name: 'tls', as: 'tls' } as const;
  const made = { kind: 'secret', name: 'new', as: 'new', value: { env: 'NEW' } } as const;
  const workloads = [
    { ...workload, vault: { resourceGroup: 'shop-rg', name: 'shop-kv' }, secrets: [old, made], options: {} },
    {
      ...workload,
      vault: { resourceGroup: 'shop-rg', name: 'shop-kv' },
      secrets: [old, key, certificate],
      options: {},
    },
    {
      ...workload,
      vault: { resourceGroup: 'kv-rg', name: 'new-kv', create: { purgeProtection: false } },
      secrets: [old],
      options: {},
    },
  ];
  expect(existingIn({ ...spec, workloads })).toEqual({
    groups: ['shop-rg', 'id-rg'],
    clusters: [{ resourceGroup: 'shop-rg', name: 'shop-aks' }],
    vaults: [{ resourceGroup: 'shop-rg', name: 'shop-kv', secrets: ['old'], keys: ['signing'], certificates: ['tls'] }],
  });
});
