/**
 * Runs the program as a person would, behind a terminal and on a fresh sandbox, types the answers, and renders what is on
 * the terminal to pictures in `docs/`:
 *
 *     npm run record                                        (all of them)
 *     npm run record -- wizard                              (those whose name begins so)
 *     npm run record -- docs/help.svg --help                (another command line, without answers)
 *
 * Nothing is staged: the text, its colours and its timings are those of the run.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { COLUMNS, run, type Screen } from './screen.ts';
import { picture, type Run } from './svg.ts';

const CLI = join(import.meta.dirname, '..', 'src', 'cli.ts');
const ENTER = '\r';
const ESCAPE = '\x1b';

interface Picture {
  readonly name: string;
  readonly args: string;
  /** Types the answers; a picture of a question ends when it shows. */
  readonly answers?: (screen: Screen) => Promise<'ends' | 'stays'>;
  /** Begins with the row that holds this text. */
  readonly from?: string;
}

/** Every question of the wizard up to the method: the sandbox would answer them, so one goes back to the first. */
async function toTheMethod({ type }: Screen): Promise<void> {
  await type('? How should', ESCAPE);
  for (const question of ['Secrets of', 'Service account', 'Workload', 'Namespace', 'Key Vault', 'Cluster'])
    await type(`? ${question}`, ESCAPE);
  await type('> Sandbox', ENTER);
  await type('> demo-aks', ENTER);
  await type('RBAC, 2 secrets', ENTER);
  await type('new, will be made', `shop${ENTER}`);
  await type('There are no Deployments', `orders${ENTER}`);
  await type('? Service account\n> orders', ENTER);
  await type('> [x] api-key', ENTER);
}

const wizard = (method: string, title: string, own: readonly string[], from?: string): Picture => ({
  name: `wizard-${method}`,
  args: 'init --sandbox',
  ...(from !== undefined && { from }),
  async answers(screen) {
    await toTheMethod(screen);
    await screen.type('? How should', title);
    await screen.type(`> ${title}`, ENTER);
    for (const question of own) await screen.type(question, ENTER);
    await screen.type('? Also deploy a sample pod', ENTER);
    await screen.type('Apply? (y/N)', `y${ENTER}`);
    await screen.type('? Save your answers', ENTER);
    return 'ends';
  },
});

const PICTURES: readonly Picture[] = [
  { name: 'init-csi', args: 'init --sandbox --method csi --yes' },
  {
    name: 'wizard',
    args: 'init --sandbox',
    async answers(screen) {
      await toTheMethod(screen);
      await screen.sees('and its code cannot change.');
      return 'stays';
    },
  },
  wizard('csi', 'Secrets Store CSI driver', ['? Also a Kubernetes Secret of them?']),
  wizard('workload-identity', 'Microsoft Entra Workload ID', [], '? Method'),
  wizard('dapr', 'Dapr', ['? Let the sidecar answer'], '? Method'),
  wizard('external-secrets', 'External Secrets Operator', ['? Name of the Kubernetes', '? Have Reloader'], '? Method'),
];

const [which = '', ...given] = process.argv.slice(2);
const pictures = which.endsWith('.svg')
  ? [{ name: which, args: given.join(' ') }]
  : PICTURES.filter(({ name }) => name.startsWith(which));
for (const one of pictures) await record(one);

async function record({ name, args, answers, from }: Picture): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aks-secrets-record-'));
  const words = args.split(' ');
  const screen = run(process.execPath, [CLI, ...words], `aks-secrets ${args}`, folder);
  try {
    const exitCode = (await answers?.(screen)) === 'stays' ? 'none' : await screen.ended;
    const rows = screen.rows();
    const first = from === undefined ? 0 : rows.findIndex((row) => textOf(row).includes(from));
    const file = name.endsWith('.svg') ? name : join('docs', `${name}.svg`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, picture(rows.slice(first), COLUMNS, `aks-secrets ${words[0]}`));
    console.log(`${file}: ${rows.length - first} lines, exit code ${exitCode}`);
    if (exitCode !== 'none' && exitCode !== 0) process.exitCode = exitCode;
  } finally {
    screen.end();
    await screen.ended;
    await rm(folder, { recursive: true, force: true });
  }
}

function textOf(row: readonly Run[]): string {
  return row.map(({ text }) => text).join(' ');
}
