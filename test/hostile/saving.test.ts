import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { barrierAt } from '../../src/commands/barrier.ts';
import { save } from '../../src/commands/save.ts';
import { Complaints } from '../../src/complaint.ts';
import { run } from '../commands/ways.ts';
import './patience.ts';

let cwd = '';
let outside = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'aks-secrets-here-'));
  outside = mkdtempSync(join(tmpdir(), 'aks-secrets-elsewhere-'));
  writeFileSync(join(outside, 'theirs'), 'theirs');
});
afterEach(() => {
  for (const folder of [cwd, outside]) rmSync(folder, { recursive: true, force: true });
});
const yes = async () => true;
const here = (path: string) => join(cwd, path);
/** Nothing outside was changed, and nothing was left behind. */
const untouched = () => {
  expect(readdirSync(outside)).toEqual(['theirs']);
  expect(readFileSync(join(outside, 'theirs'), 'utf8')).toBe('theirs');
  expect(readdirSync(cwd).filter((name) => name.endsWith('.tmp'))).toEqual([]);
};

describe('--save', () => {
  it.each<[string, string, () => void, RegExp]>([
    ['a link to a file', 'a', () => symlinkSync(join(outside, 'theirs'), here('a')), /is a link/],
    ['a link to nothing yet', 'a', () => symlinkSync(join(outside, 'new'), here('a')), /is a link/],
    [
      'a link to a link',
      'a',
      () => {
        symlinkSync(join(outside, 'theirs'), here('b'));
        symlinkSync('b', here('a'));
      },
      /is a link/,
    ],
    ['a link to itself', 'a', () => symlinkSync('a', here('a')), /is a link/],
    ['a folder', 'a', () => mkdirSync(here('a')), /is not a file/],
    ['a pipe', 'a', () => execFileSync('mkfifo', [here('a')]), /is not a file/],
    ['a device', '/dev/null', () => undefined, /is not a file/],
    ['a folder that is a link', 'd/a', () => symlinkSync(outside, here('d')), /d is a link/],
    ['a folder under a folder that is a link', 'd/e/a', () => symlinkSync(outside, here('d')), /d is a link/],
    ['a way back through a link', 'd/../d/a', () => symlinkSync(outside, here('d')), /d is a link/],
    ['no folder', 'd/a', () => undefined, /cannot be written \(ENOENT\)/],
    ['a file for a folder', 'd/a', () => writeFileSync(here('d'), ''), /d is not a folder/],
    ['where nobody writes', '/proc/aks-secrets', () => undefined, /cannot be written \(E[A-Z]+\)/],
    ['a name beyond any', 'n'.repeat(300), () => undefined, /cannot be written \(ENAMETOOLONG\)/],
    ['a name with a NUL', 'a\u0000b', () => undefined, /cannot be written \(ERR_INVALID_ARG_VALUE\)/],
    ['this folder', '.', () => undefined, /is not a file/],
  ])('on %s is refused, with --yes too, and nothing is changed', async (_, path, make, pattern) => {
    make();
    const before = readdirSync(cwd);
    const refused = await save(path, 'ours', cwd, yes).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Complaints);
    expect((refused as Complaints).message).toMatch(pattern);
    expect(readdirSync(cwd)).toEqual(before);
    untouched();
  });

  it('takes the place of a file, and never the file that another name of it stands for', async () => {
    writeFileSync(here('a'), 'before');
    execFileSync('ln', [here('a'), here('other-name')]);
    expect(await save('a', 'ours', cwd, yes)).toBe(true);
    expect([readFileSync(here('a'), 'utf8'), readFileSync(here('other-name'), 'utf8')]).toEqual(['ours', 'before']);
    expect(await save(join(outside, 'mine'), 'ours', cwd, yes)).toBe(true);
  });

  it('does not replace a file of somebody else without being asked to, however large', async () => {
    writeFileSync(here('a'), 'x'.repeat(1_000_000));
    await expect(save('a', 'ours', cwd, async () => false)).rejects.toThrow(/exists already and differs/);
    expect(lstatSync(here('a')).size).toBe(1_000_000);
  });
});

describe('a folder that may have come with a repository', () => {
  it('is barred by a link on the way from here, and one elsewhere is the user’s own', async () => {
    symlinkSync(outside, here('link'));
    mkdirSync(here('real'));
    writeFileSync(here('file'), '');
    expect(await barrierAt(here('link'), cwd)).toMatch(/link is a link/);
    expect(await barrierAt(here('link/below'), cwd)).toMatch(/link is a link/);
    expect(await barrierAt(here('file/below'), cwd)).toMatch(/file is not a folder/);
    for (const fine of [here('real'), here('real/new/one'), cwd, outside, join(outside, 'new')])
      expect(await barrierAt(fine, cwd)).toBeUndefined();
  });

  it('holds no sandbox of somebody else: what lies in it would be run', async () => {
    expect((await run(['sandbox', 'reset'], { cwd })).code).toBe(0);
    expect((await run(['sandbox', 'mend'], { cwd })).code).toBe(0);
    // As a repository would bring it.
    cpSync(here('.aks-secrets'), join(outside, '.aks-secrets'), { recursive: true });
    for (const words of [
      ['sandbox', 'mend'],
      ['init', '--sandbox', '--method', 'csi', '--yes'],
    ]) {
      const ran = await run(words, { cwd: outside });
      expect(ran.code).toBe(1);
      expect(ran.err.replaceAll(/\s+/g, ' ')).toMatch(/was not made here.*would be run.*aks-secrets sandbox reset/);
    }
    // Who names the folder has looked at it.
    const env = { AKS_SECRETS_SANDBOX_DIR: join(outside, '.aks-secrets', 'sandbox') };
    expect((await run(['sandbox', 'mend'], { cwd: outside, env })).code).toBe(0);
    expect((await run(['sandbox', 'reset'], { cwd: outside })).code).toBe(0);
    expect((await run(['sandbox', 'mend'], { cwd: outside })).code).toBe(0);
    rmSync(join(outside, '.aks-secrets'), { recursive: true });
  }, 60_000);

  it.each([
    ['the folder', '.aks-secrets/sandbox', ''],
    ['the folder around it', '.aks-secrets', ''],
  ])('opens no sandbox through a link in the place of %s', async (_, link) => {
    mkdirSync(join(cwd, link, '..'), { recursive: true });
    symlinkSync(outside, here(link));
    for (const words of [
      ['sandbox', 'reset'],
      ['plan', '--sandbox', '--method', 'csi'],
    ]) {
      const ran = await run(words, { cwd });
      expect(ran.code).toBe(1);
      expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('is a link');
    }
    untouched();
  });

  it('writes nothing through the links that lie in it', async () => {
    mkdirSync(here('.aks-secrets/sandbox'), { recursive: true });
    for (const name of ['.gitignore', 'state.json', 'kubeconfig', 'ca.pem', 'server.pem', 'server-key.pem'])
      symlinkSync(join(outside, name === '.gitignore' ? 'theirs' : name), here(`.aks-secrets/sandbox/${name}`));
    await run(['sandbox', 'reset'], { cwd });
    untouched();
    symlinkSync(join(outside, 'theirs'), here('.aks-secrets/sandbox/made-here.link'));
    rmSync(here('.aks-secrets/sandbox/made-here'), { force: true });
    symlinkSync(join(outside, 'theirs'), here('.aks-secrets/sandbox/made-here'));
    expect(await run(['sandbox', 'reset'], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringContaining('is a link'),
    });
    untouched();
    expect(existsSync(join(outside, 'state.json'))).toBe(false);
  }, 60_000);
});
