import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ROWS } from '../../src/failures/index.ts';
import { printedLines, wordsOf } from '../catalogue/lines.ts';
import { AZ } from '../export/stand-ins/az-lines.ts';
import { binary, folderOf, isBuilt, programNamed } from './build/programs.ts';
import { parsedByAz } from './harness/az.ts';
import { type Lab, theLab } from './harness/lab.ts';
import { LAB } from './harness/place.ts';
import { run } from './harness/processes.ts';
import { enter } from './harness/table.ts';

interface Line {
  /** The row of the catalogue, or that a command made it. */
  readonly of: string;
  readonly words: readonly string[];
}

/** What stands in a line for what cannot be known. */
const HOLES: Readonly<Record<string, string>> = {
  role: 'Reader',
  address: '192.0.2.1',
  scope: '/subscriptions/00000000-0000-4000-8000-000000000000',
};
const without = (line: string): string =>
  line.replace(/<([a-z ]+)>/g, (_, name: string) => HOLES[name] ?? name.replaceAll(' ', '-'));

/** Each line that the catalogue, `verify`, `plan` or `destroy` can print, once. */
function linesFor(program: string): readonly Line[] {
  const all = [
    ...ROWS.flatMap(({ id, fix }) => (fix.run ?? '').split('\n').map((line) => ({ of: id, line }))),
    ...printedLines().map((line) => ({ of: 'printed', line })),
  ];
  const found = new Map<string, Line>();
  for (const { of, line } of all) {
    const [first, ...words] = wordsOf(without(line));
    const key = words.join('\0');
    if (first === program && !found.has(key)) found.set(key, { of, words });
  }
  return [...found.values()];
}

/** Names of kinds, in all forms that kubectl takes, of what the lab's releases define and may not be installed now. */
function definedKinds(): ReadonlySet<string> {
  const folders = [
    { program: programNamed('csi-driver'), path: 'config/crd/bases' },
    { program: programNamed('operator'), path: 'config/crds/bases' },
    { program: programNamed('daprd'), path: 'charts/dapr/crds' },
  ].flatMap(({ program, path }) => (isBuilt(program) ? [join(folderOf(program), path)] : []));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const all = files.flatMap((file) => parseAllDocuments(readFileSync(file, 'utf8')).map((each) => each.toJS()));
  return new Set(
    all
      .filter((each) => each?.kind === 'CustomResourceDefinition')
      .flatMap(({ spec: { group, names } }) => {
        const { plural, singular, shortNames = [] } = names;
        return [plural, singular, `${plural}.${group}`, ...shortNames];
      }),
  );
}

/** Verbs that change something, which the API server is asked to only try. */
const TRIED = ['annotate', 'create', 'delete', 'patch', 'scale', 'set'];
const USAGE =
  /unknown (?:shorthand )?flag|unknown command|flag needs an argument|invalid argument|unable to parse|error parsing|required flag|exactly one|must specify|Usage:|error: (?:at least|you must|--)/i;

