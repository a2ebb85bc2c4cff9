import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '../../src/trouble.ts';
import { type Answer, type Asked, azureOn, jumpingClock, SUBSCRIPTION, serve, VAULT } from '../azure/server.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { ASSERTION, AZURE, type Call, VALUE, WORKLOAD_TOKEN } from './calls.ts';
import { NONSENSE, unreadable } from './nonsense.ts';
import './patience.ts';

/** One server for all: what it answers is said anew each time. */
let answer: (asked: Asked, nth: number) => Answer = () => ({});
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  server = await serve((asked, nth) => answer(asked, nth));
});
afterAll(() => server.close());

/** All of them; without time for that some, in turn others. */
let turn = 0;
const some = <T>(all: readonly T[], every: number): readonly T[] => {
  turn += 1;
  return EXHAUSTIVE ? all : all.filter((_, index) => index % every === turn % every);
};

/** How a call ends when everything is answered like this; and what was asked for that. */
async function ends({ does }: (typeof AZURE)[number], reply: typeof answer) {
  answer = reply;
  const mark = server.asked.length;
  const how = await does(azureOn(server.agent)).then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
  return { ...how, asked: server.asked.slice(mark) };
}

/** A refusal in the program's own words, about the thing that was asked for. */
function expectProblem(thrown: unknown, { about }: Pick<Call<never>, 'about'>) {
  expect(thrown).toBeInstanceOf(Problem);
  const { message, resource } = thrown as Problem;
  expect(`${resource} ${message}`).toMatch(about);
  expect(message).not.toMatch(unreadable);
  expect(message.length).toBeLessThan(700);
  return thrown as Problem;
}

describe('an answer that is none', () => {
  it.each(NONSENSE)('$name: every call says so, and of what', async ({ reply, fits = [] }) => {
    for (const call of some(AZURE, 3)) {
      const ended = await ends(call, () => reply);
      if ('value' in ended && (call.silent || fits.includes(call.name))) continue;
      expect(ended, call.name).toHaveProperty('thrown');
      expectProblem('thrown' in ended && ended.thrown, call);
    }
  });

  it('whatever it is: a call gives what it promises, or says that it was not understood', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...AZURE), fc.jsonValue({ maxDepth: 4 }), async (call, body) => {
        const ended = await ends(call, () => ({ body: JSON.stringify(body) }));
        if ('thrown' in ended) expectProblem(ended.thrown, call);
        else expect(call.gives(ended.value), `${call.name} ${JSON.stringify(ended.value)}`).toBe(true);
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 75 },
    );
  });
});

describe('a list', () => {
  const lists = AZURE.filter(({ list }) => list !== undefined);
  const page = (call: Call<never>, next: unknown) => ({ body: { value: [call.list], nextLink: next } });

  it.each(lists)('$name: whose next page is itself, or ever another one, ends', async (call) => {
    const same = await ends(call, ({ host, path }) => page(call, `https://${host}${path}`));
    expectProblem('thrown' in same && same.thrown, call);
    expect(same.asked.length).toBeLessThan(5);
  });

  it('that goes on for ever ends', async () => {
    for (const call of some(lists, lists.length)) {
      const ever = await ends(call, ({ host, path }, nth) =>
        page(call, `https://${host}${path.split('&after')[0]}&after=${nth}`),
      );
      expect(expectProblem('thrown' in ever && ever.thrown, call).message).toMatch(/does not end/);
    }
  });

  it.each(lists)('$name: whose next page is elsewhere is not followed, and no token goes there', async (call) => {
    for (const next of [
      'https://evil.example/list?api-version=1',
      'http://management.azure.com/',
      '//evil.example/x',
    ]) {
      const { asked, ...ended } = await ends(call, () => page(call, next));
      expectProblem('thrown' in ended && ended.thrown, call);
      expect(asked).toHaveLength(1);
    }
    for (const next of [5, {}, [], true, 'no address', 'https://']) {
      const ended = await ends(call, () => page(call, next));
      expectProblem('thrown' in ended && ended.thrown, call);
    }
  });

  it('of hundreds of thousands is taken whole', async () => {
    const id = `/subscriptions/${SUBSCRIPTION}/resourceGroups/`;
    const value = Array.from({ length: 150_000 }, (_, index) => ({
      id: id + index,
      name: `g${index}`,
      properties: {},
    }));
    answer = () => ({ body: { value } });
    expect(await azureOn(server.agent).lists.groups()).toHaveLength(150_000);
  });
});

