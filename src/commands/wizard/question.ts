import type { Io } from '../../io.ts';
import type { Method } from '../../methods/method.ts';
import type { Back, Prompter } from '../../prompt.ts';
import type { Secret } from '../../secret.ts';
import type { Answer } from '../../spec/answers.ts';
import type { WorkloadShape } from '../../spec/schema.ts';
import type { Spec, Workload } from '../../workload.ts';
import type { Lists } from './lists.ts';

/** What a question came to. */
export interface Answered {
  /** As a person reads it afterwards. */
  readonly shown: string;
  readonly facts?: string;
  /** By flag, as if the flag had said it. */
  readonly answers: Readonly<Record<string, Answer['value']>>;
  /** A value that was typed, for the secret of this name. */
  readonly typed?: { readonly name: string; readonly value: Secret };
  /** What later questions want to know of it. */
  readonly memo?: Memo;
}
export interface Memo {
  /** The name was typed, and whether such a thing exists is not known. */
  readonly unlisted?: boolean;
  /** Where a resource group lies. */
  readonly region?: string;
  /** Names of secrets that the vault does not hold. */
  readonly absent?: readonly string[];
}

/** All that is known when a question is put. */
export interface Sheet {
  /** What was said so far; empty text where nobody said anything. */
  readonly spec: Spec;
  /** The one workload that is described. */
  readonly workload: Workload | undefined;
  readonly shape: WorkloadShape | undefined;
  /** Flags that nobody has given a value yet. */
  readonly gaps: ReadonlySet<string>;
  readonly lists: Lists;
  readonly methods: readonly Method[];
  readonly prompter: Prompter;
  readonly io: Io;
  /** Whether there is a question to go back to. */
  readonly back: boolean;
  /** How this question was answered before somebody went back beyond it. */
  readonly before: Answered | undefined;
  /** What an earlier question came to. */
  said(id: string): Answered | undefined;
}

/** One question. Which of them are put follows from what is open. */
export interface WizardQuestion {
  readonly id: string;
  /** Stands before the answer. */
  readonly label: string;
  /** The flags that it gives; it is put when one of them lacks a value. */
  readonly flags: readonly string[];
  /**
   * Of a question whose flags may be left out: put where it `applies`, if none of them was given; `somebody describes`:
   * only to whoever is asked about the workload itself.
   */
  readonly when?: 'it follows' | 'somebody describes';
  applies?(sheet: Sheet): boolean;
  put(sheet: Sheet): Promise<Answered | Back>;
}
