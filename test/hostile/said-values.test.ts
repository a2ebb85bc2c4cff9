import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { redact, Secret, whileKept } from '../../src/secret.ts';
import { begin } from '../stories/harness.ts';
import './patience.ts';

const hiding = (values: readonly string[], text: string): Promise<string> =>
  whileKept(async () => {
    for (const value of values) new Secret(value);
    return redact(text);
  });

describe('a value that is said otherwise than it was given', () => {
  const VALUE = "hunter22 <SWORD>&'fish'+/=";
  it.each<[how: string, text: string]>([
    ['as HTML', 'hunter22 &lt;SWORD&gt;&amp;&#39;fish&#39;+/='],
    ['as JSON of .NET', 'hunter22 \\u003CSWORD\\u003E\\u0026\\u0027fish\\u0027\\u002B/='],
    ['percent-encoded, in lower case', encodeURIComponent(VALUE).replaceAll(/%../g, (one) => one.toLowerCase())],
    ['as a form', encodeURIComponent(VALUE).replaceAll('%20', '+')],
    ['in base64 for addresses', Buffer.from(VALUE).toString('base64url')],
    ['as JSON in JSON', JSON.stringify(JSON.stringify(VALUE)).slice(3, -3)],
  ])('%s, is hidden', async (_how, text) => {
    expect(await hiding([VALUE], `it says "${text}" here`)).toBe('it says "[secret]" here');
  });

  it.each<[how: string, value: string, text: string, left: string]>([
    ['without the line breaks at its end', 'hunter22SWORD\n\n', 'The value hunter22SWORD is', 'The value [secret] is'],
    ['with other line breaks', 'one-line-22\r\nother-line-22', 'is one-line-22\nother-line-22.', 'is [secret].'],
    ['by its first line alone', 'one-line-22\nother-line-22', 'is one-line-22.', 'is [secret].'],
  ])('%s, is hidden', async (_how, value, text, left) => {
    expect(await hiding([value], text)).toBe(left);
  });

  it('that holds another one, or overlaps with it, is hidden whole', async () => {
    expect(await hiding(['hunter22', 'hunter22-swordfish-9'], "'hunter22-swordfish-9'")).toBe("'[secret]'");
    expect(await hiding(['abcdefgh', 'efghijkl'], '<abcdefghijkl>')).toBe('<[secret]>');
  });

  it('of half a character is hidden, too', async () => {
    expect(await hiding(['\ud800abcdef'], 'all is well')).toBe('all is well');
  });
});

describe('a value that is cut off', () => {
  it('by the length of a message is hidden before', async () => {
    const story = await begin({ noSample: true });
    const value = 'hunter22SWORDfish'.repeat(12);
    const message = `${'x'.repeat(401)} ${value}`;
    story.sandbox.faults.failAt(
      { method: 'PUT', path: /secrets\/fresh$/ },
      { status: 400, body: { error: { code: 'Bad', message } } },
    );
    const words = 'init --method csi --yes -v --secret fresh --secret-value fresh=env:V';
    const { code, out, err } = await story.run(words, { env: { V: value } });
    expect(code).toBe(1);
    expect(out + err).not.toContain('hunter22');
    await story.close();
  });
});

describe('a value that a document consists of', () => {
  it.each(['true', '    ', '": "', '  },'])('%j leaves it a document', async (value) => {
    const story = await begin({ noSample: true });
    const words = '--method csi --secret fresh --secret-value fresh=env:V -o json';
    const { code, out } = await story.run(`plan ${words}`, { env: { V: value } });
    expect({ code, kind: JSON.parse(out).kind }).toEqual({ code: 0, kind: 'Plan' });
    await story.close();
  });
});

describe('values that cannot be taken', () => {
  it('bytes that are no text are not stored as others', async () => {
    const story = await begin({ noSample: true });
    const stdin = Buffer.from([0xff, 0xfe, 0x80, 0x41]).toString('latin1');
    writeFileSync(join(story.folder, 'bytes'), Buffer.from(stdin, 'latin1'));
    const { code, err } = await story.run('init --method csi --yes --secret bin --secret-value bin=file:bytes');
    expect(code).not.toBe(0);
    expect(err.replaceAll(/\s+/g, ' ')).toContain('is not text (UTF-8)');
    await story.close();
  });

  it('of a variable that is none but a property of every object', async () => {
    const story = await begin({ noSample: true });
    const { code, err } = await story.run('init --method csi --yes --secret x --secret-value x=env:constructor');
    expect(code).not.toBe(0);
    expect(err).toContain('env:constructor is not set');
    await story.close();
  });
});

it('an exported script is none where the vault could not be looked at', async () => {
  const story = await begin({ noSample: true });
  story.sandbox.faults.failAt({ method: 'GET', path: /vaults\/demo-kv$/ }, { status: 429, body: {} });
  const { code, out } = await story.run('export --method csi --format script');
  expect(code).not.toBe(0);
  expect(out).not.toContain('known after apply');
  await story.close();
});

it('a name with a line break is no line of an exported script', async () => {
  const story = await begin({ noSample: true });
  const name = 'a\ntouch PWNED\n.yaml';
  await story.run('plan --method csi', { args: ['--save', name] });
  const { out } = await story.run('export --format script', { args: ['-f', name], bare: true });
  expect(out).not.toMatch(/^touch/m);
  await story.close();
});
