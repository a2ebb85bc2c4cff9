import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '../../src/trouble.ts';
import { type Answer, type Asked, jumpingClock, serve } from '../azure/server.ts';
import { account, clusterOn } from '../kubernetes/cluster.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { type Call, KUBERNETES } from './calls.ts';
import { NONSENSE, unreadable } from './nonsense.ts';
import './patience.ts';

let answer: (asked: Asked, nth: number) => Answer = () => ({});
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  server = await serve((asked, nth) => answer(asked, nth));
});
afterAll(() => server.close());

/** All of them; without time for that one, in turn another. */
const some = (turn: number) => (EXHAUSTIVE ? KUBERNETES : [KUBERNETES[turn % KUBERNETES.length]!]);

async function ends({ does }: (typeof KUBERNETES)[number], reply: typeof answer, more = {}) {
  answer = reply;
  const mark = server.asked.length;
  const how = await does(clusterOn(server, more)).then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
  return { ...how, asked: server.asked.slice(mark) };
}

function expectProblem(thrown: unknown, { about }: Pick<Call<never>, 'about'>) {
  expect(thrown).toBeInstanceOf(Problem);
  const { message, resource } = thrown as Problem;
  if (!/cluster 127\.0\.0\.1/.test(resource)) expect(`${resource} ${message}`).toMatch(about);
  expect(message).not.toMatch(unreadable);
  expect(message.length).toBeLessThan(1000);
  return thrown as Problem;
}

describe('an answer of the API server that is none', () => {
  it.each(NONSENSE)('$name: every call says so, and of what', async ({ reply }) => {
    for (const call of KUBERNETES) {
      const ended = await ends(call, () => reply);
      expect(ended, call.name).toHaveProperty('thrown');
      expectProblem('thrown' in ended && ended.thrown, call);
    }
  });

  it('whatever it is: a call gives what it promises, or says that it was not understood', async () => {
    const likely = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.record(
        { items: fc.jsonValue(), versions: fc.jsonValue(), resources: fc.jsonValue(), status: fc.jsonValue() },
        { requiredKeys: [] },
      ),
      fc.record({ apiVersion: fc.jsonValue(), kind: fc.jsonValue(), metadata: fc.jsonValue() }, { requiredKeys: [] }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...KUBERNETES), likely, async (call, body) => {
        const ended = await ends(call, () => ({ body: JSON.stringify(body) }));
        if ('thrown' in ended) expectProblem(ended.thrown, call);
        else expect(call.gives(ended.value), `${call.name} ${JSON.stringify(ended.value)}`).toBe(true);
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 100 },
    );
  });

  it.each([400, 401, 403, 404, 409, 422, 429, 500, 503])(
    'a refusal %d with any body is a problem with a sentence',
    async (status) => {
      const bodies = [
        ...['', 'null', '5', '"text"', '[]', '{}', '<html>', '{"message":'],
        ...[
          { message: 5 },
          { message: {} },
          { reason: [], message: null },
          { details: { causes: 'x' } },
          { details: 5 },
        ],
        ...[{ details: { causes: [null, 5, { reason: 'FieldManagerConflict', message: 5, field: {} }] } }],
        ...[{ message: 'm'.repeat(300_000) }, 'x'.repeat(300_000), { message: `\u001b[2J${' '.repeat(100_000)}` }],
      ];
      for (const [index, body] of bodies.entries()) {
        for (const call of some(index + status)) {
          const ended = await ends(call, () => ({ status, body }));
          if ('value' in ended) expect(status).toBe(404);
          else expectProblem(ended.thrown, call);
        }
      }
    },
  );
});

describe('a list of objects', () => {
  const list = KUBERNETES.find(({ name }) => name === 'objects')!;
  const page = (next: unknown, items: readonly object[] = []) => ({
    body: { kind: 'PodList', items, metadata: { continue: next } },
  });

  it('whose next page is itself, or ever another one, ends', async () => {
    const same = await ends(list, () => page('again'));
    expect(expectProblem('thrown' in same && same.thrown, list).message).toMatch(/does not end/);
    expect(same.asked.length).toBeLessThan(5);
    const ever = await ends(list, (_, nth) => page(`page-${nth}`));
    expect(expectProblem('thrown' in ever && ever.thrown, list).message).toMatch(/does not end/);
  });

  it('with a mark that is no text is not understood', async () => {
    for (const next of [5, {}, [], true]) {
      const ended = await ends(list, () => page(next));
      expectProblem('thrown' in ended && ended.thrown, list);
    }
  });

  it('of hundreds of thousands is taken whole; one of nothing says null or nothing', async () => {
    const items = Array.from({ length: 150_000 }, (_, index) => ({ metadata: { name: `p${index}` } }));
    const all = await ends(list, () => page(undefined, items));
    expect('value' in all && all.value).toHaveLength(150_000);
    const none = await ends(list, () => ({ body: { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: null } }));
    expect('value' in none && none.value).toEqual([]);
  });
});

describe('a redirect of the API server', () => {
  it.each([301, 302, 303, 307, 308])('%d to another host is not followed', async (status) => {
    const other = await serve(() => ({
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'orders' } },
    }));
    try {
      for (const call of KUBERNETES) {
        const ended = await ends(call, ({ path }) => ({ status, headers: { location: other.url + path } }));
        expectProblem('thrown' in ended && ended.thrown, call);
      }
      expect(other.asked).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('the check that it is the right cluster', () => {
  it('is no cluster whose answer is nonsense', async () => {
    const named = async () => ({ fqdns: ['demo-aks.hcp.westeurope.azmk8s.io'], issuer: 'https://issuer/' });
    const call = KUBERNETES[0]!;
    for (const { reply } of NONSENSE) {
      const { asked, ...ended } = await ends(call, () => reply, { named });
      expect((('thrown' in ended && ended.thrown) as Problem).message).not.toMatch(unreadable);
      expect(('thrown' in ended && ended.thrown) as Problem).toBeInstanceOf(Problem);
      expect(asked.every(({ path }) => path.includes('openid-configuration'))).toBe(true);
    }
  });
});

it.each(['-5', '1e9', '999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
  'Retry-After: %s ends in time',
  async (retry) => {
    const clock = jumpingClock();
    const call = KUBERNETES[0]!;
    const ended = await ends(call, () => ({ status: 429, headers: { 'retry-after': retry }, body: '' }), { clock });
    expectProblem('thrown' in ended && ended.thrown, call);
    for (const slept of clock.slept) expect(slept).toBeLessThanOrEqual(3_600_000);
  },
);

it('a kubeconfig of any text is a cluster or a refusal', async () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc
      .record({
        clusters: fc.jsonValue(),
        users: fc.jsonValue(),
        contexts: fc.jsonValue(),
        'current-context': fc.jsonValue(),
      })
      .map((all) => JSON.stringify(all)),
    fc.constantFrom(
      'a: &a [*a]',
      '[[[[[['.repeat(1000),
      '&a [*a, *a]',
      'a: !!js/function x',
      '%YAML 9',
      '\u0000',
      '- '.repeat(20_000),
    ),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const cluster = clusterOn(server, { kubeconfig: async () => ({ text }) });
      const thrown = await cluster.get(account).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).toBeInstanceOf(Problem);
      expect((thrown as Problem).resource).toBe('kubeconfig');
    }),
    { numRuns: EXHAUSTIVE ? 5000 : 50 },
  );
});
