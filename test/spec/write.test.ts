import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Complaints } from '../../src/complaint.ts';
import type { Answers } from '../../src/spec/answers.ts';
import { commandLine, quote } from '../../src/spec/line.ts';
import { SAMPLE_IMAGE } from '../../src/spec/schema.ts';
import { specToFile } from '../../src/spec/write.ts';
import type { IdentityWish, SecretRef, Spec, Workload } from '../../src/workload.ts';
import { flags, methods, read, SUBSCRIPTION } from './ways.ts';

const letters = (from: string, min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...from), minLength: min, maxLength: max });
const word = letters('abcxyz0189', 1, 12).map((text) => `a${text}`);
/** Words that YAML may take for something else. */
const odd = fc.constantFrom('no', 'yes', 'null', 'true', 'on', '12', '1e3', '0x1f', '0o7', 'y');
const name = fc.oneof(word, odd);
const alias = fc.oneof(name, fc.constantFrom('DB_PASSWORD', 'a.b', '-x', '1.0', '.x'));
const group = fc.oneof(name, fc.constantFrom('Shop.rg', 'rg(1)', '-rg', '_', '123'));
const vault = fc.record({
  resourceGroup: group,
  name: word,
  create: fc.option(
    fc.oneof(
      fc.record({ purgeProtection: fc.boolean() }),
      fc.record({ purgeProtection: fc.boolean(), location: fc.constantFrom('westeurope') }),
    ),
    { nil: undefined },
  ),
});
const secret: fc.Arbitrary<SecretRef> = fc
  .record({
    kind: fc.constantFrom('secret' as const, 'key' as const, 'certificate' as const),
    name: fc.oneof(word, fc.constantFrom('API-key', '007', 'no')),
    as: alias,
    value: fc.boolean(),
  })
  .map(({ value, ...rest }) => {
    // One secret has one source, wherever it is named.
    const env = rest.name === 'no' ? 'no' : 'DB_PASSWORD';
    return value && rest.kind === 'secret' ? { ...rest, value: { env } } : rest;
  });
const RANK = { secret: 0, key: 1, certificate: 2 };

const workload = (index: number): fc.Arbitrary<Workload> =>
  fc
    .record({
      namespace: name,
      method: fc.constantFrom('csi', 'workload-identity'),
      vault,
      identity: fc.oneof<fc.Arbitrary<IdentityWish>[]>(
        fc.record({ resourceGroup: group, name: fc.constant(`id-${index}`) }),
        fc.record({ kind: fc.constant('app registration' as const), name: fc.constant(`Orders (app) ${index}`) }),
      ),
      secrets: fc.uniqueArray(secret, { minLength: 1, maxLength: 4, selector: ({ as }) => as }),
      roleScope: fc.constantFrom('vault' as const, 'secret' as const),
      sample: fc.option(fc.constantFrom({ image: SAMPLE_IMAGE }, { image: 'mine.example/node:24' }), {
        nil: undefined,
      }),
      syncSecret: fc.option(alias, { nil: undefined }),
    })
    .map(({ sample, syncSecret, secrets, vault: { create, ...where }, ...rest }) => ({
      ...rest,
      name: `w${index}`,
      serviceAccount: index % 2 === 0 ? `w${index}` : `sa-${index}`,
      vault: { ...where, name: `${where.name}-${index}`, ...(create && { create }) },
      secrets: secrets.toSorted((a, b) => RANK[a.kind] - RANK[b.kind]),
      ...(sample && { sample }),
      options: rest.method === 'csi' && syncSecret !== undefined ? { syncSecret } : {},
    }));

const spec: fc.Arbitrary<Spec> = fc
  .record({
    cluster: fc.record({
      resourceGroup: group,
      name: word,
      create: fc.option(
        fc.record({ location: fc.constant('westeurope'), nodeCount: fc.nat(9).map((n) => n + 1), nodeSize: word }),
        {
          nil: undefined,
        },
      ),
    }),
    workloads: fc
      .integer({ min: 1, max: 4 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => workload(i)))),
  })
  .map(({ cluster: { create, ...cluster }, workloads }) => ({
    subscription: SUBSCRIPTION,
    cluster: { ...cluster, ...(create && { create: { ...create, nodeSize: `${create.nodeSize}_x` } }) },
    workloads,
  }));

