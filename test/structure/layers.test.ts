import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complaints, importsOf, type Source } from './layers.ts';

const root = join(import.meta.dirname, '..', '..');
const sources: Source[] = globSync('{src,test,scripts}/**/*.ts', { cwd: root }).map((path) => ({
  path: path.split(sep).join('/'),
  text: readFileSync(join(root, path), 'utf8'),
}));

describe('the sources', () => {
  it('are found', () => {
    expect(sources.map(({ path }) => path)).toEqual(expect.arrayContaining(['src/step.ts', 'src/sandbox/parts.ts']));
  });

  it('keep to their layers', () => {
    expect(complaints(sources)).toEqual([]);
  });
});

describe('the check itself', () => {
  it.each<[path: string, complaint: RegExp, text: string]>([
    ['src/steps/role.ts', /imports upward: src\/engine\/graph\.ts/, "import { walk } from '../engine/graph.ts';"],
    ['src/azure/arm.ts', /imports upward/, "import {\n  a,\n  b,\n} from '../steps/role.ts';"],
    ['src/azure/arm.ts', /imports upward/, "export * from '../steps/role.ts';"],
    ['src/azure/arm.ts', /imports upward/, "import '../steps/role.ts';"],
    ['src/methods/csi/index.ts', /imports upward: src\/prompt\.ts/, "const p = await import('../../prompt.ts');"],
    ['src/engine/apply.ts', /may not import the sandbox/, "import { openSandbox } from '../sandbox/index.ts';"],
    ['src/sandbox/arm/vaults.ts', /is the sandbox's/, "import type { Spec } from '../../workload.ts';"],
    ['src/steps/vault.ts', /may not import @azure/, "import { KeyVaultManagementClient } from '@azure/arm-keyvault';"],
    ['src/steps/pod.ts', /may not import @kubernetes/, "await import('@kubernetes/client-node')"],
    ['src/sandbox/arm/x.ts', /may not import @kubernetes/, "import { dumpYaml } from '@kubernetes/client-node';"],
    ['src/commands/init.ts', /may not import chalk/, "import chalk from 'chalk';"],
    ['src/commands/init.ts', /may not import inquirer/, "import input from 'inquirer';"],
    ['src/utils.ts', /has no layer/, ''],
    ['src/engine/apply.ts', /touches process/, 'const { env } = process.env;'],
    ['src/engine/apply.ts', /touches process/, "import { env } from 'node:process';"],
    ['src/engine/apply.ts', /uses the console/, "console.log('here');"],
    ['src/report/json.ts', /reveals a secret/, 'write(secret.reveal());'],
    ['src/step.ts', /more than 400 lines/, 'x\n'.repeat(401)],
    ['test/engine/graph.test.ts', /leaves tests out/, "it.only('x', () => {});"],
    ['test/engine/graph.test.ts', /leaves tests out/, "describe.skip('x', () => {});"],
  ])('complains of %s: %s', (path, complaint, text) => {
    expect(complaints([{ path, text }])).toEqual([expect.stringMatching(complaint)]);
  });

  it.each<[path: string, text: string]>([
    ['src/engine/apply.ts', "import { defineStep } from '../step.ts';\nimport { walk } from './graph.ts';"],
    ['src/surroundings.ts', "import type { Cloud } from './azure/azure.ts';\nimport type { Agent } from 'node:https';"],
    ['src/io.ts', "import type { TokenCredential } from '@azure/identity';"],
    ['src/commands/sandbox.ts', "const { openSandbox } = await import('../sandbox/index.ts');"],
    ['src/engine/apply.ts', '// console.log and process.env are for others\n/* secret.reveal() */'],
    ['src/cli.ts', "#!/usr/bin/env node\nprocess.exitCode = 2;\nimport { main } from './main.ts';"],
    ['src/azure/vault.ts', 'const value = secret.reveal();\nconst url = "https://x/y";'],
    ['src/step.ts', 'x\n'.repeat(400)],
  ])('lets %s be', (path, text) => {
    expect(complaints([{ path, text }])).toEqual([]);
  });

  it('reads every form of import', () => {
    const code = `import a from 'a';
import { type B, c } from "b";
import type { D } from 'd';
export type { E } from 'e';
type F = typeof import('f');
const g = () => import('g');`;
    expect(importsOf(code)).toEqual([
      { target: 'a', type: false },
      { target: 'b', type: false },
      { target: 'd', type: true },
      { target: 'e', type: true },
      { target: 'f', type: true },
      { target: 'g', type: false },
    ]);
  });
});
