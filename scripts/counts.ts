/**
 * Prints how many tests passed, failed and were left out, alone on a line, from vitest's JSON report (first argument).
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

function counts(report: Report): string {
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  ).length;
  const skipped = report.numPendingTests + report.numTodoTests;
  const line = `${report.numPassedTests} passed, ${report.numFailedTests + unloaded} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

function read(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // npm or vitest itself failed before there was a report
  }
}

const report = read(process.argv[2] ?? '');
console.log(report ? counts(report) : '0 passed, 1 failed');
