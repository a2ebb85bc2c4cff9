import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { asYaml } from '../../src/commands/verify-formats.ts';
import { documentText } from '../../src/report/document.ts';
import { reporterFor } from '../../src/report/reporter.ts';
import { painter } from '../../src/report/style.ts';
import { clean, columns, line, span } from '../../src/report/text.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import './patience.ts';

/** Sequences and characters that make a terminal, or who looks at it, see something else than was said. */
const TRICKS = [
  ...[
    '\u001b[2J',
    '\u001b[31m',
    '\u001b[1A\u001b[2K',
    '\u001b]0;title\u0007',
    '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\',
  ],
  ...[
    '\u001b]52;c;ZXZpbA==\u0007',
    '\u001bP$q\u001b\\',
    '\u001b_apc\u001b\\',
    '\u001b^pm\u001b\\',
    '\u001bc',
    '\u001b(0',
    '\u001b#8',
  ],
  ...[
    '\u009b2J',
    '\u009d52;c;ZXZpbA==\u009c',
    '\u0090q\u009c',
    '\u0085',
    '\u008d',
    '\u001b[6n',
    '\u001b[>c',
    '\u001b',
    '\u009b',
  ],
  ...['\r', '\b\b\b', '\u0007', '\u000b', '\u000c', '\u007f', '\u0000', '\u000e', '\n', '\t'],
  ...['\u202e', '\u202d', '\u2066', '\u2067', '\u2068', '\u2069', '\u200e', '\u200f', '\u061c', '\u2028', '\u2029'],
  ...[
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u180e',
    '\u034f',
    '\u115f',
    '\u3164',
    '\uffa0',
    '\ufff9',
    '\u{e0041}',
    '\ufe0f',
    '\u{e0100}',
  ],
];
/** What must never reach a person's terminal: controls, what is not seen, what turns the direction. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u;

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...TRICKS),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('orders', 'shop/', ' '),
    ),
  )
  .map((parts) => parts.join(''));

describe('a piece of text from elsewhere', () => {
  it.each(TRICKS.map((trick) => [JSON.stringify(trick), trick]))('%s is taken out of a name', (_, trick) => {
    const shown = clean(`ord${trick}ers`);
    expect(shown).not.toMatch(HARMFUL);
    expect(shown).toMatch(/^ord.*ers$/);
    expect(span(`ord${trick}ers`).text).toBe(shown);
    expect(painter(false)(line(`ord${trick}ers`))).toBe(shown);
  });

  it('holds nothing that a terminal obeys or does not show, whatever it was', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = clean(text);
        expect(shown).not.toMatch(HARMFUL);
        expect(clean(shown)).toBe(shown);
        expect(columns(shown)).toBeLessThanOrEqual(2 * [...text].length);
      }),
      { numRuns: EXHAUSTIVE ? 10_000 : 500 },
    );
  });

  it('keeps what people write', () => {
    for (const text of [
      'Größe',
      'naïve',
      '密码',
      'пароль',
      '한국어',
      'e\u0301',
      '10 % of "x"',
      "it's",
      'a – b…',
      '\u{1f511}',
    ])
      expect(clean(text)).toBe(text);
  });

  it.each([
    ['::set-output name=x::y', /^(?!\s*::)/],
    ['  ::stop-commands::z', /^(?!\s*::)/],
    ['log ##vso[task.setvariable variable=PATH]/evil', /^(?!.*##vso\[)/],
    ['log ##[command]x', /^(?!.*##\[)/],
    ['##teamcity[buildStatus]', /^(?!.*##teamcity\[)/],
  ])('%s is no command for a build system', (text, pattern) => {
    expect(painter(false)(line(span(text)))).toMatch(pattern);
    expect(painter(true)(line(span(text, 'bad'), ' more'))).not.toMatch(/^[\p{Cc}\d[m\s]*::/u);
    expect(painter(false)(line('  ', span(text)))).toMatch(pattern);
  });
});

describe('a document for programs', () => {
  it('shows nothing harmful either, and says the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), hostile, (value, text) => {
        const document = { value, text, [text]: [text] };
        const printed = documentText(document);
        expect(printed.replaceAll('\n', '')).not.toMatch(HARMFUL);
        expect(printed).not.toMatch(/##(?:vso)?\[/);
        expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(document)));
        const yaml = asYaml(JSON.parse(JSON.stringify(document)));
        expect(yaml.replaceAll(/[\n\t]/g, '')).not.toMatch(HARMFUL);
        expect(parse(yaml)).toEqual(JSON.parse(JSON.stringify(document)));
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 150 },
    );
  });

  it('is what the reporter writes', () => {
    const out: string[] = [];
    const stream = { write: (text: string) => out.push(text) };
    for (const print of [undefined, asYaml]) {
      const reporter = reporterFor({
        output: 'json',
        print,
        stdout: stream,
        stderr: stream,
        env: {},
        clock: { now: () => new Date() },
      });
      reporter.failure([{ message: TRICKS.join('x'), resource: TRICKS.join('y'), fix: { say: TRICKS.join('z') } }], 1);
      reporter.close();
    }
    expect(out).toHaveLength(2);
    expect(out.join('').replaceAll('\n', '')).not.toMatch(HARMFUL);
  });
});
