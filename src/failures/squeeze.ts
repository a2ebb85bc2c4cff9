/** A text without what differs from one paste to the next, and where in the text each of its characters stands. */
export interface Squeezed {
  /** ASCII, lower case; without blanks, quotes, escapes, colours, emphasis and frames. */
  readonly text: string;
  readonly at: Uint32Array;
}

const NEWLINE = 10;
const BLANK = 32;
const ESC = 27;
const CSI = 0x9b;
const BACKSLASH = 92;
const AMPERSAND = 38;
const BRACKET = 91;
/** What stands for a character outside ASCII: `~`, of which a name may consist. */
const FOREIGN = 126;
/** An escape sequence that has not ended by then was none. */
const LONGEST_SEQUENCE = 2048;

/** Characters that a paste adds or changes: quotes of all kinds, emphasis, braces, frames of tables and quoted mail. */
const DROPPED = new Set(
  [...'"\'`*|<>{}\u00a0\u00ad\u2018\u2019\u201c\u201d\u00ab\u00bb\ufeff'].map((c) => c.charCodeAt(0)),
);
const isDropped = (code: number): boolean =>
  code <= BLANK ||
  (code >= 0x7f && code <= 0x9f) ||
  DROPPED.has(code) ||
  (code >= 0x2000 && code <= 0x206f && code !== 0x2010 && code !== 0x2011 && code !== 0x2013 && code !== 0x2014) ||
  (code >= 0x2500 && code <= 0x257f);

/**
 * Reads a text as it was meant: escapes of JSON at any depth and of HTML resolved, sequences for the terminal gone.
 * `emit` gets each character (UTF-16 code) and where it stands. Linear in the length.
 */
function read(text: string, from: number, end: number, emit: (code: number, at: number) => void): void {
  const to = Math.min(end, text.length);
  let index = from === 0 ? afterTime(text, 0) : from;
  while (index < to) {
    const code = text.charCodeAt(index);
    if (code === ESC || code === CSI) {
      index = afterSequence(text, index, to);
    } else if (code === BRACKET && colourAt(text, index) > 0) {
      index += colourAt(text, index);
    } else if (code === BACKSLASH) {
      const start = index;
      while (index < to && text.charCodeAt(index) === BACKSLASH) index += 1;
      const escaped = escapeAt(text, index);
      if (!escaped) continue;
      index += escaped.length;
      if (escaped.code === ESC) index = afterSequence(text, index - 1, to, true);
      else emit(escaped.code, start);
    } else if (code === AMPERSAND) {
      const entity = entityAt(text, index);
      emit(entity?.code ?? code, index);
      index += entity?.length ?? 1;
    } else {
      emit(code, index);
      index = code === NEWLINE ? afterTime(text, index + 1) : index + 1;
    }
  }
}

/** What logs put before each line, also where a sentence goes on: the time, and which stream it was. */
const TIME =
  /[ \t]{0,8}\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?(?: std(?:out|err) [FP])?(?=[ \t])/y;

/** The index behind the time at the beginning of a line, if there is one. */
function afterTime(text: string, start: number): number {
  TIME.lastIndex = start;
  return TIME.test(text) ? TIME.lastIndex : start;
}

/** Length of what is left of a colour where its escape character was lost (`[31m`, also after `^[`), or 0. */
function colourAt(text: string, start: number): number {
  let index = start + 1;
  while (index < start + 12) {
    const code = text.charCodeAt(index);
    if (code === 109) return index === start + 1 ? 0 : index - start + 1;
    if (!(code >= 48 && code <= 57) && code !== 59) return 0;
    index += 1;
  }
  return 0;
}

/**
 * The index behind a sequence for the terminal, whose introducer (or what stood for it) is at `start`. Of one that is
 * `written` as an escape the end is one too, so that nothing is read twice.
 */
