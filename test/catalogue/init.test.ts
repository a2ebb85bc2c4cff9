import { expect, it } from 'vitest';
import { ROWS, rowOf } from '../../src/failures/index.ts';
import { breaks, notMade } from '../../src/sandbox/break/index.ts';
import { begin } from '../stories/harness.ts';
import { tally } from './tally.ts';

/** Those that init meets only where it has run before: it writes again what was broken. */
const AGAIN = new Set(['F007', 'F013', 'F015', 'F016']);
const WORDS: Readonly<Record<string, string>> = { F011: '--create-vault' };

const made = breaks.filter(({ id }) => rowOf(id)?.seenBy.includes('init'));

it.each(made.map(({ id, says }) => [id, says] as const))(
  'init names %s: %s',
  async (id) => {
    const story = await begin();
    if (AGAIN.has(id)) expect((await story.run('init --method csi --yes')).code).toBe(0);
    await story.sandbox.break(id);
    const { out } = await story.run(`init --method csi --yes -o json ${WORDS[id] ?? ''}`);
    const { steps = [], proofs = [], complaints = [], changes = [] } = JSON.parse(out);
    const named: string[] = [...steps, ...proofs, ...complaints, ...changes].flatMap(({ failure }) => failure ?? []);
    const right = [id, ...(rowOf(id)?.sameWorldAs ?? [])];
    tally('the error of init names it', right.includes(named[0] ?? ''), `${id}: ${named.join(', ') || 'nothing'}`);
    expect(right).toContain(named[0]);
    await story.close();
  },
  60_000,
);

it('every failure that init meets is made, or named with its reason', () => {
  const ids = new Set(made.map(({ id }) => id));
  const left = ROWS.filter(({ id, seenBy }) => seenBy.includes('init') && !ids.has(id) && !(id in notMade));
  expect(left.map(({ id }) => id)).toEqual([]);
});
