import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Release } from '../../src/helm/helm.ts';
import { createHelm } from '../../src/helm/index.ts';
import { Secret } from '../../src/secret.ts';
import { Problem } from '../../src/trouble.ts';

const release: Release = {
  ...{ name: 'eso', chart: 'external-secrets', repository: 'https://charts.example', version: '2.9.0' },
  ...{ namespace: 'tools', timeout: '5m' },
};
const TOKEN = 'token-of-the-test-71a2';
/** Whoever hands a kubeconfig over knows its token as a secret. */
const held = new Secret(TOKEN);
const kubeconfig = async () => new Secret(JSON.stringify({ users: [{ user: { token: held.reveal() } }] }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program called helm, of this text, in a folder of its own; answers that folder. */
function program(text: string, more: { mode?: number; name?: string } = {}): string {
  const programs = join(folder, 'programs');
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, more.name ?? 'helm'), `#!${process.execPath}\n${text}`);
  chmodSync(join(programs, more.name ?? 'helm'), more.mode ?? 0o755);
  return programs;
}
const helmIn = (PATH: string | undefined, more: { env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {}) =>
  createHelm({
    env: { ...(PATH !== undefined && { PATH }), ...more.env },
    signal: more.signal ?? new AbortController().signal,
    kubeconfig,
  });
const problemOf = async (work: Promise<unknown>): Promise<Problem> => {
  const error = await work.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Problem);
  return error as Problem;
};
/** What the child saw, and where its kubeconfig lay. */
const report = () => JSON.parse(readFileSync(join(folder, 'seen.json'), 'utf8'));
const REPORT = () => `const fs = require('node:fs');
const words = process.argv.slice(2);
const file = words.at(-1);
const mode = (path) => (fs.statSync(path).mode & 0o777).toString(8);
const seen = { words, file, modes: [mode(file), mode(require('node:path').dirname(file))], text: fs.readFileSync(file, 'utf8'), env: process.env };
fs.writeFileSync(${JSON.stringify(join(folder, 'seen.json'))}, JSON.stringify(seen));
`;

describe('helm', () => {
  it.each<[string, () => string | undefined, boolean]>([
    ['in the second folder of PATH', () => ['/nowhere', '', program('')].join(delimiter), true],
    ['that may not be run', () => program('', { mode: 0o644 }), false],
    ['of another name', () => program('', { name: 'helm3' }), false],
    ['without a PATH', () => undefined, false],
  ])('%s', async (_name, path, found) => {
    expect(await helmIn(path()).found()).toBe(found);
  });

  it('a folder of that name is no program', async () => {
    mkdirSync(join(folder, 'programs', 'helm'), { recursive: true });
    expect(await helmIn(join(folder, 'programs')).found()).toBe(false);
  });

  it('is given the release, and the one cluster in a file that nobody else can read and that is gone afterwards', async () => {
    await helmIn(program(REPORT())).install(release);
    const { words, file, modes, text } = report();
    expect(words.slice(0, -2).join(' ')).toBe(
      'upgrade --install eso external-secrets --repo https://charts.example --version 2.9.0 --namespace tools --create-namespace --wait --timeout 5m',
    );
    expect(words.at(-2)).toBe('--kubeconfig');
    expect({ modes, token: JSON.parse(text).users[0].user.token }).toEqual({ modes: ['600', '700'], token: TOKEN });
    expect(existsSync(dirname(file))).toBe(false);
  });

  it('is told of no other cluster by its environment, and of nothing that was not given', async () => {
    const env = {
      KUBECONFIG: '/mine',
      HELM_KUBECONTEXT: 'prod',
      HELM_KUBETOKEN: 'x',
      HELM_NAMESPACE: 'y',
      HELM_CACHE_HOME: '/c',
    };
    await helmIn(program(REPORT()), { env }).install(release);
    const seen = Object.keys(report().env).filter((name) => !name.startsWith('__'));
    expect(seen.sort()).toEqual(['HELM_CACHE_HOME', 'PATH']);
  });

  it('that fails is a problem with its last error and all that it printed, without a token', async () => {
    const text = `console.log('Installing it now.'); console.error('Error: timed out, token ${TOKEN}'); console.error('see above'); process.exit(1)`;
    const { message, detail, trouble } = await problemOf(helmIn(program(REPORT() + text)).install(release));
    expect(trouble).toBe('refused');
    expect(message).toBe('helm could not install external-secrets 2.9.0. Error: timed out, token [secret]');
    expect(detail).toBe('helm printed: Installing it now. / see above');
    expect(existsSync(report().file)).toBe(false);
  });

  it('that is no program after all is a problem, and leaves no file', async () => {
    const programs = program('');
    writeFileSync(join(programs, 'helm'), '#!/nowhere/at/all\n');
    expect((await problemOf(helmIn(programs).install(release))).message).toContain('ENOENT');
  });

  it('that is not here is a problem that says where to get it', async () => {
    expect((await problemOf(helmIn('/nowhere').install(release))).message).toContain('https://helm.sh');
  });

  it('is ended by an interruption; its kubeconfig is gone at once, and the interruption is what is thrown', async () => {
    const text = `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); fs.writeFileSync(${JSON.stringify(join(folder, 'ready'))}, '');`;
    const stop = new AbortController();
    const installing = helmIn(program(REPORT() + text), { signal: stop.signal }).install(release);
    while (!existsSync(join(folder, 'ready'))) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(existsSync(report().file)).toBe(true);
    const why = new Error('interrupted');
    stop.abort(why);
    expect(existsSync(report().file)).toBe(false);
    await expect(installing).rejects.toBe(why);
  });

  it('is not started after an interruption', async () => {
    const why = new Error('interrupted');
    const helm = helmIn(program(REPORT()), { signal: AbortSignal.abort(why) });
    await expect(helm.install(release)).rejects.toBe(why);
    expect(existsSync(join(folder, 'seen.json'))).toBe(false);
  });
});
