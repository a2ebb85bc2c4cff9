import { describe, expect, it } from 'vitest';
import { removalOrder } from '../../src/engine/removal-order.ts';
import { removalPlan, survey } from '../../src/engine/removal-plan.ts';
import { remove } from '../../src/engine/remove.ts';
import type { Leaving, Removal, Step } from '../../src/step.ts';
import type { World } from '../../src/world.ts';
import { trouble } from './applied.ts';
import type { FakeWorld } from './fakes.ts';
import { fakeStep, fakeWorld, needing, recorder } from './fakes.ts';

/** An invented thing that is ours while its value is `yes`, and that goes when it is removed. */
const thing = (id: string, more: Partial<Step> = {}): Step => ({
  ...fakeStep(id),
  async remove(world: World) {
    const { state } = world as FakeWorld;
    state.writes.push(id);
    state.values.delete(id);
  },
  ...more,
});
const decides = (id: string, decide: (leaving: Leaving) => Removal, more: Partial<Step> = {}): Step =>
  thing(id, { removal: (_seen, _known, leaving) => decide(leaving), ...more });

/** Looks, plans and removes invented steps; all that are named in `values` are there. */
async function ended(steps: readonly Step[], given: { world?: FakeWorld; gone?: string[]; chosen?: string[] } = {}) {
  const world = given.world ?? fakeWorld();
  for (const { id } of steps) if (!given.gone?.includes(id)) world.state.values.set(id, 'yes');
  const chosen = given.chosen ?? ['orders'];
  const sights = await survey(steps, world);
  const plan = removalPlan(steps, sights, chosen);
  const { tell, said } = recorder();
  const results = await remove(steps, sights, plan, world, { tell, chosen, alarm: () => new Promise(() => {}) });
  return {
    plan: plan.changes.map(({ id, action }) => `${action} ${id}`),
    changes: plan.changes,
    outcomes: results.map(({ outcome, change }) => `${outcome} ${change.id}`),
    results,
    writes: world.state.writes,
    said: said(),
  };
}

describe('the order of a removal', () => {
  const orderOf = (steps: readonly Step[]) => removalOrder(steps).map(({ id }) => id);
  it('is the graph from behind: what builds on a thing goes before it', () => {
    const steps = [thing('a'), thing('b', { needs: needing('a') }), thing('c', { needs: needing('b') })];
    expect(orderOf(steps)).toEqual(['c', 'b', 'a']);
  });
  it('has what lies in the cluster before what lets it in, though nothing binds them', () => {
    expect(orderOf([thing('azure'), thing('object', { side: 'Kubernetes' })])).toEqual(['object', 'azure']);
    const others = [thing('azure'), thing('object', { side: 'Kubernetes', workloads: ['web'] })];
    expect(orderOf(others)).toEqual(['azure', 'object']);
  });
  it('has an Azure thing first that builds on one in the cluster', () => {
    expect(orderOf([thing('object', { side: 'Kubernetes' }), thing('azure', { needs: needing('object') })])).toEqual([
      ...['azure', 'object'],
    ]);
  });
  it('has a thing after those that it outlives', () => {
    expect(orderOf([thing('access', { outlives: ['credential', 'nowhere'] }), thing('credential')])).toEqual([
      ...['credential', 'access'],
    ]);
  });
});

describe('a removal plan', () => {
  it.each<[string, Step, string[], string[]]>([
    ['ours goes', thing('a'), [], ['remove a']],
    ['what was never there is not mentioned', thing('a'), ['a'], []],
    [
      'theirs stays',
      thing('a', { judge: () => ({ state: 'as wanted', owner: 'theirs', facts: {}, differences: [] }) }),
      [],
      ['leave a'],
    ],
    ['what nobody removes stays', thing('a', { remove: undefined } as never), [], ['leave a']],
    [
      'what is not worth a word when it is well has none',
      thing('a', { remove: undefined, quiet: true } as never),
      [],
      [],
    ],
    ["another workload's is none of ours", thing('a', { workloads: ['web'] }), [], []],
    ['what serves another one too stays', thing('a', { workloads: ['orders', 'web'] }), [], ['leave a']],
    ['what is on its way out is waited for', decides('a', () => ({ state: 'going', note: 'soon' })), [], ['remove a']],
    ['what a step decides holds', decides('a', () => ({ state: 'leave', note: 'why' })), [], ['leave a']],
    [
      'what lies beside it is left with it',
      decides('a', () => ({ state: 'absent', beside: [{ kind: 'k', subject: 's', note: 'n', run: 'r' }] })),
      [],
      ['leave a#1'],
    ],
    [
      'what could not be looked at is not touched',
      thing('a', { observe: () => Promise.reject(trouble('broken')) }),
      [],
      ['blocked a'],
    ],
    [
      'what lay in something that is gone is gone',
      thing('a', { survey: () => Promise.reject(trouble('missing')) }),
      [],
      [],
    ],
    [
      'what is never removed need not be seen',
      thing('a', { remove: undefined, observe: () => Promise.reject(trouble('denied')) } as never),
      [],
      ['leave a'],
    ],
  ])('%s', async (_name, step, gone, says) => {
    const found = await ended([step], { gone });
    expect(found.plan).toEqual(says);
    expect(found.writes).toEqual(says[0] === 'remove a' && !step.removal ? ['a'] : []);
  });

  it('counts what goes before as gone, and what could not be looked at as there', async () => {
    const below = (leaving: Leaving): Removal =>
      leaving.going.has('key') ? { state: 'remove', takes: ['lock'] } : { state: 'leave', note: 'the key is left' };
    const lock = thing('lock', {
      removal: (seen, _known, leaving) => (seen ? below(leaving) : { state: 'absent' }),
    });
    const key = (more: Partial<Step>) =>
      thing('key', { removal: (seen) => (seen ? { state: 'remove', takes: ['KEY'] } : { state: 'absent' }), ...more });
    const needs = needing('lock');
    const both = await ended([lock, key({ needs })]);
    expect(both.plan).toEqual(['remove key', 'remove lock']);
    expect(both.outcomes).toEqual(['removed key', 'removed lock']);
    const unseen = await ended([lock, key({ needs, observe: () => Promise.reject(trouble('broken')) })]);
    expect(unseen.plan).toEqual(['blocked key', 'blocked lock']);
    expect(unseen.outcomes).toEqual(['blocked key', 'not reached lock']);
    expect(unseen.results[1]?.follows).toEqual(['key']);
  });

  it('names what stays in the order in which it was made, and what goes in that in which it goes', async () => {
    const stays = (id: string, more: Partial<Step> = {}) => decides(id, () => ({ state: 'leave', note: 'n' }), more);
    const steps = [stays('a'), thing('b', { needs: needing('a') }), stays('c', { needs: needing('b') })];
    expect((await ended([...steps, thing('d', { needs: needing('b') })])).plan).toEqual([
      ...['remove d', 'remove b', 'leave a', 'leave c'],
    ]);
  });
});