function afterSequence(text: string, start: number, to: number, written = false): number {
  const kind = text.charCodeAt(start) === CSI ? BRACKET : text.charCodeAt(start + 1);
  const body = text.charCodeAt(start) === CSI ? start + 1 : start + 2;
  const end = Math.min(to, body + LONGEST_SEQUENCE);
  if (kind === BRACKET) {
    for (let index = body; index < end; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= 0x40 && code <= 0x7e) return index + 1;
      if (code < 0x20 || code > 0x3f) return index;
    }
    return body;
  }
  // Strings for the terminal (titles, links) end with BEL or ESC \.
  if (kind === 93 || kind === 80 || kind === 94 || kind === 95) {
    for (let index = body; index < end; index += 1) {
      const code = text.charCodeAt(index);
      if (code === 7) return index + 1;
      if (code === ESC) return text.charCodeAt(index + 1) === BACKSLASH ? index + 2 : index;
      if (code === NEWLINE || (written && code === BACKSLASH)) return index;
    }
    return body;
  }
  return start + 1;
}

/** What follows backslashes: `n`, `r` and `t`, also where a line was broken before them, `u` with four digits, `x` with two. */
function escapeAt(text: string, index: number): { readonly code: number; readonly length: number } | undefined {
  const broken = text.charCodeAt(index) === NEWLINE ? 1 : 0;
  switch (text[index + broken]) {
    case 'n':
    case 'r':
      return { code: NEWLINE, length: 1 + broken };
    case 't':
      return { code: BLANK, length: 1 + broken };
    case 'u': {
      const code = hex(text.slice(index + broken + 1, index + broken + 5), 4);
      return code === undefined ? undefined : { code, length: 5 + broken };
    }
    case 'x': {
      const code = hex(text.slice(index + broken + 1, index + broken + 3), 2);
      return code === undefined ? undefined : { code, length: 3 + broken };
    }
    case '0':
      return text.startsWith('033[', index) ? { code: ESC, length: 3 } : undefined;
    case 'e':
      return text[index + 1] === '[' ? { code: ESC, length: 1 } : undefined;
    default:
      return undefined;
  }
}

const hex = (digits: string, length: number): number | undefined =>
  digits.length === length && /^[\da-f]+$/i.test(digits) ? Number.parseInt(digits, 16) : undefined;

const ENTITIES = new Map(Object.entries({ quot: 34, apos: 39, amp: 38, lt: 60, gt: 62, nbsp: BLANK }));

function entityAt(text: string, index: number): { readonly code: number; readonly length: number } | undefined {
  const near = text.slice(index + 1, index + 9);
  const end = near.indexOf(';');
  if (end < 1) return undefined;
  const name = near.slice(0, end);
  const number = /^#(?:x([\da-f]{1,4})|(\d{1,4}))$/i.exec(name);
  const code = number ? Number.parseInt(number[1] ?? number[2]!, number[1] ? 16 : 10) : ENTITIES.get(name);
  return code === undefined ? undefined : { code, length: end + 2 };
}

/** Leaves what a phrase is recognised by, wherever lines were broken. */
export function squeeze(text: string): Squeezed {
  const bytes = new Uint8Array(text.length);
  const at = new Uint32Array(text.length);
  let length = 0;
  read(text, 0, text.length, (code, index) => {
    if (isDropped(code)) return;
    bytes[length] = code >= 65 && code <= 90 ? code + 32 : code < 0x7f ? code : isDash(code) ? 45 : FOREIGN;
    at[length] = index;
    length += 1;
  });
  return { text: Buffer.from(bytes.buffer, 0, length).toString('latin1'), at: at.subarray(0, length) };
}

/** Nothing in it is to be resolved: printable ASCII without escapes, entities, colours, and with no time before it. */
const PLAIN = /^(?![ \t]*\d{4}-)(?:[ -%'-Z\]-~]|\[(?![\d;]))*$/;
const DROPPED_HERE = /[ "'`*|<>{}]/g;

/** The text of `squeeze`, for what is short and mostly plain: hundreds of phrases are squeezed before the first text is read. */
export const squeezedPhrase = (phrase: string): string =>
  PLAIN.test(phrase) ? phrase.replace(DROPPED_HERE, '').toLowerCase() : squeeze(phrase).text;

const isDash = (code: number): boolean => code === 0x2010 || code === 0x2011 || code === 0x2013 || code === 0x2014;

/** A part of a text as it was meant: escapes resolved, nothing for the terminal in it; line breaks are kept. */
export function plain(text: string, from: number, to: number): string {
  let out = '';
  read(text, from, to, (code) => {
    if (code === NEWLINE || code === 13) out += '\n';
    else if (code < BLANK || (code >= 0x7f && code <= 0x9f)) out += ' ';
    else out += String.fromCharCode(code);
  });
  return out;
}
