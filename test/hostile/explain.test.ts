import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { find, ROWS } from '../../src/failures/index.ts';
import { main } from '../../src/main.ts';
import { explanation, explanationText } from '../../src/report/explain-text.ts';
import { UNICODE } from '../../src/report/text.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { attacks, built, type Pattern, patternsOf, searcher } from './regex.ts';
import './patience.ts';

/**
 * Patterns that need more than a few steps for each letter of the worst text, and why nobody can make them wait: how
 * long a text they are given at most.
 */
const BOUNDED: Readonly<Record<string, { readonly length: number; readonly why: string }>> = {
  '\\s*\\n[\\s│|>]*': { length: 960, why: 'quote.ts cuts the sentence out first' },
  '[\\s*\\\\{[(,]+$': { length: 960, why: 'quote.ts cuts the sentence out first' },
  '--[a-z-]+ <[^>]*>': { length: 300, why: "the parser's own sentence about a flag of ours" },
  '\\r?\\n|\\s*Trace ID:': { length: 2000, why: 'problems.ts cuts the message first' },
  '\\s*\\n\\s*': { length: 1000, why: 'compare.ts cuts the value first' },
  'AADSTS\\d+: .*?(?=\\s*(?:Trace ID|Correlation ID|Timestamp|Check |"|\\\\"|$))': {
    length: 2000,
    why: 'external-secret.ts cuts the message first',
  },
};

describe('no pattern of ours can be made to search for ever', () => {
  const patterns = [...patternsOf(), ...built];
  const length = 3000;
  /** Steps back for each letter: names of bounded length cost up to their bound; all else is far below it. */
  const most = 800;

  it('all of them are looked at', () => {
    expect(patterns.length).toBeGreaterThan(330);
    expect(built.length).toBeGreaterThan(30);
    expect(searcher({ source: '(a+)+$', flags: '' }, 1e6)(`${'a'.repeat(40)}!`)).toBe(false);
    expect(searcher({ source: 'a*b', flags: '' }, most * length)('a'.repeat(length))).toBe(false);
    expect(searcher({ source: 'a{1,60}b', flags: '' }, most * length)('a'.repeat(length))).toBe(true);
  });

  it('the work grows with the text and not faster, whatever of its own pieces a text repeats', () => {
    const worst = patterns.flatMap((pattern) => {
      const search = searcher(pattern, most * length);
      for (const text of attacks(pattern, length, EXHAUSTIVE ? 40 : 9, EXHAUSTIVE ? 200 : 20)) {
        if (!search(text)) return [{ ...pattern, text }];
      }
      return [];
    });
    const unforeseen = worst.filter(({ source }) => BOUNDED[source] === undefined);
    expect(
      unforeseen.map(({ place, source, text }) => `${place} ${source} on ${JSON.stringify(text.slice(0, 30))}`),
    ).toEqual([]);
    expect(new Set(worst.map(({ source }) => source))).toEqual(new Set(Object.keys(BOUNDED)));
  });

  it.each(Object.entries(BOUNDED))('%s is given short texts only', (source, { length: bound }) => {
    const pattern = patterns.find((one) => one.source === source) as Pattern;
    const search = searcher(pattern, 20_000_000);
    for (const text of attacks(pattern, bound, 12, 40)) expect(search(text)).toBe(true);
  });
});

/** Runs the work and counts how often it looks at a letter or compares a word: what takes time in a long text. */
function looks(work: () => unknown): number {
  let count = 0;
  const own = String.prototype;
  const names = ['charCodeAt', 'startsWith', 'slice', 'indexOf'] as const;
  const before = names.map((name) => [name, own[name]] as const);
  for (const [name, method] of before) {
    Object.assign(own, {
      [name](this: string, ...given: never[]) {
        count += 1;
        return (method as (...all: never[]) => unknown).apply(this, given);
      },
    });
  }
  try {
    work();
  } finally {
    Object.assign(own, Object.fromEntries(before));
  }
  return count;
}

describe('a pasted text', () => {
  /** What the readers of a text treat in a way of its own. */
  const PIECES = [
    ...[
      '\\x1b]',
      '\\u001b]',
      '\\033[',
      '\\e[',
      '\u001b]',
      '\u001bP',
      '\u001b[',
      '\u009b',
      '\\',
      '\\\n',
      '\\u',
      '&',
      '&#x',
      '&amp',
    ],
    ...[
      '[',
      '[3',
      '[31',
      '"',
      '{',
      ' ',
      '\n',
      '2026-01-01 00:00:00',
      'AADSTS',
      'eyJ',
      'secret: ',
      '\u202e',
      '\ud800',
      '\u{1f4a9}',
    ],
  ];
  /** Phrases as they would be said: the first of each choice, and something in each gap. */
  const said = (phrase: string) => phrase.replaceAll(/\{([^|}]*)[^}]*\}/g, '$1');
  const phrases = ROWS.flatMap(({ match }) =>
    match.flatMap(({ says, code, with: near = [], without = [] }) => [says, code, ...near, ...without]),
  ).filter((phrase) => phrase !== undefined);

  const filled = (piece: string, length: number) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);

  it('is read in one pass, whatever it repeats', () => {
    const length = 2000;
    find('the phrases are read once');
    const texts = [
      ...PIECES,
      ...phrases.flatMap((phrase) => {
        const [head = '', ...rest] = said(phrase).split(/[…~]/);
        return EXHAUSTIVE || rest.length > 0 ? [head, `${head}x`, head + rest.join(' y ')] : [head];
      }),
    ].map((piece) => filled(piece, length));
    const most = Math.max(...texts.map((text) => looks(() => find(text))));
    expect(most).toBeLessThan(40 * length);
  });

  it('whatever it is, is explained without a word that a terminal obeys', () => {
    const piece = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...phrases.map((phrase) => said(phrase).replaceAll(/[…~]/g, ' x '))) },
      { weight: 2, arbitrary: fc.constantFrom(...PIECES) },
      { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '\u001b[2J',
          '\u001b]52;c;aGk=\u0007',
          '\u001b]8;;http://evil\u001b\\x',
          '\r',
          '\b\b\b',
          '\u202e',
        ),
      },
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const found = find(text);
        for (const { from, to } of found) expect(0 <= from && from < to && to <= text.length).toBe(true);
        const explained = explanation(text, found);
        for (const { evidence } of explained.matches) expect(evidence.length).toBeLessThan(210);
        const shown = explanationText(explained, { width: 80, symbols: UNICODE })
          .map((line) => line.map((span) => span.text).join(''))
          .join('\n');
        expect(shown).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]/u);
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 75 },
    );
  });

  it('of many megabytes is read as far as a second allows, and no further', async () => {
    let given = 0;
    const endless = new Readable({
      read() {
        given += 1;
        this.push(Buffer.alloc(1024 * 1024, '\\x1b]52;c;'));
      },
    });
    const out: string[] = [];
    const stream = { write: (text: string) => out.push(text) };
    const io = {
      stdin: endless,
      stdout: stream,
      stderr: stream,
      env: {},
      cwd: '/',
      signal: new AbortController().signal,
    };
    expect(await main(['explain'], io)).toBe(1);
    expect(given).toBeLessThan(20);
    expect(out.join('')).toContain('Nothing known');
  });
});
