import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Surroundings } from '../../src/surroundings.ts';
import { orAllOf } from '../stories/exhaustive.ts';
import { begin, type Story, worldOf } from '../stories/harness.ts';
import { KEY, type Seat, sit, type Terminal } from './terminal.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

/** Every question that somebody with nothing but a sign-in is asked, what it shows when it can be answered, and an answer. */
const ALL: readonly (readonly [shows: string | RegExp, keys: string])[] = [
  [/\? Subscription\n> Sandbox/, KEY.enter],
  [/\? Cluster\n> demo-aks +westeurope, 1\.33, OIDC issuer off/, KEY.enter],
  [/\? Key Vault\n> demo-kv +RBAC/, KEY.enter],
  [/\? Namespace\n> default/, `shop${KEY.enter}`],
  [/\? Workload\n +There are no Deployments/, `orders${KEY.enter}`],
  [/\? Service account\n> orders +new/, KEY.enter],
  [/\? Secrets of demo-kv\n> \[ \] api-key/, ` ${KEY.down} ${KEY.enter}`],
  [/\? How should the pod get them\?\n> Secrets Store CSI driver/, KEY.enter],
  ['? Also a Kubernetes Secret of them?', KEY.enter],
  ['? Also deploy a sample pod', KEY.enter],
];

/** Answers the first questions, all of them unless said otherwise. */
async function through(terminal: Terminal, count: number = ALL.length): Promise<void> {
  for (const [shows, keys] of ALL.slice(0, count)) await terminal.answer(shows, keys);
}

/** Answers all questions of a run, and ends it at the last one, to apply. */
async function declined(words = 'init', seat: Seat = {}): Promise<Terminal> {
  const terminal = sit(story, words, seat);
  await through(terminal);
  await terminal.answer('Apply? (y/N)', KEY.enter);
  return terminal;
}

describe('from nothing', () => {
  it('each answer ends up in the Spec as if a flag had said it', async () => {
    const terminal = await declined();
    const screen = await terminal.sees('Save your answers');
    terminal.type(KEY.enter);
    expect(await terminal.ended).toBe(4);
    expect(screen).toContain('? Cluster          demo-aks         westeurope, 1.33, OIDC issuer off\n');
    expect(screen).toContain(
      '? Namespace        shop             new, will be made\n' +
        '? Workload         orders\n' +
        '? Service account  orders           new, will be made\n' +
        '? Secrets          api-key, db-password\n',
    );
    const again = /aks-secrets init .*--yes/.exec(screen.replaceAll('\n', ''))?.[0] ?? '';
    expect(again).toMatch(/--cluster demo-aks --resource-group demo-rg --vault demo-kv --workload orders/);
    expect(again).toMatch(/--namespace shop --method csi --secret api-key --secret db-password/);
    // The line is the same plan, without a question.
    const words = again.replace('aks-secrets init', 'plan').replace('--yes', '').replaceAll("'", '');
    const ran = await story.run(words.replace(/--allow \S+/, ''), { bare: true });
    expect({ code: ran.code, first: ran.out.split('\n')[0] }).toEqual({
      code: 0,
      first: 'Plan for orders in shop, by Secrets Store CSI driver (simulated)',
    });
  });

  it('the answers are kept as a file when somebody wants that', async () => {
    const terminal = await declined();
    await terminal.answer('Save your answers as aks-secrets.yaml? (y/N)', `y${KEY.enter}`);
    expect(await terminal.ended).toBe(4);
    const text = readFileSync(join(story.folder, 'aks-secrets.yaml'), 'utf8');
    expect(text).toContain('- name: orders');
    // And with the file nothing is open.
    const again = sit(story, 'plan');
    expect(await again.ended).toBe(0);
    expect(again.screen()).not.toContain('?');
  });

  it('and not unless they say so', async () => {
    const terminal = await declined();
    await terminal.answer('Save your answers', KEY.enter);
    await terminal.ended;
    expect(existsSync(join(story.folder, 'aks-secrets.yaml'))).toBe(false);
  });

  it('with --save nobody is asked whether to save', async () => {
    const terminal = await declined('init --save mine.yaml');
    expect(await terminal.ended).toBe(4);
    expect(terminal.screen()).not.toContain('Save your answers');
    expect(existsSync(join(story.folder, 'mine.yaml'))).toBe(true);
  });
});

