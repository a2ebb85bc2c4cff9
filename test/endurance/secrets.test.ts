import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { begin, type Options, type Story } from '../stories/harness.ts';
import { holds, lookThrough } from './leaks.ts';
import { launch } from './process.ts';
import { tally } from './tally.ts';
import { furnished, MARKERS } from './world.ts';

const NEW = '--create-vault --vault made-kv --vault-resource-group made-rg --secret fresh --grant-self';
const GIVEN: Options = { env: { GIVEN: MARKERS.given, AKS_SECRETS_VERBOSE: 'true' } };

/** A run that is over, looked through. Answers what holds a value or a token. */
function looked(story: Story, run: string, said: Readonly<Record<string, string>>): string[] {
  const { looked: texts, leaks } = lookThrough(story, said);
  tally({ part: 'secrets', run, looked: texts, leaks: leaks.length });
  return leaks.map((what) => `${run}: ${what}`);
}

it('a value that is given reaches the vault and nothing else, from whatever source', async () => {
  const found: string[] = [];
  for (const [source, more] of [
    ['env:GIVEN', GIVEN],
    ['file:value.txt', {}],
    ['stdin', { stdin: `${MARKERS.given}\n` }],
  ] as const) {
    const words = `--method csi ${NEW} --secret-value fresh=${source}`;
    const story = await begin({}, await furnished());
    // What a user keeps beside it is his, and not looked through.
    if (source === 'file:value.txt') writeFileSync(join(story.folder, 'sandbox', 'value.txt'), MARKERS.given);
    const given = words.replace('value.txt', 'sandbox/value.txt');
    for (const run of [
      `plan ${given} -v`,
      `plan ${given} -o json`,
      `init ${given} --yes -v --save saved.yaml`,
      `init ${given} --yes -o json --rotate fresh`,
      `init ${given} --yes --write-manifests out`,
      `export ${given.replace('--grant-self', '')} --format script`,
      `export ${given.replace('--grant-self', '')} --format manifests`,
      ...['text', 'json', 'yaml', 'short', 'junit', 'github', 'sarif'].map(
        (format) => `verify -f saved.yaml -o ${format} -v`,
      ),
      'verify -f saved.yaml --probe -v',
      `destroy ${given.replace(/--grant-self.*/, '')} --yes -v`,
    ]) {
      const { out, err, code } = await story.run(run, more);
      expect({ run, usage: code === 2 ? err : '' }).toEqual({ run, usage: '' });
      found.push(...looked(story, run, { 'standard output': out, 'standard error': err }));
    }
    // The value was there to be found.
    expect(holds(JSON.stringify(story.sandbox.parts.state.vaults))).toBe(true);
    await story.close();
  }
  expect(found).toEqual([]);
});

it('nor when things go wrong: refused, broken off, not understood', async () => {
  const found: string[] = [];
  const put = { method: 'PUT', path: /\/secrets\/fresh$/ };
  /** A service that says again what it was sent, as some do. */
  const echo = { status: 400, body: { error: { code: 'BadParameter', message: `Not understood: ${MARKERS.given}` } } };
  for (const [what, reply] of [
    ['echoes what it was sent', echo],
    ['breaks off', 'reset after'],
    ['answers by half', 'half'],
    [
      'refuses',
      { status: 403, body: { error: { code: 'Forbidden', innererror: { code: 'ForbiddenByRbac' }, message: 'no' } } },
    ],
  ] as const) {
    for (const format of ['-v', '-o json']) {
      const story = await begin({}, await furnished());
      story.sandbox.faults.failAt(put, reply, 1);
      const run = `init --method csi ${NEW} --secret-value fresh=env:GIVEN --yes ${format}`;
      const { out, err } = await story.run(run, GIVEN);
      found.push(...looked(story, `the vault ${what}`, { 'standard output': out, 'standard error': err }));
      await story.close();
    }
  }
  expect(found).toEqual([]);
});

it('nor on a command line, in a log of the SDKs, or in a file that others may read', async () => {
  const story = await begin({ settings: { replication: 0, operation: 200 } }, await furnished());
  const words = `init --method csi ${NEW} --secret-value fresh=stdin --yes -v --save saved.yaml`;
  const env = { AZURE_LOG_LEVEL: 'verbose', DEBUG: '*' };
  const { code, out, err, commandLines } = await launch(words, story.folder, { stdin: MARKERS.given, env }).ended;
  expect({ code, err: code ? err : '' }).toEqual({ code: 0, err: '' });
  if (process.platform === 'linux') expect(commandLines.join('\n')).toContain('--secret-value fresh=stdin');
  const texts = { 'standard output': out, 'standard error': err, 'command lines': commandLines.join('\n') };
  expect(looked(story, `${words}, AZURE_LOG_LEVEL=verbose`, texts)).toEqual([]);
  await story.close();
});

it('files have the modes that they need', async () => {
  const story = await begin();
  mkdirSync(join(story.folder, 'fresh'));
  const { code, err } = await launch('init --method csi --yes --save saved.yaml', story.folder, {
    env: { AKS_SECRETS_SANDBOX_DIR: join(story.folder, 'fresh', 'sandbox') },
  }).ended;
  expect({ code, err: code ? err : '' }).toEqual({ code: 0, err: '' });
  const modeOf = (...path: readonly string[]) => (statSync(join(story.folder, ...path)).mode & 0o777).toString(8);
  const kept = readdirSync(join(story.folder, 'fresh', 'sandbox'), { recursive: true, withFileTypes: true });
  const modes = [
    ['saved.yaml', modeOf('saved.yaml'), '644'],
    ["the sandbox's folder", modeOf('fresh', 'sandbox'), '700'],
    ...kept
      // What a pod's script writes is the script's.
      .filter((entry) => entry.isFile() && entry.name !== 'ready')
      .map(({ parentPath, name }) => [name, modeOf(parentPath.slice(story.folder.length), name), '600']),
  ];
  for (const [what, is, must] of modes) tally({ part: 'modes', what: what!, right: is === must });
  expect(modes.filter(([, is, must]) => is !== must)).toEqual([]);
  expect(kept.length).toBeGreaterThan(5);
  await story.close();
});
