import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSandbox } from '../../src/sandbox/index.ts';
import type { Surroundings } from '../../src/surroundings.ts';
import { folder, run } from './ways.ts';

const sandbox = await openSandbox({ dir: folder() });
const surroundings = sandbox.surroundings as Surroundings;
afterAll(() => sandbox.close());
const writes = () =>
  sandbox.log.entries.filter(({ method, host }) => method === 'PUT' && host === 'management.azure.com').length;
const flat = (text: string): string => text.replace(/\s+/g, ' ');

describe('init in surroundings that are handed in', () => {
  it('without a terminal and without --yes shows the plan, writes nothing, and ends with 4', async () => {
    const { code, out, err } = await run(['init', '--method', 'csi'], { surroundings });
    expect(code).toBe(4);
    expect(out).toContain('+ identity');
    expect(flat(err)).toContain('Nothing was written. To apply: aks-secrets init --method csi --yes');
    expect(writes()).toBe(0);
  });

  it('plan is the same document as a dry run, and speaks of changes only when asked to', async () => {
    const plan = await run(['plan', '--method', 'csi', '-o', 'json'], { surroundings });
    const dry = await run(['init', '--dry-run', '--method', 'csi', '--output=json'], { surroundings });
    expect([plan.code, plan.err]).toEqual([0, '']);
    expect(JSON.parse(plan.out)).toMatchObject({ kind: 'Plan', simulated: true });
    expect(dry).toEqual(plan);
    expect((await run(['plan', '--method', 'csi', '--exit-code'], { surroundings })).code).toBe(4);
    expect(writes()).toBe(0);
  });

  it('with a kubeconfig of another cluster ends with 2', async () => {
    const cwd = folder();
    const config = sandbox.kubeconfig().replace(/(server"?: *"?)https:[^\s",]+/g, '$1https://another.example');
    writeFileSync(join(cwd, 'config'), config);
    const { code, err } = await run(['init', '--yes', '--method', 'csi', '--kubeconfig', 'config'], {
      surroundings,
      cwd,
    });
    expect(flat(err)).toMatch(/another/);
    expect(code).toBe(2);
    expect(writes()).toBe(0);
  });

  it('that nobody is signed in to ends with 5', async () => {
    const { Problem } = await import('../../src/trouble.ts');
    const credential = async () => {
      throw new Problem('unsigned', 'sign-in', 'You are not signed in to Azure. Sign in with: az login');
    };
    const { code, out } = await run(['init', '--yes', '--method', 'csi', '-o', 'json'], {
      surroundings: { ...surroundings, credential },
    });
    expect(code).toBe(5);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'Failure',
      exitCode: 5,
      complaints: [{ message: expect.stringContaining('az login') }],
    });
  });

  it('lacks a consent: the rest is done, and it ends with 6', async () => {
    const { allow: _, ...defaults } = surroundings.defaults;
    const { code, err } = await run(['init', '--yes', '--method', 'csi'], {
      surroundings: { ...surroundings, defaults },
    });
    expect(code).toBe(6);
    expect(flat(err)).toContain('--allow cluster');
    expect(writes()).toBeGreaterThan(0);
  });

  it('interrupted before it begins writes nothing and ends with 130', async () => {
    const before = writes();
    const { code } = await run(['init', '--yes', '--method', 'csi'], { surroundings, signal: AbortSignal.abort() });
    expect(code).toBe(130);
    expect(writes()).toBe(before);
  });

  it('is not offered what the user says of other surroundings', async () => {
    const { code, err } = await run(['plan', '--method', 'csi', '--vault', 'shop_kv'], { surroundings });
    expect(code).toBe(2);
    expect(flat(err)).toContain('--vault: "shop_kv" is not the name of a Key Vault');
  });
});