describe('only what is open', () => {
  const GIVEN =
    '--cluster demo-aks --resource-group demo-rg --vault demo-kv --workload orders --namespace shop --secret api-key';
  const bare = { defaults: { subscription: '5ab5c000-0000-4000-8000-000000000001' } };

  it.each<[left: string, words: string, asks: readonly (readonly [RegExp | string, string])[]]>([
    ['the method', GIVEN, [['? How should the pod get them?', KEY.enter]]],
    ['the vault', `--method csi ${GIVEN.replace('--vault demo-kv ', '')}`, [[/Key Vault\n> demo-kv/, KEY.enter]]],
    [
      'the group of a cluster',
      `--method csi ${GIVEN.replace('--resource-group demo-rg ', '')}`,
      [[/Resource group of demo-aks\n> demo-rg +holds demo-aks/, KEY.enter]],
    ],
  ])('%s', async (_left, words, asks) => {
    const terminal = sit(story, `plan ${words}`, bare);
    for (const [shows, keys] of asks) await terminal.answer(shows, keys);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen().match(/^\? /gm)).toHaveLength(asks.length + 1);
    expect(terminal.screen()).toContain('Plan for orders in shop');
  });

  it('what only the file leaves open, and the same again says it beside the file', async () => {
    writeFileSync(
      join(story.folder, 'mine.yaml'),
      `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
workloads:
  - { name: orders, namespace: shop, method: csi, secrets: [api-key] }
`,
    );
    const terminal = sit(story, 'plan -f mine.yaml', bare);
    await terminal.answer(/Key Vault\n> demo-kv/, KEY.enter);
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen().replaceAll('\n', '')).toContain('aks-secrets init -f mine.yaml --vault demo-kv');
  });

  it('what a file of several workloads leaves open for all of them', async () => {
    const one = (name: string) => `  - { name: ${name}, namespace: shop, method: csi, secrets: [api-key] }\n`;
    writeFileSync(
      join(story.folder, 'aks-secrets.yaml'),
      `apiVersion: aks-secrets/v1\nvault: { resourceGroup: demo-rg, name: demo-kv }\nworkloads:\n${one('a')}${one('b')}`,
    );
    const terminal = sit(story, 'plan', bare);
    await terminal.answer(/Cluster\n> demo-aks/, KEY.enter);
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).toContain('Plan for a and b in shop');
  });

  it.each<[said: string, words: string, env: NodeJS.ProcessEnv, first: RegExp]>([
    ['by a variable: not again', '', { AZURE_SUBSCRIPTION_ID: bare.defaults.subscription }, /\? Cluster\n> demo-aks/],
    [
      'by the Azure CLI alone, and clusters are to be picked',
      '',
      { AZURE_CONFIG_DIR: '.' },
      /\? Subscription\n> Sandbox/,
    ],
    ['by the Azure CLI, and nothing is to be picked there', GIVEN, { AZURE_CONFIG_DIR: '.' }, /\? How should/],
  ])('the subscription, said %s', async (_said, words, env, first) => {
    const known = [{ id: bare.defaults.subscription, name: 'Sandbox', isDefault: true }];
    writeFileSync(join(story.folder, 'azureProfile.json'), JSON.stringify({ subscriptions: known }));
    const config = env.AZURE_CONFIG_DIR && { AZURE_CONFIG_DIR: story.folder };
    const terminal = sit(story, `plan ${words}`, { env: { ...env, ...config } });
    expect((await terminal.sees(first)).match(/^\? /gm)).toHaveLength(1);
    terminal.type(KEY.ctrlC);
    expect(await terminal.ended).toBe(130);
  });

  it('of the sandbox the method alone', async () => {
    const { defaults } = story.sandbox.surroundings as unknown as Surroundings;
    const terminal = sit(story, 'plan', { defaults });
    await terminal.answer('? How should the pod get them?', KEY.enter);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(0);
  });

  it('and what the sandbox answers, to whoever goes back to it', async () => {
    const { defaults } = story.sandbox.surroundings as unknown as Surroundings;
    const terminal = sit(story, 'plan', { defaults });
    await terminal.answer('? How should', KEY.escape);
    await terminal.answer(/Secrets of demo-kv\n> \[x\] api-key\n +\[x\] db-password/, ` ${KEY.enter}`);
    await terminal.answer('? How should', KEY.enter);
    await terminal.answer('? Also a Kubernetes Secret of them?', KEY.enter);
    await terminal.answer('? Also deploy a sample pod', `n${KEY.enter}`);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(0);
    const again = /aks-secrets init .*--yes/.exec(terminal.screen().replaceAll('\n', ''))?.[0];
    expect(again).toBe('aks-secrets init --method csi --secret db-password --no-sample --yes');
  });

  it('nothing with --no-input: what is missing is named at once', async () => {
    const terminal = sit(story, 'init --no-input', bare);
    expect(await terminal.ended).toBe(2);
    expect(terminal.screen().match(/Missing:/g)).toHaveLength(7);
    expect(terminal.screen()).not.toContain('Signed in');
  });

  it('nothing where a machine holds the terminal', async () => {
    expect(await sit(story, 'init', { ...bare, env: { CI: 'true' } }).ended).toBe(2);
  });

  it('--yes answers the one question at the end, and no other', async () => {
    const terminal = sit(story, `init --yes --allow cluster,irreversible ${GIVEN}`, bare);
    await terminal.answer('? How should', KEY.enter);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).not.toContain('Apply?');
  });

  it('what is wrong is said before anything is asked', async () => {
    const terminal = sit(story, 'init --vault no_vault', bare);
    expect(await terminal.ended).toBe(2);
    expect(terminal.screen()).toContain('is not the name of a Key Vault');
    expect(terminal.screen()).not.toContain('Signed in');
  });
});

