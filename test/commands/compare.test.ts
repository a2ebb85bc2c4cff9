import { describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { run } from './ways.ts';

describe('compare', () => {
  it('shows the methods side by side, and when to take which', async () => {
    const { code, out, err } = await run(['compare']);
    expect([code, err]).toEqual([0, '']);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    await expect(out).toMatchFileSnapshot('goldens/compare.txt');
  });

  it.each<[readonly string[], string]>([
    [['--app-can-change', 'yes'], 'workload-identity'],
    [['--app-can-change', 'no', '--needs', 'files'], 'csi'],
    [['--app-can-change', 'no', '--needs', 'env'], 'external-secrets'],
    [['--needs', 'http'], 'dapr'],
    [['--app-can-change', 'no', '--other-stores', 'yes'], 'external-secrets'],
  ])('%s: %s, and why', async (wishes, method) => {
    const { code, out } = await run(['compare', ...wishes, '--quiet']);
    expect(code).toBe(0);
    expect(out).toContain(`Take ${method}: `);
    expect(out).toContain(`aks-secrets init --method ${method}`);
    expect(out).toMatch(/Rather than\n/);
  });

  it('is one document as JSON, with the recommendation where something was wished', async () => {
    const plain = JSON.parse((await run(['compare', '-o', 'json'])).out);
    expect(plain).toMatchObject({ apiVersion: 'aks-secrets/v1', kind: 'Comparison' });
    expect(plain.methods.map(({ name }: { name: string }) => name)).toEqual(methods.map(({ name }) => name));
    expect(plain).not.toHaveProperty('recommendation');
    const wished = JSON.parse((await run(['compare', '--needs', 'env', '-o', 'json'])).out);
    expect(wished.recommendation).toMatchObject({ method: 'external-secrets' });
    expect(wished.recommendation.instead).toHaveLength(methods.length - 1);
  });

  it('takes wishes from the environment, and refuses what nobody can wish', async () => {
    expect((await run(['compare', '-q'], { env: { AKS_SECRETS_NEEDS: 'files' } })).out).toContain('Take csi');
    const { code, err } = await run(['compare', '--needs', 'magic']);
    expect(code).toBe(2);
    expect(err).toContain('--needs: expected files, env, secret, http or code');
  });
});
