/** Builds one program of the lab into the cache. */
import { rmSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder, folderOf, type GoProgram, type Program, type PythonProgram, sourceOf } from './programs.ts';
import { type Ran, run } from './run.ts';

/** What building a program took: `build.json` in its folder. */
export interface Built {
  readonly program: string;
  readonly version: string;
  readonly builtWith: string;
  /** Wall time, what was fetched for it included. What other programs had compiled before was there already. */
  readonly seconds: number;
  /** The most memory that the compiler's processes had together. */
  readonly peakMemory: number;
  /** Bytes of each binary; of a Python program, of all that is installed for it. */
  readonly sizes: Readonly<Record<string, number>>;
}

/**
 * The toolchain that is here and no other; what `go.sum` names and nothing else. Without cgo, so that a C compiler is
 * not needed and a binary runs wherever Linux does.
 */
const GO_ENV = { GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -trimpath' };

const largest = (all: readonly Ran[]): number => Math.max(...all.map((one) => one.peakMemory));

/** Copied by hand, for what lies in Go's module cache may not be written to, and a folder that is may not be removed. */
async function copy(from: string, to: string): Promise<void> {
  if ((await stat(from)).isDirectory()) {
    for (const name of await readdir(from)) await copy(join(from, name), join(to, name));
    return;
  }
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, 0o644);
}

/** Bytes of all files below a folder. */
async function weigh(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}

/** One line of what a command prints. */
const ask = async (command: string, words: readonly string[], cwd: string, env?: NodeJS.ProcessEnv) =>
  (await run(command, words, { cwd, ...(env && { env }) })).stdout.trim();

/** Where its module's own files are; they are fetched when they were not yet, and checked against `go.sum`. */
async function moduleOf(program: GoProgram): Promise<string> {
  const words = ['mod', 'download', '-json', `${program.module}@v${program.version}`];
  return JSON.parse(await ask('go', words, sourceOf(program), GO_ENV)).Dir;
}

/**
 * Copies the program's module, leaves out what is not wanted of it, and returns the words that build from the copy. The
 * files of the module cache themselves can neither be changed nor be overlaid.
 */
async function trim(program: GoProgram, folder: string): Promise<readonly string[]> {
  const { trimmed, module, version } = program;
  if (!trimmed) return [];
  const cwd = sourceOf(program);
  const source = join(folder, 'module');
  await copy(await moduleOf(program), source);
  for (const name of await readdir(join(source, trimmed.folder)))
    if (!trimmed.keeps.includes(name)) await rm(join(source, trimmed.folder, name), { recursive: true });
  for (const name of ['go.mod', 'go.sum']) await copyFile(join(cwd, name), join(folder, name));
  await run('go', ['mod', 'edit', `-replace=${module}@v${version}=${source}`, join(folder, 'go.mod')], { cwd });
  return [`-modfile=${join(folder, 'go.mod')}`];
}

type Made = Pick<Built, 'builtWith' | 'peakMemory' | 'sizes'>;

async function buildGo(program: GoProgram, folder: string, log: (line: string) => void): Promise<Made> {
  const cwd = sourceOf(program);
  const builtWith = await ask('go', ['version'], cwd, GO_ENV);
  const tags = program.tags?.length ? ['-tags', program.tags.join(',')] : [];
  // Tables for debuggers are a third of a binary, and nobody debugs these.
  const flags = [
    '-s',
    '-w',
    ...Object.entries(program.set ?? {}).flatMap(([name, value]) => ['-X', `${name}=${value}`]),
  ];
  const scratch = join(folder, '.trimmed');
  const trimmed = await trim(program, scratch);
  const ran: Ran[] = [];
  const sizes: Record<string, number> = {};
  for (const [name, main] of Object.entries(program.binaries)) {
    log(`${name} ...`);
    const to = join(folder, 'bin', name);
    const words = ['build', ...trimmed, ...tags, '-ldflags', flags.join(' '), '-o', to, main];
    ran.push(await run('go', words, { cwd, env: GO_ENV }));
    sizes[name] = (await stat(to)).size;
  }
  await rm(scratch, { recursive: true, force: true });
  const module = await moduleOf(program);
  for (const path of program.files ?? []) await copy(join(module, path), join(folder, path));
  return { builtWith, peakMemory: largest(ran), sizes };
}

async function buildPython(program: PythonProgram, folder: string, log: (line: string) => void): Promise<Made> {
  const cwd = sourceOf(program);
  const builtWith = await ask('python3', ['--version'], cwd);
  const home = join(folder, 'python');
  await run('python3', ['-m', 'venv', home], { cwd });
  log('pip install ...');
  const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'];
  const ran = await run(join(home, 'bin/python'), words, { cwd });
  await mkdir(join(folder, 'bin'));
  for (const [name, module] of Object.entries(program.binaries)) {
    // The scripts that pip writes name the folder that it installed to, which has another name by the end.
    const script = `#!/bin/sh\nexec "$(dirname "$0")/../python/bin/python" -m ${module} "$@"\n`;
    await writeFile(join(folder, 'bin', name), script, { mode: 0o755 });
  }
  return { builtWith, peakMemory: ran.peakMemory, sizes: { [program.name]: await weigh(home) } };
}

/**
 * Builds the program, whether or not it was: into a folder beside, which gets its name when all is in it. What is in the
 * cache under that name is therefore whole, whenever this is stopped. Throws a `BuildFailure` with what the compiler
 * said.
 */
export async function build(program: Program, log: (line: string) => void): Promise<Built> {
  await mkdir(cacheFolder(), { recursive: true });
  // Asked now: what is edited meanwhile is not in it.
  const place = folderOf(program);
  const folder = await mkdtemp(join(cacheFolder(), '.building-'));
  const gone = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', gone);
  try {
    const start = performance.now();
    const made = program.from === 'go' ? await buildGo(program, folder, log) : await buildPython(program, folder, log);
    const seconds = Math.round((performance.now() - start) / 1000);
    const built: Built = { program: program.name, version: program.version, seconds, ...made };
    await writeFile(join(folder, 'build.json'), `${JSON.stringify(built, null, 2)}\n`);
    await chmod(folder, 0o755);
    await rm(place, { recursive: true, force: true });
    await rename(folder, place);
    return built;
  } finally {
    process.off('exit', gone);
    gone();
  }
}