describe('a person', () => {
  it('who is not signed in is told so before any question: 5', async () => {
    const credential = async () => ({
      getToken: () => Promise.reject(new Error('Please run az login')),
    });
    const terminal = sit(story, 'init', { credential });
    expect(await terminal.ended).toBe(5);
    expect(terminal.screen()).toContain('az login');
    expect(terminal.screen()).not.toMatch(/^\?/m);
  });

  it('goes back a question, and changes the answer', async () => {
    const terminal = sit(story, 'plan');
    await through(terminal, 4);
    await terminal.answer('? Workload', KEY.escape);
    await terminal.answer(/\? Namespace\n> shop/, `store${KEY.enter}`);
    expect(await terminal.sees(/\? Workload\n/)).toMatch(/\? Key Vault .*\n\? Namespace +store/);
    expect(terminal.screen()).not.toContain('shop');
    terminal.type(KEY.ctrlC);
    expect(await terminal.ended).toBe(130);
  });

  it('goes back all the way, and at the first question no further', async () => {
    const terminal = sit(story, 'plan');
    await through(terminal, 3);
    await terminal.answer('? Namespace', KEY.escape);
    await terminal.answer(/\? Key Vault\n> demo-kv/, KEY.escape);
    await terminal.answer(/\? Cluster\n> demo-aks/, KEY.escape);
    const first = await terminal.sees(/\? Subscription\n> Sandbox/);
    expect(first).not.toContain('esc goes back');
    expect(first).not.toContain('? Cluster');
    await through(terminal, 4);
    await terminal.answer('? Workload', KEY.ctrlC);
    expect(await terminal.ended).toBe(130);
  });

  it('filters a list by typing, and may name what is not in it', async () => {
    const terminal = sit(story, 'plan');
    await through(terminal, 3);
    await terminal.answer(/\? Namespace\n> default/, 'kube-n');
    expect(await terminal.sees(/Namespace kube-n\n> kube-node-lease\n {2}kube-n +new/)).not.toContain('default');
    terminal.type(KEY.backspace.repeat(6));
    await terminal.sees(/\? Namespace\n> default/);
    terminal.type(`Shop${KEY.enter}`);
    await terminal.sees('is not a namespace');
    terminal.type(KEY.ctrlC);
    await terminal.ended;
  });

  it('who does not know the methods is asked at most three questions, and told why', async () => {
    const terminal = sit(story, 'plan --sandbox'.replace(' --sandbox', ''), {
      defaults: (story.sandbox.surroundings as unknown as Surroundings).defaults,
    });
    await terminal.answer('? How should', KEY.up);
    await terminal.answer('> Help me choose', KEY.enter);
    await terminal.answer('? Can the code of the application change?', KEY.enter);
    await terminal.answer('? How does it take its secrets?', KEY.escape);
    await terminal.answer('? Can the code of the application change?', KEY.enter);
    await terminal.answer('? How does it take its secrets?', `variables${KEY.enter}`);
    const screen = await terminal.sees('Recommended.');
    expect(screen).toMatch(/> External Secrets Operator/);
    expect(screen).toMatch(/Recommended\. Variables can be filled from it/);
    terminal.type(KEY.enter);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).toContain('by External Secrets Operator');
  });

  it.each([80, 120])('at %i columns reads whole rows, and without colour the same', async (columns) => {
    const terminal = await declined('init', { columns });
    await terminal.answer('Save your answers', KEY.enter);
    await terminal.ended;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that colour
    expect(terminal.raw()).not.toMatch(/\x1b\[[\d;]*m/);
    for (const row of terminal.screen().split('\n').slice(0, 12)) expect(row.length).toBeLessThanOrEqual(columns);
  });
});

