import { afterEach, describe, expect, it } from 'vitest';
import { begin, type Story } from './harness.ts';

let story: Story;
afterEach(() => story.close());

const SIGNED_IN = { AZURE_SUBSCRIPTION_ID: '5ab5c000-0000-4000-8000-000000000001' };
const complete = async (line: string, env: NodeJS.ProcessEnv = SIGNED_IN) => {
  const ran = await story.run(`__complete ${line}`, { bare: true, env });
  expect({ code: ran.code, err: ran.err, writes: ran.writes }).toEqual({ code: 0, err: '', writes: [] });
  return { words: ran.out.split('\n').flatMap((one) => one.split('\t')[0] || []), requests: ran.requests };
};

describe('the tabulator key, where somebody is signed in', () => {
  it('offers clusters, vaults and the namespaces of the cluster that the line names', async () => {
    story = await begin({ existing: { vaults: [{ resourceGroup: 'demo-rg', name: 'other-kv' }] } });
    expect((await complete('init --cluster d')).words).toEqual(['demo-aks']);
    expect((await complete('init --vault o')).words).toEqual(['other-kv']);
    const { words } = await complete('init --cluster demo-aks --resource-group demo-rg --namespace kube');
    expect(words).toContain('kube-system');
    expect((await complete('init --namespace kube')).words).toEqual([]);
  });

  it('asks nobody where no sign-in is at hand', async () => {
    story = await begin();
    expect(await complete('init --cluster d', {})).toEqual({ words: [], requests: [] });
  });
});
