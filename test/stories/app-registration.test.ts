import { afterEach, describe, expect, it } from 'vitest';
import { directoryOf } from '../../src/sandbox/graph/store.ts';
import { CALLER } from '../../src/sandbox/world/demo.ts';
import { putVault } from '../../src/sandbox/world/put.ts';
import { bash } from '../export/bash.ts';
import { begin, type Ran, type Story } from './harness.ts';

let story: Story;
afterEach(() => story.close());

const APP = '--app-registration orders-app';
const graphOf = ({ requests }: Pick<Ran, 'requests'>): string[] =>
  requests
    .filter(({ host }) => host === 'graph.microsoft.com')
    .map(({ method, path, status }) => `${method} ${path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '*')} ${status}`);
const applications = () => Object.values(directoryOf(story.sandbox.parts).applications);
const principals = () => Object.values(directoryOf(story.sandbox.parts).servicePrincipals);

describe.each(['workload-identity', 'csi'])('init --method %s with an app registration', (method) => {
  it('makes the application, its service principal and its credential, and the pod reads by them', async () => {
    story = await begin();
    const words = `init --method ${method} ${APP} --yes`;
    const first = await story.run(`${words} -o json`);
    expect({ code: first.code, err: first.code ? first.err : '' }).toEqual({ code: 0, err: '' });
    expect(graphOf(first).filter((line) => !line.startsWith('GET'))).toEqual([
      'POST /v1.0/applications 201',
      expect.stringMatching(/^POST \/v1.0\/(servicePrincipals|applications\/\*\/federatedIdentityCredentials) 201$/),
      expect.stringMatching(/^POST \/v1.0\/(servicePrincipals|applications\/\*\/federatedIdentityCredentials) 201$/),
    ]);
    const [application] = applications();
    expect(application).toMatchObject({
      displayName: 'orders-app',
      signInAudience: 'AzureADMyOrg',
      tags: [expect.stringMatching(/^aks-secrets=[0-9a-f]{6}\/demo\/demo$/)],
      credentials: [{ subject: 'system:serviceaccount:demo:demo', audiences: ['api://AzureADTokenExchange'] }],
    });
    const evidence = JSON.parse(first.out) as {
      workloads: { facts: object }[];
      proofs: { id: string; outcome: string }[];
    };
    expect(evidence.workloads[0]?.facts).toMatchObject({
      clientId: application?.appId,
      tenantId: story.sandbox.parts.state.tenantId,
    });
    expect(evidence.proofs.map(({ outcome }) => outcome)).toEqual(['proven', 'proven']);
    // The role is the service principal's: no managed identity was made beside it.
    const { assignments, identities } = story.sandbox.place.slice;
    expect(Object.values(assignments).map(({ resource }) => resource.properties.principalId)).toContain(
      principals()[0]?.id,
    );
    expect(Object.keys(identities)).toEqual([]);

    const again = await story.run(words);
    expect({ code: again.code, writes: again.writes }).toEqual({ code: 0, writes: [] });
    expect(graphOf(again)).toEqual([
      'GET /v1.0/applications 200',
      "GET /v1.0/servicePrincipals(appId='*') 200",
      'GET /v1.0/applications/*/federatedIdentityCredentials 200',
    ]);
    expect(again.out).toMatch(/pod demo\/demo-sample-\S+ read db-password/);
  });
});

