import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Io } from '../../src/io.ts';
import { main } from '../../src/main.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const folder = (): string => mkdtempSync(join(tmpdir(), 'aks-secrets-'));

/** Runs the program in a folder of its own, with streams that are no terminal and an empty environment. */
export async function run(argv: readonly string[], more: Partial<Io> & { input?: string } = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const stdin = new PassThrough();
  stdin.end(more.input ?? '');
  const code = await main(argv, {
    stdin,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
    cwd: folder(),
    signal: new AbortController().signal,
    ...more,
  });
  return { code, out, err };
}