describe.skipIf(!LAB)('lines to paste', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await theLab();
  });

  const admin = async () => {
    const file = join(lab.folder, 'fixes.kubeconfig');
    writeFileSync(file, lab.plane.kubeconfig, { mode: 0o600 });
    return { HOME: lab.folder, KUBECONFIG: file };
  };
  /** One row for all lines of a program, with whatever it does not take. */
  const tell = (name: string, count: number, refused: readonly string[], more = '') =>
    enter(
      {
        ...{ program: name, version: programNamed(name === 'kubectl' ? 'kubernetes' : name).version },
        ...{ case: 'lines that explain and verify print', expected: `all ${count} parse` },
        seen: refused.length > 0 ? refused.join('; ') : `${count} parse${more}`,
      },
      refused.length === 0,
    );

  it('az takes those for it', async () => {
    const lines = linesFor('az');
    const said = await parsedByAz(
      lab.folder,
      lines.map(({ words }) => words),
    );
    const refused = lines.flatMap(({ of, words }, at) => (said[at] ? [{ of, words, why: said[at] }] : []));
    // It is on no package index, and az without it does not know the word.
    const extension = refused.filter(
      ({ words, why }) =>
        words[0] === 'k8s-extension' && why === "'k8s-extension' is misspelled or not recognized by the system.",
    );
    expect(lines.length).toBeGreaterThan(50);
    tell(
      'az',
      lines.length - extension.length,
      refused
        .filter((each) => !extension.includes(each))
        .map(({ of, words, why }) => `${of}: ${words.join(' ')}: ${why}`),
      `; ${extension.length} of its extension k8s-extension could not be asked about`,
    );
  });

  it('az takes what the stand-in for it takes in exported scripts', async () => {
    const VALUES: Readonly<Record<string, string>> = {
      ...{ 'node-count': '1', tags: 'a=b', parameters: '{}', method: 'put', encoding: 'utf-8' },
      ...{ 'enable-rbac-authorization': 'true', 'enable-purge-protection': 'true' },
      'assignee-principal-type': 'ServicePrincipal',
    };
    const lines = Object.entries(AZ)
      .filter(([command]) => !command.startsWith('k8s-extension'))
      .map(([command, flags]) => [
        ...command.split(' '),
        ...Object.entries(flags).flatMap(([flag, takes]) => [
          `--${flag}`,
          ...(takes === 'nothing' ? [] : [VALUES[flag] ?? 'x']),
        ]),
      ]);
    const said = await parsedByAz(lab.folder, lines);
    const refused = lines.flatMap((words, at) => (said[at] ? [`${words.join(' ')}: ${said[at]}`] : []));
    enter(
      {
        ...{ program: 'az', version: programNamed('az').version, case: 'commands and flags of exported scripts' },
        ...{ expected: `all ${lines.length} parse`, seen: refused.join('; ') || `${lines.length} parse` },
      },
      refused.length === 0,
    );
  });

  it('kubectl takes those for it', async () => {
    const lines = linesFor('kubectl');
    const kinds = definedKinds();
    const refused: string[] = [];
    for (const { of, words } of lines) {
      const tried = TRIED.includes(words[0] ?? '') ? ['--dry-run=server'] : [];
      const { code, err } = await run(binary('kubectl'), [...words, ...tried], { env: await admin() });
      const unknown = [...err.matchAll(/resource type "([^"]+)"/g)].map(([, kind = '']) => kind.split('.')[0]!);
      const wrong = USAGE.test(err) || unknown.some((kind) => !kinds.has(kind));
      if (code !== 0 && wrong) refused.push(`${of}: ${words.join(' ')}: ${err.trim().split('\n')[0]}`);
    }
    expect(lines.length).toBeGreaterThan(50);
    tell('kubectl', lines.length, refused);
  });

  it('helm takes those for it', async () => {
    const lines = linesFor('helm');
    const refused: string[] = [];
    for (const { of, words } of lines) {
      const tried = words[0] === 'list' ? [] : ['--dry-run'];
      const { code, err } = await run(binary('helm'), [...words, ...tried], { env: await admin() });
      if (code !== 0 && USAGE.test(err)) refused.push(`${of}: ${words.join(' ')}: ${err.trim()}`);
    }
    expect(lines.length).toBeGreaterThan(0);
    tell('helm', lines.length, refused);
  });

  it('aks-secrets takes those for itself', async () => {
    const lines = linesFor('aks-secrets');
    const refused: string[] = [];
    for (const { of, words } of lines) {
      // As far as it goes without anybody's cluster: what it does not know, it says first.
      const { out, err } = await lab.aksSecrets(words.map((word) => `'${word}'`).join(' '), {
        bare: true,
        env: { AZURE_FEDERATED_TOKEN_FILE: '/nowhere', AZURE_CONFIG_DIR: '/nowhere', KUBECONFIG: '/nowhere' },
      });
      if (/Unknown|is not one of|takes (?:no|one)/.test(`${out}${err}`))
        refused.push(`${of}: ${words.join(' ')}: ${err}`);
    }
    expect({ lines: lines.length > 0, refused }).toEqual({ lines: true, refused: [] });
  });
});
