import type { Io } from '../io.ts';
import type { Answers } from '../spec/answers.ts';
import type { Flag } from './flags.ts';

/** What the program knows of a command before it is called for. */
export interface Entry {
  /** `init`, `sandbox start`. */
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  load(): Promise<CommandModule>;
}

/** What a command's file exports. */
export interface CommandModule {
  /** Besides the global ones. */
  flags(): Promise<readonly Flag[]>;
  /** The word behind the command's name, where it takes one; `many`: it takes any number. */
  readonly argument?: { readonly name: string; readonly choices?: readonly string[]; readonly many?: true };
  /** Three to seven real lines. */
  readonly examples: readonly Example[];
  /** Answers the exit code; what it throws is reported. */
  run(answers: Answers, io: Io, flags: readonly Flag[], words: readonly string[]): Promise<number>;
}
export type Example = readonly [says: string, line: string];
