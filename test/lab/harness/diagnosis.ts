import type { VerifyReport } from '../../../src/verify/report.ts';
import type { Lab } from './lab.ts';

/** What `verify` says is the first broken link, and all else that fails. */
export interface Diagnosis {
  readonly code: number;
  /** `F052`, or the check's own id where the catalogue has none; `well` where nothing is broken. */
  readonly first: string;
  /** As the lab's table has it: `F052 Identity x: the credential names another subject`. */
  readonly line: string;
  /** Of every check that failed. */
  readonly failures: readonly string[];
  readonly report: VerifyReport;
}

/** Runs `verify` with these words and reads its report. */
export async function diagnose(lab: Lab, words: string): Promise<Diagnosis> {
  const { code, out, err } = await lab.aksSecrets(`verify ${words} -o json`);
  if (!out.startsWith('{')) throw new Error(`verify ${words} ended with ${code}:\n${out}${err}`);
  const report = JSON.parse(out) as VerifyReport;
  const failed = report.checks.filter(({ verdict }) => verdict === 'fail');
  const first = report.first === undefined ? undefined : report.checks[report.first];
  return {
    code,
    first: first ? (first.failure ?? first.id) : 'well',
    line: first ? `${first.failure ?? first.id} ${first.title}` : 'all well',
    failures: failed.map(({ failure, id }) => failure ?? id),
    report,
  };
}
