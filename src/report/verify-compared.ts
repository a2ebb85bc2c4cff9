import type { Compared } from '../step.ts';
import type { Line, Page } from './text.ts';
import { clean, columns, line, pad, span, wrap } from './text.ts';

const INDENT = '        ';
const LABEL = 13;

/**
 * What is registered above what is presented, with a mark under the first character that differs; neither is ever
 * broken or cut, for they are compared byte for byte. What is equal is said in a word.
 */
export function comparisonLines(compared: readonly Compared[], page: Page): Line[] {
  const differ = compared.filter(({ registered, presented }) => registered !== presented);
  const equal = compared.filter(({ registered, presented }) => registered === presented).map(({ what }) => what);
  const same = equal.length === 0 ? '' : `${equal.join(', ')}: as registered, byte for byte`;
  return [
    ...differ.flatMap((one) => [...(differ.length > 1 ? [line(INDENT, span(one.what, 'dim'))] : []), ...pair(one)]),
    ...wrap(same, page.width - INDENT.length).map((row) => line(INDENT, span(row, 'dim'))),
  ];
}

function pair({ registered, presented }: Compared): Line[] {
  const at = firstDifference(registered, presented);
  const where = columns(clean(presented.slice(0, at)));
  return [
    line(INDENT, span(pad('registered', LABEL), 'dim'), visible(registered)),
    line(INDENT, span(pad('presented', LABEL), 'dim'), visible(presented)),
    line(INDENT, ' '.repeat(LABEL + where), span(`^ ${hintOf(registered, presented)}`.trimEnd(), 'warn')),
  ];
}

const visible = (text: string): string => (text === '' ? '(empty)' : clean(text));

function firstDifference(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return at;
  return length;
}

/** In what they differ, where it is not seen at a glance. */
function hintOf(registered: string, presented: string): string {
  if (registered.toLowerCase() === presented.toLowerCase()) return 'case';
  if (`${registered}/` === presented || registered === `${presented}/`) return 'slash at the end';
  if (registered.trim() === presented.trim()) return 'blanks at the end';
  return '';
}
