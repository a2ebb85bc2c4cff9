/** What is installed: how large it is, and how long that takes. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ship } from '../pack.ts';
import { type Figure, figures, missedOf, type Section, times } from './section.ts';
import { outputOf, type Program, turns } from './turns.ts';

const TURNS = 5;

export async function packageSize(): Promise<Section> {
  const home = mkdtempSync(join(tmpdir(), 'aks-secrets-bench-'));
  try {
    await ship(join(home, 'ours'));
    mkdirSync(join(home, 'empty'));
    writeFileSync(join(home, 'empty', 'package.json'), '{ "name": "empty", "version": "1.0.0" }');
    const alone = ['--offline', '--no-audit', '--no-fund', '--cache', join(home, 'cache')];
    const npm = (args: readonly string[], cwd: string): Program => ({
      ...{ file: 'npm', args: [...args, ...alone], cwd },
      env: { PATH: process.env.PATH, HOME: home },
    });
    const tarballs = [];
    for (const name of ['empty', 'ours']) {
      const packed = await outputOf(npm(['pack', '--silent', '--pack-destination', home], join(home, name)));
      tarballs.push(join(home, packed.trim().split('\n').at(-1)!));
    }
    const installs = tarballs.map((tarball, index) => {
      const target = join(home, `into-${index}`);
      mkdirSync(target);
      return npm(['install', '--prefix', target, '--force', tarball], target);
    });
    const [, installed] = await turns(TURNS, installs);
    const sizes = sizesIn(join(home, 'into-1', 'node_modules', 'aks-secrets'));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const list: Figure[] = [
      { what: 'packed', is: megabytes(statSync(tarballs[1]!).size) },
      { what: 'installed', is: megabytes(bytes), value: bytes / 1e6, target: 8, note: `MB, in ${sizes.length} files` },
      { what: 'other packages that come with it', is: '0', note: 'all is in the bundle' },
      {
        what: '`npm install` of it',
        is: `${times(installed!.ratio)} (${(installed!.time / 1000).toFixed(1)} s)`,
        note: `against an empty package; from a file, with an empty cache; medians of ${TURNS} turns`,
      },
    ];
    return { name: 'package', missed: missedOf(list), markdown: ['## Package', figures(list)].join('\n\n') };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const sizesIn = (folder: string): readonly number[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
