import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { Complaints } from '../src/complaint.ts';
import {
  documents,
  filledTemplate,
  fillTemplate,
  HOLES,
  holesOf,
  readTemplate,
  type Values,
} from '../src/templates.ts';

// Holes are written `<name>` here, so that neither TypeScript nor the linter takes them for its own.
const template = (text: string) => ({ file: 'x.yaml', text: text.replace(/<([\w.]*)>/g, '$${$1}') });
const secret = (name: string, as = name.toUpperCase()) => ({ name, as, kind: 'secret', objectType: 'secret' });
const fill = (text: string, values: Values = {}, secrets = [secret('one'), secret('two')]) =>
  fillTemplate(template(text), values, secrets);
const complaintsOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof Complaints) return error.complaints;
    throw error;
  }
  throw new Error('nothing was complained about');
};

describe('a scalar that is one hole takes the value with its type', () => {
  it.each([
    ['a number', 3, 'replicas: 3\n'],
    ['a truth', true, 'replicas: true\n'],
    ['a word', 'orders', 'replicas: orders\n'],
    ['an address', 'https://demo-kv.vault.azure.net/', 'replicas: https://demo-kv.vault.azure.net/\n'],
    ['nothing', '', 'replicas: ""\n'],
    ['text that looks like a number', '0e12', 'replicas: "0e12"\n'],
    ['text that looks like a truth', 'yes', 'replicas: "yes"\n'],
    ['lines', 'a: b\n  c\n', 'replicas: |\n  a: b\n    c\n'],
  ])('%s', (_, value, text) => {
    expect(fill('replicas: <app>', { app: value })).toBe(text);
  });

  it('any text comes back as the same text, in YAML 1.2 and in 1.1, wherever it stands', () => {
    const places = 'plain: <app>\nquoted: "<app>"\nlist:\n  - <app>\nflow: ["<app>", {k: "<app>"}]\ntext: a-<app>-b\n';
    const odd = fc.constantFrom(
      '0e12',
      'true',
      '1.0',
      ': x',
      '0444',
      '1:30',
      '~',
      '---',
      '- a',
      '# x',
      '=',
      '<<',
      'No',
      '2001-01-01',
      '$' + '{app}',
    );
    const lines = fc.array(fc.string({ maxLength: 12 }), { maxLength: 5 }).map((all) => all.join('\n'));
    fc.assert(
      fc.property(fc.oneof(odd, lines, fc.string({ unit: 'binary' }), fc.string()), (value) => {
        const filled = fill(places, { app: value });
        const want = { plain: value, quoted: value, list: [value], flow: [value, { k: value }], text: `a-${value}-b` };
        expect(parse(filled)).toEqual(want);
        expect(parse(filled, { version: '1.1' })).toEqual(want);
      }),
      { numRuns: 400 },
    );
  });

  it('any text comes back as a key', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        expect(parse(fill('<app>: 1\n', { app: value }), { version: '1.1' })).toEqual({ [value]: 1 });
      }),
    );
  });
});

describe('a hole inside text is text', () => {
  it.each([
    ['two holes that make a number', 'x: <app><namespace>', 'x: "12"\n'],
    ['in a key', 'x/<app>: 1', 'x/1: 1\n'],
    ['in a block', 'x: |\n  a <app>\n  b', 'x: |\n  a 1\n  b\n'],
    ['escaped', 'x: $<app> <app>', 'x: "$' + '{app} 1"\n'],
  ])('%s', (_, text, filled) => {
    expect(fill(text, { app: '1', namespace: '2' })).toBe(filled);
  });

  it('a value is not filled again', () => {
    expect(parse(fill('x: <app>', { app: '$' + '{namespace}', namespace: 'n' }))).toEqual({ x: '$' + '{namespace}' });
  });
});

