import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { Complaints } from '../complaint.ts';
import { EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { type Answers, listOf, textOf } from '../spec/answers.ts';
import type { FailOn } from '../verify/conclude.ts';
import type { ManifestFile } from '../verify/lint.ts';
import { readUpTo, textOfBytes } from './reading.ts';
import { reporterOf } from './reporting.ts';
import { codeOf, realClock } from './surroundings.ts';
import { sayVerified } from './verify-formats.ts';

/** Folders that hold no manifests of one's own. */
const NOT_INTO = new Set(['node_modules', '.git', '.terraform']);
/** Bytes of a file: etcd takes objects of one and a half MiB. */
const LARGEST = 8 * 1024 * 1024;
const YAML = /\.(ya?ml|json)$/i;

/** `verify --manifests`: the objects of these files by the rules of every method. Nobody signs in, nothing is asked. */
export async function lintManifests(answers: Answers, io: Io): Promise<number> {
  const given = textOf(answers, 'manifests') ?? '';
  const refused = ['pod', 'selector', 'wait'].filter((flag) => answers.has(flag));
  if (refused.length > 0)
    throw new Complaints(
      refused.map((flag) => ({ message: `--${flag} does not go with --manifests, which asks no cluster.` })),
    );
  const [files, { methods }, { lint }, { exitOfRows }, { select, selectionOf }, { verifyReport }] = await Promise.all([
    filesBelow(given, io.cwd),
    import('../methods/index.ts'),
    import('../verify/lint.ts'),
    import('../verify/conclude.ts'),
    import('../verify/select.ts'),
    import('../verify/report.ts'),
  ]);
  const { rows, objects, notes } = lint(files, methods);
  if (objects === 0)
    throw new Complaints([
      { message: `--manifests ${given}: there is no Kubernetes object in it.` },
      ...notes.map((message) => ({ message })),
    ]);
  const selection = selectionOf(answers);
  // Objects are called by what they are called themselves.
  const told = select(rows, selection, (account) => account);
  const exit = exitOfRows(told, listOf(answers, 'fail-on') as FailOn[]);
  const reporter = await reporterOf(answers, io, realClock);
  for (const note of notes) reporter.note(note);
  await sayVerified(verifyReport(told, { exit: exit === EXIT.failed ? EXIT.broken : exit }), answers, io, reporter);
  reporter.close();
  return exit;
}

/** Every YAML file below a folder, or the file itself, in the order of their names. */
async function filesBelow(given: string, cwd: string): Promise<readonly ManifestFile[]> {
  const root = resolve(cwd, given);
  const paths = await pathsBelow(root).catch((error: unknown) => {
    const code = codeOf(error);
    throw new Complaints([
      {
        message: `--manifests: ${code === 'ENOENT' ? 'there is no' : 'cannot read'} ${given}${code === 'ENOENT' ? '' : ` (${code})`}.`,
      },
    ]);
  });
  return Promise.all(
    paths.map(async (path) => {
      const shown = relative(cwd, path) || path;
      const bytes = await readUpTo(path, LARGEST).catch((error: unknown) => {
        throw new Complaints([{ message: `This cannot be read (${codeOf(error)}).`, file: shown }]);
      });
      if (bytes.length <= LARGEST) return { path: shown, text: textOfBytes(bytes) };
      throw new Complaints([{ message: 'This is larger than any manifest (8 MiB).', file: shown }]);
    }),
  );
}

async function pathsBelow(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = (await readdir(path, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const each = await Promise.all(
    entries.map((entry) => {
      const below = join(path, entry.name);
      if (entry.isDirectory()) return NOT_INTO.has(entry.name) ? [] : pathsBelow(below);
      return entry.isFile() && YAML.test(entry.name) ? [below] : [];
    }),
  );
  return each.flat();
}
