import { appendFileSync } from 'node:fs';

/** A run that was disturbed, and what was there after the run again. */
export interface Tried {
  readonly part: 'faults' | 'killed' | 'together' | 'patience';
  /** What was run: a method, or more words. */
  readonly run: string;
  /** What was done to it. */
  readonly what: string;
  /** The exit code of the disturbed run, or the signal that ended it. */
  readonly ended: number | string;
  /** No run again was needed: it ended with 0, and the next found nothing to do. */
  readonly alone: boolean;
  /** The world is that of a run which nothing disturbed. */
  readonly equal: boolean;
  readonly duplicates: number;
  /** Of another team's things, how many are not as they were. */
  readonly lost: number;
  /** Texts and files looked through for values and tokens, and in how many of them one was found. */
  readonly looked: number;
  readonly leaks: number;
}

export type Entry =
  | Tried
  /** How many requests a run has, and at how many of them faults were made. */
  | { readonly part: 'requests'; readonly run: string; readonly all: number; readonly met: number }
  /** What a run said while it waited, without names and ids. */
  | { readonly part: 'waits'; readonly run: string; readonly reason: string }
  /** A run with values whose texts and files were looked through. */
  | ({ readonly part: 'secrets'; readonly run: string } & Pick<Tried, 'looked' | 'leaks'>)
  /** A mode of a file, or a way out of the machine or into the sandbox, that was tried. */
  | { readonly part: 'modes' | 'refusals'; readonly what: string; readonly right: boolean };

/** Keeps what was tried for `scripts/endurance.ts`; a run of the tests alone keeps nothing. */
export function tally(entry: Entry): void {
  const file = process.env.ENDURANCE_TALLY;
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** Everything, not the usual share: `npm run test:endurance -- --all`. */
export const ALL = process.env.ENDURANCE_ALL === '1';
