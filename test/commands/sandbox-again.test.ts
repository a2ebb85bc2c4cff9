import { expect, it } from 'vitest';
import { folder, run } from './ways.ts';

it('a sandbox that is opened again has its pods as they were: verify, in a command of its own, finds all well', async () => {
  const cwd = folder();
  const made = await run(['init', '--sandbox', '--method', 'workload-identity', '--yes'], { cwd });
  expect({ code: made.code, err: made.code ? made.err : '' }).toEqual({ code: 0, err: '' });
  const { code, out } = await run(['verify', '--sandbox', '--method', 'workload-identity', '-o', 'short'], { cwd });
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^\d+ well \(simulated\)\.\n$/) });
}, 30_000);
