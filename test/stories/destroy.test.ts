import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import type { Surroundings } from '../../src/surroundings.ts';
import { sit } from '../wizard/terminal.ts';
import { EXHAUSTIVE, orAll } from './exhaustive.ts';
import { begin, type Ran, type Story, worldOf } from './harness.ts';
import { credentialsIn, deleteCluster, identityIn, kubectl, trustByHand } from './others.ts';

let story: Story;
beforeEach(async () => {
  // What runs in the pod is not what is told here, but where it is said.
  story = await begin({ noSample: true });
});
afterEach(() => story.close());

const well = async (words: string, more?: Parameters<Story['run']>[1]): Promise<Ran> => {
  const ran = await story.run(words, more);
  expect({ words, code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ words, code: 0, err: '' });
  await story.sandbox.settled();
  return ran;
};
interface Step {
  readonly id: string;
  readonly action: string;
  readonly outcome: string;
  readonly note?: string;
  readonly run?: string;
}
const documentOf = ({ out }: Ran) => JSON.parse(out) as { kind: string; changes: Step[]; steps: Step[] };
const ids = (steps: readonly Step[], field: 'action' | 'outcome', value: string): string[] =>
  steps.filter((step) => step[field] === value).map(({ id }) => id);
const roles = () => Object.values(story.sandbox.place.slice.assignments).map(({ resource }) => resource.properties);

describe.each(orAll(methods, ({ name }) => name === 'csi').map(({ name }) => name))(
  'init, then destroy, by %s',
  (method) => {
    // Its neighbour stays: it has switched on in the cluster what both need, and made the namespace.
    const neighbour = `--method ${method} --workload neighbour --service-account neighbour`;

    it('leaves the world as it was, and a neighbour that still reads', async () => {
      await well(`init ${neighbour} --yes`, { noSample: false });
      const before = worldOf(story);
      await well(`init --method ${method} --yes`, { noSample: false });
      expect(worldOf(story)).not.toEqual(before);
      const planned = documentOf(await well(`destroy --method ${method} --dry-run -o json`));
      const ended = documentOf(await well(`destroy --method ${method} --yes -o json`));
      expect(worldOf(story)).toEqual(before);
      expect({ plan: planned.kind, end: ended.kind }).toEqual({ plan: 'Plan', end: 'Evidence' });
      // What the plan said is what came to be.
      expect(ids(ended.steps, 'outcome', 'removed')).toEqual(ids(planned.changes, 'action', 'remove'));
      expect(ids(ended.steps, 'outcome', 'left')).toEqual(ids(planned.changes, 'action', 'leave'));
      expect((await well(`init ${neighbour} --yes`, { noSample: false })).writes).toEqual([]);
    });

    it('has nothing to do the second time, nor where there never was anything', async () => {
      expect((await well(`destroy --method ${method} --yes`)).writes).toEqual([]);
      await well(`init --method ${method} --yes`);
      await well(`destroy --method ${method} --yes`);
      const again = await well(`destroy --method ${method} --yes`);
      expect({ writes: again.writes, out: again.out }).toEqual({
        writes: [],
        out: expect.stringMatching(/^Nothing to remove, \d+ left in place\.\n$/),
      });
    });
  },
);

