import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Method } from '../../src/sandbox/break/index.ts';
import { begin, type Story } from '../stories/harness.ts';
import { logOf, ready } from './made-world.ts';

/**
 * One world for a file of tests, in which `init` has been run by a method with its sample: each test breaks it, and
 * after each it is mended and must be well again. `prepare` changes it once, before anything is broken.
 */
export function sharedWorld(method: Method, prepare?: (story: Story) => Promise<void>): () => Story {
  let story: Story;
  beforeAll(async () => {
    story = await begin();
    const ran = await story.run(`init --method ${method} --yes`);
    if (ran.code !== 0) throw new Error(`init ${method} ended with ${ran.code}\n${ran.out}\n${ran.err}`);
    await prepare?.(story);
  }, 60_000);
  afterEach(async () => {
    expect(await story.sandbox.mend()).toHaveLength(1);
    expect(await ready(story)).toBe(true);
    expect(await logOf(story)).toMatch(/^read db-password/m);
    expect(story.sandbox.errors).toEqual([]);
  });
  afterAll(() => story.close());
  return () => story;
}