describe('what a filled text says', () => {
  const folder = join(import.meta.dirname, '../templates');
  const files = globSync('**/*.yaml', { cwd: folder });
  const values = Object.fromEntries(Object.keys(HOLES).map((hole) => [hole, `a-${hole.replace('.', '-')}`])) as Values;
  const odd = { ...values, app: '0123', namespace: 'on', image: 'registry.example/image:1', script: 'two\n  lines\n' };

  it.each(files)('%s is what is read in it', (file) => {
    for (const each of [values, odd]) {
      const { text, object } = filledTemplate(readTemplate(folder, file), each, [secret('one'), secret('two')]);
      expect(object).toEqual(parse(text));
    }
  });

  it('is not changed by what is filled in later', () => {
    const one = template('name: <app>\nitems:\n  - <secret.name>\n');
    const first = filledTemplate(one, { app: 'first' }, [secret('one')]);
    filledTemplate(one, { app: 'second' }, [secret('two')]);
    expect(first).toEqual({
      text: 'name: first\nitems:\n  - one\n',
      object: { name: 'first', items: ['one'] },
    });
    expect(filledTemplate(one, { app: 'third' }, []).object).toEqual({ name: 'third', items: [] });
  });
});

describe('the innermost list item that says a secret is repeated once per secret', () => {
  it.each([
    [
      'a map',
      'data:\n  - name: <secret.name>\n    as: <secret.as>\n',
      {
        data: [
          { name: 'one', as: 'ONE' },
          { name: 'two', as: 'TWO' },
        ],
      },
    ],
    ['a scalar between others', 'data: [a, "<secret.name>", b]\n', { data: ['a', 'one', 'two', 'b'] }],
    [
      'inside another list',
      'outer:\n  - name: env\n    data:\n      - <secret.name>\n',
      { outer: [{ name: 'env', data: ['one', 'two'] }] },
    ],
    [
      'the outer item speaks itself: the inner one is of the same secret',
      'outer:\n  - name: <secret.name>\n    args: ["--as=<secret.as>"]\n',
      {
        outer: [
          { name: 'one', args: ['--as=ONE'] },
          { name: 'two', args: ['--as=TWO'] },
        ],
      },
    ],
    ['a key', 'data:\n  - <secret.name>: 1\n', { data: [{ one: 1 }, { two: 1 }] }],
  ])('%s', (_, text, want) => {
    expect(parse(fill(text))).toEqual(want);
  });

  it('a comment before the item is said once', () => {
    expect(fill('data:\n  - a\n  # each\n  - <secret.name>\n')).toBe('data:\n  - a\n  # each\n  - one\n  - two\n');
  });
  it('no secrets: the list is empty, not null', () => {
    expect(parse(fill('data:\n  - <secret.name>\n', {}, []))).toEqual({ data: [] });
  });
  it('secrets of any name and alias', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1, maxLength: 4 }), (names) => {
        const secrets = names.map(([name, as]) => secret(name, as));
        const filled = parse(fill('data:\n  - key: <secret.as>\n    from: <secret.name>\n', {}, secrets));
        expect(filled).toEqual({ data: names.map(([name, as]) => ({ key: as, from: name })) });
      }),
    );
  });
});

describe('what nobody touched stays', () => {
  it('comments, numbers as they were written, words, empty values, long lines', () => {
    const text = `# Head\n\napiVersion: v1 # trailing\nmode: 0444\nratio: 1.10\nbig: 123456789012345678901234567890\nword: yes\nempty:\nlong: ${'word '.repeat(60)}end\nflow: [node, /x, {a: b}]\n# before\nlist:\n  # item\n  - a\n\n# end\n`;
    expect(fill(text)).toBe(text);
  });
  it('several documents, each with its comments; empty ones go', () => {
    const filled = fill('# one\na: <app>\n---\n# two\nb: <app>\n---\n# nothing\n', { app: 'x' });
    expect(filled).toBe('# one\na: x\n---\n# two\nb: x\n');
    expect(documents(filled)).toEqual(['# one\na: x\n', '# two\nb: x\n']);
    expect(parseAllDocuments(filled)).toHaveLength(2);
  });
});

