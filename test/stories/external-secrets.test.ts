import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seedCertificate, seedKey } from '../../src/sandbox/vault/seed.ts';
import { ROLES } from '../../src/steps/roles.ts';
import { begin, type Ran, type Story } from './harness.ts';

let story: Story;
beforeEach(async () => {
  story = await begin({ noSample: true });
});
afterEach(() => story.close());

const INIT = 'init --method external-secrets --yes';
const done = ({ code, err }: Ran) => ({ code, err: code === 0 ? '' : err });
const DONE = { code: 0, err: '' };
const paths = ({ writes }: Ran): string => writes.map(({ method, path }) => `${method} ${path}`).join('\n');

interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}
const objects = (kind: string): readonly Stored[] =>
  Object.values(story.sandbox.parts.state.kubernetes).flatMap((cluster) =>
    Object.values((cluster as { objects: Record<string, Stored> }).objects).filter((one) => one.kind === kind),
  );
const vault = () => Object.values(story.sandbox.place.slice.vaults)[0]!.resource;
const keysOf = (name: string): readonly string[] | undefined => {
  const found = objects('Secret').find(({ metadata }) => metadata.name === name);
  return found && Object.keys(found.data ?? {}).sort();
};

describe('which version of its kinds the cluster serves', () => {
  it.each([
    ['2.9', 'external-secrets.io/v1'],
    ['0.16', 'external-secrets.io/v1'],
    ['0.15', 'external-secrets.io/v1beta1'],
  ] as const)('is read from the cluster: release %s, %s', async (release, apiVersion) => {
    await story.sandbox.world.externalSecrets('demo-aks', release);
    const first = await story.run(INIT, { noSample: false });
    expect(done(first)).toEqual(DONE);
    expect(first.out).toMatch(/pod demo\/demo-sample-\S+ read db-password, 32 bytes/);
    expect(first.writes.map(({ path }) => path).filter((path) => path.includes('external-secrets.io'))).toEqual([
      `/apis/${apiVersion}/namespaces/demo/secretstores/demo`,
      `/apis/${apiVersion}/namespaces/demo/externalsecrets/demo`,
    ]);
    const again = await story.run(INIT);
    expect({ ...done(again), writes: again.writes }).toEqual({ ...DONE, writes: [] });
  });

  it('after an upgrade of the operator what was made by the older version is found', async () => {
    await story.sandbox.world.externalSecrets('demo-aks', '0.15');
    expect(done(await story.run(INIT))).toEqual(DONE);
    await story.sandbox.world.externalSecrets('demo-aks', '0.16');
    await story.sandbox.world.externalSecrets('demo-aks', '2.9');
    const again = await story.run(INIT);
    expect({ ...done(again), writes: again.writes }).toEqual({ ...DONE, writes: [] });
  });

  it('who may read neither its definition nor Deployments learns it from discovery', async () => {
    const denied = {
      status: 403,
      body: { kind: 'Status', status: 'Failure', reason: 'Forbidden', message: 'x is forbidden', code: 403 },
    };
    story.sandbox.faults.failAt({ path: /customresourcedefinitions/ }, denied);
    story.sandbox.faults.failAt({ path: /^\/apis\/apps\/v1\/deployments$/ }, denied);
    const ran = await story.run(INIT);
    expect(done(ran)).toEqual(DONE);
    expect(ran.requests.map(({ path }) => path)).toContain('/apis/external-secrets.io');
    expect(ran.err).toMatch(/taken for\s+granted/);
  });
});

