import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { folder, run } from './ways.ts';

const DESCRIBED = `Events:
  Type     Reason       Age                From     Message
  ----     ------       ----               ----     -------
  Warning  FailedMount  2m (x9 over 5m)    kubelet  MountVolume.SetUp failed for volume "secrets" : rpc error: code = Unknown desc = failed to mount secrets store objects for pod shop/orders-7d4c, err: rpc error: code = Unknown desc = failed to mount objects, error: failed to get keyvault client: failed to get authorizer for keyvault client: failed to get credentials, nodePublishSecretRef secret is not set
`;
const SAID = `F091  The SecretProviderClass names no identity

  From    "nodePublishSecretRef secret is not set"
  Cause   clientID is missing under parameters (or is spelt clientId), so the
          provider looks for a service principal's secret.
  Fix     Set spec.parameters.clientID to the identity's client id (init does),
          and restart the pod.
          kubectl get secretproviderclass CLASS --namespace shop --output yaml
  Risk    It restarts pods.
  Check   aks-secrets verify --pod shop/orders-7d4c

F110 in this text only reports it.
`;
/** A file in a folder of its own. */
const written = (name: string, text: string | Buffer): string => {
  const cwd = folder();
  writeFileSync(join(cwd, name), text);
  return cwd;
};

describe('explain', () => {
  it('reads a pipe', async () => {
    expect(await run(['explain'], { input: DESCRIBED })).toEqual({ code: 0, out: SAID, err: '' });
    expect((await run(['explain', '-'], { input: DESCRIBED })).out).toBe(SAID);
  });

  it('reads words', async () => {
    expect((await run(['explain', DESCRIBED])).out).toBe(SAID);
    const { code, out } = await run(['explain', 'AADSTS700213:', 'No', 'matching', 'federated', 'identity', 'record']);
    expect(code).toBe(0);
    expect(out).toMatch(/^F052 {2}The identity does not trust this service account\n/);
  });

  it('reads a file that a word or -f names', async () => {
    const cwd = written('pod.log', DESCRIBED);
    expect((await run(['explain', 'pod.log'], { cwd })).out).toBe(SAID);
    expect((await run(['explain', '-f', 'pod.log'], { cwd })).out).toBe(SAID);
  });

  it('reads what PowerShell writes', async () => {
    const cwd = written('pod.log', Buffer.from(`\uFEFF${DESCRIBED.replaceAll('\n', '\r\n')}`, 'utf16le'));
    expect((await run(['explain', 'pod.log'], { cwd })).out).toBe(SAID);
  });

  it('does not take the file of the workloads for a text', async () => {
    const cwd = written('aks-secrets.yaml', 'AADSTS700016');
    const { out } = await run(['explain'], { cwd, input: DESCRIBED, env: { AKS_SECRETS_FILE: 'aks-secrets.yaml' } });
    expect(out).toBe(SAID);
  });

  it('says what it does not know, and what to do', async () => {
    const { code, out, err } = await run(['explain'], { input: 'ImagePullBackOff' });
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toBe(`Nothing known in this text.

It may be cut off: kubectl describe of the pod, its ReplicaSet, ExternalSecret
or SecretStore shows more. Or let the world itself be looked at:
    aks-secrets verify --pod NAMESPACE/POD
`);
  });

  it('is one document as JSON, known or not', async () => {
    const { code, out } = await run(['explain', '-o', 'json'], { input: DESCRIBED });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      apiVersion: 'aks-secrets/v1',
      kind: 'Explanation',
      matches: [
        {
          failure: 'F091',
          title: 'The SecretProviderClass names no identity',
          confidence: 'high',
          cause: expect.stringContaining('clientID is missing'),
          fix: {
            say: expect.stringContaining('Set spec.parameters.clientID'),
            run: 'kubectl get secretproviderclass <class> --namespace shop --output yaml',
            risk: 'restarts',
          },
          evidence: 'nodePublishSecretRef secret is not set',
          check: 'aks-secrets verify --pod shop/orders-7d4c',
          docs: 'docs/failures/F091.md',
        },
        expect.objectContaining({ failure: 'F110', confidence: 'low', wraps: true }),
      ],
    });
    const nothing = await run(['explain', '-o', 'json', 'all is well']);
    expect(nothing.code).toBe(1);
    expect(JSON.parse(nothing.out)).toEqual({ apiVersion: 'aks-secrets/v1', kind: 'Explanation', matches: [] });
  });

  it('says how it is used where there is nothing to read', async () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    for (const more of [{ stdin: terminal }, { input: '' }, { input: ' \n' }]) {
      const { code, out, err } = await run(['explain'], more);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain('There is no text to explain.');
      expect(err).toContain('kubectl describe pod POD | aks-secrets explain');
    }
    const { code, out } = await run(['explain', '-o', 'json'], { stdin: terminal });
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ kind: 'Failure', exitCode: 2 });
  });

  it('says which file it cannot read', async () => {
    const cwd = folder();
    mkdirSync(join(cwd, 'logs'));
    expect((await run(['explain', '-f', 'pod.log'], { cwd })).err).toContain('pod.log: There is no such file.');
    const { code, err } = await run(['explain', 'logs'], { cwd });
    expect(code).toBe(2);
    expect(err).toContain('logs: This cannot be read (EISDIR).');
  });

  it('ends on Ctrl-C, also while it waits for a pipe', async () => {
    const stop = new AbortController();
    const ended = run(['explain'], { stdin: new PassThrough(), signal: stop.signal });
    setImmediate(() => stop.abort());
    expect((await ended).code).toBe(130);
  });

  it('lets nothing of the text reach the terminal', async () => {
    const hostile = `\u001b]0;owned\u0007\u001b[2J\u009b31mERR_SECRET_STORE_NOT_FOUND \u202efailed finding secret store with key \u001b[8mkv\u0000\u0007 client_secret=hunter2hunter2`;
    for (const format of ['text', 'json']) {
      const { out } = await run(['explain', '-o', format], { input: hostile });
      expect(out).toContain('F131');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|hunter2|owned/);
    }
  });

  it('fits in 80 columns but for lines to paste, whatever it explains', async () => {
    const { out } = await run(['explain'], {
      input: `${DESCRIBED} AADSTS700211 ForbiddenByFirewall no matches for kind "SecretStore" in version "external-secrets.io/v1beta1"`,
    });
    expect(out).toMatch(/^4 failures in this text, the root cause first\.\n/);
    expect([...out.matchAll(/^F\d{3}/gm)].map(([id]) => id)).toEqual(['F050', 'F073', 'F091', 'F111', 'F110']);
    const wide = out.split('\n').filter((line) => line.length > 80);
    expect(wide.filter((line) => !/^ {10}(az|kubectl|aks-secrets) /.test(line))).toEqual([]);
  });
});
