import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { begin, type Story } from './harness.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const bare = { bare: true } as const;
const GIVEN = '--cluster demo-aks --resource-group demo-rg --vault demo-kv --workload demo --namespace demo';
const ALL = '--yes --allow cluster,irreversible';

/** What the plan is about, in short. */
async function plannedFor(words: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, out, err } = await story.run(`plan ${words}`, { ...bare, env });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.split('\n')[0]!;
}

it('a flag wins over the environment, that over the file, and the file that lies here is taken', async () => {
  const file = `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
  - { name: orders, namespace: from-file, method: csi, secrets: [api-key] }
  - { name: mailer, namespace: from-file, method: workload-identity, secrets: [api-key] }
`;
  writeFileSync(join(story.folder, 'aks-secrets.yaml'), file);
  expect(await plannedFor('')).toMatch(/orders and mailer in from-file/);
  expect(await plannedFor('--workload mailer')).toMatch(/mailer in from-file/);
  const env = { AKS_SECRETS_WORKLOAD: 'mailer', AKS_SECRETS_NAMESPACE: 'from-env' };
  expect(await plannedFor('', env)).toMatch(/mailer in from-env/);
  expect(await plannedFor('--namespace from-flag', env)).toMatch(/mailer in from-flag/);
  // A flag about one workload needs one to be about.
  expect(await story.run('plan --namespace x', bare)).toMatchObject({ code: 2, requests: [] });
});

it('the whole run by environment alone', async () => {
  const env = {
    ...{ AKS_SECRETS_CLUSTER: 'demo-aks', AKS_SECRETS_RESOURCE_GROUP: 'demo-rg', AKS_SECRETS_VAULT: 'demo-kv' },
    ...{ AKS_SECRETS_WORKLOAD: 'demo', AKS_SECRETS_NAMESPACE: 'demo', AKS_SECRETS_METHOD: 'csi' },
    ...{ AKS_SECRETS_SECRET: 'db-password,api-key=KEY', AKS_SECRETS_YES: '1', AKS_SECRETS_OUTPUT: 'json' },
    AKS_SECRETS_ALLOW: 'cluster,irreversible',
  };
  const ran = await story.run('init', { ...bare, env });
  expect({ code: ran.code, outcome: JSON.parse(ran.out).outcome }).toEqual({ code: 0, outcome: 'done' });
});

it('a saved file asks for the same: applied again, nothing is to change', async () => {
  const words = `${GIVEN} --method csi --secret db-password=DB --role-scope secret --sync-secret demo-values --rotation-interval 3m`;
  const first = await story.run(`init ${words} --save aks-secrets.yaml ${ALL}`, bare);
  expect({ code: first.code, err: first.code ? first.err : '' }).toEqual({ code: 0, err: '' });
  expect(readFileSync(join(story.folder, 'aks-secrets.yaml'), 'utf8')).toMatch(/syncSecret: demo-values/);
  expect(await story.run('plan --exit-code', bare)).toMatchObject({ code: 0, writes: [] });
  expect(await story.run('init --yes', bare)).toMatchObject({ code: 0, writes: [] });
});

it('--timeout ends with 124 and what is known by then, in every format', async () => {
  story.sandbox.settings.latency = 400;
  const text = await story.run('init --method csi --yes --timeout 1s');
  expect(text.code).toBe(124);
  expect(text.err).toContain('aks-secrets init --method csi --yes');
  story.sandbox.settings.latency = 0;
  expect((await story.run('init --method csi --yes')).code).toBe(0);
  story.sandbox.settings.latency = 1_200;
  const looking = await story.run('init --method csi --yes --timeout 1s -o json');
  expect(looking.code).toBe(124);
  expect(JSON.parse(looking.out)).toMatchObject({ kind: 'Failure', exitCode: 124 });
});

it('the code is the same in every format', async () => {
  const commands = [
    `init ${GIVEN} --method csi --secret a`,
    `init ${GIVEN} --method csi --secret api-key --yes`,
    'init --method csi --cluster none-aks --yes',
    'plan --method csi --exit-code',
    'init --methood csi',
  ];
  for (const words of commands) {
    const more = words.includes('--cluster demo-aks') ? bare : {};
    const [text, json] = [await story.run(words, more), await story.run(`${words} -o json`, more)];
    const { kind, apiVersion } = JSON.parse(json.out);
    expect({ words, code: json.code, apiVersion }).toEqual({ words, code: text.code, apiVersion: 'aks-secrets/v1' });
    expect(['Plan', 'Evidence', 'Failure']).toContain(kind);
    expect(text.code).not.toBe(0);
  }
});
