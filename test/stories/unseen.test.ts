import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { orAll, orAllOf } from './exhaustive.ts';
import { begin, type Ran, type Story } from './harness.ts';

/** Written into the vault, and given as the value to write: found nowhere else. */
const MARKER = 'mArKer+/=value&with?odd%chars-7141';
const FORMS = [
  MARKER,
  Buffer.from(MARKER).toString('base64'),
  Buffer.from(MARKER).toString('base64url'),
  encodeURIComponent(MARKER),
  JSON.stringify(MARKER).slice(1, -1),
];

let story: Story;
beforeEach(async () => {
  story = await begin();
  await story.sandbox.seed('demo-kv', 'db-password', MARKER);
});
afterEach(() => story.close());

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    // The sandbox keeps values in clear, by contract, in its own folder.
    if (name === 'sandbox') return [];
    return statSync(path).isDirectory() ? filesBelow(path) : [readFileSync(path, 'utf8')];
  });
}
function expectUnseen(...runs: Ran[]): void {
  const texts = [...runs.flatMap(({ out, err }) => [out, err]), ...filesBelow(story.folder)];
  const tokens = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\./;
  for (const text of texts) {
    for (const form of FORMS) expect(text).not.toContain(form);
    expect(text).not.toMatch(tokens);
  }
}
const env = { VALUE: MARKER };
const VALUES = '--secret fresh --secret-value fresh=env:VALUE --secret db-password';

it('a value is in no output of any command', async () => {
  const runs: Ran[] = [];
  for (const { name: method } of orAll(methods, ({ name }) => name.startsWith('external')))
    for (const command of [
      'plan',
      'init --dry-run',
      'init --yes -v',
      'init --yes -o json',
      'init --yes -v --rotate fresh --save saved.yaml',
    ])
      runs.push(await story.run(`${command} --method ${method} ${VALUES}`, { env }));
  expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0));
  expectUnseen(...runs);
}, 60_000);

it('nor from standard input', async () => {
  const ran = await story.run('init --yes -v --method csi --secret fresh --secret-value fresh=stdin', {
    stdin: `${MARKER}\n`,
  });
  expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
  expect(JSON.stringify(story.sandbox.parts.state.vaults)).toContain(JSON.stringify(MARKER).slice(1, -1));
  expectUnseen(ran);
});

it('nor when any request of a run is refused, with words that repeat it', async () => {
  const words = `init --yes -v --method workload-identity ${VALUES}`;
  const whole = await story.run(words, { env, noSample: true });
  expect(whole.code).toBe(0);
  // Ids of chance are other ones in the next world.
  const place = ({ method, host, path }: { method: string; host: string; path: string }) => ({
    method,
    host: host.includes('azmk8s') ? /azmk8s/ : host,
    path: new RegExp(
      `^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '[0-9a-f-]{36}')}$`,
      'i',
    ),
  });
  const places = new Map(
    whole.requests.map((request) => [
      JSON.stringify(place(request), (_key, value) => (value instanceof RegExp ? value.source : value)),
      place(request),
    ]),
  );
  const codes: number[] = [];
  const matches = orAllOf([...places.values()], 3);
  for (const match of matches) {
    await story.close();
    story = await begin();
    await story.sandbox.seed('demo-kv', 'db-password', MARKER);
    story.sandbox.faults.failAt(match, {
      status: 400,
      body: { error: { code: 'BadParameter', message: `refused: ${MARKER} and ${FORMS[1]}` } },
    });
    const ran = await story.run(words, { env, noSample: true });
    codes.push(ran.code);
    expectUnseen(ran);
  }
  expect(codes).toHaveLength(matches.length);
  expect(places.size).toBeGreaterThan(15);
  // What is refused where it is only looked for is told and gone round.
  expect(codes.filter((code) => code !== 0).length).toBeGreaterThan(matches.length * 0.7);
}, 60_000);
