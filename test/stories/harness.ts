import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Io } from '../../src/io.ts';
import { main } from '../../src/main.ts';
import { directoryOf } from '../../src/sandbox/graph/store.ts';
import { type LogEntry, openSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts';
import type { Surroundings } from '../../src/surroundings.ts';

/** What one run of the program did and said. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The program's own requests (not those of pods and drivers), in order. */
  readonly requests: readonly LogEntry[];
  readonly writes: readonly LogEntry[];
}

/** A world of its own and the program to act on it. */
export interface Story {
  readonly folder: string;
  readonly sandbox: Sandbox;
  /** Runs the program with these words, in this world. Defaults of the demo are given unless `bare`. */
  run(words: string, more?: Options): Promise<Ran>;
  close(): Promise<void>;
}

export interface Options {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** Without the demo's defaults: only what a person gives. */
  readonly bare?: boolean;
  readonly tty?: boolean;
  readonly signal?: AbortSignal;
  /** Text of a kubeconfig that the user gives. */
  readonly kubeconfig?: string;
  /** Without the sample workload: nothing runs in the cluster. */
  readonly noSample?: boolean;
  /** Real milliseconds until what has no answer is asked again. */
  readonly answerWithin?: number;
  readonly spare?: () => Promise<void>;
  /** Arguments with spaces, after the words. */
  readonly args?: readonly string[];
}

export const QUICK: SandboxOptions['settings'] = { replication: 0, operation: 1000 };

/** A demo world that nobody touched, with its keys: copied, because making keys is what takes the time. */
let untouched: Promise<string> | undefined;
async function makeUntouched(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-untouched-'));
  await (await openSandbox({ dir: folder })).close();
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * @param of `noSample`: nothing runs in the cluster, unless a run says otherwise
 * @param from the folder of a sandbox that is closed: begins with its world
 */
export async function begin(
  of: Partial<SandboxOptions> & { readonly noSample?: boolean } = {},
  from?: string,
): Promise<Story> {
  const { noSample = false, ...options } = of;
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
  untouched ??= makeUntouched();
  cpSync(from ?? (await untouched), join(folder, 'sandbox'), { recursive: true });
  const sandbox = await openSandbox({ dir: join(folder, 'sandbox'), settings: QUICK, ...options });
  const { defaults, ...surroundings } = sandbox.surroundings as unknown as Surroundings;

  return {
    folder,
    sandbox,
    async run(words, more = {}) {
      const mark = sandbox.log.mark();
      const out: string[] = [];
      const err: string[] = [];
      const stream = (lines: string[]) => ({
        write: (text: string) => lines.push(text),
        isTTY: more.tty ?? false,
        columns: 100,
      });
      const io: Io = {
        stdin: Object.assign(Readable.from(more.stdin ? [Buffer.from(more.stdin)] : []), { isTTY: more.tty ?? false }),
        stdout: stream(out),
        stderr: stream(err),
        env: { NO_COLOR: '1', LANG: 'C.UTF-8', ...more.env },
        cwd: folder,
        signal: more.signal ?? new AbortController().signal,
        ...(more.spare && { spare: more.spare }),
        surroundings: {
          ...surroundings,
          defaults: more.bare
            ? { subscription: defaults.subscription ?? '' }
            : { ...defaults, ...((more.noSample ?? noSample) && { sample: false }) },
          ...(more.answerWithin !== undefined && { answerWithin: more.answerWithin }),
          ...(more.kubeconfig && { kubeconfig: { text: more.kubeconfig } }),
          close: async () => undefined,
        },
      };
      const code = await main([...words.split(' ').filter(Boolean), ...(more.args ?? [])], io);
      const requests = sandbox.log.since(mark).filter((entry) => entry.via !== 'inside' && isOurs(entry));
      return {
        code,
        out: out.join(''),
        err: err.join(''),
        requests,
        writes: requests.filter(({ kind }) => kind === 'write'),
      };
    },
    async close() {
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Pods and drivers of the sandbox ask too; their requests are theirs. */
const isOurs = ({ userAgent }: LogEntry): boolean => !/sandbox|provider|^node$/i.test(userAgent);

interface Stored {
  readonly kind: string;
  readonly metadata: { readonly managedFields?: readonly { manager: string; operation: string }[] };
}

/**
 * The world as a person would describe it: what exists in Resource Manager, vaults and cluster, without what chance and
 * time make different in every world (ids, keys, dates), and without what only follows (pods, events, status).
 */
export function worldOf({ sandbox }: Story): unknown {
  const { groups, clusters, vaults, identities, assignments, deletedVaults, extensions } = sandbox.place.slice;
  const { kubernetes, vaults: contents } = sandbox.parts.state;
  const { applications, servicePrincipals } = directoryOf(sandbox.parts);
  const objects = Object.values(kubernetes).flatMap((cluster) => {
    const { objects: all } = cluster as { objects: Record<string, Stored> };
    return Object.values(all)
      .filter(({ kind }) => !FOLLOWS.has(kind))
      .map(({ metadata, ...rest }) => {
        const { managedFields = [], ...own } = metadata;
        return {
          ...rest,
          status: undefined,
          metadata: own,
          managers: managedFields.map(({ manager, operation }) => `${operation} ${manager}`).sort(),
        };
      });
  });
  const secrets = Object.fromEntries(
    Object.entries(contents as Record<string, { secrets?: Record<string, { versions: unknown[] }> }>).map(
      ([vault, held]) => [
        vault,
        Object.fromEntries(Object.entries(held.secrets ?? {}).map(([name, { versions }]) => [name, versions.length])),
      ],
    ),
  );
  const azure = [
    ...[groups, clusters, vaults, identities, assignments, deletedVaults, extensions],
    ...[applications, servicePrincipals],
  ].map((all) => Object.values(all as object));
  return sorted(JSON.parse(JSON.stringify({ azure, objects, secrets }, stable)));
}

/** Objects that only follow from others, with names of chance. */
const FOLLOWS = new Set([
  'Pod',
  'ReplicaSet',
  'Event',
  'SecretProviderClassPodStatus',
  'EndpointSlice',
  'Node',
  'CSINode',
]);
const VOLATILE =
  /^(before|.*[tT]imestamp|.*At|.*Time|time|.*On|e[tT]ag|uid|resourceVersion|generation|operation|resourceUID|caBundle|certificate-authority-data|(ca|issuer)\.(crt|key))$/;
const CHANCE =
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=aks-secrets-)[0-9a-f]{16}|(?<=-dns-)[0-9a-f]{8}/g;

const stable = (name: string, value: unknown): unknown =>
  VOLATILE.test(name) ? undefined : typeof value === 'string' ? value.replaceAll(CHANCE, '<id>') : renamed(value);

/** Records keyed by ids of chance. */
const renamed = (value: unknown): unknown =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key.replaceAll(CHANCE, '<id>'), item]))
    : value;

/** Lists of things have no order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (value && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value)
        .sort()
        .map(([key, item]) => [key, sorted(item)]),
    );
  return value;
}
