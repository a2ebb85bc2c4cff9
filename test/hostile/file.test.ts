import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { draftOf } from '../../src/spec/read.ts';
import { readTree } from '../../src/spec/text.ts';
import { run } from '../commands/ways.ts';
import { sources } from '../spec/ways.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { unreadable } from './nonsense.ts';
import './patience.ts';

const GOOD = `apiVersion: aks-secrets/v1
cluster: { resourceGroup: shop-rg, name: shop-aks }
vault: { resourceGroup: shop-rg, name: shop-kv }
workloads:
  - name: orders
    namespace: shop
    method: csi
    secrets: [{ name: db-password, as: DB_PASSWORD, value: { env: DB } }, api-key]
    syncSecret: orders
  - name: mailer
    namespace: shop
    method: external-secrets
    vault: { resourceGroup: mail-rg, name: mail-kv, create: { location: westeurope } }
    identity: { name: mailer-id }
    find: ^smtp-
    sample: true
`;
const HEAD = GOOD.slice(0, GOOD.indexOf('  - name: orders'));
const FIRST = GOOD.slice(HEAD.length, GOOD.indexOf('  - name: mailer'));

const draft = (text: string) => draftOf(sources(text, {}, { methods }));

/** Reads it whole, and holds what was said of it to what a complaint is. */
async function reading(text: string) {
  const { complaints, spec } = await draft(text);
  const lines = text.split('\n').length;
  for (const { message, line = 1 } of complaints) {
    expect(message).not.toMatch(unreadable);
    expect(message).not.toMatch(/\bundefined\b(?!")/);
    expect(message.length).toBeLessThan(2000);
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines);
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  if (complaints.length === 0) expect(JSON.stringify(spec)).not.toMatch(/[\p{Cf}\p{Co}]|\\u00[01]|\\n/u);
  return { complaints, spec };
}

describe('a file of any text', () => {
  it('the good one is good', async () => {
    expect((await reading(GOOD)).complaints).toEqual([]);
  });

  it('is read or complained of, never more', async () => {
    const token = fc.constantFrom(
      ...[
        'apiVersion',
        'workloads',
        'name',
        'secrets',
        'value',
        'env',
        'vault',
        'create',
        '__proto__',
        'constructor',
        'polluted',
        '<<',
      ],
      ...[
        ': ',
        ':',
        '- ',
        '\n',
        '\n  ',
        '\n    ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '&a ',
        '*a',
        '!!binary ',
        '!x ',
        '? ',
        '| ',
        '> ',
        '"',
        "'",
        '#',
        '%YAML 1.1\n---\n',
      ],
      ...[
        '\t',
        '\r',
        '\r\n',
        '\u0000',
        '\ufeff',
        '\u2028',
        '\u0085',
        '---\n',
        '...\n',
        'aks-secrets/v1',
        'csi',
        '0x1',
        '.nan',
        '-.inf',
        '~',
        'null',
        '2026-01-01',
      ],
    );
    const text = fc.oneof(
      { weight: 3, arbitrary: fc.array(token, { maxLength: 60 }).map((all) => all.join('')) },
      { weight: 1, arbitrary: fc.array(token, { maxLength: 30 }).map((all) => HEAD + all.join('')) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
    );
    await fc.assert(
      fc.asyncProperty(text, async (each) => void (await reading(each))),
      { numRuns: EXHAUSTIVE ? 5000 : 75 },
    );
  });

  it('a good one with anything in one place is read or complained of, with the line', async () => {
    const lines = GOOD.split('\n');
    const change = fc.record({
      line: fc.nat(lines.length - 1),
      at: fc.nat(60),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.constantFrom('\n', ': ', '&a [*a]', '{', ' #', '"', '[]', 'null', '__proto__: ', '*a', '!!str '),
      ),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ line, at, cut, put }) => {
        const text = lines
          .map((one, index) => (index === line ? one.slice(0, at) + put + one.slice(at + cut) : one))
          .join('\n');
        await reading(text);
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 75 },
    );
  });

  it('any JSON is read or complained of, and so is any in a place of the good one', async () => {
    const places = [
      'cluster',
      'vault',
      'workloads',
      'subscription',
      '$schema',
      'workloads.0',
      'workloads.0.name',
      'workloads.0.secrets',
      'workloads.0.secrets.0',
      'workloads.0.secrets.0.value',
      'workloads.1.vault',
      'workloads.1.vault.create',
      'workloads.1.sample',
      'workloads.1.find',
      'workloads.1.identity',
    ];
    const good = readTree(GOOD, 'f').root;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', ...places),
        fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }),
        async (place, value) => {
          const tree = structuredClone(good) as never;
          const path = place.split('.');
          let node: never = tree;
          for (const part of path.slice(0, -1)) node = node[part] as never;
          if (place !== '') (node as Record<string, unknown>)[path.at(-1)!] = value;
          await reading(JSON.stringify(place === '' ? value : tree));
        },
      ),
      { numRuns: EXHAUSTIVE ? 5000 : 100 },
    );
  });

  it('never shows what stands where a value would', async () => {
    for (const value of [
      'hunter2',
      '"hunter2"',
      '[hunter2]',
      '{ is: hunter2 }',
      '{ env: hunter2 hunter2 }',
      '|\n        hunter2',
      '{ file: hunter2 }',
      '!!binary hunter2',
    ]) {
      const { complaints } = await draft(GOOD.replace('{ env: DB }', value));
      expect(complaints.length, value).toBeGreaterThan(0);
      expect(JSON.stringify(complaints)).not.toContain('hunter2');
    }
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
    'a key named %s is a key that nobody knows',
    async (key) => {
      for (const text of [
        `${GOOD}${key}: { polluted: 1 }\n`,
        GOOD.replace('namespace: shop', `namespace: shop\n    ${key}: { polluted: 1 }`),
        GOOD.replace('name: shop-aks', `name: shop-aks, ${key}: { name: x }`),
        GOOD.replace('{ env: DB }', `{ env: DB, ${key}: x }`),
      ]) {
        const { complaints } = await reading(text);
        expect(complaints.map(({ message }) => message).join()).toContain(`"${key}"`);
      }
    },
  );
});

