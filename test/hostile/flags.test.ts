import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOUDS } from '../../src/azure/clouds.ts';
import { GLOBAL } from '../../src/commands/flags.ts';
import { COMMANDS } from '../../src/commands/index.ts';
import { convergeFlags } from '../../src/commands/init.ts';
import { realClock } from '../../src/commands/surroundings.ts';
import { signedIn } from '../../src/spec/subscription.ts';
import { variableOf } from '../../src/spec/variable.ts';
import type { Surroundings } from '../../src/surroundings.ts';
import { Problem } from '../../src/trouble.ts';
import { run } from '../commands/ways.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { unreadable } from './nonsense.ts';
import './patience.ts';

/** Where nobody is signed in, so that no line gets further than that. */
const nowhere: Surroundings = {
  ...{ cloud: CLOUDS[0]!, clock: realClock, defaults: {}, env: {}, close: async () => undefined },
  credential: async () => ({
    getToken: () => Promise.reject(new Problem('unsigned', 'sign-in', 'You are not signed in to Azure.')),
  }),
};
const flags = [...GLOBAL, ...(await convergeFlags())].filter(({ flag }) => flag !== 'sandbox');
const words = COMMANDS.map(({ name }) => name).filter((name) => !name.startsWith('sandbox'));
const VALUES = [
  ...[
    '',
    ' ',
    '-',
    '--',
    '=',
    'a',
    'orders',
    '../../etc/passwd',
    '/dev/zero',
    '/etc/passwd',
    'csi',
    'dapr',
    'json',
    'yaml',
    'text',
    '0',
    '-1',
    '1e9',
    '9'.repeat(400),
  ],
  ...[
    '\u0000',
    '\u001b[2J',
    '\u001b]52;c;aGk=\u0007',
    '\r',
    '\n',
    '\u202e',
    '\u{e000}value\u{e001}',
    '$(touch /tmp/x)',
    '`id`',
    "'; rm -rf ~",
    '"',
    '\\',
    '%s',
    '{}',
    '[]',
    '__proto__',
    'constructor',
  ],
  ...[
    'a=b',
    'a=env:',
    'a=env:A B',
    'a=file:',
    'a=file:/dev/zero',
    'a=stdin',
    '=env:X',
    'x=y',
    'é',
    '\ud800',
    'x'.repeat(10_000),
    '(a+)+$',
    '((((',
    '5ab5c000-0000-4000-8000-000000000001',
  ],
];
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...flags.map(({ flag }) => `--${flag}`)) },
  { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...flags.map(({ flag }) => `--no-${flag}`),
      '-h',
      '-o',
      '-f',
      '-y',
      '-v',
      '-q',
      '-yv',
      '-ojson',
      '--version',
      '--help',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...flags), fc.constantFrom(...VALUES))
      .map(([{ flag }, value]) => `--${flag}=${value}`),
  },
  { weight: 1, arbitrary: fc.constantFrom(...words) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);

function hold({ code, out, err }: Awaited<ReturnType<typeof run>>, given: unknown) {
  const said = JSON.stringify(given);
  expect([0, 1, 2, 3, 4, 5, 6], said).toContain(code);
  expect(out + err, said).not.toMatch(unreadable);
  expect(out + err, said).not.toMatch(/Something went wrong|ended unexpectedly/);
  expect((out + err).replaceAll(/[\n\t]/g, ''), said).not.toMatch(/[\p{Cc}\p{Cf}]/u);
}

describe('any words', () => {
  it('are taken or complained of, never more', async () => {
    const line = fc.tuple(fc.constantFrom(...words, ''), fc.array(word, { maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(line, async ([command, rest]) => {
        const argv = [...command.split(' ').filter(Boolean), ...rest];
        hold(await run(argv, { surroundings: nowhere }), argv);
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 75 },
    );
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('such as %s turn no switch', async (value) => {
    for (const { flag } of flags.filter((each) => each.value === undefined && !each.list)) {
      const { code, out, err } = await run(['plan'], { env: { [variableOf(flag)]: value }, surroundings: nowhere });
      expect(code).toBe(2);
      expect(out + err).toContain(`${variableOf(flag)}: expected true, false, 1 or 0.`);
    }
  });

  it('of the environment are, too', async () => {
    const environment = fc.dictionary(
      fc.constantFrom(...flags.map(({ flag }) => variableOf(flag))),
      fc.constantFrom(...VALUES),
      { maxKeys: 5 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('plan', 'init', 'verify', 'destroy', 'export', 'explain', 'compare'),
        environment,
        async (command, env) => {
          hold(await run([command], { env, surroundings: nowhere }), env);
        },
      ),
      { numRuns: EXHAUSTIVE ? 3000 : 50 },
    );
  });

  it('are completed by words that a shell takes as they are', async () => {
    for (const before of [
      ['init', '--method', ''],
      ['plan', '--work'],
      ['init', '--workload', ''],
      [''],
      ['\u0000'],
      ['init', '--method=\u001b[2J'],
      VALUES,
    ]) {
      const { code, out } = await run(['__complete', ...before], { surroundings: nowhere });
      expect(code).toBe(0);
      for (const line of out.split('\n').filter(Boolean))
        expect(line.split('\t')[0]).toMatch(/^(?::files|:folders|[\w.:/@%+=,-]+)$/);
    }
  });
});

describe('the profile of the Azure CLI', () => {
  it('that says anything gives a subscription or none', async () => {
    const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.record({ subscriptions: fc.jsonValue() }).map((all) => JSON.stringify(all)),
        ),
        async (text) => {
          writeFileSync(join(folder, 'azureProfile.json'), text);
          const chosen = await signedIn({ AZURE_CONFIG_DIR: folder }).choose(undefined, [], { said: 'x' });
          expect(chosen === undefined || /^[0-9a-f-]{36}$/.test(chosen)).toBe(true);
        },
      ),
      { numRuns: EXHAUSTIVE ? 3000 : 50 },
    );
    rmSync(folder, { recursive: true });
  });
});
