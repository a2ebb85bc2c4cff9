import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { begin, type Ran, type Story } from './harness.ts';

describe.each(methods.map(({ name }) => [name]))('init --method %s, on an older cluster', (method) => {
  let story: Story;
  let first: Ran;
  let again: Ran;
  beforeAll(async () => {
    story = await begin();
    first = await story.run(`init --method ${method} --yes -o json`);
    again = await story.run(`init --method ${method} --yes -o json`);
  });
  afterAll(() => story.close());

  it('makes what is missing, and proves that the pod can read its secrets', () => {
    const evidence = JSON.parse(first.out);
    expect({ code: first.code, outcome: evidence.outcome }).toEqual({ code: 0, outcome: 'done' });
    expect(evidence.workloads).toMatchObject([
      {
        name: 'demo',
        facts: { oidcIssuer: expect.stringMatching(/\/$/), vaultUri: 'https://demo-kv.vault.azure.net' },
      },
    ]);
    const proofs = evidence.proofs as { id: string; outcome: string }[];
    expect(proofs.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['proof/demo', 'proven'],
      ['sample/demo', 'proven'],
    ]);
  });

  it('ends with a pod that read its secrets by its own script', async () => {
    const text = (await story.run(`init --method ${method} --yes`)).out;
    expect(text).toMatch(/pod demo\/demo-sample-\S+ read db-password, \d+ bytes/);
    expect(text).toMatch(/pod demo\/demo-sample-\S+ read api-key, \d+ bytes/);
  });

  it('changes nothing the second time: every step kept, and not one write', () => {
    expect(again.code).toBe(0);
    expect(again.writes).toEqual([]);
    const outcomes = (JSON.parse(again.out).steps as { outcome: string }[]).map(({ outcome }) => outcome);
    expect(new Set(outcomes)).toEqual(new Set(['kept']));
  });

  it('asks nothing twice', () => {
    for (const { requests } of [again]) {
      const asked = requests
        .filter(({ kind }) => kind === 'read')
        .map(({ method: verb, host, path, query }) => `${verb} ${host}${path}?${query}`);
      expect(asked.filter((one, at) => asked.indexOf(one) !== at)).toEqual([]);
    }
  });
});