describe('an application that does not arrive everywhere at once', () => {
  it('is waited for by what the directory says of it, not by a fixed time', async () => {
    story = await begin({ settings: { operation: 1000, replication: 45_000 } });
    const ran = await story.run(`init --method workload-identity ${APP} --yes`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(graphOf(ran)).toEqual(
      expect.arrayContaining([
        'POST /v1.0/servicePrincipals 400',
        'POST /v1.0/applications/*/federatedIdentityCredentials 404',
      ]),
    );
    expect(ran.err).toMatch(/Entra does not know the application everywhere yet/);
    expect(graphOf(ran).filter((line) => line === 'POST /v1.0/applications 201')).toHaveLength(1);
  });

  it('is found again by a run after one that was cut off, and not made twice', async () => {
    story = await begin({ settings: { operation: 1000, replication: 45_000 } });
    story.sandbox.faults.failAt({ method: 'POST', path: /servicePrincipals$/ }, { status: 400, body: 'no' }, 1);
    await story.run(`init --method workload-identity ${APP} --yes`, { noSample: true });
    expect({ applications: applications().length, principals: principals() }).toEqual({
      applications: 1,
      principals: [],
    });
    const ran = await story.run(`init --method workload-identity ${APP} --yes`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(applications()).toHaveLength(1);
  });
});

describe('a caller', () => {
  it('who may not register applications is told the right, and does the rest', async () => {
    story = await begin();
    directoryOf(story.sandbox.parts).rights[CALLER.objectId] = 'read';
    const ran = await story.run(`init --method workload-identity ${APP} --yes`);
    expect(ran.code).toBe(6);
    expect(ran.err + ran.out).toMatch(/Application\.ReadWrite\.All/);
    expect(ran.err + ran.out).toMatch(/az ad app create --display-name orders-app/);
    expect(ran.writes.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/managedClusters\/demo-aks$/),
        expect.stringMatching(/namespaces/),
      ]),
    );
    expect(applications()).toEqual([]);

    // Somebody who may has run the line, and told nobody else to do anything.
    const appId = put('orders-app', 'somebody-else');
    const named = await story.run(`init --method workload-identity ${APP} --yes`);
    expect(named.err.replaceAll(/\s+/g, ' ')).toContain(`if it is the one that is meant, --app-registration ${appId}`);
    const again = await story.run(`init --method workload-identity --app-registration ${appId} --yes`);
    expect(again.code).toBe(6);
    expect(again.err + again.out).toMatch(/az ad sp create --id [0-9a-f-]{36}/);
    expect(again.err + again.out).toMatch(
      /az ad app federated-credential create --id \S+ --parameters '\{"name":"aks-secrets-/,
    );
  });

  it('who may not even look is told that', async () => {
    story = await begin();
    directoryOf(story.sandbox.parts).rights[CALLER.objectId] = 'none';
    const ran = await story.run(`init --method workload-identity ${APP} --yes`);
    expect(ran.code).toBe(6);
    expect(ran.err + ran.out).toMatch(/Application\.Read\.All/);
    expect(ran.requests.filter(({ host, kind }) => host === 'graph.microsoft.com' && kind === 'write')).toEqual([]);
  });
});

/** An application that somebody registered. */
function put(displayName: string, owner: string, more: { createdDateTime?: string; tags?: string[] } = {}): string {
  const id = crypto.randomUUID();
  const appId = crypto.randomUUID();
  directoryOf(story.sandbox.parts).applications[id] = {
    ...{ id, appId, displayName, owner, tags: [], signInAudience: 'AzureADMyOrg', credentials: [], arrivesAt: 0 },
    createdDateTime: '2026-01-01T00:00:00Z',
    ...more,
  };
  return appId;
}

