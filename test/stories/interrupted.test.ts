import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogEntry } from '../../src/sandbox/index.ts';
import { begin, type Options, type Ran, type Story } from './harness.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

/** Ctrl-C as soon as a request like this one has been answered. */
async function cutAfter(words: string, like: (entry: LogEntry) => boolean, more: Options = {}): Promise<Ran> {
  const stop = new AbortController();
  const mark = story.sandbox.log.mark();
  const watch = setInterval(() => {
    if (story.sandbox.log.since(mark).some(like)) stop.abort();
  }, 1);
  const ran = await story.run(words, { ...more, signal: stop.signal });
  clearInterval(watch);
  return ran;
}

describe('Ctrl-C ends with 130 and the line to run again, and that line makes it whole', () => {
  const words = 'init --method csi --yes';
  const putsCluster = ({ method, path }: LogEntry) => method === 'PUT' && path.endsWith('/demo-aks');
  const exchanges = ({ host, kind }: LogEntry) => host.startsWith('login.') && kind === 'token';

  it.each<[string, (entry: LogEntry) => boolean, RegExp]>([
    ['while looking: nothing was written', ({ kind }) => kind === 'read', /Nothing was written/],
    [
      'while the cluster changes: the operation is named, and left to Azure',
      putsCluster,
      /cluster demo-aks(.|\n)*goes on/,
    ],
    ['while proving', exchanges, /proof: demo\/demo can read/],
  ])('%s', async (_, like, says) => {
    story.sandbox.settings.latency = 30;
    const ran = await cutAfter(words, like);
    expect(ran.code).toBe(130);
    expect(ran.err).toMatch(says);
    expect(ran.err).toContain('aks-secrets init --method csi --yes');
    story.sandbox.settings.latency = 0;
    const again = await story.run(words);
    expect({ code: again.code, err: again.code ? again.err : '' }).toEqual({ code: 0, err: '' });
    expect((await story.run(words)).writes).toEqual([]);
  });

  it('as one document too: what was done, what was under way, what was not reached', async () => {
    story.sandbox.settings.latency = 30;
    const ran = await cutAfter(`${words} -o json`, putsCluster);
    const { kind, outcome, exitCode, steps } = JSON.parse(ran.out);
    expect({ code: ran.code, kind, outcome, exitCode }).toEqual({
      ...{ code: 130, kind: 'Evidence', outcome: 'interrupted', exitCode: 130 },
    });
    const outcomes = Object.fromEntries(
      (steps as { id: string; outcome: string; because?: string }[]).map((step) => [step.id, step]),
    );
    expect(outcomes['cluster/demo-aks']).toMatchObject({ outcome: 'not reached', because: 'interrupted' });
    expect(outcomes['manifest/demo/demo/SecretProviderClass']).toMatchObject({ outcome: 'not reached' });
  });

  it('and reads that hang are not waited for', async () => {
    story.sandbox.settings.latency = 3_000;
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const started = performance.now();
    expect((await story.run(words, { signal: stop.signal })).code).toBe(130);
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});

describe('a signal to the process', () => {
  const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

  /** The program in a process of its own, in this world. `onWrite` is called at its first write. */
  async function process(onWrite: (kill: (signal: NodeJS.Signals) => void) => void) {
    const env = { ...globalThis.process.env, AKS_SECRETS_SANDBOX_DIR: join(story.folder, 'sandbox'), NO_COLOR: '1' };
    const child = spawn(globalThis.process.execPath, [cli, 'init', '--sandbox', '--method', 'csi', '--yes'], {
      ...{ env, cwd: story.folder, stdio: ['ignore', 'ignore', 'pipe'] },
    });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const watch = setInterval(() => {
      if (!story.sandbox.log.entries.some(({ kind, via }) => kind === 'write' && via !== 'inside')) return;
      clearInterval(watch);
      onWrite((signal) => child.kill(signal));
    }, 2);
    const started = performance.now();
    const code = await new Promise((done) => child.on('exit', (number, signal) => done(number ?? signal)));
    clearInterval(watch);
    return { code, err, took: performance.now() - started };
  }

  it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])('%s: 130, and what became of each step', async (signal) => {
    story.sandbox.settings.latency = 150;
    const { code, err } = await process((kill) => kill(signal));
    expect({ code, err: code === 130 ? '' : err }).toEqual({ code: 130, err: '' });
    expect(err).toMatch(/aks-secrets init (?=.*--sandbox).*--method csi/);
  });

  it('twice: at once', async () => {
    story.sandbox.settings.latency = 150;
    const { code, err } = await process((kill) => {
      story.sandbox.settings.latency = 20_000;
      kill('SIGINT');
      setTimeout(() => kill('SIGINT'), 100);
    });
    expect(code).toBe(130);
    expect(err).not.toContain('exit 130');
  });
});
