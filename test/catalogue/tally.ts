import { appendFileSync } from 'node:fs';

/** One line for each thing that was tried, for whoever counts (`CATALOGUE_TALLY`: the file). */
export function tally(of: string, right: boolean, what: string): void {
  const file = process.env.CATALOGUE_TALLY;
  if (file) appendFileSync(file, `${JSON.stringify({ of, right, what })}\n`);
}
