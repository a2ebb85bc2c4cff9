import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { begin, type Ran, type Story } from './harness.ts';

let story: Story;
afterEach(() => story.close());

const ALL = '--yes --allow cluster,install,irreversible';
const bare = { bare: true } as const;
const write = (name: string, workloads: readonly string[]): void =>
  writeFileSync(
    join(story.folder, name),
    `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
${workloads.map((workload) => `  - ${workload}\n`).join('')}`,
  );
const count = ({ requests }: Ran, pattern: RegExp): number =>
  requests.filter(({ method, host, path }) => pattern.test(`${method} ${host}${path}`)).length;

describe('a file of 25 workloads, over three vaults and by all methods', () => {
  const VAULTS = ['one-kv', 'two-kv', 'three-kv'];

  it('is applied, and looked at again by what it is made of, not by who uses it', async () => {
    const vaults = VAULTS.map((name) => ({ resourceGroup: 'demo-rg', name, secrets: ['a', 'b', 'c'] }));
    story = await begin({ existing: { vaults } });
    write(
      'many.yaml',
      Array.from(
        { length: 25 },
        (_, at) =>
          `{ name: w${at}, namespace: ns${at % 4}, method: ${methods[at % methods.length]?.name}, vault: { resourceGroup: demo-rg, name: ${VAULTS[at % 3]} }, secrets: [${'abc'[at % 3]}] }`,
      ),
    );
    const first = await story.run(`init -f many.yaml ${ALL}`, bare);
    expect({ code: first.code, err: first.code ? first.err : '' }).toEqual({ code: 0, err: '' });
    // One change of the cluster, whatever they want of it.
    expect(count(first, /^PUT .*managedClusters\/demo-aks$/)).toBe(1);
    const again = await story.run(`init -f many.yaml -o json ${ALL}`, bare);
    expect({ code: again.code, writes: again.writes }).toEqual({ code: 0, writes: [] });
    expect({
      cluster: count(again, /^GET .*managedClusters\/demo-aks$/),
      vaults: count(again, /^GET .*Microsoft.KeyVault\/vaults\/[a-z-]+$/),
      assignments: count(again, /^GET .*roleAssignments$/),
      secrets: count(again, /^GET .*vault.azure.net\/secrets$/),
      credentials: count(again, /listClusterUserCredential/),
      namespaces: count(again, /^GET .*\/namespaces\/ns\d$/),
      identities: count(again, /^GET .*userAssignedIdentities$/),
      eachIdentity: count(again, /^GET .*userAssignedIdentities\/[^/]+$/),
    }).toEqual({
      ...{ cluster: 1, vaults: 3, assignments: 3, secrets: 3, credentials: 1, namespaces: 4 },
      ...{ identities: 1, eachIdentity: 0 },
    });
    const proofs = JSON.parse(again.out).proofs as { outcome: string }[];
    expect(proofs.map(({ outcome }) => outcome)).toEqual(Array(25).fill('proven'));
  });
});

it.each([
  [50, 0],
  [51, 1],
])('of %i workloads memory is spared %i times', async (size, times) => {
  story = await begin();
  write(
    'many.yaml',
    Array.from({ length: size }, (_, at) => `{ name: w${at}, namespace: shop, method: csi, secrets: [a] }`),
  );
  const spare = vi.fn(async () => undefined);
  await story.run('plan -f many.yaml', { ...bare, spare });
  expect(spare).toHaveBeenCalledTimes(times);
});

describe('several workloads of one identity', () => {
  const shared = (names: readonly string[]): string[] =>
    names.map(
      (name) =>
        `{ name: ${name}, namespace: shop, method: workload-identity, identity: { name: shared-id }, secrets: [api-key] }`,
    );

  it('get their credentials one after the other, and one role', async () => {
    story = await begin();
    write('shared.yaml', shared(['one', 'two', 'three']));
    const ran = await story.run(`init -f shared.yaml ${ALL}`, bare);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(ran.requests.filter(({ status }) => status === 409)).toEqual([]);
    expect(count(ran, /^PUT .*federatedIdentityCredentials/)).toBe(3);
    expect(count(ran, /^PUT .*roleAssignments/)).toBe(1);
    expect((await story.run(`init -f shared.yaml ${ALL}`, bare)).writes).toEqual([]);
  });

  it('beyond the twenty that Entra takes: the plan says which ones find no place', async () => {
    story = await begin();
    write('shared.yaml', shared(Array.from({ length: 22 }, (_, at) => `w${at}`)));
    const { out } = await story.run('plan -f shared.yaml -o json --allow cluster,irreversible', bare);
    const blocked = (JSON.parse(out).changes as { id: string; action: string; note?: string }[]).filter(
      ({ id, action }) => id.startsWith('federation/') && action === 'blocked',
    );
    expect(blocked.map(({ id }) => id)).toEqual(['federation/shared-id/shop:w20', 'federation/shared-id/shop:w21']);
    expect(blocked[0]?.note).toMatch(/20/);
  });
});

describe('identities', () => {
  const two = [
    '{ name: one, namespace: shop, method: workload-identity, secrets: [api-key] }',
    '{ name: two, namespace: shop, method: workload-identity, identity: { resourceGroup: other-rg, name: two-id }, secrets: [api-key] }',
  ];
  const reads = (ran: Ran) => ({
    lists: count(ran, /^GET .*userAssignedIdentities$/),
    each: count(ran, /^GET .*userAssignedIdentities\/[^/]+$/),
  });

  it('that lie alone in their groups are looked at by themselves', async () => {
    story = await begin({ existing: { groups: ['other-rg'] } });
    write('two.yaml', two);
    expect(reads(await story.run('plan -f two.yaml', bare))).toEqual({ lists: 0, each: 2 });
  });

  it('are looked at one by one where the caller may not list their group', async () => {
    story = await begin();
    write(
      'two.yaml',
      two.map((line) => line.replace('resourceGroup: other-rg, ', '')),
    );
    expect((await story.run(`init -f two.yaml ${ALL}`, bare)).code).toBe(0);
    story.sandbox.faults.failAt(
      { method: 'GET', path: /userAssignedIdentities$/ },
      {
        status: 403,
        body: {
          error: {
            code: 'AuthorizationFailed',
            message:
              "The client 'you' does not have authorization to perform action 'Microsoft.ManagedIdentity/userAssignedIdentities/read' over scope 'demo-rg'",
          },
        },
      },
    );
    const again = await story.run(`init -f two.yaml ${ALL}`, bare);
    expect({ code: again.code, writes: again.writes, ...reads(again) }).toEqual({
      ...{ code: 0, writes: [] },
      ...{ lists: 1, each: 2 },
    });
  });
});

describe('settings that exclude each other', () => {
  it('are a complaint of the file, with both lines', async () => {
    story = await begin();
    const csi = (name: string, interval: string) =>
      `{ name: ${name}, namespace: shop, method: csi, secrets: [a], rotationInterval: ${interval} }`;
    write('f.yaml', [csi('one', '2m'), csi('two', '10m')]);
    const ran = await story.run(`init -f f.yaml ${ALL}`, bare);
    expect({ code: ran.code, requests: ran.requests }).toEqual({ code: 2, requests: [] });
    expect(ran.err).toMatch(/one wants rotationInterval 2m and two wants 10m \(lines 5 and\s+6\)/);
  });
});
