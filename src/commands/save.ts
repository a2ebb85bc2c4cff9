import { lstat, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Complaints } from '../complaint.ts';
import { barrierAt } from './barrier.ts';
import { codeOf } from './surroundings.ts';

/**
 * Writes the file of `--save`, whole or not at all. Never through a link, neither in the place of the file nor of a folder
 * from here down to it, and over another file only when `mayReplace` says so. Answers whether something was written;
 * equal text is left alone.
 */
export async function save(
  path: string,
  text: string,
  cwd: string,
  mayReplace: () => Promise<boolean>,
): Promise<boolean> {
  const target = resolve(cwd, path);
  const barred = await barrierAt(dirname(target), cwd);
  if (barred !== undefined) throw refused(path, `cannot be written: ${barred}`);
  const found = await lstat(target).catch((error) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw refused(path, `cannot be written (${codeOf(error)})`);
  });
  if (found?.isSymbolicLink()) throw refused(path, 'is a link; name the file itself');
  if (found && !found.isFile()) throw refused(path, 'is not a file');
  if (found) {
    const isEqual = found.size === Buffer.byteLength(text) && (await readFile(target, 'utf8').catch(() => '')) === text;
    if (isEqual) return false;
    if (!(await mayReplace())) throw refused(path, 'exists already and differs; --yes replaces it');
  }
  const beside = `${target}.${Math.random().toString(36).slice(2)}.tmp`;
  try {
    await writeFile(beside, text, { flag: 'wx', mode: 0o644 });
    await rename(beside, target);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw refused(path, `cannot be written (${codeOf(error)})`);
  }
  return true;
}

const refused = (path: string, why: string) => new Complaints([{ message: `--save: ${path} ${why}.` }]);
