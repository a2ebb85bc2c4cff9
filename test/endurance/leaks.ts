import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Story } from '../stories/harness.ts';
import { MARKERS } from './world.ts';

const VALUES = Object.values(MARKERS).flatMap((value) => [
  value,
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
  encodeURIComponent(value),
]);
/** A token: three parts in base64url, of which the first is the head of a JSON object. */
const TOKEN = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/;

export const holds = (text: string): boolean => VALUES.some((value) => text.includes(value)) || TOKEN.test(text);

/** Texts by what they are, and which of them hold a value or a token. */
export interface Looked {
  readonly looked: number;
  readonly leaks: readonly string[];
}

/**
 * What the runs of a story left to be read: what they said, and every file but those of the sandbox itself, which is the
 * vault.
 */
export function lookThrough(story: Story, said: Readonly<Record<string, string>>): Looked {
  const requests = story.sandbox.log.entries
    // Of the paths and queries that were asked for: a value does not belong into an address.
    .map(({ path, query }) => `${path}?${query}`)
    .join('\n');
  const texts = { ...said, 'addresses of requests': requests, ...filesIn(story.folder) };
  const leaks = Object.entries(texts).filter(([, text]) => holds(text));
  return { looked: Object.keys(texts).length, leaks: leaks.map(([what]) => what) };
}

function filesIn(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !join(entry.parentPath, entry.name).startsWith(join(folder, 'sandbox')),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'latin1')]),
  );
}
