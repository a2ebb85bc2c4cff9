import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, type Story } from './harness.ts';

let story: Story;
beforeAll(async () => {
  story = await begin();
});
afterAll(() => story.close());

const FILE = `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
  - name: orders
    namespace: shop
    method: csi
    secrets: [db-password]
`;
const file = (text: string): string => {
  const path = join(story.folder, `f${Math.random().toString(36).slice(2)}.yaml`);
  writeFileSync(path, text);
  return path;
};

describe('bad input is named, and ends with exit 2 before anything is asked', () => {
  it.each<[string, string, RegExp[]]>([
    ['an unknown method', 'init --method vault-agent', [/vault-agent/, /workload-identity/, /csi/]],
    ['a bad vault name', 'init --method csi --vault my_vault', [/my_vault/, /3.*24/]],
    [
      'a value on the command line',
      'init --method csi --secret-value db-password=hunter2',
      [/no flag takes the value itself/],
    ],
    ['a flag that does not exist', 'init --methood csi', [/methood/, /--method/]],
    ['a command that does not exist', 'inti', [/inti/, /init/]],
  ])('%s', async (_name, words, patterns) => {
    const ran = await story.run(words);
    expect({ code: ran.code, requests: ran.requests }).toEqual({ code: 2, requests: [] });
    for (const pattern of patterns) expect(ran.err + ran.out).toMatch(pattern);
    expect(ran.err + ran.out).not.toContain('hunter2');
  });

  it('a value that is to be written and cannot be had, before anything is changed; one that is there already is not needed', async () => {
    const words = 'init --method csi --secret fresh --secret-value fresh=env:NO_SUCH --secret-value';
    const ran = await story.run(`${words} api-key=file:no-such --secret api-key --yes`);
    expect({ code: ran.code, writes: ran.writes }).toEqual({ code: 2, writes: [] });
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain(
      'The value cannot be taken: env:NO_SUCH is not set. Nothing was written.',
    );
    expect(ran.err).not.toContain('no-such');
  });

  it('everything that is missing, at once', async () => {
    const ran = await story.run('init --yes', { bare: true });
    expect(ran.code).toBe(2);
    for (const flag of [
      '--cluster',
      '--resource-group',
      '--vault',
      '--workload',
      '--namespace',
      '--method',
      '--secret',
    ])
      expect(ran.err).toContain(flag);
    expect(ran.requests).toEqual([]);
  });

  it.each<[string, (text: string) => string, RegExp[]]>([
    [
      'an unknown key, with the nearest one',
      (text) => text.replace('namespace:', 'namspace:'),
      [/namspace/, /namespace/, /:6/],
    ],
    ['tabs', (text) => text.replace('    namespace', '\tnamespace'), [/tab/i, /:6/]],
    ['two workloads of one name', (text) => text + text.slice(text.indexOf('  - name')), [/orders/, /5/, /9/]],
    ['a cloud URL', (text) => `${text}cloud: https://evil.example\n`, [/cloud/, /--cloud/]],
    ['a kubeconfig', (text) => `${text}kubeconfig: ./kube\n`, [/kubeconfig/, /--kubeconfig/]],
    ['a consent', (text) => `${text}yes: true\nallow: [cluster]\n`, [/\byes\b/, /\ballow\b/]],
    [
      'a value from a file',
      (text) => text.replace('[db-password]', '[{ name: a, value: { file: /etc/passwd } }]'),
      [/env/],
    ],
  ])('a file with %s', async (_name, change, patterns) => {
    const ran = await story.run(`init --yes -f ${file(change(FILE))}`, { bare: true });
    expect({ code: ran.code, requests: ran.requests }).toEqual({ code: 2, requests: [] });
    for (const pattern of patterns) expect(ran.err).toMatch(pattern);
  });

  it('a kubeconfig of another cluster: nothing is sent there', async () => {
    const kubeconfig = story.sandbox
      .kubeconfig()
      .replaceAll(/https:\/\/[^\s:]+:443/g, 'https://other-dns-12345678.hcp.westeurope.azmk8s.io:443');
    const ran = await story.run('init --method csi --yes', { kubeconfig });
    expect({ code: ran.code, writes: ran.writes }).toEqual({ code: 2, writes: [] });
    expect(ran.err + ran.out).toMatch(/cannot be shown to lead to the cluster named/);
    expect(ran.requests.filter(({ host }) => host.startsWith('other-dns'))).toEqual([]);
  });
});