/** CPU milliseconds, since others use the machine too. */
async function cost(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

describe('a large file', () => {
  const many = (piece: (n: number) => string, size: number): string => {
    const all: string[] = [];
    for (let n = 0, length = 0; length < size; n += 1) {
      all.push(piece(n));
      length += all.at(-1)!.length;
    }
    return all.join('');
  };
  const LARGE: Readonly<Record<string, (size: number) => string>> = {
    keys: (size) => many((n) => `k${n}: 1\n`, size),
    'keys in a row': (size) => `{${many((n) => `k${n}: 1, `, size)}}`,
    items: (size) => many((n) => `- ${n}\n`, size),
    'one key over and over': (size) => many(() => 'k: 1\n', size),
    anchors: (size) => many((n) => `a${n}: &x${n} 1\n`, size),
    aliases: (size) => `a: &x 1\n${many((n) => `b${n}: *x\n`, size)}`,
    merges: (size) => `a: &a { x: 1 }\n${many((n) => `b${n}: { <<: *a }\n`, size)}`,
    brackets: (size) => '['.repeat(size),
    braces: (size) => '{a: '.repeat(size / 4),
    dashes: (size) => '- '.repeat(size / 2),
    depth: (size) => many((n) => `${' '.repeat(n % 500)}a:\n`, size),
    comments: (size) => many(() => '# c\n', size),
    documents: (size) => many(() => '---\n', size),
    tags: (size) => many((n) => `k${n}: !t 1\n`, size),
    'keys that are lists': (size) => many((n) => `? [${n}]\n: 1\n`, size),
    'a long key': (size) => `${'x'.repeat(size)}: 1`,
    'a long text': (size) => `${HEAD}  - name: ${'x'.repeat(size)}\n`,
    escapes: (size) => `"${'\\u0041'.repeat(size / 6)}"`,
    'spaces at ends': (size) => `a: "${'x \n '.repeat(size / 4)}"`,
    workloads: (size) => HEAD + many((n) => `  - { name: w${n}, namespace: n, method: csi, secrets: [s] }\n`, size),
    'workloads of one name': (size) =>
      HEAD + many(() => '  - { name: w, namespace: n, method: csi, secrets: [s] }\n', size),
    'workloads of nothing': (size) => HEAD + many(() => '  - {}\n', size),
    'workloads that are none': (size) => HEAD + many(() => '  - 5\n', size),
    'keys misspelt': (size) => HEAD + many((n) => `  - { name: w${n}, namespac: n, metod: csi, secret: [s] }\n`, size),
    secrets: (size) =>
      `${HEAD}${FIRST.replace(/secrets:.*/, 'secrets:')}`.replace(/ +syncSecret.*\n/, '') +
      many((n) => `      - s${n}\n`, size),
    'secrets with wrong names': (size) =>
      `${HEAD}${FIRST.replace(/secrets:.*/, 'secrets:')}`.replace(/ +syncSecret.*\n/, '') +
      many((n) => `      - s_${n}\n`, size),
  };
  /** Where what is square shows beside what is not: sooner for some than for others. */
  const SIZES: Readonly<Record<string, number>> = { keys: 64 * 1024 };
  const SMALL = (EXHAUSTIVE ? 32 : 4) * 1024;

  it.each(Object.entries(LARGE))(
    'of %s takes four times as long when it is four times as large',
    async (name, made) => {
      const size = SIZES[name] ?? SMALL;
      await draft(made(2000));
      const [one, four] = [await cost(() => draft(made(size))), await cost(() => draft(made(4 * size)))];
      // Nine times, for what is collected between; square would be sixteen.
      expect(four).toBeLessThan(Math.max(250, 9 * one));
    },
  );

  it('of anchors of anchors is refused after a fixed number of steps', async () => {
    const level = (n: number) =>
      `${'abcdefghijklmnopqrstuvwxyz'[n]}: &${'abcdefghijklmnopqrstuvwxyz'[n]} [${Array(9)
        .fill(n === 0 ? 'x' : `*${'abcdefghijklmnopqrstuvwxyz'[n - 1]}`)
        .join(', ')}]\n`;
    const bomb = Array.from({ length: 20 }, (_, n) => level(n)).join('');
    const { complaints } = await reading(bomb);
    expect(complaints.map(({ message }) => message).join()).toMatch(/Anchors and nesting/);
  });

  it('an alias is the last anchor of its name before it, as YAML has it', () => {
    const { root } = readTree('a: &x 1\nb: *x\nc: &x [2, &y 3]\nd: *x\ne: *y\n', 'f');
    expect(root).toEqual({ a: 1, b: 1, c: [2, 3], d: [2, 3], e: 3 });
    for (const text of ['a: *x\nb: &x 1\n', 'a: &x [*x]\n', 'a: &x { b: { c: *x } }\n'])
      expect(readTree(text, 'f').complaints.length, text).toBeGreaterThan(0);
  });

  it('with more wrong than anybody reads says the first of it, and how much more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
    writeFileSync(join(folder, 'aks-secrets.yaml'), HEAD + '  - {}\n'.repeat(4000));
    const ran = await run(['plan', '-o', 'json'], { cwd: folder });
    rmSync(folder, { recursive: true });
    const { complaints } = JSON.parse(ran.out) as { complaints: { message: string }[] };
    expect(ran.code).toBe(2);
    expect(complaints).toHaveLength(201);
    expect(complaints.at(-1)?.message).toMatch(/^And \d{4,} more\.$/);
  });
});