describe('an application that is there already', () => {
  it('is not taken for its name alone: whoever registered it could sign in as it', async () => {
    story = await begin();
    const appId = put('Orders-App', CALLER.objectId);
    const ran = await story.run(`init --method workload-identity ${APP} --yes`);
    expect({ code: ran.code, graph: graphOf(ran).filter((line) => line.startsWith('POST')) }).toEqual({
      code: 1,
      graph: [],
    });
    expect(ran.writes.filter(({ path }) => /roleAssignments|federatedIdentity/.test(path))).toEqual([]);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain(`--app-registration ${appId}`);
  });

  it('is used when it is named by its client id, and the plan says whose it is not', async () => {
    story = await begin();
    const appId = put('Orders-App', CALLER.objectId);
    const APP = `--app-registration ${appId}`;
    const ran = await story.run(`init --method workload-identity ${APP} --yes -o json`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(ran.out).workloads[0].facts.clientId).toBe(appId);
    expect(applications()).toHaveLength(1);
    const plan = JSON.parse((await story.run(`plan --method workload-identity ${APP} -o json`)).out);
    expect(plan.changes.find(({ id }: { id: string }) => id === `application/${appId}`).note).toContain(appId);
  });

  it('is not guessed among several of one name: the client id says which', async () => {
    story = await begin();
    const [one, other] = [put('orders-app', CALLER.objectId), put('orders-app', 'somebody-else')];
    const ran = await story.run(`init --method workload-identity ${APP} --yes`);
    expect({ code: ran.code, graph: graphOf(ran).filter((line) => line.startsWith('POST')) }).toEqual({
      code: 1,
      graph: [],
    });
    expect(ran.err).toContain('2 applications are called orders-app');
    expect(ran.err).toContain([one, other].toSorted()[0]);
    const named = await story.run(`init --method workload-identity --app-registration ${one} --yes -o json`);
    expect({ code: named.code, err: named.code ? named.err : '' }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(named.out).workloads[0].facts.clientId).toBe(one);
  });

  it('of two that we made (two runs at once) the older one serves, in every later run', async () => {
    story = await begin();
    await story.run(`init --method workload-identity ${APP} --yes`, { noSample: true });
    const [first] = applications();
    put('orders-app', CALLER.objectId, { tags: first?.tags ?? [], createdDateTime: '2030-01-01T00:00:00Z' });
    expect((await story.run(`init --method workload-identity ${APP} --yes`, { noSample: true })).writes).toEqual([]);
  });
});

describe('a vault that decides by access policies', () => {
  it('gets an entry for the service principal', async () => {
    story = await begin();
    const vault = { resourceGroup: 'demo-rg', name: 'policy-kv' };
    const all = { secrets: ['all'] };
    putVault(story.sandbox.place, vault.resourceGroup, vault.name, {
      ...{ location: 'westeurope', rbac: false },
      properties: {
        accessPolicies: [{ tenantId: story.sandbox.parts.state.tenantId, objectId: CALLER.objectId, permissions: all }],
      },
    });
    await story.sandbox.seed('policy-kv', 'api-key', 'invented');
    const words = `init --method csi --vault policy-kv --secret api-key ${APP} --yes`;
    const ran = await story.run(words);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(story.sandbox.parts.arm.vault('policy-kv')?.accessPolicies[1]).toMatchObject({
      objectId: principals()[0]?.id,
      permissions: { secrets: ['get'] },
    });
    expect((await story.run(words)).writes).toEqual([]);
  });
});

describe('a vault of another tenant', () => {
  const OTHER = '22222222-2222-4222-8222-222222222222';
  const foreign = async () => {
    story = await begin();
    story.sandbox.parts.state.entra.tenants = [OTHER];
    const [vault] = Object.values(story.sandbox.place.slice.vaults);
    vault!.resource.properties.tenantId = OTHER;
  };

  it('cannot be read by a managed identity, and the plan says what can', async () => {
    await foreign();
    const ran = await story.run('init --method workload-identity --yes');
    expect(ran.err + ran.out).toMatch(/--app-registration/);
  });

  it('is read by an application that is open to other tenants; what is to be done there is a line for somebody there', async () => {
    await foreign();
    const words = `init --method workload-identity ${APP} --yes`;
    const ran = await story.run(words, { noSample: true });
    const [application] = applications();
    expect(application).toMatchObject({ signInAudience: 'AzureADMultipleOrgs', credentials: [{}] });
    expect(principals()).toEqual([]);
    expect(ran.err + ran.out).toContain(`az ad sp create --id ${application?.appId}`);
    const again = await story.run(words, { noSample: true });
    expect({ first: ran.code, again: again.code, writes: again.writes }).toEqual({ first: 1, again: 1, writes: [] });
    expect(again.err + again.out).toContain(`az ad sp create --id ${application?.appId}`);
    expect(again.err + again.out).toContain(OTHER);
    // The pods present the vault's tenant.
    const account = await story.run(`plan --method workload-identity ${APP} -o json`, { noSample: true });
    const changes = JSON.parse(account.out).changes as { id: string; action: string }[];
    expect(changes.find(({ id }) => id === 'manifest/demo/demo/ServiceAccount')?.action).toBe('keep');
    expect(JSON.stringify(story.sandbox.parts.state.kubernetes)).toContain(
      `"azure.workload.identity/tenant-id":"${OTHER}"`,
    );
  });
});