describe('a redirect is not followed', () => {
  const secrets = [VALUE, ASSERTION, WORKLOAD_TOKEN].map((secret) => secret.reveal());

  it.each([300, 301, 302, 303, 307, 308])(
    '%d: whoever asked hears of it; the other host hears nothing',
    async (status) => {
      for (const call of some(AZURE, 3)) {
        for (const location of ['https://evil.example/caught', '/elsewhere', undefined, 'no address \u0080']) {
          const headers = location === undefined ? {} : { location: encodeURI(location) };
          const { asked, ...ended } = await ends(call, () => ({ status, headers, body: '' }));
          expectProblem('thrown' in ended && ended.thrown, call);
          expect(asked.filter(({ host }) => host === 'evil.example')).toEqual([]);
          expect(asked.every(({ path }) => !path.includes('elsewhere'))).toBe(true);
        }
      }
    },
  );

  it('nor is an operation that goes on elsewhere', async () => {
    const status = {
      headers: { 'azure-asyncoperation': 'https://evil.example/o', location: 'https://evil.example/l' },
    };
    for (const call of AZURE.filter(({ name }) => / (?:put|create)$/.test(name))) {
      const { asked } = await ends(call, () => ({ ...status, status: 202, body: { status: 'InProgress' } }));
      expect(asked.filter(({ host }) => host === 'evil.example')).toEqual([]);
    }
    expect(server.asked.filter(({ host }) => host === 'evil.example')).toEqual([]);
    expect(secrets).toHaveLength(3);
  });
});

describe('a refusal', () => {
  const bodies: readonly unknown[] = [
    ...[
      '',
      'null',
      '5',
      '"text"',
      '[]',
      '{}',
      '<html><body>Bad Gateway</body></html>',
      '{"error":',
      '\u0000\u0001\uffff',
    ],
    ...[
      { error: null },
      { error: 5 },
      { error: [] },
      { error: { code: {}, message: [] } },
      { error: 'x', error_description: {} },
    ],
    ...[{ error: { message: 'm'.repeat(300_000) } }, { error: { innererror: { innererror: 5 } } }],
    ...[{ error: { code: '\u001b]8;;x\u0007', message: `\u001b[2J${' '.repeat(150_000)}` } }, 'x'.repeat(1_000_000)],
  ];
  it.each([400, 401, 403, 404, 409, 412, 418, 429, 500, 501, 503])(
    '%d with any body is a problem with a sentence',
    async (status) => {
      for (const body of bodies) {
        for (const call of some(AZURE, 20)) {
          const ended = await ends(call, () => ({ status, body }));
          if ('value' in ended) {
            // Absent, or nobody may look.
            expect([403, 404, 409]).toContain(status);
            continue;
          }
          expect(expectProblem(ended.thrown, call).message).not.toContain('[object Object]');
        }
      }
    },
  );
});

describe('the proof', () => {
  const proof = AZURE.find(({ name }) => name === 'proof')!;
  const said = (status: number, code?: unknown, message = 'no') => ({ status, body: { error: { code, message } } });

  it('is the vault saying that there is no such version, and nothing else', async () => {
    expect(await ends(proof, () => said(404, 'SecretNotFound'))).toHaveProperty('value');
    const others = [
      ...[
        {},
        { body: '' },
        { body: 'null' },
        { body: {} },
        { status: 204 },
        { status: 206 },
        { body: { error: { code: 'SecretNotFound' } } },
      ],
      ...[
        said(404),
        said(404, 'NotFound'),
        said(404, ['SecretNotFound']),
        said(404, 'SecretNotFound '),
        { status: 404, body: 'SecretNotFound' },
      ],
      ...[
        said(403, 'SecretNotFound'),
        said(400, 'SecretNotFound'),
        said(401, 'SecretNotFound'),
        said(409, 'SecretNotFound'),
      ],
    ];
    for (const other of others) expect(await ends(proof, () => other), JSON.stringify(other)).toHaveProperty('thrown');
  });

  it('that names may be listed is a list', async () => {
    const listed = AZURE.find(({ name }) => name === 'proof of a list')!;
    expect(await ends(listed, () => ({ body: { value: [] } }))).toHaveProperty('value');
    for (const body of ['', 'null', {}, { value: 5 }, [], { value: null }])
      expect(await ends(listed, () => ({ body })), JSON.stringify(body)).toHaveProperty('thrown');
  });
});

describe('how long to wait', () => {
  it.each([
    '-5',
    '-1e9',
    '0',
    'NaN',
    'soon',
    '',
    '1e9',
    '999999999999',
    '1e308',
    '99999999999999999999999',
    'Fri, 31 Dec 9999 23:59:59 GMT',
    'Thu, 01 Jan 1970 00:00:00 GMT',
  ])('Retry-After: %s ends in time, in few requests', async (retry) => {
    answer = () => ({ status: 429, headers: { 'retry-after': retry }, body: '' });
    const mark = server.asked.length;
    const clock = jumpingClock();
    const thrown = await azureOn(server.agent, { clock })
      .vaults.get(VAULT)
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expectProblem(thrown, { about: /vault demo-kv/ });
    expect(server.asked.length - mark).toBeLessThan(10);
    for (const slept of clock.slept) expect(slept).toBeLessThanOrEqual(3_600_000);
  });
});
