import { createHash, randomBytes } from 'node:crypto';

/** Letters that make no words, as Kubernetes uses them in generated names. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

const spell = (bytes: Uint8Array) => [...bytes].map((byte) => LETTERS[byte % LETTERS.length]).join('');

/** What the API server appends to a `generateName`. */
export function suffix(length = 5): string {
  return spell(randomBytes(length));
}

/** A short name for a content, the same each time (`pod-template-hash`). */
export function hashName(content: string, length = 10): string {
  return spell(createHash('sha256').update(content).digest().subarray(0, length));
}
