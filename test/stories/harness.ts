import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Io } from '../../src/io.ts';
import { main } from '../../src/main.ts';
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
  /** Arguments with spaces, after the words. */
  readonly args?: readonly string[];
}

export const QUICK: SandboxOptions['settings'] = { replication: 0, operation: 1000 };

export async function begin(options: Partial<SandboxOptions> = {}): Promise<Story> {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
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
        surroundings: {
          ...surroundings,
          defaults: more.noSample
            ? { ...defaults, sample: false }
            : more.bare
              ? { subscription: defaults.subscription ?? '' }
              : defaults,
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

/** The whole world as one comparable value: without what chance and time make different in every world. */
export function worldOf({ sandbox }: Story): unknown {
  return JSON.parse(JSON.stringify(sandbox.parts.state, stable));
}

const VOLATILE =
  /^(clockOffset|.*[tT]imestamp|.*At|.*Time|time|.*On|etag|eTag|uid|resourceVersion|generation|observedGeneration|created|updated|keys?|key|seed|x5t|kid)$/;
const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function stable(name: string, value: unknown): unknown {
  if (VOLATILE.test(name)) return undefined;
  return typeof value === 'string' ? value.replaceAll(GUID, '<id>') : value;
}
