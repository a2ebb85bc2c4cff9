import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/commands/index.ts';
import { methods } from '../../src/methods/index.ts';
import { folder, run } from './ways.ts';

const flat = (text: string): string => text.replace(/\s+/g, ' ');

describe('help', () => {
  it('of the program: the commands, and examples first', async () => {
    const { code, out, err } = await run(['--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out.indexOf('Examples:')).toBeLessThan(out.indexOf('--file'));
    for (const { name } of COMMANDS) expect(out).toContain(name.split(' ')[0]);
  });

  it('is the answer to no command', async () => {
    expect(await run([])).toEqual(await run(['--help']));
    expect((await run(['sandbox'])).out).toContain('reset');
  });

  it.each(COMMANDS.map(({ name }) => [name]))('of %s: three to seven examples that the parser takes', async (name) => {
    const { code, out } = await run([...name.split(' '), '--help']);
    expect(code).toBe(0);
    const module = await COMMANDS.find((one) => one.name === name)!.load();
    expect(module.examples.length).toBeGreaterThanOrEqual(3);
    expect(module.examples.length).toBeLessThanOrEqual(7);
    for (const [, line] of module.examples) {
      expect(out).toContain(line);
      const words = line.split(' ').slice(line.split(' ').indexOf('aks-secrets') + 1);
      // Every flag of the line is known: help is then the answer, whatever else the line says.
      expect(await run([...words, '--help'])).toMatchObject({ code: 0 });
    }
  });

  it('of init lists what each method asks', async () => {
    const { out } = await run(['init', '--help']);
    for (const { questions } of methods) for (const { flag } of questions) expect(out).toContain(`--${flag}`);
    expect((await run(['apply', '--help'])).out).toBe(out);
  });

  it('of the version', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a command line that is wrong', () => {
  it.each<[argv: string[], says: RegExp]>([
    [['initt'], /Unknown command initt\. Did you mean init\?/],
    [['sandbox', 'rest'], /Did you mean reset\?/],
    [['init', '--vualt', 'x'], /Unknown flag --vualt\. Did you mean --vault\?/],
    [['init', '--vualt=hunter2'], /Unknown flag --vualt\./],
    [['init', '--vault'], /--vault NAME: the value is missing/],
    [['init', '--yes=hunter2'], /--yes takes no value/],
    [['init', 'hunter2'], /a word too many/],
    [['--password', 'hunter2', 'init'], /--password stands before the command, or is not known/],
    [['--method', 'csi'], /--method stands before the command, or is not known/],
    [['--secret-value', 'db=hunter2'], /--secret-value/],
    [['init', '--output', 'xml'], /--output: "xml" is not known; expected text or json/],
    [['init', '--allow', 'clster'], /--allow: "clster" is not known.*Did you mean "cluster"\?/],
    [['init', '--role-scope', 'wide'], /--role-scope: expected vault or secret/],
    [['init', '--timeout', '5'], /--timeout: expected a time such as 90s/],
    [['init', '--secret-value', 'db=hunter2'], /--secret-value for db: no flag takes the value itself/],
    [['init', '--sandbox', '--kubeconfig', 'x'], /--kubeconfig does not go with the sandbox/],
    [['init', '-f', 'nowhere.yaml'], /There is no file nowhere\.yaml/],
    [['init', '-f', '.'], /a folder, not a file/],
    [['sandbox', 'start', '--port', '0'], /--port: expected a port/],
  ])('%j', async (argv, says) => {
    const { code, out, err } = await run(argv);
    expect([code, out]).toEqual([2, '']);
    expect(flat(err)).toMatch(says);
    expect(err).not.toContain('hunter2');

    const json = await run([...argv, '-o', 'json'], { env: { AKS_SECRETS_OUTPUT: 'json' } });
    if (argv.includes('--output') || argv.at(-1) === '--vault') return;
    expect([json.code, json.err]).toEqual([2, '']);
    expect(JSON.parse(json.out)).toMatchObject({ apiVersion: 'aks-secrets/v1', kind: 'Failure', exitCode: 2 });
    expect(json.out).not.toContain('hunter2');
  });

  it('names everything that is missing, with its variable', async () => {
    const { code, err } = await run(['init', '--yes']);
    expect(code).toBe(2);
    for (const flag of [
      'subscription',
      'cluster',
      'resource-group',
      'workload',
      'namespace',
      'method',
      'vault',
      'secret',
    ]) {
      expect(flat(err)).toMatch(new RegExp(`--${flag} \\S+ \\(AKS_SECRETS_${flag.toUpperCase().replace('-', '_')}\\)`));
    }
  });
});

describe('the environment', () => {
  const env = {
    ...{
      AKS_SECRETS_CLUSTER: 'c1',
      AKS_SECRETS_RESOURCE_GROUP: 'rg',
      AKS_SECRETS_VAULT: 'v_v',
      AKS_SECRETS_METHOD: 'csi',
    },
    ...{ AKS_SECRETS_WORKLOAD: 'orders', AKS_SECRETS_NAMESPACE: 'shop', AKS_SECRETS_SECRET: 'a,b_b' },
    AKS_SECRETS_SUBSCRIPTION: '3f2a91c0-0000-4000-8000-00000000abcd',
  };

  it('answers for flags, lists by commas, and a complaint names the variable', async () => {
    const { code, err } = await run(['plan'], { env });
    expect(code).toBe(2);
    expect(flat(err)).toMatch(/AKS_SECRETS_VAULT: "v_v" is not .*AKS_SECRETS_SECRET: "b_b" is not/);
    expect(err).not.toContain('Missing');
  });

  it('gives way to the flag', async () => {
    const { err } = await run(['plan', '--vault', 'w_w', '--secret', 'a'], { env });
    expect(flat(err)).toMatch(/--vault: "w_w"/);
    expect(err).not.toContain('AKS_SECRETS');
  });

  it('says true or false for switches', async () => {
    expect(flat((await run(['plan'], { env: { ...env, AKS_SECRETS_SAMPLE: 'maybe' } })).err)).toContain(
      'AKS_SECRETS_SAMPLE: expected true, false, 1 or 0.',
    );
  });
});

describe('a file', () => {
  const text = 'apiVersion: aks-secrets/v1\ncluster:\n\tname: x\n';

  it('of the usual name is read when it is here', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'aks-secrets.yaml'), text);
    const { code, err } = await run(['plan'], { cwd });
    expect(code).toBe(2);
    expect(err).toContain('aks-secrets.yaml:3: A tab');
  });

  it('of another name is read when it is named', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'mine.yaml'), text);
    const { out } = await run(['plan', '-f', 'mine.yaml', '-ojson'], { cwd });
    expect(JSON.parse(out).complaints).toEqual([
      { message: 'A tab is used to indent; YAML takes spaces only.', file: 'mine.yaml', line: 3 },
    ]);
  });
});