describe('a saved file', () => {
  it('reads back to the same Spec', async () => {
    await fc.assert(
      fc.asyncProperty(spec, async (wanted) => {
        expect(await read(specToFile(wanted, methods), {})).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves out what a file may not say', async () => {
    const given = { 'secret-value': ['db=file:secret.txt'], rotate: ['db'] };
    const answers = { ...base, secret: ['db'], ...given };
    const text = specToFile(await read(undefined, answers), methods);
    expect(text).not.toMatch(/secret\.txt|rotate|value:/);
  });
});

const base = {
  ...{ subscription: SUBSCRIPTION, cluster: 'c1', 'resource-group': 'rg', vault: 'the-kv', workload: ['orders'] },
  ...{ namespace: 'shop', method: 'csi' },
};

describe('the same run as a line', () => {
  it('names an app registration in place of an identity', async () => {
    const wanted = await read(undefined, { ...base, secret: ['db'], 'app-registration': 'Orders (prod)' });
    expect(wanted.workloads[0]?.identity).toEqual({ kind: 'app registration', name: 'Orders (prod)' });
    const line = commandLine(wanted, { command: 'init', flags: [] }, methods);
    expect(line).toContain("--app-registration 'Orders (prod)'");
    expect(line).not.toContain('--identity');
  });

  it('gives the same Spec when it is read by a shell', async () => {
    const answers = {
      ...base,
      secret: ['db=DB_PASSWORD', 'api-key'],
      certificate: ['tls'],
      'secret-value': ['db=file:C:\\my files\\pass word.txt'],
      'identity-resource-group': 'rg(2)',
      'sync-secret': 'orders-env',
      sample: true,
    };
    const wanted = await read(undefined, answers);
    const line = commandLine(
      wanted,
      {
        command: 'init',
        flags: [
          ['allow', 'cluster,install'],
          ['yes', true],
        ],
      },
      methods,
    );
    expect(line).not.toContain('\n');
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
      .slice(2);
    const again: Record<string, string | boolean | string[]> = {};
    for (let at = 0; at < words.length; at++) {
      const flag = words[at]!.replace(/^--/, '');
      const next = words[at + 1];
      if (next === undefined || next.startsWith('--')) again[flag] = true;
      else {
        const list = ['secret', 'certificate', 'secret-value', 'workload'].includes(flag);
        again[flag] = list ? [...((again[flag] as string[] | undefined) ?? []), next] : next;
        at++;
      }
    }
    expect(again).toMatchObject({ allow: 'cluster,install', yes: true });
    const answered: Answers = flags(again);
    expect(await read(undefined, {}, { answers: answered })).toEqual(wanted);
  });

  it('names the file instead of what stands in it', async () => {
    const around = { command: 'init', file: 'my file.yaml', flags: [['yes', true]] } as const;
    expect(commandLine(await read(undefined, { ...base, secret: ['a'] }), around, methods)).toBe(
      "aks-secrets init -f 'my file.yaml' --yes",
    );
  });

  it.each([
    ['plain-1.2/x:y=z', 'plain-1.2/x:y=z'],
    ['a,b', "'a,b'"],
    ['a b', "'a b'"],
    ['$HOME', "'$HOME'"],
    ["it's", `"it's"`],
    ['', "''"],
    ['@x', "'@x'"],
  ])('quotes %s', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });
});

describe('any text for a file', () => {
  const pieces = fc.constantFrom(
    ...[
      'apiVersion: aks-secrets/v1',
      'workloads:',
      '  - name: a',
      '    secrets: [a, {name: b}]',
      '    vault: {name: x}',
      '{',
      ']',
      '&a',
      '*a',
      '\t',
    ],
    ...[
      '? ',
      ': ',
      '- ',
      '---',
      '!!set',
      '"',
      "'",
      '<<: *a',
      '__proto__: {a: 1}',
      'constructor: 1',
      '%YAML 1.1',
      '\n',
      'null',
      '~',
      '12',
      'value: s3cret',
    ],
    ...[
      'cluster: []',
      'workloads: [1, null, {name: 5}, []]',
      '    sample: {image: 1}',
      '    keys: {a: b}',
      '    method: [csi]',
      'toString: 1',
    ],
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 14 }).map((lines) => lines.join('\n')),
  );

  it('gives a Spec or complaints, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        try {
          await read(given);
        } catch (error) {
          expect(error).toBeInstanceOf(Complaints);
          expect((error as Complaints).complaints.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['brackets', '['.repeat(20_000)],
    ['maps', '{a: '.repeat(5_000)],
    [
      'aliases of aliases',
      [
        'a: &a [1,1,1,1,1,1,1,1,1,1]',
        ...'bcdefgh'.split('').map((key, i) => `${key}: &${key} [${Array(10).fill(`*${'abcdefg'[i]}`).join(',')}]`),
      ].join('\n'),
    ],
    ['a large file', `# ${'x'.repeat(3 * 1024 * 1024)}`],
    ['a binary file', '\u0000\u0001\u0002'],
  ])('bears %s', async (_, given) => {
    await expect(read(given)).rejects.toBeInstanceOf(Complaints);
  });
});
