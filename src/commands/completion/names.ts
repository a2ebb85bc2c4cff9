import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Io } from '../../io.ts';
import type { Flag } from '../flags.ts';
import { DEFAULT_FILE } from '../place.ts';
import type { Candidate, Line } from './candidates.ts';

/** Names that the flag can take here and now; empty where nothing is known of them. */
export async function namesThatExist({ flag }: Flag, line: Line, io: Io): Promise<readonly Candidate[]> {
  switch (flag) {
    case 'method': {
      const { methods } = await import('../../methods/index.ts');
      return methods.map(({ name, title }) => ({ word: name, says: title }));
    }
    case 'workload':
      return workloadsOf(line, io);
    default:
      return [];
  }
}

/** Those of the file that the line names, or of the one that lies here. */
async function workloadsOf({ flags }: Line, { cwd }: Io): Promise<readonly Candidate[]> {
  const { parse } = await import('yaml');
  const text = await readFile(resolve(cwd, flags.get('file')?.at(-1) ?? DEFAULT_FILE), 'utf8');
  const { workloads = [] } = (parse(text) ?? {}) as { workloads?: readonly { name?: unknown; method?: unknown }[] };
  return workloads.flatMap(({ name, method }) =>
    typeof name === 'string' ? [{ word: name, ...(typeof method === 'string' && { says: method }) }] : [],
  );
}
