import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { begin, type Story, worldOf } from './harness.ts';

/** More writes than any run makes; the loop ends at the first run that is not cut any more. */
const MANY = 40;

describe.each(methods.map(({ name }) => [name]))('a run of %s that is cut off', (method) => {
  const command = `init --method ${method} --yes`;
  let undisturbed: unknown;
  let writes = 0;

  beforeAll(async () => {
    const story = await begin();
    const ran = await story.run(command);
    expect(ran.code).toBe(0);
    writes = ran.writes.length;
    await story.sandbox.settled();
    undisturbed = worldOf(story);
    await story.close();
  });

  it.each(['before', 'after'] as const)(
    'at any write, %s it took effect, can be run again, and makes the same world',
    async (when) => {
      let cut = 0;
      for (let n = 1; n <= MANY; n++) {
        const story = await begin();
        story.sandbox.faults.cutAtWrite(n, when);
        const first = await story.run(command);
        if (!story.sandbox.faults.cut) {
          expect(first.code).toBe(0);
          await story.close();
          break;
        }
        cut++;
        expect({ n, code: first.code }).not.toEqual({ n, code: 0 });
        story.sandbox.faults.heal();
        const second = await story.run(command);
        expect({ n, code: second.code, err: second.code === 0 ? '' : second.err }).toEqual({ n, code: 0, err: '' });
        await story.sandbox.settled();
        expect({ n, world: worldOf(story) }).toEqual({ n, world: undisturbed });
        await story.close();
      }
      expect(cut).toBe(writes);
    },
    90_000,
  );
});

describe('worldOf', () => {
  let story: Story;
  beforeAll(async () => {
    story = await begin();
  });
  afterAll(() => story.close());
  it('can tell two worlds apart', async () => {
    const before = worldOf(story);
    expect(worldOf(story)).toEqual(before);
    await story.run('init --method csi --yes');
    expect(worldOf(story)).not.toEqual(before);
  });
});
