import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Node } from '../../src/engine/graph.ts';
import { foundations, graphOf, inOrder, lanes, walk } from '../../src/engine/graph.ts';
import { fakeCheck, fakeStep, needing } from './fakes.ts';

const node = (id: string, after: readonly string[] = [], behind: readonly string[] = []): Node => ({
  id,
  after,
  behind,
});

/** Random acyclic graphs: each node comes after some of the earlier ones, and they are handed over in any order. */
const graphs = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.tuple(
      fc.array(fc.tuple(fc.nat(4095), fc.nat(4095), fc.nat(3), fc.nat(3)), { minLength: size, maxLength: size }),
      fc.infiniteStream(fc.nat()),
    ),
  )
  .map(([rows, shuffle]) => {
    const nodes = rows.map(([after, behind, lane, turns], index) => {
      const chosen = (bits: number) =>
        rows.flatMap((_, other) => (other < index && bits & (1 << other) ? [`n${other}`] : []));
      return {
        ...node(`n${index}`, chosen(after), chosen(behind & ~after)),
        lane: lane === 0 ? undefined : `l${lane}`,
        turns,
      };
    });
    return nodes
      .map((one) => ({ one, key: shuffle.next().value as number }))
      .sort((a, b) => a.key - b.key)
      .map(({ one }) => one);
  });

test('a walk reaches every node exactly once, after all it comes after or behind, and lanes never overlap', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, fc.constantFrom(1, 2, Number.POSITIVE_INFINITY), async (nodes, atOnce) => {
      let under = 0;
      const begun: string[] = [];
      const ended = new Set<string>();
      const busy = new Set<string>();
      const inLane = lanes();
      await walk(
        nodes,
        async (one) => {
          begun.push(one.id);
          under += 1;
          expect(under).toBeLessThanOrEqual(atOnce);
          for (const before of [...one.after, ...one.behind]) expect(ended).toContain(before);
          await inLane(one.lane, async () => {
            if (one.lane) expect(busy).not.toContain(one.lane);
            if (one.lane) busy.add(one.lane);
            for (let turns = 0; turns < one.turns; turns++) await turn();
            if (one.lane) busy.delete(one.lane);
          });
          under -= 1;
          ended.add(one.id);
        },
        atOnce,
      );
      expect([...begun].sort()).toEqual(nodes.map(({ id }) => id).sort());
    }),
    { numRuns: 150 },
  );
});

test('order keeps every edge, and foundations are the transitive closure of needs', () => {
  fc.assert(
    fc.property(graphs, (nodes) => {
      const order = inOrder(nodes).map(({ id }) => id);
      const below = foundations(nodes);
      for (const { id, after, behind } of nodes) {
        for (const other of [...after, ...behind]) expect(order.indexOf(other)).toBeLessThan(order.indexOf(id));
        for (const other of after) for (const deep of [other, ...below(other)]) expect(below(id)).toContain(deep);
      }
    }),
  );
});

test('what does not wait for each other runs together', async () => {
  const open: string[] = [];
  let most = 0;
  await walk([node('a'), node('b'), node('c', ['a', 'b'])], async ({ id }) => {
    open.push(id);
    most = Math.max(most, open.length);
    await turn();
    open.splice(open.indexOf(id), 1);
  });
  expect(most).toBe(2);
});

test('a lane goes on after work in it failed', async () => {
  const inLane = lanes();
  const failed = inLane('l', () => Promise.reject(new Error('no')));
  const next = inLane('l', async () => 'next');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('next');
});

test.each([
  ['a cycle', [node('a', ['b']), node('b', ['c']), node('c', ['b'])], 'cycle: b > c > b'],
  ['a cycle by way of behind', [node('a', [], ['b']), node('b', ['a'])], 'cycle: a > b > a'],
  ['an edge to nowhere', [node('a', ['z'])], 'a comes after z, which does not exist'],
  ['two of one id', [node('a'), node('a')], 'two nodes are called a'],
])('%s is a bug found at start', (_, nodes, message) => {
  expect(() => inOrder(nodes)).toThrow(message);
});

test('steps: edges from needs, behind and checks; a fact that its step does not yield is a bug found at start', () => {
  const a = fakeStep('a', { yields: ['clientId'] });
  const b = fakeStep('b', { needs: { id: { step: 'a', fact: 'clientId' } } });
  const back = fakeStep('back', { behind: ['b'] });
  const places = graphOf([a, b, back, a], [fakeCheck(['b'], async () => [])]);
  expect(places.map(({ id, after, behind }) => [id, after, behind])).toEqual([
    ['a', [], []],
    ['b', ['a'], []],
    ['back', [], ['b']],
    ['check proof of orders', ['b'], []],
  ]);
  expect(() => graphOf([a, fakeStep('c', { needs: needing('a') })])).toThrow(
    'c needs applied of a, which does not yield it',
  );
  expect(() => graphOf([a, fakeStep('a')])).toThrow('two steps are called a');
});
