import { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NONSENSE, unreadable } from '../hostile/nonsense.ts';
import { EXHAUSTIVE, LONG } from './exhaustive.ts';
import { begin, type Ran, type Story } from './harness.ts';

/** What must not reach a terminal, whoever said it. */
const HARMFUL = /[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]/u;
const TRICK =
  '\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u001b]8;;https://evil.example\u001b\\\r\u202eevil\u200b\u009b31m##vso[task.x]';

/** However a run ends, it is said in sentences, with one of the codes. */
function hold({ code, out, err }: Pick<Ran, 'code' | 'out' | 'err'>, about: string) {
  expect([0, 1, 3, 4, 5, 6, 124], about).toContain(code);
  for (const text of [out, err]) {
    expect(text, about).not.toMatch(HARMFUL);
    expect(text, about).not.toMatch(unreadable);
    expect(text, about).not.toMatch(/Something went wrong|ended unexpectedly|##vso\[/);
  }
}

const keyOf = ({ method, host, path }: { readonly method: string; readonly host: string; readonly path: string }) =>
  `${method} ${host} ${path}`;
const matchOf = (key: string) => {
  const [method, host, path] = key.split(' ') as [string, string, string];
  return { method, host, path, outside: true } as const;
};

/** Runs it, and keeps what was answered. */
async function recorded(story: Story, words: string) {
  const bodies = new Map<string, { readonly status: number; readonly body: unknown }>();
  const { end } = ServerResponse.prototype;
  ServerResponse.prototype.end = function (this: ServerResponse, ...given: never[]) {
    const { method = '', headers, url = '' } = this.req;
    const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const path = decodeURIComponent(new URL(url, 'https://sandbox').pathname);
    const [text] = given as unknown[];
    if (typeof text === 'string' && text.startsWith('{'))
      bodies.set(keyOf({ method, host, path }), { status: this.statusCode, body: JSON.parse(text) });
    return (end as (...all: never[]) => ServerResponse).apply(this, given);
  } as typeof end;
  try {
    const ran = await story.run(words);
    // Pods ask too; what they are told is theirs.
    const own = new Set(ran.requests.map(keyOf));
    return { ran, answers: [...bodies].filter(([key]) => own.has(key)).map(([key, answer]) => ({ key, ...answer })) };
  } finally {
    ServerResponse.prototype.end = end;
  }
}

type Place = readonly (string | number)[];
const placesIn = (value: unknown, place: Place = []): readonly Place[] =>
  typeof value === 'object' && value !== null
    ? [
        place,
        ...Object.entries(value).flatMap(([key, each]) =>
          placesIn(each, [...place, Array.isArray(value) ? Number(key) : key]),
        ),
      ]
    : [place];

/** The same with something else in one place; `undefined` takes it away. */
function changed(body: unknown, place: Place, to: unknown): unknown {
  if (place.length === 0) return to === undefined ? '' : JSON.stringify(to);
  const copy = structuredClone(body);
  const parent = place
    .slice(0, -1)
    .reduce<unknown>((node, part) => (node as Record<string | number, unknown>)[part], copy);
  if (to === undefined) delete (parent as Record<string | number, unknown>)[place.at(-1)!];
  else (parent as Record<string | number, unknown>)[place.at(-1)!] = to;
  return copy;
}
const OTHERS: readonly unknown[] = [
  undefined,
  null,
  0,
  -1,
  1e300,
  true,
  false,
  '',
  TRICK,
  'x'.repeat(5000),
  [],
  {},
  [null],
  [5],
  [{}],
  { a: { b: 'c' } },
];

const COMMANDS = [
  'verify --method csi',
  'plan --method csi',
  'verify --method external-secrets',
  'verify --method workload-identity',
  'verify --method dapr',
  'plan --method dapr',
  'destroy --method csi --dry-run',
];

describe.each(EXHAUSTIVE ? COMMANDS : COMMANDS.slice(0, 2))('%s', (words) => {
  let story: Story;
  let answers: Awaited<ReturnType<typeof recorded>>['answers'];
  let keys: readonly string[];
  beforeAll(async () => {
    story = await begin({ noSample: true });
    if (!words.startsWith('plan')) await story.run(`init ${words.replace(/^\w+/, '').replace('--dry-run', '')} --yes`);
    const well = await recorded(story, words);
    expect(well.ran.code, well.ran.err).toBe(0);
    ({ answers } = well);
    keys = [...new Set(well.ran.requests.map(keyOf))];
  });
  afterAll(() => story.close());

  /** What is asked for and changes nothing when it is not known: who may be told the subscription's name, by which role. */
  const needless = /^GET \S+ \/subscriptions\/[^/]+$|roleAssignments$/;

  it(
    'ends with a sentence and never well, when a service answers what is no answer',
    async () => {
      let turn = 0;
      for (const key of EXHAUSTIVE ? keys : keys.filter((_, index) => index % 2 === 0)) {
        // Each place meets a kind, and each kind some places.
        const some = NONSENSE.filter((_, index) => (index + turn) % (EXHAUSTIVE ? 7 : 28) === 0);
        turn += 3;
        for (const { name, reply } of some) {
          const heal = story.sandbox.faults.failAt(matchOf(key), {
            status: 200,
            headers: { 'content-type': 'application/json' },
            ...reply,
          });
          const ran = await story.run(words);
          heal();
          const about = `${name} from ${key}\n${ran.out}\n${ran.err}`;
          hold(ran, about);
          // That there is none of something may be so.
          if (name !== 'an empty list' && !needless.test(key)) expect(ran.code, about).not.toBe(0);
        }
      }
    },
    LONG,
  );

  it(
    'ends with a sentence, whatever one place of one answer says',
    async () => {
      const change = fc
        .tuple(fc.nat(answers.length - 1), fc.nat(100_000), fc.constantFrom(...OTHERS))
        .map(([which, place, to]) => ({
          ...answers[which]!,
          place: placesIn(answers[which]!.body)[place % placesIn(answers[which]!.body).length]!,
          to,
        }));
      await fc.assert(
        fc.asyncProperty(change, async ({ key, status, body, place, to }) => {
          const reply = { status, headers: { 'content-type': 'application/json' }, body: changed(body, place, to) };
          const heal = story.sandbox.faults.failAt(matchOf(key), reply);
          const ran = await story.run(words);
          heal();
          hold(ran, `${key} ${place.join('.')} is ${JSON.stringify(to)?.slice(0, 40)}\n${ran.out}\n${ran.err}`);
        }),
        { numRuns: EXHAUSTIVE ? 150 : 8, endOnFailure: true },
      );
    },
    LONG,
  );
});

describe('init', () => {
  it(
    'ends with a sentence, whatever a write is answered; and is run again to the end',
    async () => {
      const first = await begin({ noSample: true });
      const whole = await first.run('init --method csi --yes');
      await first.close();
      const writes = [...new Set(whole.writes.map(keyOf))];
      expect(writes.length).toBeGreaterThan(5);
      for (const [index, key] of writes.entries()) {
        if (!EXHAUSTIVE && index % 4 !== 1) continue;
        for (const { name, reply } of NONSENSE.filter(
          (_, kind) => (kind + index * 5) % (EXHAUSTIVE ? 7 : NONSENSE.length) === 0,
        )) {
          const story = await begin({ noSample: true });
          const heal = story.sandbox.faults.failAt(
            {
              ...matchOf(key),
              path: new RegExp(
                `^${matchOf(key)
                  .path.replaceAll(/[.()]/g, '\\$&')
                  .replaceAll(/[0-9a-f-]{36}/g, '[0-9a-f-]{36}')}$`,
              ),
            },
            { status: 200, headers: { 'content-type': 'application/json' }, ...reply },
          );
          const ran = await story.run('init --method csi --yes');
          heal();
          hold(ran, `${name} for ${key}\n${ran.out}\n${ran.err}`);
          const again = await story.run('init --method csi --yes');
          expect(again.code, `${name} for ${key}, again\n${again.err}`).toBe(0);
          await story.close();
        }
      }
    },
    LONG,
  );
});

describe('a service that sends its callers elsewhere', () => {
  it(
    'is not followed: no other host is asked, and no token or value goes there',
    async () => {
      const story = await begin({ noSample: true });
      for (const status of [302, 307, 308]) {
        const mark = story.sandbox.log.mark();
        const heal = story.sandbox.faults.failAt(
          { outside: true },
          { status, headers: { location: 'https://other-kv.vault.azure.net/caught' } },
        );
        const ran = await story.run(
          'init --method csi --secret fresh --secret-value fresh=env:FRESH --secret db-password --yes',
          { env: { FRESH: 'hostile-value-1c9a' } },
        );
        heal();
        hold(ran, ran.err);
        expect(ran.code).not.toBe(0);
        expect(
          story.sandbox.log.since(mark).filter(({ host, path }) => host.startsWith('other-kv') || path === '/caught'),
        ).toEqual([]);
      }
      await story.close();
    },
    LONG,
  );
});

describe('what services and clusters say to a terminal', () => {
  it(
    'in refusals, in JSON and in formats of build systems, is only shown',
    async () => {
      const story = await begin({ noSample: true });
      await story.run('init --method csi --yes');
      const refusal = {
        status: 403,
        body: { error: { code: `Authorization${TRICK}`, message: `${TRICK} may not` }, reason: TRICK, message: TRICK },
      };
      const heal = story.sandbox.faults.failAt(
        { path: /vaults|pods|roleAssignments/, outside: true },
        { ...refusal, headers: { 'x-ms-request-id': 'r\u009b31m', 'audit-id': 'a\u00ad' } },
      );
      for (const format of ['text', 'short', 'json', 'yaml', 'github', 'junit', 'sarif']) {
        const ran = await story.run(`verify --method csi -v -o ${format}`);
        hold(ran, `${format}\n${ran.out}\n${ran.err}`);
        expect(ran.code).not.toBe(0);
      }
      heal();
      await story.close();
    },
    LONG,
  );
});
