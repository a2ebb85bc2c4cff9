import { stripVTControlCharacters } from 'node:util';
import { redact } from '../secret.ts';

/** What a piece of text means; colour is only one way to show it. */
export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong' | 'asks';
export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}
export type Line = readonly Span[];

/** What a text is laid out for. */
export interface Page {
  /** Columns. */
  readonly width: number;
  readonly symbols: Symbols;
}

export interface Symbols {
  readonly good: string;
  readonly bad: string;
  readonly warn: string;
  readonly skipped: string;
  readonly later: string;
  readonly create: string;
  readonly update: string;
  readonly keep: string;
  readonly remove: string;
  readonly spinner: readonly string[];
}

export const UNICODE: Symbols = {
  ...{ good: '✓', bad: '✗', warn: '!', skipped: '-', later: '·', create: '+', update: '~', keep: '=', remove: '-' },
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
};
/** For locales that are not UTF-8. */
export const ASCII: Symbols = { ...UNICODE, good: 'v', bad: 'x', later: '.', spinner: ['|', '/', '-', '\\'] };

/**
 * What turns the direction of reading, what is not seen, and separators that some terminals take for an end of line
 * (Unicode: Cf, Default_Ignorable_Code_Point, Zl, Zp): with it a name looks like another one.
 */
export const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g;

/** Logs of Azure Pipelines and of others obey this wherever it stands in a line. */
const COMMAND = /##(?=(?:vso|teamcity)?\[)/g;

/**
 * Text from elsewhere (names, error messages, logs) as something that can only be read: no value, no control of the
 * terminal, no command of a build system. All that is printed for people is made of spans, and every span goes through it.
 */
export function clean(text: string): string {
  // Redacted first, for a value may hold what is taken out; and after, for taking out may put one together.
  const harmless = stripVTControlCharacters(redact(text))
    .replace(CONTROL, ' ')
    .replace(UNSEEN, '')
    .replace(COMMAND, '# #');
  return redact(harmless);
}

export const span = (text: string, tone?: Tone): Span => ({ text: clean(text), ...(tone && { tone }) });

export const line = (...parts: readonly (string | Span)[]): Line =>
  parts.map((part) => (typeof part === 'string' ? span(part) : part));

export const BLANK: Line = [];

/** East Asian wide and full-width characters and pictures, which terminals draw over two columns (Unicode, UAX #11). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}]/u;
const columnsOf = (character: string): number => (NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** Columns that a text takes on a terminal. */
export const columns = (text: string): number =>
  /^[\x20-\x7e]*$/.test(text) ? text.length : [...text].reduce((sum, character) => sum + columnsOf(character), 0);

/** At most so many columns of a text; what is left out is marked. */
export function clip(text: string, width: number): string {
  if (columns(text) <= width) return text;
  const mark = '...'.slice(0, Math.max(0, width));
  return head(text, width - mark.length).trimEnd() + mark;
}

/** The beginning of a text that fits. */
export function head(text: string, width: number): string {
  let left = width;
  let kept = '';
  for (const character of text) {
    left -= columnsOf(character);
    if (left < 0) break;
    kept += character;
  }
  return kept;
}

/** Breaks between words. A word that is longer than the width stays whole: it may be there to be copied. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of clean(text).split(/\s+/).filter(Boolean)) {
    if (current === '') current = word;
    else if (columns(current) + 1 + columns(word) <= width) current += ` ${word}`;
    else {
      lines.push(current);
      current = word;
    }
  }
  return current === '' ? lines : [...lines, current];
}

export const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - columns(text)));

/** A paragraph, indented. */
export const paragraph = (text: string, page: Page, indent = 2, tone?: Tone): Line[] =>
  wrap(text, Math.max(20, page.width - indent)).map((row) => line(' '.repeat(indent), span(row, tone)));

/** One line to paste: never broken. */
export const command = (text: string, indent = 4): Line => line(' '.repeat(indent), span(text, 'strong'));

/** `12 secrets`, `1 secret`. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

/** `2.1 s`, `1m 12s`, `1h 02m`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** `14:02:11`, local time. */
export const timeOfDay = (at: Date): string =>
  [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');

/** `a, b and c`. */
export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}
