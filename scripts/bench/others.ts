/** Programs that do the same by hand: from the lab's cache when it was built (`npm run lab:build`), else from PATH. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { binary, isBuilt, PROGRAMS } from '../../test/lab/build/programs.ts';

export type Other = 'az' | 'kubectl' | 'helm';

/** The path of the program, if there is one. */
export function pathOf(name: Other): string | undefined {
  const program = PROGRAMS.find((one) => Object.hasOwn(one.binaries, name));
  if (program && isBuilt(program)) return binary(name);
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** What it says its version is, the first number in it. */
export function versionOf(name: Other): string {
  const path = pathOf(name);
  if (path === undefined) return 'not found';
  const words = { az: ['--version'], kubectl: ['version', '--client'], helm: ['version', '--short'] }[name];
  const said = execFileSync(path, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return /\d+\.\d+\.\d+/.exec(said)?.[0] ?? 'unknown';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
