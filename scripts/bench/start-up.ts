/** How long the program takes to start, against the runtime alone and against what people use instead. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ship } from '../pack.ts';
import { pathOf, versionOf } from './others.ts';
import { type Figure, figures, milliseconds, missedOf, type Section, times } from './section.ts';
import { outputOf, type Program, turns } from './turns.ts';
import { begin, DEMO } from './world.ts';

const TURNS = 31;
const FEWER = 7;
/** 250 ms where the runtime takes 40. */
const ALL_LOADED = 250 / 40;

export async function startUp(): Promise<Section> {
  const home = mkdtempSync(join(tmpdir(), 'aks-secrets-bench-'));
  const world = await begin();
  try {
    const folder = join(home, 'package');
    await ship(folder);
    const cli = join(folder, 'dist', 'cli.js');
    const env = { PATH: process.env.PATH, HOME: home };
    const node = (...args: string[]): Program => ({ file: process.execPath, args, env, cwd: home });

    // The features of the cluster are on, so that the plan has no long operation; then a pipeline can sign in.
    await world.run(`init --method csi ${DEMO} --workload first --namespace first --yes --allow cluster,irreversible`);
    const signedIn = await world.signedIn();
    const plan = `plan --method csi ${DEMO} --workload orders --namespace shop`.split(' ');
    const planning: Program = { file: process.execPath, args: [cli, ...plan], env: signedIn, cwd: home };
    const loading = node(loaderOf(await loadedBy(planning, folder), folder));

    const ours = [
      node('-e', '0'),
      node(cli, '--help'),
      node(cli, '--version'),
      node(cli, 'explain', 'AADSTS700213: No matching federated identity record found'),
      loading,
      planning,
    ];
    for (const program of ours) await outputOf(program); // fills Node's compile cache, as any first use does
    const [bare, help, version, explain, loaded, planned] = (await turns(TURNS, ours)) as [
      ...Array<Awaited<ReturnType<typeof turns>>[number]>,
    ];

    const others: Figure[] = [];
    const call = { az: ['--version'], kubectl: ['version', '--client'] } as const;
    for (const name of ['az', 'kubectl'] as const) {
      const file = pathOf(name);
      if (!file) continue;
      const other: Program = {
        file,
        args: call[name],
        env: { ...env, AZURE_CONFIG_DIR: join(home, 'azure') },
        cwd: home,
      };
      await outputOf(other);
      const [, timed] = await turns(FEWER, [node('-e', '0'), other]);
      others.push({
        what: `\`${name} ${call[name].join(' ')}\` (${versionOf(name)})`,
        is: `${times(timed!.ratio)} (${milliseconds(timed!.time)})`,
        note: `${(timed!.time / help!.time).toFixed(1)} times as long as our \`--help\``,
      });
    }

    const row = (
      what: string,
      { time, ratio }: { time: number; ratio: number },
      more: Partial<Figure> = {},
    ): Figure => ({
      ...{ what, is: `${times(ratio)} (${milliseconds(time)})`, value: ratio },
      ...more,
    });
    const list: Figure[] = [
      row('`node -e 0`', bare!),
      row('`--help`', help!, { target: 1.3 }),
      row('`--version`', version!),
      row('`explain` of one message', explain!),
      row('all that a `plan` loads, SDKs included', loaded!, {
        target: ALL_LOADED,
        note: '250 ms where bare Node takes 40',
      }),
      row('`plan` as a whole, signed in by a federated token', planned!, {
        note: 'with all its requests, on a sandbox that answers at once',
      }),
      ...others,
    ];
    return {
      name: 'start-up',
      missed: missedOf(list),
      markdown: [
        '## Start-up',
        `The package as published, its output into a pipe, against \`node -e 0\` of the same Node: medians of ${TURNS} turns in which each runs once (${FEWER} for programs of others), and of the ratios within a turn. Node's compile cache is filled, as by any first use.`,
        figures(list),
      ].join('\n\n'),
    };
  } finally {
    await world.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** The files of the package that a run loads, in their order. */
async function loadedBy(program: Program, folder: string): Promise<readonly string[]> {
  const list = join(folder, 'loaded.txt');
  const hook = join(folder, 'hook.mjs');
  writeFileSync(
    hook,
    `import { appendFileSync } from 'node:fs';
     import { registerHooks } from 'node:module';
     registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`,
  );
  await outputOf({ ...program, args: ['--import', hook, ...program.args] });
  const urls = readFileSync(list, 'utf8').trim().split('\n');
  return urls.filter((url) => url.includes('/dist/') && !url.endsWith('/cli.js'));
}

/** A script that loads them, and does nothing else. */
function loaderOf(urls: readonly string[], folder: string): string {
  const script = join(folder, 'loader.mjs');
  const imports = urls.map((url) => `await import(${JSON.stringify(url)});`);
  writeFileSync(
    script,
    ["import { enableCompileCache } from 'node:module';", 'enableCompileCache();', ...imports].join('\n'),
  );
  return script;
}
