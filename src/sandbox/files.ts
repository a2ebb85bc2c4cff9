import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a file that only its owner may read, whole or not at all: a reader, or a kill, never meets half of it. */
export function writePrivate(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  // A link in its place would lead the text elsewhere.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}

/** The sandbox's folder: only its owner may look in, and git leaves it alone. */
export function openFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writePrivate(join(folder, '.gitignore'), '*\n');
}
