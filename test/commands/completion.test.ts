import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, run } from './ways.ts';

const words = async (line: readonly string[], cwd = folder()): Promise<string[]> => {
  const { out, code, err } = await run(['__complete', ...line], { cwd });
  expect([code, err]).toEqual([0, '']);
  return out.split('\n').flatMap((candidate) => candidate.split('\t')[0] || []);
};

const FILE = `apiVersion: aks-secrets/v1
workloads:
  - { name: orders, method: csi }
  - { name: mailer }
`;

describe('what may stand at the cursor', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['commands', ['ini'], ['init']],
    ['a group, once', ['sandb'], ['sandbox']],
    ['commands of a group', ['sandbox', 're'], ['reset']],
    ['flags of the command', ['init', '--create-v'], ['--create-vault']],
    ['flags of every command', ['plan', '--verb'], ['--verbose']],
    ['no flag a second time', ['init', '--create-vault', '--create-v'], []],
    ['a list again and again', ['init', '--secret', 'a', '--secret-v'], ['--secret-value']],
    ['choices of a flag', ['plan', '--purge-protection', ''], ['yes', 'no']],
    ['choices behind =', ['plan', '--purge-protection=n'], ['--purge-protection=no']],
    ['the same as bash breaks it', ['plan', '--purge-protection', '=', 'n'], ['--purge-protection=no']],
    ['the last of a list with commas', ['init', '--allow', 'cluster,irr'], ['cluster,irreversible']],
    ['methods', ['init', '--method', 'cs'], ['csi']],
    ['by an alias', ['apply', '--method', 'cs'], ['csi']],
    ['a short flag takes its value', ['init', '-o', 'j'], ['json']],
    ['shells', ['completion', 'f'], ['fish']],
    ['nothing more behind a word', ['completion', 'fish', 'b'], []],
    ['files', ['init', '-f', ''], [':files']],
    ['folders', ['init', '--templates', ''], [':folders']],
    ['an empty word that is said by a blank', ['sandbox', ' '], ['start', 'reset', 'break', 'mend']],
    ['a name of which nothing is known', ['init', '--workload', ''], []],
    ['a command that does not exist', ['frobnicate', '--x'], []],
  ])('%s', async (_, line, expected) => {
    const found = await words(line);
    expect(found.filter((word) => !['--help'].includes(word))).toEqual(expect.arrayContaining([...expected]));
    if (expected.length <= 2)
      expect(found.filter((word) => !/^--[a-z-]*$/.test(word))).toEqual(
        expected.filter((word) => !/^--[a-z-]*$/.test(word)),
      );
  });

  it('offers the workloads of the file here, and of the file that the line names', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'aks-secrets.yaml'), FILE);
    writeFileSync(join(cwd, 'other.yaml'), FILE.replaceAll('orders', 'checkout'));
    expect(await words(['init', '--workload', ''], cwd)).toEqual(['orders', 'mailer']);
    expect(await words(['init', '-f', 'other.yaml', '--workload', 'c'], cwd)).toEqual(['checkout']);
  });

  it('says nothing of a file that cannot be read', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'aks-secrets.yaml'), 'workloads: [');
    expect(await words(['init', '--workload', ''], cwd)).toEqual([]);
  });
});

describe('the script of a shell', () => {
  it.each(['bash', 'zsh', 'fish', 'powershell'])('%s asks the program', async (shell) => {
    const { out, code } = await run(['completion', shell]);
    expect(code).toBe(0);
    expect(out).toContain('aks-secrets __complete');
    expect(out).toContain(`aks-secrets completion ${shell}`);
  });

  it('is named when it is left out', async () => {
    const { code, err } = await run(['completion']);
    expect(code).toBe(2);
    expect(err).toContain('bash, zsh, fish or powershell');
  });

  it('of another shell is not known', async () => {
    const { code, err } = await run(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(err).toContain('bash, zsh, fish or powershell');
  });

  it('completes in a real bash', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'aks-secrets-bin-'));
    const program = join(bin, 'aks-secrets');
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${resolve('src/cli.ts')}" "$@"\n`);
    chmodSync(program, 0o755);
    const { out: script } = await run(['completion', 'bash']);
    const reply = (line: readonly string[]): string =>
      execFileSync(
        'bash',
        [
          '--norc',
          '-c',
          `${script}\nCOMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _aks_secrets; printf '%s\\n' "\${COMPREPLY[@]}"`,
          'bash',
          ...line,
        ],
        { env: { ...process.env, PATH: `${bin}:${process.env.PATH}` }, encoding: 'utf8', cwd: bin },
      ).trim();
    expect(reply(['aks-secrets', 'init', '--method', 'c'])).toBe('csi');
    expect(reply(['aks-secrets', 'init', '--purge-protection', '=', 'y'])).toBe('yes');
    expect(reply(['aks-secrets', 'init', '--save', 'aks-'])).toBe('aks-secrets');
  });
});
