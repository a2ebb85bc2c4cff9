import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface File {
  readonly bytes: Buffer;
  readonly mode: number;
  /** Its owner; root where it is not said. */
  readonly user?: number;
}

/** By path below where the volume is mounted. */
export type Content = ReadonlyMap<string, File>;

/**
 * Writes as the kubelet does, so that a container sees the old files or the new ones and never a part: each generation in a
 * folder of its own, `..data` leading to the newest, and a link by way of it for every name.
 * @see https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
 */
export function writeAtomically(folder: string, content: Content, group: number | undefined): void {
  if (isAsWanted(folder, content)) return;
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, group === undefined ? 0o755 : 0o2775);
  const generation = `..${new Date().toISOString().replace(/[-:TZ]/g, '_')}${process.hrtime.bigint()}`;
  const before = readdirSync(folder);
  mkdirSync(join(folder, generation));
  chmodSync(join(folder, generation), 0o755);
  for (const [path, { bytes, mode, user }] of content) {
    const file = join(folder, generation, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    if (group !== undefined || user !== undefined) chownSync(file, user ?? 0, group ?? 0);
    chmodSync(file, group === undefined ? mode : mode | 0o440);
  }
  symlinkSync(generation, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  const names = new Set([...content.keys()].map((path) => path.split('/')[0] ?? ''));
  for (const name of names) if (!before.includes(name)) symlinkSync(join('..data', name), join(folder, name));
  for (const name of before) {
    const stale = name.startsWith('..') ? name !== '..data' : !names.has(name);
    if (stale) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAsWanted(folder: string, content: Content): boolean {
  try {
    const present = readdirSync(join(folder, '..data'), { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    );
    if (present.length !== content.size) return false;
    return [...content].every(([path, { bytes }]) => readFileSync(join(folder, '..data', path)).equals(bytes));
  } catch {
    return false;
  }
}