describe('without the operator', () => {
  const given = '--cluster demo-aks --resource-group demo-rg --vault demo-kv --workload demo --namespace demo';
  const bare = `${INIT} ${given} --secret db-password --allow cluster,irreversible`;
  let programs: string;
  beforeEach(async () => {
    await story.sandbox.world.externalSecrets('demo-aks', 'none');
    programs = join(story.folder, 'programs');
    mkdirSync(programs);
    story.sandbox.surroundings.env.PATH = programs;
  });
  /** A stand-in for helm, as a program of its own. */
  const helm = (text: string) => {
    const file = join(programs, 'helm');
    writeFileSync(file, `#!${process.execPath}\n${text}`);
    chmodSync(file, 0o755);
  };
  const LINE =
    'helm upgrade --install external-secrets external-secrets --repo https://charts.external-secrets.io --version 2.9.0 --namespace external-secrets --create-namespace --wait --timeout 5m';

  it('and without the consent it is blocked, with the line for whoever runs the cluster, and the rest is done', async () => {
    const ran = await story.run(bare, { bare: true });
    expect(ran.code).toBe(6);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain(LINE);
    expect(ran.err).toContain('--allow install');
    expect(paths(ran)).toMatch(/userAssignedIdentities[\s\S]*serviceaccounts\/demo/);
    expect(paths(ran)).not.toContain('external-secrets.io');
  });

  it('with the consent and without helm it is blocked, with the line and where to get helm', async () => {
    const ran = await story.run(`${bare} --allow install`, { bare: true });
    expect(ran.code).toBe(1);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain(LINE);
    expect(ran.err).toContain('https://helm.sh/docs/intro/install/');
    expect(paths(ran)).not.toContain('external-secrets.io');
  });

  it('what helm prints when it fails is shown', async () => {
    helm(`console.log('Release "external-secrets" does not exist. Installing it now.');
console.error('Error: chart "external-secrets" version "2.9.0" not found');
process.exit(1);`);
    const ran = await story.run(`${bare} --allow install`, { bare: true });
    expect(ran.code).toBe(1);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('Error: chart "external-secrets" version "2.9.0" not found');
    expect(ran.err).toContain('Installing it now');
  });

  it('helm installs it, against the sandbox alone, and the run goes on to the end', async () => {
    const seen = join(story.folder, 'seen.json');
    const server = createServer((socket) => {
      story.sandbox.world.externalSecrets('demo-aks', '2.9').then(() => socket.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    helm(`const { readFileSync, statSync, writeFileSync } = require('node:fs');
const words = process.argv.slice(2);
const file = words.at(words.indexOf('--kubeconfig') + 1);
const mode = (path) => (statSync(path).mode & 0o777).toString(8);
writeFileSync(${JSON.stringify(seen)}, JSON.stringify({
  words, file, mode: mode(file), folder: mode(require('node:path').dirname(file)),
  kubeconfig: JSON.parse(readFileSync(file, 'utf8')), env: process.env,
}));
require('node:net').connect(${port}, '127.0.0.1').on('close', () => process.exit(0)).resume();`);
    story.sandbox.surroundings.env.HELM_KUBECONTEXT = 'production';
    const ran = await story.run(`${bare} --allow install`, { bare: true });
    server.close();
    expect(done(ran)).toEqual(DONE);
    const { words, file, mode, folder, kubeconfig, env } = JSON.parse(readFileSync(seen, 'utf8'));
    expect(['helm', ...words].join(' ')).toBe(`${LINE} --kubeconfig ${file}`);
    expect({ mode, folder, left: existsSync(file) }).toEqual({ mode: '600', folder: '700', left: false });
    expect(kubeconfig.clusters).toHaveLength(1);
    expect(kubeconfig.clusters[0].cluster.server).toMatch(/azmk8s\.io/);
    expect(Object.keys(env).filter((name) => /KUBE/.test(name))).toEqual([]);
    expect(ran.err).toMatch(/operator external-secrets +created/);
    expect(keysOf('demo')).toEqual(['db-password']);
  });
});

describe('--find', () => {
  it('brings every secret whose name matches, and needs none that is named', async () => {
    await story.sandbox.seed('demo-kv', 'db-user', 'someone');
    const words = `init --method external-secrets --yes --cluster demo-aks --resource-group demo-rg --vault demo-kv --workload demo --namespace demo --sample --allow cluster,irreversible --find ^db-`;
    const ran = await story.run(words, { bare: true });
    expect(done(ran)).toEqual(DONE);
    expect(ran.err).toMatch(/matches db-password, db-user now/);
    expect(keysOf('demo')).toEqual(['db-password', 'db-user']);
    expect(ran.out).toMatch(/pod demo\/demo-sample-\S+ read db-user, 7 bytes/);
    const again = await story.run(words, { bare: true });
    expect({ ...done(again), writes: again.writes }).toEqual({ ...DONE, writes: [] });
  });

  it('comes beside those that are named', async () => {
    const ran = await story.run(`${INIT} --secret api-key=KEY --find ^db-`);
    expect(done(ran)).toEqual(DONE);
    expect(keysOf('demo')).toEqual(['KEY', 'db-password']);
  });

  it('needs the right to list where access policies decide', async () => {
    const { properties } = vault();
    const caller = {
      tenantId: story.sandbox.place.tenantId,
      objectId: 'ca11e700-0000-4000-8000-000000000001',
      permissions: { secrets: ['all'] },
    };
    properties.enableRbacAuthorization = false;
    properties.accessPolicies = [caller];
    expect(done(await story.run(INIT))).toEqual(DONE);
    const ran = await story.run(`${INIT} --find ^db-`);
    expect(done(ran)).toEqual(DONE);
    expect(vault().properties.accessPolicies).toMatchObject([caller, { permissions: { secrets: ['get', 'list'] } }]);
    const again = await story.run(`${INIT} --find ^db-`);
    expect({ ...done(again), writes: again.writes }).toEqual({ ...DONE, writes: [] });
  });

  it('that nothing matches is blocked, and no pod is made that would wait for ever', async () => {
    const ran = await story.run(`${INIT} --find ^nothing$`);
    expect(ran.code).toBe(1);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('no secret in demo-kv has a name that ^nothing$ matches');
    expect(paths(ran)).not.toContain('deployments');
  });

  it.each([
    ['--find db-(', /regular expression/],
    ['--find (?=db)', /look-around/],
    ['--find ^db- --role-scope secret', /looks through the vault/],
    ['--rotation-interval soon', /such as 1h/],
  ])('%s is refused before anything is asked', async (flags, said) => {
    const ran = await story.run(`${INIT} ${flags}`);
    expect({ code: ran.code, requests: ran.requests }).toEqual({ code: 2, requests: [] });
    expect(ran.err.replaceAll(/\s+/g, ' ')).toMatch(said);
  });
});

describe('the Kubernetes Secret', () => {
  it('has the name that was asked for, and goes by the interval', async () => {
    expect(done(await story.run(`${INIT} --sync-secret orders-env --rotation-interval 15m`))).toEqual(DONE);
    expect(keysOf('orders-env')).toEqual(['api-key', 'db-password']);
    expect(objects('ExternalSecret')[0]!.spec.refreshInterval).toBe('15m0s');
  });

  it('whose name is taken stays as it is, and is blocked', async () => {
    await story.run(`${INIT} --sync-secret other`, { noSample: false });
    await put('/api/v1/namespaces/demo/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'taken', namespace: 'demo' },
      data: { mine: Buffer.from('x').toString('base64') },
    });
    const ran = await story.run(`${INIT} --sync-secret taken`, { noSample: false });
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/Secret demo\/taken\s+exists and is not the operator's/);
    // The sample would be given what is somebody else's.
    expect(ran.writes).toEqual([]);
    expect(keysOf('taken')).toEqual(['mine']);
  });

  it('holds keys and certificates by their public parts, and what is missing is named at once', async () => {
    await seedKey(story.sandbox.parts, 'demo-kv', 'sign');
    await seedCertificate(story.sandbox.parts, 'demo-kv', 'tls');
    const words = `${INIT} --key sign=SIGN --certificate tls`;
    const ran = await story.run(words);
    expect(done(ran)).toEqual(DONE);
    expect(keysOf('demo')).toEqual(['SIGN', 'api-key', 'db-password', 'tls']);
    const again = await story.run(words);
    expect({ ...done(again), writes: again.writes }).toEqual({ ...DONE, writes: [] });
  });

  it.each(['external-secrets', 'csi', 'workload-identity'])(
    'of %s: a key or certificate that is missing is named at once, to who may look',
    async (method) => {
      grantReader();
      const ran = await story.run(`init --yes --method ${method} --key absent --certificate gone`);
      expect(ran.code).toBe(1);
      expect(ran.err).toContain('there is no key absent in demo-kv');
      expect(ran.err).toContain('there is no certificate gone in demo-kv');
      expect(paths(ran)).not.toContain('deployments');
    },
  );
});

describe('the operator', () => {
  it('names the reason why it cannot read, is asked to look again once it can, and the next run finds all as wanted', async () => {
    expect(done(await story.run(INIT))).toEqual(DONE);
    const assignments = story.sandbox.place.slice.assignments;
    const [id, kept] = Object.entries(assignments).find(([, one]) => JSON.stringify(one).includes('aks-secrets '))!;
    delete assignments[id];
    story.sandbox.advance(3_700_000);
    await story.sandbox.settled();
    // It tries again soon at first; what has failed for a while it would leave for long.
    story.sandbox.advance(40_000);
    const plan = await story.run('plan --method external-secrets');
    expect(plan.out.replaceAll(/\s+/g, ' ')).toMatch(/the operator says: .*ForbiddenByRbac/);
    assignments[id] = kept;
    const ran = await story.run(INIT);
    expect(done(ran)).toEqual(DONE);
    expect(paths(ran)).toBe('PATCH /apis/external-secrets.io/v1/namespaces/demo/externalsecrets/demo');
    const again = await story.run(INIT);
    expect({ ...done(again), writes: again.writes }).toEqual({ ...DONE, writes: [] });
  });
});

it('two workloads that would write one Secret are a complaint of the file', async () => {
  writeFileSync(
    join(story.folder, 'aks-secrets.yaml'),
    `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
  - { name: a, namespace: shop, method: external-secrets, secrets: [api-key] }
  - { name: b, namespace: shop, method: csi, syncSecret: a, secrets: [db-password] }
  - { name: c, namespace: other, method: csi, syncSecret: a, secrets: [db-password] }
`,
  );
  const ran = await story.run('init --yes -f aks-secrets.yaml');
  expect({ code: ran.code, requests: ran.requests }).toEqual({ code: 2, requests: [] });
  expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('a and b would both write the Secret shop/a (lines 5 and 6)');
  expect(ran.err).not.toContain('other/a');
});

describe('one service account for two methods', () => {
  it('names the tenant, and then the store must not', async () => {
    writeFileSync(
      join(story.folder, 'aks-secrets.yaml'),
      `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
  - { name: a, namespace: shop, serviceAccount: web, method: external-secrets, identity: { name: web-id }, secrets: [api-key] }
  - { name: b, namespace: shop, serviceAccount: web, method: workload-identity, identity: { name: web-id }, secrets: [db-password] }
`,
    );
    const ran = await story.run('init --yes -f aks-secrets.yaml');
    expect(done(ran)).toEqual(DONE);
    expect(keysOf('a')).toEqual(['api-key']);
    expect((await story.run('init --yes -f aks-secrets.yaml')).writes).toEqual([]);
  });

  it('that somebody else has given a tenant is blocked, since the operator would refuse it', async () => {
    await story.run(`${INIT} --workload other`);
    await put('/api/v1/namespaces/demo/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web', namespace: 'demo', annotations: { 'azure.workload.identity/tenant-id': 'x' } },
    });
    const ran = await story.run(`${INIT} --workload web`);
    expect(ran.code).toBe(1);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('refuses to be told it twice');
  });
});

