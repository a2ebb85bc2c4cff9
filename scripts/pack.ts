/**
 * Lays out what is published: the bundle, which needs no other package, and what must go with it. A folder of its own,
 * since it has another `package.json` than the repository: without what only building and testing need, and without the
 * dependencies, which are in the bundle.
 *
 *     npm run pack                        (into `package/`)
 *     npm publish ./package --provenance
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from './build.ts';
import { notices, partsOf } from './notices.ts';

const root = join(import.meta.dirname, '..');
/** What only the repository has. */
const OURS = ['private', 'scripts', 'dependencies', 'devDependencies', 'allowScripts'];
const AS_IT_IS = ['README.md', 'LICENSE', 'templates', 'docs/failures'];
const NOTICES = 'THIRD-PARTY-NOTICES.txt';

/** Empties the folder and lays out the package in it. */
export async function ship(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const bundled = await build(join(folder, 'dist'));
  for (const name of AS_IT_IS) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, NOTICES), notices(await partsOf(bundled)));
  const manifest = Object.entries(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const published = Object.fromEntries(manifest.filter(([key]) => !OURS.includes(key)));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
}

if (import.meta.main) await ship(join(root, 'package'));
