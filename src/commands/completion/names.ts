import { resolve } from 'node:path';
import type { Io } from '../../io.ts';
import { signedIn } from '../../spec/subscription.ts';
import { variableOf } from '../../spec/variable.ts';
import type { Flag } from '../flags.ts';
import { DEFAULT_FILE } from '../place.ts';
import { readUpTo, textOfBytes } from '../reading.ts';
import type { Candidate, Line } from './candidates.ts';

/** Whoever waits at a prompt does so for this long, milliseconds of real time. */
const PATIENCE = 4000;

/**
 * Names that the flag can take here and now; empty where nothing is known of them. Those of Azure and the cluster are
 * asked only where a sign-in is at hand, which the default subscription of the Azure CLI or a variable shows: nobody is
 * signed in by the tabulator key.
 */
export async function namesThatExist({ flag }: Flag, line: Line, io: Io): Promise<readonly Candidate[]> {
  switch (flag) {
    case 'method': {
      const { methods } = await import('../../methods/index.ts');
      return methods.map(({ name, title }) => ({ word: name, says: title }));
    }
    case 'workload':
      return (await fileOf(line, io)).workloads;
    case 'cluster':
    case 'vault':
    case 'namespace':
      return inTheWorld(flag, line, io);
    default:
      return [];
  }
}

async function inTheWorld(flag: 'cluster' | 'vault' | 'namespace', line: Line, io: Io): Promise<readonly Candidate[]> {
  const said = (name: string): string | undefined => line.flags.get(name)?.at(-1) ?? io.env[variableOf(name)];
  const subscription = await signedIn(io.env).choose(said('subscription'), [], { said: 'completion' });
  // A sandbox is not opened for this.
  if (subscription === undefined || line.flags.has('sandbox')) return [];
  const [{ createLists }, { usualSurroundings }] = await Promise.all([
    import('../wizard/lists.ts'),
    import('../surroundings.ts'),
  ]);
  const given = { cloud: said('cloud'), tenant: said('tenant'), env: io.env, cwd: io.cwd };
  const lists = createLists(io.surroundings ?? (await usualSurroundings(given)), {
    ...io,
    signal: AbortSignal.any([io.signal, AbortSignal.timeout(PATIENCE)]),
  });
  const named = (resources: readonly { readonly name: string; readonly location?: string }[]): Candidate[] =>
    resources.map(({ name, location }) => ({ word: name, ...(location !== undefined && { says: location }) }));
  if (flag === 'cluster') return named(await lists.clusters(subscription));
  if (flag === 'vault') return named(await lists.vaults(subscription));
  const { cluster } = await fileOf(line, io).catch(() => ({ cluster: undefined }));
  const [name, resourceGroup] = [said('cluster') ?? cluster?.name, said('resource-group') ?? cluster?.resourceGroup];
  if (!name || !resourceGroup) return [];
  return (await lists.namespaces(subscription, { name, resourceGroup })).map((word) => ({ word }));
}

/** What the file says that the line names, or the one that lies here. */
async function fileOf({ flags }: Line, { cwd }: Io) {
  const { LARGEST, readTree } = await import('../../spec/text.ts');
  const path = flags.get('file')?.at(-1) ?? DEFAULT_FILE;
  const { root } = readTree(textOfBytes(await readUpTo(resolve(cwd, path), LARGEST)), path);
  const { workloads, cluster } = Object(root) as {
    workloads?: unknown;
    cluster?: { name?: string; resourceGroup?: string };
  };
  return {
    cluster,
    workloads: (Array.isArray(workloads) ? workloads : []).flatMap((workload): Candidate[] => {
      const { name, method } = Object(workload) as { name?: unknown; method?: unknown };
      return typeof name === 'string' ? [{ word: name, ...(typeof method === 'string' && { says: method }) }] : [];
    }),
  };
}