describe('Ctrl-C', () => {
  it.each(orAllOf([...ALL.map((_, index) => index), ALL.length], 5))(
    'after %i answers leaves the world as it was, and the terminal: 130',
    async (count) => {
      const before = worldOf(story);
      const mark = story.sandbox.log.mark();
      const terminal = sit(story, 'init');
      await through(terminal, count);
      await terminal.answer(ALL[count]?.[0] ?? 'Apply? (y/N)', KEY.ctrlC);
      expect(await terminal.ended).toBe(130);
      expect(terminal.screen()).toContain('Interrupted');
      expect(terminal.screen()).toContain('Nothing was written.');
      expect(terminal.state()).toEqual({ cursor: true, raw: false });
      const writes = story.sandbox.log.since(mark).filter(({ kind }) => kind === 'write');
      expect(writes).toEqual([]);
      expect(worldOf(story)).toEqual(before);
    },
  );

  it('Ctrl-D, the end of the input and a signal are the same', async () => {
    const typed = sit(story, 'init');
    await typed.answer(/> Sandbox/, KEY.ctrlD);
    expect(await typed.ended).toBe(130);
    const stop = new AbortController();
    const stopped = sit(story, 'init', { signal: stop.signal });
    await stopped.sees(/> Sandbox/);
    stop.abort();
    expect(await stopped.ended).toBe(130);
    expect(stopped.state()).toEqual({ cursor: true, raw: false });
    const slow = new AbortController();
    const credential = () => new Promise<never>(() => undefined);
    const hanging = sit(story, 'init', { credential, signal: slow.signal });
    await hanging.sees('Looking who is signed in');
    slow.abort();
    expect(await hanging.ended).toBe(130);
  });
});
