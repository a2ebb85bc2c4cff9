import type { Breaking } from './break/perform.ts';
import type { Faults } from './faults.ts';
import type { KubernetesPart } from './kubernetes/index.ts';
import type { Log } from './log.ts';
import type { Parts, Settings } from './parts.ts';
import type { SandboxSurroundings } from './surroundings.ts';
import type { Kind } from './vault/seed.ts';
import type { WorldFaults } from './world/break.ts';
import type { Existing } from './world/demo.ts';
import type { Place } from './world/put.ts';

export interface SandboxOptions {
  /** Its folder; made when absent. */
  readonly dir: string;
  /** What the file calls existing: added when it is not there. Given also when empty: a file is used. */
  readonly existing?: Existing | undefined;
  readonly settings?: Partial<Settings> | undefined;
  /** Start anew with the demo world, whatever the folder holds, be it damaged. A server that runs is told to. */
  readonly anew?: boolean | undefined;
  /** Left out of a new sandbox: `external-secrets`. */
  readonly without?: readonly string[] | undefined;
  /** Otherwise than usual in a new sandbox: `old-eso`. */
  readonly with?: readonly string[] | undefined;
  /** Join the server that runs for this folder, if one does (default). `false`: it is an error that one runs. */
  readonly join?: boolean | undefined;
  /** Time never jumps: other programs are served. */
  readonly realClock?: boolean | undefined;
  readonly port?: number | undefined;
  /** Its clusters, where they run outside of it (an API server of one's own). Absent: simulated ones. */
  readonly kubernetes?: ((parts: Parts) => KubernetesPart) | undefined;
}

/** A sandbox that is open in this process; while it is, nothing in this process reaches beyond loopback. */
export interface Sandbox extends Pick<Breaking, 'break' | 'mend'> {
  /** What replaces the usual surroundings, whole. */
  readonly surroundings: SandboxSurroundings;
  /** The server runs in another process: `parts`, `log`, `faults` and the like throw. */
  readonly joined: boolean;
  readonly port: number;
  readonly proxyPort: number;
  readonly caFile: string;
  readonly metadataUrl: string;
  /** Of the first cluster, for `kubectl`. */
  kubeconfig(): string;
  readonly log: Log;
  /** Faults of the wire. */
  readonly faults: Faults;
  /** Faults that are states of the world. */
  readonly world: WorldFaults;
  readonly parts: Parts;
  /** May be changed at any time. */
  readonly settings: Settings;
  /** For tests that put things into the world by hand. */
  readonly place: Place;
  /** Puts a secret into a vault, past all rights. */
  seed(vault: string, name: string, value: string): Promise<void>;
  /** The same with an invented content; what is there, or was deleted, stays so. */
  give(vault: string, kind: Kind, name: string): Promise<void>;
  /** Errors of the sandbox's own making; a test looks that there are none. */
  readonly errors: readonly unknown[];
  /** Moves simulated time on. */
  advance(milliseconds: number): void;
  /** Resolves when nothing is going on in the cluster or in a request. */
  settled(): Promise<void>;
  /** Starts anew with the demo world; ports and certificates stay. */
  reset(again?: {
    readonly without?: readonly string[];
    readonly with?: readonly string[];
    readonly existing?: Existing;
  }): Promise<void>;
  close(): Promise<void>;
}

/** What a new world is to be like, of the options. */
export const againOf = ({ without, with: having, existing }: SandboxOptions) => ({
  ...(without && { without }),
  ...(having && { with: having }),
  ...(existing && { existing }),
});
