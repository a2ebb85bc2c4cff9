import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One folder for all that the tests write, also those that are killed: nothing stays behind. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-tests-'));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
