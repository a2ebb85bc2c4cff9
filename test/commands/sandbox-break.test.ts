import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openSandbox } from '../../src/sandbox/index.ts';
import { folder, run } from './ways.ts';

const dir = folder();
const env = { AKS_SECRETS_SANDBOX_DIR: dir };
const sandbox = await openSandbox({ dir, settings: { replication: 0, operation: 1000 } });
afterAll(() => sandbox.close());
const said = (words: string) => run(words.split(' '), { env });

describe('sandbox break', () => {
  it('lists what it can break, and as JSON also what it cannot, with the reason', async () => {
    const { code, out, err } = await said('sandbox break --list');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^F052 {2}The federated credential names another service account\.$/m);
    expect(out).toMatch(/^F019 .*\(csi\)$/m);
    const json = JSON.parse((await said('sandbox break --list -o json')).out);
    expect(json).toMatchObject({ apiVersion: 'aks-secrets/v1', kind: 'SandboxFailures' });
    expect(json.failures).toContainEqual({
      id: 'F009',
      says: 'The vault is locked against changes.',
      methods: ['workload-identity', 'csi', 'dapr', 'external-secrets'],
      meets: 'init',
    });
    expect(json.notMade).toContainEqual({ id: 'F144', reason: expect.any(String) });
  });

  it('does not take what it does not know, and names what was meant', async () => {
    expect((await said('sandbox break')).err).toContain('Which failure?');
    const { code, err } = await said('sandbox break F52');
    expect(code).toBe(2);
    expect(err).toContain('F52: no such failure; did you mean F052?');
    expect(err).toContain('aks-secrets sandbox break --list');
  });

  it('refuses what it cannot make honestly, with the reason', async () => {
    const { code, err } = await said('sandbox break F144');
    expect(code).toBe(2);
    expect(err).toContain('The sandbox does not break F144: the Key Vault service itself fails');
  });

  it('says what to run first where there is no workload', async () => {
    const { code, out } = await said('sandbox break F052 -o json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'Failure',
      complaints: [
        {
          message: 'F052 cannot be made: there is no ServiceAccount demo.',
          fix: { run: 'aks-secrets init --sandbox --method csi --yes' },
        },
      ],
    });
    expect((await said('sandbox mend')).err).toContain('Nothing is broken in the sandbox.');
  });

  it('breaks once, and mends', async () => {
    expect((await said('init --sandbox --method csi --yes')).code).toBe(0);
    const broken = await said('sandbox break f052');
    expect([broken.code, broken.out]).toEqual([0, '']);
    expect(broken.err.replace(/\s+/g, ' ')).toBe(
      'F052 is so now in the sandbox: The federated credential names another service account. As it was: aks-secrets sandbox mend ',
    );
    expect((await said('plan --sandbox --method csi --exit-code')).code).toBe(4);

    const again = await said('sandbox break F052');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('F052 cannot be made: it is so already.')]);
    const other = await said('sandbox break F025');
    expect(other.err.replace(/\s+/g, ' ')).toContain('it concerns workloads by workload-identity or dapr');
    const second = await said('sandbox break F079 --workload demo/demo --method csi');
    expect(second.code).toBe(0);

    const mended = await said('sandbox mend -o json');
    expect(JSON.parse(mended.out)).toMatchObject({ kind: 'SandboxMended', mended: ['F052', 'F079'] });
    expect((await said('plan --sandbox --method csi --exit-code')).code).toBe(0);
  });

  it('asks the server of another process', async () => {
    const first = await elsewhere('sandbox', 'break', 'F070', '-o', 'json');
    expect(JSON.parse(first.out)).toMatchObject({ kind: 'SandboxBroken', simulated: true, id: 'F070' });
    const [vault] = Object.values(sandbox.place.slice.vaults);
    expect(vault?.resource.properties.enableRbacAuthorization).toBe(false);
    const refused = await elsewhere('sandbox', 'break', 'F070');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('it is so already')]);

    expect((await elsewhere('sandbox', 'mend')).code).toBe(0);
    const [mended] = Object.values(sandbox.place.slice.vaults);
    expect(mended?.resource.properties.enableRbacAuthorization).toBe(true);
  });

  it('is forgotten when the sandbox begins anew', async () => {
    expect((await said('sandbox break F009')).code).toBe(0);
    const { code, out } = await said('sandbox reset -o json');
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, kind: 'SandboxReset', simulated: true });
    expect((await said('sandbox mend')).err).toContain('Nothing is broken in the sandbox.');
  });
});

/** The program in a process of its own. */
async function elsewhere(...argv: string[]) {
  const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, ...argv], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.err += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...text };
}