describe('removing', () => {
  it('goes from the outside in, looks again until each is gone, and leaves the rest', async () => {
    const steps = [
      thing('identity'),
      thing('credential', { needs: needing('identity') }),
      decides('vault', () => ({ state: 'leave', note: 'n' })),
    ];
    const found = await ended(steps);
    expect(found.writes).toEqual(['credential', 'identity']);
    expect(found.outcomes).toEqual(['removed credential', 'removed identity', 'left vault']);
  });

  it('waits by what it sees, and says what for', async () => {
    let looks = 0;
    const lagging = (): Removal => (++looks < 5 ? { state: 'remove', takes: [] } : { state: 'absent' });
    const found = await ended([decides('a', lagging)]);
    expect(found.writes).toEqual(['a']);
    expect(found.outcomes).toEqual(['removed a']);
    expect(found.said).toContain('waiting a: accepted, but it is still to be seen');
  });

  it('ends a wait that is overdue with the true reason', async () => {
    const held = decides('a', () => ({ state: 'going', note: 'a finalizer holds it' }));
    const found = await ended([held]);
    expect(found.results[0]).toMatchObject({ outcome: 'timed out', note: 'a finalizer holds it' });
  });

  it('asks again who is busy, and tells at once who may not', async () => {
    let times = 0;
    const busy = thing('a', {
      remove: async (world) => {
        if (++times < 3) throw trouble('busy');
        (world as FakeWorld).state.values.delete('a');
      },
    });
    expect((await ended([busy])).outcomes).toEqual(['removed a']);
    const denied = thing('b', { remove: () => Promise.reject(trouble('denied')) });
    expect((await ended([denied])).results[0]).toMatchObject({ outcome: 'failed', problem: { trouble: 'denied' } });
  });

  it('does not reach what stays only because something before it failed; the rest goes', async () => {
    const lock = decides('lock', ({ going }) =>
      going.has('key') ? { state: 'remove', takes: [] } : { state: 'leave', note: 'the key is left' },
    );
    const key = decides('key', () => ({ state: 'remove', takes: ['key'] }), {
      needs: needing('lock'),
      remove: () => Promise.reject(trouble('denied')),
    });
    const found = await ended([lock, key, thing('other')]);
    expect(found.outcomes).toEqual(['failed key', 'not reached lock', 'removed other']);
    expect(found.results[1]?.follows).toEqual(['key']);
  });

  it('is decided by what is there when its turn has come, not by what the plan saw', async () => {
    let looks = 0;
    const changed = decides('a', () =>
      ++looks < 2 ? { state: 'remove' } : { state: 'leave', note: 'somebody took it' },
    );
    const found = await ended([changed, thing('b', { needs: needing('a') })]);
    expect(found.writes).toEqual(['b']);
    expect(found.results.find(({ change }) => change.id === 'a')).toMatchObject({
      ...{ outcome: 'left', note: 'somebody took it' },
    });
  });

  it('looks anew at what something before it has changed', async () => {
    const both = thing('b', {
      needs: needing('a'),
      remove: async (world) => {
        for (const id of ['a', 'b']) (world as FakeWorld).state.values.delete(id);
      },
    });
    const found = await ended([thing('a'), both]);
    expect({ outcomes: found.outcomes, writes: found.writes }).toEqual({
      outcomes: ['removed b', 'removed a'],
      writes: [],
    });
  });

  it('of a thing that is not ours counts as done when what was ours on it is gone', async () => {
    const released = decides('a', () => ({ state: 'remove' }), {
      removal: (seen) => (seen === 'yes' ? { state: 'remove' } : { state: 'leave', note: 'theirs' }),
    });
    expect((await ended([released])).outcomes).toEqual(['removed a']);
  });

  it('begins nothing after Ctrl-C', async () => {
    const stop = new AbortController();
    const first = thing('b', {
      needs: needing('a'),
      remove: async (world) => {
        (world as FakeWorld).state.values.delete('b');
        stop.abort();
      },
    });
    const found = await ended([thing('a'), first, thing('c', { needs: needing('d') }), thing('d')], {
      world: fakeWorld(undefined, stop.signal),
    });
    expect(found.outcomes).toEqual(['interrupted b', 'not reached a', 'interrupted c', 'not reached d']);
    expect(found.writes).toEqual([]);
  });
});
