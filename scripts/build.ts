/**
 * Bundles the program with all it depends on into `dist/`, so that nothing else need be installed. What the source
 * imports lazily stays a chunk of its own, read only when it is used. Chunks lie side by side with `cli.js`: a path
 * relative to `src/` (`../templates`) is right in the bundle too. Beside them lies the JSON Schema of the file.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { methods } from '../src/methods/index.ts';
import { jsonSchema } from '../src/spec/schema.ts';
import { straighten } from './straighten.ts';

const root = join(import.meta.dirname, '..');

/** Only commands that are programs of their own need it, which ours are not; loading it takes five milliseconds. */
const withoutChildren: Plugin = {
  name: 'without-children',
  transform: {
    filter: { id: /[\\/]node_modules[\\/]commander[\\/]/ },
    handler: (code) => code.replace(/^import (.+) from 'node:child_process';$/gm, 'const $1 = undefined;'),
  },
};

/** Writes the bundle into the folder, which is emptied first. Answers the files of which something was put into it. */
export async function build(folder: string): Promise<readonly string[]> {
  const files = await bundle(folder, { cli: 'src/cli.ts' });
  await chmod(join(folder, 'cli.js'), 0o755);
  await writeFile(join(folder, 'aks-secrets.schema.json'), `${JSON.stringify(jsonSchema(methods), null, 2)}\n`);
  return files;
}

/** Bundles what these files need, by the name of what is made of each. */
export async function bundle(folder: string, input: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const bundler = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    plugins: [withoutChildren, straighten],
    // It does not say of itself that its modules do nothing by being loaded; nine tenths of it are never used.
    treeshake: { moduleSideEffects: [{ test: /[\\/]@kubernetes[\\/]client-node[\\/]/, sideEffects: false }] },
    // Only Node's own modules are found at run time; anything else left out would be missing there.
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message);
      report(level, log);
    },
  });
  const { output } = await bundler.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    cleanDir: true,
    // What every start needs is one file; each one more takes about a millisecond.
    codeSplitting: { groups: [{ name: 'main', test: /[\\/]src[\\/]main\.ts$/ }] },
    // Names and lines stay, so that a stack trace and a curious reader find their way; only what is unused goes.
    minify: 'dce-only',
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await bundler.close();
  return output.flatMap((item) => (item.type === 'chunk' ? Object.keys(item.modules) : []));
}

if (import.meta.main) await build(join(root, 'dist'));
