import { createHash } from 'node:crypto';

/*
 * The operator's ObjectHash: SHA3-224 of a value as Go prints it with `%+v` (runtime/esutils). What people compare by it
 * are data-hash annotations and synced versions, so it is the same hash here.
 */
const sum = (text: string) => createHash('sha3-224').update(text).digest('hex');
const sorted = <T>(map: Readonly<Record<string, T>> | undefined) =>
  Object.entries(map ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));

/** Of a text. */
export const hashOf = (text: string): string => sum(text);

/** Of a Secret's data, given in base64. */
export function dataHash(data: Readonly<Record<string, string>> | undefined): string {
  const entries = sorted(data).map(([key, value]) => `${key}:[${[...Buffer.from(value, 'base64')].join(' ')}]`);
  return sum(`map[${entries.join(' ')}]`);
}

/** `syncedResourceVersion`: generation, and hash of annotations and labels. */
export function versionOf(metadata: {
  readonly generation?: number;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}): string {
  const print = (map: Record<string, string> | undefined) =>
    `map[${sorted(map)
      .map(([key, value]) => `${key}:${value}`)
      .join(' ')}]`;
  return `${metadata.generation ?? 0}-${sum(`{annotations:${print(metadata.annotations)} labels:${print(metadata.labels)}}`)}`;
}
