import { describe, expect, it } from 'vitest';
import { breaks, METHODS, notMade } from '../../src/sandbox/break/index.ts';
import { worldOf } from '../stories/harness.ts';
import { fresh, logOf, ready, signIn, wired } from './made-world.ts';

describe('what the sandbox can break', () => {
  it('is said once, in a sentence', () => {
    const ids = breaks.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, says } of breaks) expect([id, says]).toEqual([id, expect.stringMatching(/^[A-Z].*\.$/)]);
    expect(ids.filter((id) => id in notMade)).toEqual([]);
  });

  it.each(METHODS)('is broken and mended, by %s', async (method) => {
    const story = await wired(method);
    const before = worldOf(story);
    await story.sandbox.break('F052');
    expect((await signIn(story)).error).toMatch(/^AADSTS700213/);
    expect(worldOf(story)).not.toEqual(before);

    expect(await story.sandbox.mend()).toEqual([{ id: 'F052', says: expect.any(String) }]);
    expect(worldOf(story)).toEqual(before);
    expect((await signIn(story)).token).toBeDefined();
    expect(await logOf(story)).toMatch(/^read db-password/m);
    expect(await ready(story)).toBe(true);
    expect((await story.run(`plan --method ${method}`)).out).toContain('Nothing to change');
    expect(story.sandbox.errors).toEqual([]);
  });

  it('needs a workload, and says what to run first', async () => {
    const story = await fresh();
    await expect(story.sandbox.break('F052')).rejects.toMatchObject({
      message: 'there is no ServiceAccount demo',
      run: 'aks-secrets init --sandbox --method csi --yes',
    });
  });
});