it('--reloader: the sample asks for a restart when a value changes', async () => {
  expect(done(await story.run(`${INIT} --reloader`, { noSample: false }))).toEqual(DONE);
  const [deployment] = objects('Deployment').filter(({ metadata }) => metadata.name === 'demo-sample');
  expect(deployment?.metadata.annotations).toMatchObject({ 'secret.reloader.stakater.com/reload': 'demo' });
  expect((await story.run(`${INIT} --reloader`, { noSample: false })).writes).toEqual([]);
});

/** As another client writes. */
async function put(path: string, body: object): Promise<void> {
  const cluster = story.sandbox.parts.arm.clusters()[0]!;
  const token = /"?token"?: "?([\w.-]+)/.exec(story.sandbox.kubeconfig())?.[1] ?? '';
  const reply = await story.sandbox.parts.dispatch({
    ...{ method: 'POST', host: cluster.fqdn, path, query: new URLSearchParams('fieldManager=kubectl-create') },
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'user-agent': 'kubectl' },
    body: JSON.stringify(body),
  });
  expect(reply.status).toBe(201);
}

/** Who runs the program may also look at keys and certificates. */
function grantReader(): void {
  const { assignments } = story.sandbox.place.slice;
  const [id, own] = Object.entries(assignments).find(([, one]) => JSON.stringify(one).includes(ROLES.secretsOfficer))!;
  assignments[`${id}0`] = JSON.parse(JSON.stringify(own).replaceAll(ROLES.secretsOfficer, ROLES.reader));
}