describe('what is no file of text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-hostile-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, bytes: string | Buffer): string => {
    writeFileSync(join(folder, name), bytes);
    return name;
  };
  mkdirSync(join(folder, 'a-folder'));
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync('/nowhere/at/all', join(folder, 'nowhere'));
  const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

  it.each<[string, string, RegExp]>([
    ['with a byte-order mark', file('bom.yaml', `\ufeff${GOOD.replace('find', 'fnd')}`), /fnd/],
    ['of PowerShell', file('utf16.yaml', utf16(GOOD.replace('find', 'fnd'))), /fnd/],
    ['of UTF-16 the other way', file('utf16be.yaml', utf16(GOOD.replace('find', 'fnd')).swap16()), /fnd/],
    ['with lines of Windows', file('crlf.yaml', GOOD.replaceAll('\n', '\r\n').replace('find', 'fnd')), /fnd/],
    [
      'of Latin-1',
      file('latin1.yaml', Buffer.from(GOOD.replace('mailer-id', 'm\u00e4iler'), 'latin1')),
      /not text \(UTF-8\)/,
    ],
    ['of bytes', file('bytes.yaml', Buffer.from([0, 1, 2, 0xff, 0xfe, 0x80])), /not text \(UTF-8\)/],
    ['of NULs', file('nul.yaml', GOOD.replace('orders', 'ord\u0000ers')), /:\d/],
    ['that is empty', file('empty.yaml', ''), /apiVersion/],
    ['of comments', file('comments.yaml', '# nothing\n'), /apiVersion/],
    [
      'with a terminal sequence for a name',
      file('esc.yaml', GOOD.replace('orders', '"or\\e]52;c;x\\a\\u202eders"')),
      /not the name of a workload/,
    ],
    ['larger than any', file('large.yaml', '#'.repeat(2 * 1024 * 1024 + 1)), /larger than 2 MiB/],
    ['that never ends', '/dev/zero', /larger than 2 MiB|not text/],
    ['that is a folder', 'a-folder', /folder, not a file/],
    ['that leads to itself', 'loop', /ELOOP/],
    ['that leads nowhere', 'nowhere', /There is no file/],
    ['with a NUL in its name', 'a\u0000b', /Cannot read/],
    ['with a name beyond any', 'n'.repeat(5000), /ENAMETOOLONG/],
  ])('%s is complained of, and nobody is asked for more', async (_, path, pattern) => {
    const ran = await run(['plan', '-f', path, '--subscription', '5ab5c000-0000-4000-8000-000000000001'], {
      cwd: folder,
    });
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err.replaceAll(/\s+/g, ' ')).toMatch(pattern);
    expect(ran.err.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(ran.err).not.toMatch(unreadable);
  });
});