describe('complaints', () => {
  it('all at once, each with file, line, the hole and what is near', () => {
    const text = 'a: <clientid>\nb: |\n  x\n  <nope>\nc: <secret.name>\nd: <vaultUri>\ne: $' + '{app\n';
    expect(complaintsOf(() => fill(text)).map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([
      'x.yaml:1 unknown hole $' + '{clientid}; did you mean $' + '{clientId}?',
      'x.yaml:4 unknown hole $' + '{nope}',
      'x.yaml:5 $' + '{secret.name} stands outside a list: it is repeated per list item',
      'x.yaml:6 $' + '{vaultUri} has no value here',
      'x.yaml:7 a hole $' + '{ is not closed',
    ]);
  });
  it('names the known holes', () => {
    expect(complaintsOf(() => fill('a: <x>'))[0]?.fix?.say).toContain(Object.keys(HOLES).join(', '));
  });
  it('an unknown hole in a repeated item, although there are no secrets', () => {
    expect(complaintsOf(() => fill('a:\n  - <secret.nam>: <secret.name>\n', {}, []))).toHaveLength(1);
  });
  it.each(['toString', '__proto__', 'secret.', 'secret.toString', 'constructor'])('a hole called %s', (name) => {
    expect(complaintsOf(() => fill(`a:\n  - <${name}>\n`))[0]?.message).toContain('unknown hole');
  });
  it('what is not YAML, with its line, and how to write a hole in a list', () => {
    const [complaint] = complaintsOf(() => fill('a: 1\nb: [<app>]\n', { app: 'x' }));
    expect(complaint).toMatchObject({ file: 'x.yaml', line: 2, fix: { say: expect.stringContaining('quotes') } });
  });
  it('aliases that grow without end', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [name, of] of [
      ['b', 'a'],
      ['c', 'b'],
      ['d', 'c'],
    ])
      lines.push(`${name}: &${name} [${`*${of}, `.repeat(9)}*${of}]`);
    expect(complaintsOf(() => fill(`${lines.join('\n')}\n`))[0]?.message).toContain('aliases');
  });
  it('an alias that is used once is left as it is', () => {
    expect(fill('a: &x <app>\nb: *x\n', { app: 'z1' })).toBe('a: &x z1\nb: *x\n');
  });
});

it('names all holes of a template', () => {
  expect(holesOf(template('<app>: <nope>\nb: $<clientId>\n'))).toEqual(['app', 'nope']);
});

describe('where templates are found', () => {
  const root = mkdtempSync(join(tmpdir(), 'templates-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const shipped = join(root, 'shipped');
  const own = join(root, 'own');
  for (const folder of [shipped, own]) mkdirSync(join(folder, 'csi'), { recursive: true });
  writeFileSync(join(root, 'outside.yaml'), 'outside');
  writeFileSync(join(shipped, 'csi/a.yaml'), 'shipped a');
  writeFileSync(join(shipped, 'csi/b.yaml'), 'shipped b');
  writeFileSync(join(own, 'csi/a.yaml'), 'own a');
  writeFileSync(join(own, 'target.yaml'), 'target');
  symlinkSync(join(root, 'outside.yaml'), join(own, 'csi/out.yaml'));
  symlinkSync(join(own, 'target.yaml'), join(own, 'csi/in.yaml'));
  symlinkSync(root, join(own, 'up'));

  it("the user's copy first", () => {
    expect(readTemplate(shipped, 'csi/a.yaml', own)).toEqual({ text: 'own a', file: join(own, 'csi/a.yaml') });
    expect(readTemplate(shipped, 'csi/b.yaml', own).text).toBe('shipped b');
    expect(readTemplate(shipped, 'csi/a.yaml').text).toBe('shipped a');
    expect(readTemplate(shipped, 'csi/in.yaml', own).text).toBe('target');
  });
  it.each([
    '../outside.yaml',
    'csi/../../outside.yaml',
    '/etc/hostname',
    'C:\\x',
    '\\x',
    'csi/out.yaml',
    'up/outside.yaml',
    'a\0b',
    'csi',
    'csi/none.yaml',
  ])('refuses %j', (path) => {
    expect(complaintsOf(() => readTemplate(shipped, path, own))).toHaveLength(1);
  });
  it('a folder that does not exist is said, not passed over', () => {
    expect(complaintsOf(() => readTemplate(shipped, 'csi/a.yaml', join(root, 'nowhere')))[0]?.file).toContain(
      'nowhere',
    );
  });
});
