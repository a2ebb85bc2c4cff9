import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from '@lydell/node-pty';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { createScreen, KEY, type Terminal } from '../wizard/terminal.ts';
import { orAll } from './exhaustive.ts';
import { begin, type Story, worldOf } from './harness.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const COLUMNS = 80;

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

/** The program in a process of its own, behind a pseudo-terminal, in this world. */
function behindTerminal(words: string): Pick<Terminal, 'screen' | 'sees' | 'answer' | 'type' | 'ended' | 'raw'> {
  const { screen, sees, raw, write, drawn } = createScreen(COLUMNS);
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [CLI, ...words.split(' ')], {
    ...{ cols: COLUMNS, rows: 40, cwd: story.folder, name: 'xterm-256color' },
    env: { PATH, HOME: story.folder, LANG: 'C.UTF-8', AKS_SECRETS_SANDBOX_DIR: join(story.folder, 'sandbox') },
  });
  child.onData(write);
  const ended = new Promise<number>((done) => {
    child.onExit(async ({ exitCode }) => {
      await drawn();
      done(exitCode);
    });
  });
  const type = (keys: string): void => child.write(keys);
  return {
    ...{ screen, sees, raw, type, ended },
    async answer(question, keys) {
      await sees(question);
      type(keys);
    },
  };
}

/** What only the method asks, with the answers. */
const OWN: Readonly<Record<string, readonly (readonly [question: string, keys: string])[]>> = {
  csi: [['? Also a Kubernetes Secret of them?', `orders-env${KEY.enter}`]],
  dapr: [['? Let the sidecar answer for these secrets only?', KEY.enter]],
  'external-secrets': [
    ['? Name of the Kubernetes Secret', KEY.enter],
    ['? Have Reloader restart the pods', KEY.enter],
  ],
};

it.each(orAll(methods, ({ name }) => name === 'csi' || name === 'dapr').map(({ name, title }) => [name, title]))(
  'by %s, from the first question to a pod with its secret',
  async (name, title) => {
    // The program opens the sandbox itself: whoever only joins one waits for its operations in real time.
    await story.sandbox.close();
    const terminal = behindTerminal('init --sandbox');
    // The sandbox answers everything but the method; whoever goes back is asked the rest as well.
    await terminal.answer('? How should the pod get them?', KEY.escape);
    for (const question of [
      'Secrets of',
      'Service account\n>',
      'Workload\n',
      'Namespace\n>',
      'Key Vault\n>',
      'Cluster\n>',
    ])
      await terminal.answer(`? ${question}`, KEY.escape);

    await terminal.answer('? Subscription\n> Sandbox', KEY.enter);
    await terminal.answer(/\? Cluster\n> demo-aks +westeurope/, KEY.enter);
    await terminal.answer(/\? Key Vault\n> demo-kv +RBAC/, KEY.enter);
    await terminal.answer(/\? Namespace\n> demo +new/, `shop${KEY.enter}`);
    await terminal.answer(/\? Workload\n +There are no Deployments/, `orders${KEY.enter}`);
    await terminal.answer(/\? Service account\n> orders +new/, KEY.enter);
    await terminal.answer(/\? Secrets of demo-kv\n> \[x\] api-key\n +\[x\] db-password/, ` ${KEY.enter}`);
    await terminal.answer('? How should the pod get them?', title);
    await terminal.answer(`> ${title}`, KEY.enter);
    for (const [question, keys] of OWN[name] ?? []) await terminal.answer(question, keys);
    await terminal.answer('? Also deploy a sample pod', KEY.enter);
    await terminal.answer('Apply? (y/N)', `y${KEY.enter}`);
    await terminal.answer('? Save your answers as aks-secrets.yaml? (y/N)', KEY.enter);

    expect({ code: await terminal.ended, screen: terminal.screen() }).toMatchObject({ code: 0 });
    const screen = terminal.screen();
    expect(screen).toMatch(/pod shop\/orders-sample-\S+ read db-password, \d+ bytes/);
    expect(screen).not.toContain('read api-key');
    const again = /aks-secrets init .*--yes/.exec(screen.replaceAll('\n', ''))?.[0];
    expect(again).toContain(`--workload orders --namespace shop --method ${name} --secret db-password`);
  },
);

it('Ctrl-C at a question: 130, the world as it was, and the cursor is back', async () => {
  const before = worldOf(story);
  const terminal = behindTerminal('init --sandbox');
  await terminal.answer('? How should the pod get them?', KEY.escape);
  await terminal.answer('? Secrets of', KEY.ctrlC);
  expect(await terminal.ended).toBe(130);
  expect(terminal.screen()).toContain('Interrupted. Nothing was written.');
  expect(terminal.raw().lastIndexOf('\x1b[?25l')).toBeLessThan(terminal.raw().lastIndexOf('\x1b[?25h'));
  expect(worldOf(story)).toEqual(before);
});
