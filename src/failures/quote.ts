import type { Found } from './find.ts';
import { plain } from './squeeze.ts';

/** UTF-16 code units of a text that are looked at behind the sign, and of a sentence that are quoted. */
const LOOKED = 480;
const QUOTED = 200;
/** A sentence that ends sooner says little: `AKV10032: Invalid issuer.` */
const SHORT = 60;

/** The sentence of a text that shows a failure, on one line: from the sign to the end of its sentence, credentials taken out. */
export function quote(text: string, { from, to }: Pick<Found, 'from' | 'to'>): string {
  const sign = plain(text, from, Math.min(to, from + LOOKED));
  const rest = to - from > LOOKED ? '' : plain(text, to, to + LOOKED);
  const sentence = withoutCredentials(sign + rest);
  const whole = sentence.slice(0, endOf(sentence, sign.length));
  const line = whole
    .replace(/\s*\n[\s│|>]*/g, ' ')
    .replace(/\s{2,}/g, ' ')
    .replace(/[\s*\\{[(,]+$/, '')
    .replace(/(["'`])$/, (mark, _quote, _at, all: string) => (all.split(mark).length % 2 === 0 ? '' : mark))
    .trim();
  return line.length <= QUOTED ? line : `${line.slice(0, QUOTED).trimEnd()}...`;
}

/** The end of the sentence; a short one takes the next with it. */
function endOf(text: string, from: number): number {
  const after = Math.min(from, text.length);
  const end = END.exec(text.slice(after));
  if (!end) return text.length;
  const at = after + end.index;
  const dot = end[0] === '.' && at < SHORT ? END.exec(text.slice(at + 1)) : undefined;
  return dot ? at + 1 + dot.index : at;
}

/** Where a sentence, a JSON string, a paragraph, or a line of a log or of `describe` ends. */
const END =
  /[.!?](?=["'`\\]*\s|["'`\\]*$)|["'`]\s*[,}\])]|["'`]\s+[A-Z]\w+=|[{}]|\n\s*\n|\n(?=\s*(?:[EWIF]\d{4}\s|time=|[[{]|Warning\s|Normal\s|[A-Z][\w ]{1,30}:\s))|\\[rn]|(?<![\s])[ \t]{3,}/;

const GONE = '[removed]';
const JWT = /\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g;
const NAMED =
  /((?:pass(?:word|wd|phrase)?|pwd|secret|token|assertion|authorization|api[_-]?key|account[_-]?key|shared[_-]?access[_-]?(?:key|signature)|connection[_-]?string|sig)["'\\]{0,6}\s{0,3}[=:]\s{0,3}["'\\]{0,6})(?:bearer\s{1,3})?([^\s"'\\,;&]{4,})/gi;
const BEARER = /\b((?:bearer|basic)\s{1,3})[\w.~+/=-]{12,}/gi;
const IN_URL = /(:\/\/[^\s/:@]{1,64}:)[^\s/@]{1,256}@/g;
/** Long runs of letters of both cases and digits, which names and ids are not. */
const RUN = /[\w+/=-]{24,}/g;
const GUID = /[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}/gi;

/** Takes out whatever looks like a token, a key or a password. What is lost is some word too many, never one too few. */
export function withoutCredentials(text: string): string {
  return text
    .replace(JWT, GONE)
    .replace(BEARER, `$1${GONE}`)
    .replace(IN_URL, `$1${GONE}@`)
    .replace(NAMED, (whole, name: string, value: string, at: number, all: string) => {
      const sentence = /:\s+$/.test(name) && !/^pass|^pwd/i.test(name) && isWord(value, all.slice(at + whole.length));
      return sentence ? whole : name + GONE;
    })
    .replace(RUN, (run) => (isRandom(run) ? GONE : run));
}

/** `secret: not found`, `token: permission denied` are sentences: short words of letters, and another behind them. */
const isWord = (value: string, behind: string): boolean =>
  /^[A-Za-z]{4,12}$/.test(value) && /^\s+[A-Za-z]/.test(behind);

function isRandom(run: string): boolean {
  const rest = run.replace(GUID, '');
  return rest
    .split(/[/_-]/)
    .concat(rest)
    .some((part) => part.length >= 24 && /[a-z]/.test(part) && /[A-Z]/.test(part) && /\d/.test(part) && !isPath(part));
}

/** Paths and resource ids consist of short pieces. */
const isPath = (part: string): boolean => part.split(/[/_-]/).every(({ length }) => length < 24) && part.includes('/');
