import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { EXHAUSTIVE, orAll, orAllOf } from './exhaustive.ts';
import { begin, type Story, worldOf } from './harness.ts';

const NEW_VAULT =
  '--vault made-kv --vault-resource-group made-rg --create-vault --secret fresh --secret-value fresh=env:V --grant-self';
const env = { V: 'invented' };

describe.each([
  ...orAll(methods, ({ name }) => name === 'csi').map(({ name }) => [name, { noSample: !EXHAUSTIVE }] as const),
  // With everything that is made besides, a value, and a right that is given and taken back.
  [`workload-identity ${NEW_VAULT}`, { env, noSample: true }] as const,
])('a run of %s that is cut off', (method, more) => {
  const command = `init --method ${method} --yes`;
  let undisturbed: unknown;
  let writes = 0;

  beforeAll(async () => {
    const story = await begin();
    const ran = await story.run(command, more);
    expect(ran.code).toBe(0);
    writes = ran.writes.length;
    await story.sandbox.settled();
    undisturbed = worldOf(story);
    await story.close();
  });

  /** That a write was cut before it took effect is the world after the one before it: one such place is enough. */
  it.each([
    ['at any write, after it took effect', 'after', Number.POSITIVE_INFINITY],
    ['before anything took effect', 'before', 1],
  ] as const)(
    '%s, can be run again, and makes the same world',
    async (_, when, most) => {
      const cutAt = async (n: number) => {
        const story = await begin();
        story.sandbox.faults.cutAtWrite(n, when);
        const first = await story.run(command, more);
        const { cut } = story.sandbox.faults;
        expect({ n, cut, done: first.code === 0 }).toEqual({ n, cut: n <= writes, done: n > writes });
        story.sandbox.faults.heal();
        const second = await story.run(command, more);
        expect({ n, code: second.code, err: second.code === 0 ? '' : second.err }).toEqual({ n, code: 0, err: '' });
        await story.sandbox.settled();
        expect({ n, world: worldOf(story) }).toEqual({ n, world: undisturbed });
        await story.close();
      };
      // Each in a world of its own: they only share the machine. The last one is not cut any more.
      const places = orAllOf(
        Array.from({ length: Math.min(writes + 1, most) }, (_, index) => index + 1),
        2,
      );
      for (let at = 0; at < places.length; at += 4) await Promise.all(places.slice(at, at + 4).map(cutAt));
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
