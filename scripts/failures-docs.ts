/**
 * Writes the page of every failure and their index, `docs/failures/`, from the catalogue (`node scripts/failures-docs.ts`).
 * They are committed; a test says when one is not what the catalogue says.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clue, docsOf, LAYERS, type Layer, type Risk, ROWS, type Row, rowOf } from '../src/failures/index.ts';

const FOLDER = join('docs', 'failures');
const INDEX = join(FOLDER, 'README.md');

const SEERS: Readonly<Record<Row['seenBy'][number], string>> = {
  verify: '`aks-secrets verify` from the world as it stands',
  init: '`aks-secrets init` when it writes',
  lint: '`aks-secrets verify --manifests` from the manifests alone',
  explain: '`aks-secrets explain` from a text',
};
const RISKS: Readonly<Record<Risk, string | undefined>> = {
  none: undefined,
  restarts: 'It restarts pods.',
  widens: 'It lets somebody do more than before, or reaches beyond this workload.',
  destroys: 'It takes something away.',
};

/** All pages, by their paths from the root of the repository. */
export const pages = (rows: readonly Row[] = ROWS): ReadonlyMap<string, string> =>
  new Map([[INDEX, index(rows)], ...rows.map((row) => [docsOf(row), page(row)] as const)]);

function index(rows: readonly Row[]): string {
  const layers = Object.entries(LAYERS) as [Layer, string][];
  const tables = layers.map(([layer, title]) => {
    const lines = rows
      .filter((row) => row.layer === layer)
      .map((row) => `| ${link(row)} | ${row.title} | ${concerns(row)} |`);
    return [`## ${title}`, '', '| | what is the matter | concerns |', '| --- | --- | --- |', ...lines].join('\n');
  });
  return [
    '# What can go wrong',
    `${rows.length} ways in which a pod on AKS fails to get its secret from Key Vault, in the order in which one thing rests on another: the first that applies is the one to mend.`,
    'Paste what you see into `aks-secrets explain`, or let `aks-secrets verify` look: both name the failure by its id.',
    ...tables,
    '',
  ].join('\n\n');
}

function page(row: Row): string {
  const { id, title, layer, cause, fix, risk, seenBy, sameWorldAs = [], insteadOf = [], wraps } = row;
  const signs = [...new Set(row.match.filter(({ vague }) => !vague).map(sign))];
  const generic = insteadOf.filter((other) => !sameWorldAs.includes(other));
  const related = [
    ...(wraps ? ['It only reports another failure: look for that one first.'] : []),
    ...(sameWorldAs.length > 0 ? [`The same state of the world may be called ${links(sameWorldAs)}.`] : []),
    ...(generic.length > 0 ? [`It says more than ${links(generic)}, which the same words may fit.`] : []),
  ];
  return [
    `# ${id}: ${title}`,
    `${LAYERS[layer]}. Concerns ${concerns(row)}.`,
    cause,
    '## What to do',
    [fix.say.replace(/<[a-z ]+>/g, '`$&`'), RISKS[risk]].filter(Boolean).join(' '),
    ...(fix.run === undefined ? [] : [`\`\`\`sh\n${fix.run}\n\`\`\``]),
    '## What shows it',
    ...(signs.length > 0 ? [signs.map((words) => `- ${words}`).join('\n')] : []),
    `It is named by ${listed(seenBy.map((seer) => SEERS[seer]))}.`,
    ...(related.length > 0 ? ['## Related', related.join('\n')] : []),
    '[All failures](README.md)\n',
  ].join('\n\n');
}

/** A clue as people read it: the first of each choice, `...` for what differs each time. */
function sign({ code, says }: Clue): string {
  if (code !== undefined) return `\`${code}\``;
  const words = says!
    .replace(/\{([^|}]*)[^}]*\}/g, '$1')
    .replace(/\s*…\s*/g, ' ... ')
    .replaceAll('~', 'NAME')
    .replace(/\s{2,}/g, ' ')
    .trim();
  return `"${words}"`;
}

const link = ({ id }: Row): string => `[${id}](${id}.md)`;
const links = (ids: readonly string[]): string => listed(ids.map((id) => link(rowOf(id)!)));
const concerns = ({ methods }: Row): string => methods?.join(', ') ?? 'every method';
const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

if (import.meta.main) {
  await mkdir(FOLDER, { recursive: true });
  const written = pages();
  for (const name of await readdir(FOLDER)) if (!written.has(join(FOLDER, name))) await rm(join(FOLDER, name));
  for (const [path, text] of written) await writeFile(path, text);
  console.log(`${written.size} pages in ${FOLDER}`);
}