describe('the same run as one line, and as a file', () => {
  it('name the app registration', async () => {
    story = await begin();
    const ran = await story.run(`plan --method csi ${APP} --save saved.yaml`);
    expect(ran.code).toBe(0);
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(`${story.folder}/saved.yaml`, 'utf8')).toContain('appRegistration: { name: orders-app }');
    expect((await story.run(`init --method csi ${APP}`)).err).toContain('--app-registration orders-app');
  });
});

describe('destroy', () => {
  it('takes the credential, the role, the service principal and the application, which are ours', async () => {
    story = await begin();
    await story.run(`init --method workload-identity ${APP} --yes`, { noSample: true });
    const before = Object.keys(story.sandbox.place.slice.assignments).length;
    const ran = await story.run(`destroy --method workload-identity ${APP} --yes`, { noSample: true });
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect({ applications: applications(), principals: principals() }).toEqual({ applications: [], principals: [] });
    expect(Object.keys(story.sandbox.place.slice.assignments)).toHaveLength(before - 1);
    expect((await story.run(`destroy --method workload-identity ${APP} --yes`, { noSample: true })).writes).toEqual([]);
  });

  it('leaves an application on which somebody else put a credential, and says so', async () => {
    story = await begin();
    await story.run(`init --method workload-identity ${APP} --yes`, { noSample: true });
    const [application] = applications();
    application!.credentials.push({
      ...{ id: 'c', name: 'ci', issuer: 'https://ci.example', subject: 'repo:shop', audiences: ['a'], arrivesAt: 0 },
    });
    const ran = await story.run(`destroy --method workload-identity ${APP} --yes`, { noSample: true });
    expect(ran.code).toBe(0);
    expect(applications()[0]?.credentials.map(({ name }) => name)).toEqual(['ci']);
    expect(principals()).toHaveLength(1);
    expect(ran.out + ran.err).toMatch(/repo:shop/);
  });

  it('leaves an application that was there before us', async () => {
    story = await begin();
    put('orders-app', CALLER.objectId);
    await story.run(`init --method workload-identity ${APP} --yes`, { noSample: true });
    const ran = await story.run(`destroy --method workload-identity ${APP} --yes`, { noSample: true });
    expect(ran.code).toBe(0);
    expect(applications()[0]?.credentials).toEqual([]);
    // Its service principal was made by us, and nobody else lives by it.
    expect(principals()).toEqual([]);
  });
});

describe('export --format script', () => {
  it('makes by bash what init makes, and waits for the application to arrive', async () => {
    story = await begin({ settings: { operation: 1000, replication: 20_000 } });
    const words = `--method workload-identity ${APP}`;
    const { out, err } = await story.run(`export --format script ${words}`, { noSample: true });
    expect(err).toBe('');
    const ran = await bash(story, out);
    expect({ ...ran, err: ran.code ? ran.err : '' }).toMatchObject({
      ...{ code: 0, err: '' },
      out: expect.stringContaining('demo/demo can read https://demo-kv.vault.azure.net/secrets/db-password'),
    });
    expect(ran.calls.map((words) => words.join(' ')).join('\n')).toContain('az ad app federated-credential create');
    expect(await story.run(`init ${words} --yes`, { noSample: true })).toMatchObject({ code: 0, writes: [] });
    // Once more it finds everything.
    const applicationsBefore = applications();
    expect(await bash(story, out)).toMatchObject({ code: 0 });
    expect(applications()).toEqual(applicationsBefore);
  });
});
