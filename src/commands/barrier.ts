import { lstat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { codeOf } from './surroundings.ts';

/**
 * Why nothing may be written into a folder: a link on the way to it, from here down, or no folder at its place. What lies
 * here may have come with a repository, and its links lead wherever its author liked; what lies elsewhere is the user's.
 */
export async function barrierAt(target: string, cwd: string): Promise<string | undefined> {
  const inside = relative(cwd, target);
  const parts = inside.startsWith('..') || isAbsolute(inside) ? [] : inside.split(sep).filter((part) => part !== '');
  for (const path of parts.map((_, index) => join(cwd, ...parts.slice(0, index + 1)))) {
    const found = await lstat(path).catch((error: unknown) => codeOf(error));
    if (found === 'ENOENT') return undefined;
    if (typeof found === 'string') return `${path} cannot be looked at (${found})`;
    if (found.isSymbolicLink()) return `${path} is a link; name the folder itself`;
    if (!found.isDirectory()) return `${path} is not a folder`;
  }
  return undefined;
}
