import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder, folderOf, PROGRAMS, sourceOf } from './programs.ts';

const linesOf = (program: (typeof PROGRAMS)[number], file: string) =>
  readFileSync(join(sourceOf(program), file), 'utf8')
    .split('\n')
    .map((line) => line.replace('// indirect', '').trim());

const go = PROGRAMS.filter((program) => program.from === 'go');
const python = PROGRAMS.filter((program) => program.from === 'python');

test.each(go)('$name is pinned at its release, and checked by go.sum', (program) => {
  expect(linesOf(program, 'go.mod').map((line) => line.replace(/^require /, ''))).toContain(
    `${program.module} v${program.version}`,
  );
  expect(linesOf(program, 'go.sum').join('\n')).toContain(`${program.module} v${program.version} h1:`);
});

test.each(go)('$name: go.mod names as tools what is built', (program) => {
  const mains = Object.values(program.binaries).filter((main) => main !== '.');
  const tools = linesOf(program, 'go.mod').filter((line) => mains.includes(line.replace(/^tool /, '')));
  expect(tools).toHaveLength(mains.length);
});

test.each(python)('$name is pinned', (program) => {
  expect(linesOf(program, 'requirements.txt')).toContain(`${program.module}==${program.version}`);
});

test('no two programs have a binary of one name', () => {
  const names = PROGRAMS.flatMap((program) => Object.keys(program.binaries));
  expect(new Set(names).size).toBe(names.length);
});

test('a program that is pinned otherwise lies elsewhere', () => {
  const [first] = PROGRAMS;
  if (!first) throw new Error('there is none');
  expect(folderOf({ ...first, module: 'example.com/another' })).not.toBe(folderOf(first));
});

test('the cache is where XDG says, unless AKS_SECRETS_LAB names a place', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/c' })).toBe('/c/aks-secrets/lab');
  expect(cacheFolder({ XDG_CACHE_HOME: '/c', AKS_SECRETS_LAB: '/lab' })).toBe('/lab');
});
