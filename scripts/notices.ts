/** Whose code the bundle contains, and on what terms. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A package of which something is in the bundle. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** As SPDX names it. */
  readonly license: string;
  /** The files that it asks to be passed on, whole. */
  readonly texts: readonly string[];
}

/** Terms under which code may be passed on in a program of ours, as long as their text goes with it. */
const TERMS = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT']);
const TEXT = /^(?:licen[cs]e|copying|copyright|notice)/i;

/**
 * The packages that these files belong to, by name.
 * @param files absolute paths of what was bundled; what is our own is passed over
 * @throws {Error} for a package whose terms are others, or whose text is missing
 */
export async function partsOf(files: readonly string[]): Promise<readonly Part[]> {
  const folders = new Set(
    files.flatMap(
      (file) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(file.replaceAll('\0', ''))?.[0] ?? [],
    ),
  );
  const parts = await Promise.all([...folders].map(partIn));
  return parts.toSorted((a, b) => (a.name === b.name ? compare(a.version, b.version) : compare(a.name, b.name)));
}
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function partIn(folder: string): Promise<Part> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  if (!TERMS.has(license)) throw new Error(`${name} ${version}: terms that nobody has looked at: ${license}`);
  const files = (await readdir(folder)).filter((file) => TEXT.test(file)).sort();
  if (files.length === 0) throw new Error(`${name} ${version}: the text of its licence is missing`);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return { name, version, license, texts: texts.map((text) => text.replaceAll('\r\n', '\n').trim()) };
}

/** One document with the text of every part; those that say the same share it. */
export function notices(parts: readonly Part[]): string {
  const groups = Map.groupBy(parts, ({ texts }) => texts.join('\n\n'));
  const sections = [...groups].map(([text, sharing]) => {
    const names = sharing.map(({ name, version, license }) => `${name} ${version} (${license})`);
    return `${names.join('\n')}\n\n${text}`;
  });
  const line = '-'.repeat(80);
  return ['aks-secrets contains code of others, each under its own terms:', ...sections]
    .join(`\n\n${line}\n\n`)
    .concat('\n');
}
