import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { LAB } from './place.ts';
import { memory } from './processes.ts';

/** One line of the table in the lab's README. */
export interface Row {
  readonly program: string;
  readonly version: string;
  readonly case: string;
  readonly expected: string;
  readonly seen: string;
  /** What `verify` says of it, where it was asked. */
  readonly verify?: string;
}

const rows: (Row & { readonly holds: boolean })[] = [];

/**
 * Enters a case into the table, whether it holds or not, and then fails where it does not.
 * @param holds what was seen is what was expected; as a pattern, `seen` matches it
 */
export function enter(row: Row, holds: boolean | RegExp): void {
  const does = typeof holds === 'boolean' ? holds : holds.test(row.seen);
  rows.push({ ...row, holds: does });
  if (LAB) {
    writeFileSync(join(LAB.folder, 'table.json'), JSON.stringify(rows));
    writeFileSync(join(LAB.folder, 'memory.json'), JSON.stringify(Object.fromEntries(memory)));
  }
  expect(does, `${row.program} ${row.version}, ${row.case}: expected ${row.expected}, seen ${row.seen}`).toBe(true);
}
