/**
 * Bundles the program with all it depends on into `dist/`, so that nothing else need be installed. What the source
 * imports lazily stays a chunk of its own, read only when it is used. Chunks lie side by side with `cli.js`: a path
 * relative to `src/` (`../templates`) is right in the bundle too. Beside them lies the JSON Schema of the file.
 */
import { chmod, cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { methods } from '../src/methods/index.ts';
import { jsonSchema } from '../src/spec/schema.ts';

const root = join(import.meta.dirname, '..');

/**
 * Of each of its own modules that is imported, Node makes an ES module, and reads every property for it; of `node:process`
 * and `node:fs` that opens streams that nobody uses. The parser of arguments is all that each start loads, so it takes
 * them the direct way (a third of what `--help` took beyond bare Node). The rest must not: what is patched while the
 * sandbox is on is seen through imports only.
 */
const directBuiltins: Plugin = {
  name: 'direct-builtins',
  transform: {
    filter: { id: /[\\/]node_modules[\\/]commander[\\/]/ },
    handler: (code) =>
      code.replace(/^import (.+) from '(node:\w+)';$/gm, (_line, names, module) =>
        // Only for commands that are programs of their own, which ours are not; loading it takes five milliseconds.
        module === 'node:child_process'
          ? `const ${names} = undefined;`
          : `const ${names} = globalThis.process.getBuiltinModule('${module}');`,
      ),
  },
};

/** Writes the bundle into the folder, which is emptied first. */
export async function build(folder: string): Promise<void> {
  const bundle = await rolldown({
    cwd: root,
    input: { cli: 'src/cli.ts' },
    platform: 'node',
    plugins: [directBuiltins],
    // It does not say of itself that its modules do nothing by being loaded; nine tenths of it are never used.
    treeshake: { moduleSideEffects: [{ test: /[\\/]@kubernetes[\\/]client-node[\\/]/, sideEffects: false }] },
    // Only Node's own modules are found at run time; anything else left out would be missing there.
    onLog(level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message);
      report(level, log);
    },
  });
  await bundle.write({
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
  await bundle.close();
  await chmod(join(folder, 'cli.js'), 0o755);
  await writeFile(join(folder, 'aks-secrets.schema.json'), `${JSON.stringify(jsonSchema(methods), null, 2)}\n`);
}

/** Lays out in a folder what the package ships. */
export async function ship(folder: string): Promise<void> {
  await build(join(folder, 'dist'));
  for (const name of ['package.json', 'templates']) await cp(join(root, name), join(folder, name), { recursive: true });
}

if (import.meta.main) await build(join(root, 'dist'));
