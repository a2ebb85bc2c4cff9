import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { methods } from '../../src/methods/index.ts';
import { begin, type Story } from '../stories/harness.ts';
import { parseAz } from './stand-ins/az-lines.ts';
import { wordsOf } from './words.ts';

/** What the scripts of widely copied guides do, and ours must not. */
const FAULTS: readonly (readonly [string, RegExp])[] = [
  ['a value on a command line', /--value\b/],
  ['an assignee that Graph must look up', /--assignee /],
  ['an error that is thrown away', /2>\s*\/dev\/null|&>|\|\| true/],
  ['an exit code that is read as absence', /if ! ?az|if az|az [^|\n]*\|\|/],
  ['a line that destroys', /\baz [^#\n]*\b(delete|purge|remove|disable-addons)\b|kubectl (delete|replace)|--force/],
  ['a vault that is written whole', /set-policy|keyvault update/],
  ['a variable that splits', /(?<![\w"'{(\\$@])\$[a-z_]+(?![\w"])(?=[ \n])/],
  ['the context that happens to be current', /get-credentials(?!.*--file)/],
];

describe.each(methods.map(({ name }) => [name]))('export of %s', (method) => {
  let story: Story;
  let text = '';
  beforeAll(async () => {
    story = await begin();
    const ran = await story.run(`export --method ${method} --format script`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    text = ran.out;
  });
  afterAll(() => story.close());

  it('as a script', () => expect(text).toMatchFileSnapshot(`golden/${method}.sh`));

  it('is the same text every time', async () => {
    expect((await story.run(`export --method ${method} --format script`)).out).toBe(text);
  });

  it('parses as bash', () => {
    execFileSync('bash', ['-n'], { input: text });
  });

  it('calls az as az is called', () => {
    const lines = text
      .split('\n')
      .flatMap((line) => /(?:^ *|retry \S+ |"\$\(|\| )az (.*?)(?:\)")?$/.exec(line)?.[1] ?? []);
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) expect(() => parseAz(wordsOf(line)), line).not.toThrow();
  });

  it.each(FAULTS)('has not %s', (_name, fault) => {
    const code = text
      .replaceAll(/^ *#.*$/gm, '')
      .replaceAll(/"\[\?[^"]*"/g, 'QUERY')
      .replaceAll(/<<'?(YAML_*)'?\n[\s\S]*?\n\1\n/g, '\n');
    expect(code.match(fault)?.[0]).toBeUndefined();
  });

  it('as manifests, once Azure has what they need', async () => {
    const ran = await story.run(`init --method ${method} --write-manifests out --yes`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    const { out, code } = await story.run(`export --method ${method}`);
    expect(code).toBe(0);
    const documents = parseAllDocuments(out);
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(documents.map((one) => one.get('kind')).slice(0, 2)).toEqual(['Namespace', 'ServiceAccount']);
    const stable = out.replaceAll(/"?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"?/g, '<id>');
    await expect(stable).toMatchFileSnapshot(`golden/${method}.yaml`);
  });
});
