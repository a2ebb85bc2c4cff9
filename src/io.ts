import type { Surroundings } from './surroundings.ts';

/** The outside of the program, handed to `main`: streams, environment, folder. Tests hand in their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Aborted on the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Much is to be done: memory counts more than processor time from now on. */
  readonly spare?: () => Promise<void>;
  /** Given whole by tests; else made from flags and environment, or by `--sandbox`. */
  readonly surroundings?: Surroundings;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}
