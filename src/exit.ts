import type { Trouble } from './trouble.ts';

/** What the program ends with; the same in every output format. */
export const EXIT = {
  /** Done, nothing to do, or access proven. */
  done: 0,
  /** Failed, or not proven. */
  failed: 1,
  /** The command line or the file is wrong. */
  usage: 2,
  /** `verify` found something broken. */
  broken: 3,
  /** Changes are pending and were not applied. */
  pending: 4,
  signInNeeded: 5,
  /** A right or a consent is missing; the rest is done or proven. */
  notAllowed: 6,
  /** Safe to run again. */
  timedOut: 124,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Of several at once the first of these that applies. */
const PRECEDENCE: readonly ExitCode[] = [130, 2, 5, 1, 3, 124, 6, 4, 0];

export const worst = (codes: Iterable<ExitCode>): ExitCode => {
  const all = new Set(codes);
  return PRECEDENCE.find((code) => all.has(code)) ?? EXIT.done;
};

/** What of a result, a proof or a planned change decides about the code. */
interface Ending {
  readonly outcome: string;
  readonly problem?: { readonly trouble: Trouble };
  /** Consents that were not given. */
  readonly missing?: readonly unknown[];
}

/** The code for a run, from how its steps and its proofs ended. */
export const exitOf = (results: readonly Ending[], proofs: readonly Ending[] = []): ExitCode =>
  worst([...results.map(codeOf), ...proofs.map(codeOfProof)]);

/** The code for a plan that is only shown (`--exit-code`), or was not applied. */
export const exitOfPlan = (
  changes: readonly (Omit<Ending, 'outcome'> & { readonly action: string; readonly follows?: unknown })[],
): ExitCode =>
  worst(
    changes.map(({ action, follows, ...more }) => {
      // What only follows from another is that one's.
      if (action === 'keep' || action === 'leave' || follows) return EXIT.done;
      return action === 'blocked' ? codeOf({ outcome: 'blocked', ...more }) : EXIT.pending;
    }),
  );

function codeOf({ outcome, problem, missing = [] }: Ending): ExitCode {
  switch (outcome) {
    case 'interrupted':
      return EXIT.interrupted;
    case 'timed out':
      return EXIT.timedOut;
    case 'blocked':
      if (problem) return codeOfTrouble(problem.trouble);
      // No consent opens what the world itself stands in the way of: a name that is taken, a Secret that is not ours.
      return missing.length > 0 ? EXIT.notAllowed : EXIT.failed;
    case 'failed':
    case 'unknown':
      return problem ? codeOfTrouble(problem.trouble) : EXIT.failed;
    default:
      // `not reached` follows from another, whose code counts.
      return EXIT.done;
  }
}

/** A link that the vault or Entra refuses is not proven, whoever lacks the right; one that we may not look at is `unknown`. */
function codeOfProof({ outcome, problem }: Ending): ExitCode {
  const refused = outcome === 'failed' && problem?.trouble === 'denied';
  return refused ? EXIT.failed : codeOf({ outcome, ...(problem && { problem }) });
}

function codeOfTrouble(trouble: Trouble): ExitCode {
  if (trouble === 'denied') return EXIT.notAllowed;
  return trouble === 'unsigned' ? EXIT.signInNeeded : EXIT.failed;
}
