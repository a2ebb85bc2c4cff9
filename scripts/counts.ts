/**
 * Prints how many tests passed, failed and were left out, alone on a line, from vitest's JSON reports (the arguments).
 * A file that could not even be loaded counts as one failed test, and so does a run that left no report.
 */
import { readFileSync } from 'node:fs';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { status: string }[];
  }[];
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

function countsOf(report: Report): Counts {
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const NO_REPORT: Counts = { passed: 0, failed: 1, skipped: 0 };

function read(file: string): Counts {
  try {
    return countsOf(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return NO_REPORT; // npm or vitest itself failed before there was a report
  }
}

const all = process.argv.slice(2).map(read);
const sum = (key: keyof Counts) => (all.length > 0 ? all : [NO_REPORT]).reduce((total, one) => total + one[key], 0);
const line = `${sum('passed')} passed, ${sum('failed')} failed`;
console.log(sum('skipped') > 0 ? `${line}, ${sum('skipped')} skipped` : line);
