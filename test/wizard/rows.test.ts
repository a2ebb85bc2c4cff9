import { describe, expect, it } from 'vitest';
import { firstSeen, matching, type Row, rowLines, type Typed } from '../../src/prompt/rows.ts';
import { painter } from '../../src/report/style.ts';

const rowOf = (name: string, facts?: string): Row<string> => ({ name, value: name, ...(facts && { facts }) });
const names = (rows: readonly Row<string>[]) => rows.map(({ name }) => name);
const typed: Typed<string> = {
  check: (text) => (text.includes('_') ? 'no underscore' : undefined),
  row: (text) => rowOf(text, 'new'),
};
const ROWS = [rowOf('shop-aks', 'westeurope'), rowOf('old-aks', 'eastus'), rowOf('shop')];

describe('what is typed', () => {
  it.each<[text: string, found: readonly string[]]>([
    ['', ['shop-aks', 'old-aks', 'shop']],
    ['SHOP', ['shop-aks', 'shop']],
    // Facts are looked through as well; a name that is not there may be meant.
    ['eastus', ['old-aks', 'eastus']],
    ['shop', ['shop-aks', 'shop']],
    ['none_of_it', []],
  ])('"%s"', (text, found) => {
    expect(names(matching(ROWS, text, typed))).toEqual(found);
  });

  it('is no name of its own where only the list counts', () => {
    expect(names(matching(ROWS, 'eastus', undefined))).toEqual(['old-aks']);
  });
});

describe('the rows that are seen', () => {
  it.each<[current: number, count: number, first: number]>([
    [0, 3, 0],
    [2, 3, 0],
    [0, 20, 0],
    [3, 20, 0],
    [10, 20, 7],
    [19, 20, 13],
  ])('the %ith of %i: from %i', (current, count, first) => {
    expect(firstSeen(current, count)).toBe(first);
  });

  it.each([40, 80, 120])('fit into %i columns, whatever they hold', (width) => {
    const rows = [
      rowOf('x'.repeat(200), 'y'.repeat(200)),
      rowOf('a', 'z'.repeat(200)),
      rowOf('名前'.repeat(40), 'facts'),
      // Names come from elsewhere: they may not draw over the screen.
      rowOf('evil\u001b[2J\u001b[1A', 'b\u202eb'),
    ];
    const lines = rowLines(rows, 0, { width, paint: painter(false) }, () => '[x] ');
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line.length).toBeLessThan(width);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('say which is the current one without colour', () => {
    expect(rowLines(ROWS, 1, { width: 80, paint: painter(false) })).toEqual([
      '  shop-aks  westeurope',
      '> old-aks   eastus',
      '  shop',
    ]);
  });
});