describe('nothing of others is lost', () => {
  const init = 'init --method csi --yes';
  const destroy = 'destroy --method csi --yes';

  it('what stays is listed, each with the reason, and with the command that would remove it', async () => {
    await well(init);
    const { changes } = documentOf(await well('destroy --method csi --dry-run -o json'));
    const left = changes.filter(({ action }) => action === 'leave').map(({ id, run }) => `${id} ${run ?? '-'}`);
    expect(left).toEqual([
      'cluster/demo-aks az aks delete --resource-group demo-rg --name demo-aks',
      'cluster/demo-aks#1 -',
      'cluster/demo-aks#2 az aks update --resource-group demo-rg --name demo-aks --disable-workload-identity',
      expect.stringMatching(/^cluster\/demo-aks#3 az aks disable-addons .* --addons azure-keyvault-secrets-provider$/),
      'vault/demo-kv az keyvault delete --name demo-kv',
      'secret/demo-kv/api-key az keyvault secret delete --vault-name demo-kv --name api-key',
      'secret/demo-kv/db-password az keyvault secret delete --vault-name demo-kv --name db-password',
      'manifest/demo/Namespace kubectl delete namespace demo',
    ]);
  });

  it('secrets, and what a stranger put into the namespace', async () => {
    await well(init);
    await kubectl(story, 'POST', '/api/v1/namespaces/demo/configmaps', {
      ...{ apiVersion: 'v1', kind: 'ConfigMap' },
      metadata: { name: 'theirs', labels: { 'app.kubernetes.io/managed-by': 'aks-secrets' } },
    });
    const secrets = () => structuredClone(story.sandbox.parts.state.vaults);
    const before = secrets();
    await well(destroy);
    expect(secrets()).toEqual(before);
    expect((await kubectl(story, 'GET', '/api/v1/namespaces/demo/configmaps/theirs')).status).toBe(200);
  });

  it('a foreign credential on the identity keeps it and its access, until it is gone', async () => {
    await well(init);
    const stranger = { name: 'by-hand', issuer: 'https://example.com/', subject: 'repo:shop/orders' };
    trustByHand(story, 'demo', stranger);
    const ran = await well(destroy);
    expect(ran.err).toMatch(/it trusts repo:shop\/orders \(credential by-hand\)/);
    expect(credentialsIn(story, 'demo')).toEqual(['by-hand']);
    expect(roles().filter(({ description }) => String(description).startsWith('aks-secrets '))).toHaveLength(1);
    identityIn(story, 'demo')!.credentials = {};
    await well(destroy);
    expect(identityIn(story, 'demo')).toBeUndefined();
    expect(roles().filter(({ description }) => String(description).startsWith('aks-secrets '))).toEqual([]);
  });

  it('a role that somebody gave the identity keeps the identity', async () => {
    await well(init);
    const { principalId } = identityIn(story, 'demo')!.resource.properties as { principalId: string };
    const [ours] = Object.values(story.sandbox.place.slice.assignments).filter(
      ({ resource }) => resource.properties.principalId === principalId,
    );
    const theirs = structuredClone(ours!);
    theirs.resource.name = '11111111-2222-4333-8444-555555555555';
    theirs.resource.id = theirs.resource.id.replace(/[^/]+$/, theirs.resource.name);
    theirs.resource.properties.description = null;
    theirs.resource.properties.scope = theirs.resource.id.split('/providers/Microsoft.KeyVault')[0];
    story.sandbox.place.slice.assignments[theirs.resource.id.toLowerCase()] = theirs;
    const ran = await well(destroy);
    expect(ran.err).toMatch(/it holds Key Vault Secrets User on resource\s+group demo-rg/);
    expect(identityIn(story, 'demo')).toBeDefined();
    expect(credentialsIn(story, 'demo')).toEqual([]);
  });

  it('a service account of theirs stays, without the annotations that were ours', async () => {
    await well('init --method csi --yes');
    await kubectl(story, 'POST', '/api/v1/namespaces/demo/serviceaccounts?fieldManager=kubectl-create', {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount' },
      metadata: { name: 'web', annotations: { 'example.com/owner': 'ana' } },
    });
    const web = '--method workload-identity --workload web --service-account web --yes';
    await well(`init ${web}`);
    await well(`destroy ${web}`);
    const { body } = await kubectl(story, 'GET', '/api/v1/namespaces/demo/serviceaccounts/web');
    expect(body.metadata.annotations).toEqual({ 'example.com/owner': 'ana' });
    expect((await well(`destroy ${web}`)).writes).toEqual([]);
  });

  it('what Argo CD keeps is removed there, and not here', async () => {
    await well(init);
    const path = '/api/v1/namespaces/demo/serviceaccounts/demo';
    const metadata = { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ServiceAccount:demo/demo' } };
    await kubectl(story, 'PATCH', path, { metadata }, 'application/merge-patch+json');
    const ran = await well(destroy);
    expect(ran.err).toMatch(/kept by Argo CD/);
    expect((await kubectl(story, 'GET', path)).status).toBe(200);
  });

  it('a policy of the identity goes, and all others stay', async () => {
    const { properties } = Object.values(story.sandbox.place.slice.vaults)[0]!.resource;
    const foreign = {
      ...{ tenantId: story.sandbox.place.tenantId, objectId: '11111111-2222-4333-8444-555555555555' },
      permissions: { secrets: ['get', 'list'] },
    };
    const caller = { ...foreign, objectId: 'ca11e700-0000-4000-8000-000000000001', permissions: { secrets: ['all'] } };
    Object.assign(properties, { enableRbacAuthorization: false, accessPolicies: [foreign, caller] });
    await well(init);
    expect(properties.accessPolicies).toHaveLength(3);
    await well(destroy);
    expect(properties.accessPolicies).toMatchObject([foreign, caller]);
    expect(identityIn(story, 'demo')).toBeUndefined();
  });
});

describe('what a removal needs', () => {
  const destroy = 'destroy --method csi --yes';

  it('no secret, no value and no vault', async () => {
    await well('init --method csi --yes');
    for (const [key, { resource }] of Object.entries(story.sandbox.place.slice.vaults))
      if (resource.name === 'demo-kv') delete story.sandbox.place.slice.vaults[key];
    const given = '--cluster demo-aks --resource-group demo-rg --vault demo-kv --workload demo --namespace demo';
    const ran = await well(`${destroy} ${given}`, { bare: true });
    expect(ran.err).not.toMatch(/= vault demo-kv/);
    expect(identityIn(story, 'demo')).toBeUndefined();
  });

  it('no cluster: what was in it is gone with it, and what it left in Azure goes', async () => {
    await well('init --method csi --yes');
    deleteCluster(story, 'demo-aks');
    const ran = await well(destroy);
    expect(ran.err).toMatch(/the cluster is gone, and no other has its issuer/);
    expect(ran.err).toContain('There is no cluster demo-aks');
  });

  it('a name that is mistyped is not taken for a job done', async () => {
    const ran = await story.run('destroy --method csi --cluster typo-aks --vault typo-kv --yes');
    expect({ code: ran.code, writes: ran.writes }).toEqual({ code: 0, writes: [] });
    const said = ran.err.replaceAll(/\s+/g, ' ');
    expect(said).toContain('There is no cluster typo-aks: what was in it is gone with it, if that is its name.');
    expect(said).toContain('There is no vault typo-kv: what was in it is gone with it, if that is its name.');
    expect(identityIn(story, 'demo')).toBeUndefined();
    expect(roles().filter(({ description }) => String(description).startsWith('aks-secrets '))).toEqual([]);
    expect((await well(destroy)).writes).toEqual([]);
  });

  it('a cluster that answers, for what is in it: the rest goes, the reason is named, exit 1; then the same again', async () => {
    await well('init --method csi --yes');
    const heal = story.sandbox.faults.failAt({ host: /azmk8s/ }, 'reset');
    const ran = await story.run(destroy);
    expect({ code: ran.code, identity: identityIn(story, 'demo') }).toEqual({ code: 1, identity: undefined });
    expect(ran.err).toMatch(/blocked/);
    heal();
    await well(destroy);
    expect((await kubectl(story, 'GET', '/api/v1/namespaces/demo/serviceaccounts/demo')).status).toBe(404);
  });

  it('to see the cluster itself, for whose trust it is: nothing goes in the dark', async () => {
    await well('init --method csi --yes');
    const heal = story.sandbox.faults.failAt({ method: 'GET', path: /managedClusters\/demo-aks$/ }, 'reset');
    const ran = await story.run(destroy);
    expect(ran.code).toBe(1);
    expect(ran.writes.filter(({ host }) => host.startsWith('management.'))).toEqual([]);
    heal();
    await well(destroy);
    expect(identityIn(story, 'demo')).toBeUndefined();
  });

  it('rights: who lacks one hears which, and who has it runs the same; the rest is done; exit 6', async () => {
    await well('init --method csi --yes');
    story.sandbox.world.noRoleAssignmentRights();
    const ran = await story.run(destroy);
    expect(ran.code).toBe(6);
    expect(ran.err).toContain('Microsoft.Authorization/roleAssignments/delete');
    expect(ran.err).toMatch(/Somebody who may runs:\n {4}aks-secrets destroy --method csi\n/);
    expect(credentialsIn(story, 'demo')).toEqual([]);
    expect(identityIn(story, 'demo')).toBeDefined();
    story.sandbox.world.callerIs('Owner');
    await well(destroy);
    expect(identityIn(story, 'demo')).toBeUndefined();
  });
});

describe('consent', () => {
  it('without a terminal and without --yes: the plan, and exit 4', async () => {
    await well('init --method csi --yes');
    const ran = await story.run('destroy --method csi');
    expect({ code: ran.code, writes: ran.writes }).toEqual({ code: 4, writes: [] });
    expect(ran.out).toContain('- identity');
    expect(ran.err).toContain('aks-secrets destroy --method csi --yes');
    expect(await story.run('destroy --method csi --dry-run')).toMatchObject({ code: 0, writes: [] });
  });

  it.each([
    ['y', 0],
    ['n', 4],
  ])('on a terminal it asks once, and %s is obeyed', async (answer, code) => {
    await well('init --method csi --yes');
    const defaults = story.sandbox.surroundings.defaults as Surroundings['defaults'];
    const terminal = sit(story, 'destroy --method csi', { defaults });
    await terminal.answer('demo/demo will no longer reach its secrets. Remove? (y/N)', `${answer}\r`);
    expect({ code: await terminal.ended, left: identityIn(story, 'demo') !== undefined }).toEqual({
      code,
      left: code > 0,
    });
  });

  it('Ctrl-C: nothing more is begun, and the same again makes it whole', async () => {
    await well('init --method csi --yes');
    story.sandbox.settings.latency = 30;
    const stop = new AbortController();
    const mark = story.sandbox.log.mark();
    const watch = setInterval(() => {
      if (story.sandbox.log.since(mark).some(({ method }) => method === 'DELETE')) stop.abort();
    }, 1);
    const ran = await story.run('destroy --method csi --yes', { signal: stop.signal });
    clearInterval(watch);
    expect({ code: ran.code, identity: identityIn(story, 'demo') !== undefined }).toEqual({
      code: 130,
      identity: true,
    });
    expect(ran.err).toContain('aks-secrets destroy --method csi');
    story.sandbox.settings.latency = 0;
    await well('destroy --method csi --yes');
    expect(identityIn(story, 'demo')).toBeUndefined();
  });
});

describe('a file of several', () => {
  const bare = { bare: true } as const;
  const write = (...workloads: readonly string[]) =>
    writeFileSync(
      join(story.folder, 'aks-secrets.yaml'),
      `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
${workloads.map((workload) => `  - { ${workload}, namespace: shop, method: workload-identity, secrets: [api-key] }\n`).join('')}`,
    );
  const ALL = '--yes --allow cluster,irreversible';

  it('one goes: what it shares with another one stays, until that one goes too', async () => {
    write('name: one, identity: { name: shared-id }', 'name: two, identity: { name: shared-id }');
    await well(`init --workload two ${ALL}`, bare);
    const alone = worldOf(story);
    await well(`init ${ALL}`, bare);
    const ran = await well('destroy --workload one --yes', bare);
    expect(ran.err).toMatch(/it is what shop\/two \(credential\s+aks-secrets-\w+\) lives by/);
    expect(worldOf(story)).toEqual(alone);
    expect((await well(`init --workload two ${ALL}`, bare)).writes).toEqual([]);
    await well('destroy --workload two --yes', bare);
    expect(identityIn(story, 'shared-id')).toBeUndefined();
  });

  it('one goes: the service account of both stays, and says for whom', async () => {
    const shared = 'serviceAccount: shop, identity: { name: shared-id }';
    write(`name: one, ${shared}`, `name: two, ${shared}`);
    await well(`init ${ALL}`, bare);
    const before = worldOf(story);
    const ran = await well('destroy --workload one --yes', bare);
    expect({ writes: ran.writes, err: ran.err }).toEqual({
      writes: [],
      err: expect.stringContaining('also serves two, which stays'),
    });
    expect(worldOf(story)).toEqual(before);
    await well('destroy --yes', bare);
    expect(identityIn(story, 'shared-id')).toBeUndefined();
  });
});

it('what an interrupted run left of --grant-self is taken back', async () => {
  story.sandbox.world.noDataRights();
  const env = { V: 'invented' };
  const ask = '--method workload-identity --secret fresh --secret-value fresh=env:V --grant-self --yes';
  story.sandbox.faults.failAt({ method: 'DELETE', path: /roleAssignments/ }, 'reset');
  expect((await story.run(`init ${ask}`, { env, noSample: true })).code).not.toBe(0);
  story.sandbox.faults.heal();
  expect(roles().some(({ description }) => description === 'aks-secrets temporary grant')).toBe(true);
  await well('destroy --method workload-identity --secret fresh --yes');
  expect(roles().some(({ description }) => String(description).startsWith('aks-secrets '))).toBe(false);
});

(EXHAUSTIVE ? describe : () => undefined)('destroy, cut off', () => {
  it.each(['before', 'after'] as const)(
    'at any write, %s it took effect, can be run again, and makes the same world',
    async (when) => {
      const cutAt = async (n: number): Promise<{ cut: boolean; world: unknown }> => {
        const one = await begin();
        await one.run('init --method csi --yes');
        one.sandbox.faults.cutAtWrite(n, when);
        const first = await one.run('destroy --method csi --yes');
        const { cut } = one.sandbox.faults;
        expect({ n, done: first.code === 0 }).toEqual({ n, done: !cut });
        one.sandbox.faults.heal();
        const second = await one.run('destroy --method csi --yes');
        expect({ n, code: second.code, err: second.code ? second.err : '' }).toEqual({ n, code: 0, err: '' });
        await one.sandbox.settled();
        const world = worldOf(one);
        await one.close();
        return { cut, world };
      };
      const ends: { cut: boolean; world: unknown }[] = [];
      while (ends.at(-1)?.cut !== false)
        ends.push(...(await Promise.all([1, 2, 3, 4].map((n) => cutAt(ends.length + n)))));
      expect(ends.filter(({ cut }) => cut).length).toBeGreaterThan(5);
      for (const { world } of ends) expect(world).toEqual(ends.at(-1)!.world);
    },
    60_000,
  );
});
