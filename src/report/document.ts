import { redact } from '../secret.ts';
import { UNSEEN } from './text.ts';

/** What stands raw in printed JSON and YAML and a terminal obeys, or does not show; and what opens a command of a build system. */
const HARMFUL = new RegExp(`[\\u007f-\\u009f]|${UNSEEN.source}|#(?=#(?:vso|teamcity)?\\[)`, 'gu');

const digits = (code: number, length: number): string => code.toString(16).padStart(length, '0');

/** Characters beyond four digits: JSON writes two halves, which YAML does not take. */
const WIDE = {
  json: (character: string) =>
    character
      .split('')
      .map((half) => `\\u${digits(half.charCodeAt(0), 4)}`)
      .join(''),
  yaml: (character: string) => `\\U${digits(character.codePointAt(0)!, 8)}`,
};

/** A printed document with escapes for what is harmful. Only for what stands in double quotes. */
export const inert = (text: string, language: keyof typeof WIDE = 'json'): string =>
  text.replace(HARMFUL, (one) => (one.length > 1 ? WIDE[language](one) : `\\u${digits(one.charCodeAt(0), 4)}`));

/** The document without any value known to this process: in its texts and names alone, so that it stays a document. */
export function cleared<T>(document: T): T {
  const clear = (part: unknown): unknown => {
    if (typeof part === 'string') return redact(part);
    if (Array.isArray(part)) return part.map(clear);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [redact(name), clear(inner)]));
  };
  // As JSON has it: what prints itself otherwise (a date, a secret) has done so.
  return clear(JSON.parse(JSON.stringify(document))) as T;
}

/** A document as JSON: no value known to this process, and nothing that a terminal obeys when somebody looks at it. */
export const documentText = (document: unknown): string => `${inert(JSON.stringify(cleared(document), null, 2))}\n`;
