import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { bash } from '../export/bash.ts';
import { orAll } from './exhaustive.ts';
import { begin, type Options, QUICK, type Story, worldOf } from './harness.ts';

const open: Story[] = [];
afterEach(async () => {
  for (const story of open.splice(0)) await story.close();
});
async function world(settings: object = {}): Promise<Story> {
  const story = await begin({ settings: { ...QUICK, ...settings } });
  open.push(story);
  return story;
}

/** The vault decides by policies, and the caller may write by one. */
function byPolicies({ sandbox: { place } }: Story): void {
  const { properties } = Object.values(place.slice.vaults)[0]!.resource;
  properties.enableRbacAuthorization = false;
  const objectId = 'ca11e700-0000-4000-8000-000000000001';
  properties.accessPolicies = [{ tenantId: place.tenantId, objectId, permissions: { secrets: ['all'] } }];
}

/** The script, without the functions and settings before it. */
const body = (script: string): string => script.slice(script.indexOf('az account show'));
const isDone = { code: 0 };

describe('export --format script', () => {
  it.each(
    orAll<readonly [method: string, vault: string, sample: string]>(
      [
        ['workload-identity', 'RBAC', 'with its sample'],
        ['workload-identity', 'policies', 'alone'],
        ['csi', 'RBAC', 'alone'],
        ['csi', 'policies', 'with its sample'],
        ['dapr', 'RBAC', 'alone'],
        ['external-secrets', 'RBAC', 'alone'],
      ],
      ([method, vault]) => `${method} ${vault}` === 'csi policies' || method === 'external-secrets',
    ),
  )('makes by bash the world that init makes: %s, a vault by %s, %s', async (method, vault, sample) => {
    const [one, other] = [await world(), await world()];
    const more: Options = sample === 'alone' ? { noSample: true } : {};
    for (const story of [one, other]) if (vault === 'policies') byPolicies(story);
    const { out } = await one.run(`export --method ${method} --format script`, more);
    const ran = await bash(one, out);
    expect({ ...ran, err: ran.code ? ran.err : '' }).toMatchObject({
      ...isDone,
      out: expect.stringContaining('demo/demo can read https://demo-kv.vault.azure.net/secrets/db-password'),
      err: '',
    });
    expect(await other.run(`init --method ${method} --yes`, more)).toMatchObject(isDone);
    expect(worldOf(one)).toEqual(worldOf(other));
    expect(await one.run(`init --method ${method} --yes`, more)).toMatchObject({ code: 0, writes: [] });
  });

  it('run again changes nothing; and exported again it says of everything that it is as wanted', async () => {
    const story = await world();
    const { out } = await story.run('export --method csi --format script', { noSample: true });
    expect(await bash(story, out)).toMatchObject(isDone);
    const before = worldOf(story);
    expect(await bash(story, out)).toMatchObject(isDone);
    expect(worldOf(story)).toEqual(before);
    const whole = (await story.run('export --method csi --format script', { noSample: true })).out;
    // It has nothing left to do but the proof.
    expect(await bash(story, whole)).toMatchObject({ ...isDone, err: '' });
    const again = body(whole);
    expect(again).toContain('# cluster demo-aks: as wanted\n# vault demo-kv: as wanted\n');
    expect(again).not.toMatch(/^ *(retry .*)?az (?!account show|aks get-credentials)|^apply /m);
  });

  it('makes cluster, vault and groups too, and goes by what they then are', async () => {
    const story = await world();
    const words =
      '--method workload-identity --cluster made-aks --resource-group made-rg --create-cluster --location northeurope --vault made-kv --vault-resource-group made-rg --create-vault --workload demo --namespace demo --secret api-key --secret-value api-key=env:API_KEY';
    const { out } = await story.run(`export ${words} --format script`, { bare: true });
    const { slice } = story.sandbox.place;
    expect(body(out)).toMatch(/az group create [\s\S]*az aks create [\s\S]*az keyvault create /);
    const ran = await bash(story, out, { env: { API_KEY: 'invented' } });
    // Whoever makes a vault may not write into it yet: all before that is there, and the refusal is Azure's own.
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('ForbiddenByRbac') });
    expect(Object.values(slice.vaults).map(({ resource }) => resource.name)).toContain('made-kv');
  });

  it('waits for what has not arrived yet, and for nothing else', async () => {
    const story = await world({ replication: 20_000, strictPrincipals: true });
    const { out } = await story.run('export --method workload-identity --format script', { noSample: true });
    expect(await bash(story, out)).toMatchObject({
      code: 0,
      err: expect.stringContaining('not yet: PrincipalNotFound'),
    });
    const denied = await world();
    denied.sandbox.world.noRoleAssignmentRights();
    const ran = await bash(denied, (await denied.run('export --method csi --format script')).out);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('AuthorizationFailed') });
    expect(ran.err).not.toContain('not yet');
  });

  it('takes a look that fails for no absence', async () => {
    const story = await world();
    const { out } = await story.run('export --method csi --format script');
    const code = 'AuthorizationFailed';
    story.sandbox.faults.failAt(
      { method: 'GET', path: /userAssignedIdentities$/i },
      { status: 403, body: { error: { code, message: 'may not look' } } },
    );
    expect(await bash(story, out)).toMatchObject({ code: 1, err: expect.stringContaining(code) });
    expect(Object.keys(story.sandbox.place.slice.identities)).toEqual([]);
  });

  it('names what is blocked instead of leaving it out', async () => {
    const story = await world();
    const ran = await story.run('export --method csi --vault no-such-kv --format script');
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining('--create-vault') });
  });

  it('says how it was made, so that it can be made again', async () => {
    const { writeFileSync } = await import('node:fs');
    const story = await world();
    writeFileSync(
      `${story.folder}/aks-secrets.yaml`,
      `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
  - { name: orders, namespace: shop, method: csi, secrets: [{ name: api-key }] }
`,
    );
    const { out } = await story.run('export --format script', { bare: true });
    expect(/^# {3}(aks-secrets .*)$/m.exec(out)?.[1]).toBe('aks-secrets export -f aks-secrets.yaml --format script');
    const { err } = await story.run('export --format manifests', { bare: true });
    expect(err).toContain('aks-secrets init -f aks-secrets.yaml --write-manifests manifests --yes');
  });

  it('writes nothing', async () => {
    const story = await world();
    expect(await story.run('export --method csi --format script')).toMatchObject({ code: 0, writes: [] });
  });
});

describe('a value in the script', () => {
  const given = '--method csi --secret fresh --format script';
  const versions = ({ sandbox }: Story) =>
    (sandbox.parts.state.vaults as Record<string, { secrets: Record<string, { versions: { value: string }[] }> }>)[
      'demo-kv'
    ]?.secrets.fresh?.versions.map(({ value }) => value);

  it.each<[from: string, more: { env?: NodeJS.ProcessEnv; stdin?: string }]>([
    ['env:FRESH', { env: { FRESH: 'p&ss "w$rd' } }],
    ['stdin', { stdin: 'p&ss "w$rd\n' }],
    ['file:my\u0020value', {}],
  ])('comes from %s when it runs, and is nowhere in its text', async (from, more) => {
    const { writeFileSync } = await import('node:fs');
    const story = await world();
    writeFileSync(`${story.folder}/my value`, 'p&ss "w$rd\n');
    const flag = ['--secret-value', `fresh=${from}`];
    const { out } = await story.run(`export ${given}`, { ...more, noSample: true, args: flag });
    expect(out).not.toContain('p&ss');
    const ran = await bash(story, out, more);
    expect(ran).toMatchObject(isDone);
    expect(ran.out + ran.err).not.toContain('p&ss');
    expect(versions(story)).toEqual(['p&ss "w$rd']);
    // A value that is there is not overwritten.
    expect(await bash(story, out, more)).toMatchObject(isDone);
    expect(versions(story)).toHaveLength(1);
  });

  it('that is missing ends it there: no empty value is written', async () => {
    const story = await world();
    const { out } = await story.run(`export ${given} --secret-value fresh=env:FRESH`);
    expect(await bash(story, out)).toMatchObject({ code: 1, err: expect.stringContaining('holds no value for fresh') });
    const file = await story.run(`export ${given} --secret-value fresh=file:gone`);
    expect(await bash(story, file.out)).toMatchObject({ code: 1, err: expect.stringContaining('gone') });
    expect(versions(story)).toBeUndefined();
  });
});

describe('export --format manifests', () => {
  it('names what does not exist yet, and what makes it; nothing to apply by mistake', async () => {
    const story = await world();
    const ran = await story.run('export --method csi');
    expect(ran).toMatchObject({ code: 4, out: '', writes: [] });
    expect(ran.err).toMatch(/of identity demo-demo-\w+ the client id/);
    expect(ran.err).toContain('init --method csi --write-manifests manifests --yes');
  });

  it('is the objects that init applies, in an order that applies, each with its comments', async () => {
    const story = await world();
    await story.run('init --method csi --yes');
    const { out, writes } = await story.run('export --method csi');
    expect(writes).toEqual([]);
    expect(out).toContain('# What the CSI driver fetches');
    const kinds = parseAllDocuments(out).map((one) => one.get('kind'));
    expect(kinds).toEqual(['Namespace', 'ServiceAccount', 'SecretProviderClass', 'ConfigMap', 'Deployment']);
    const alone = (await story.run('export --method csi', { noSample: true })).out;
    expect(parseAllDocuments(alone).map((one) => one.get('kind'))).toEqual(kinds.slice(0, 3));
  });

  it('leaves a namespace that is somebody else’s to them', async () => {
    const story = await world();
    await story.run('init --method csi --yes');
    const { out } = await story.run('export --method csi --namespace default --service-account demo --workload other', {
      noSample: true,
    });
    expect(out).not.toContain('kind: Namespace');
  });

  it('as one JSON document', async () => {
    const story = await world();
    const ran = await story.run('export --method csi --format script -o json');
    expect(JSON.parse(ran.out)).toMatchObject({ kind: 'Export', format: 'script', text: expect.stringMatching(/^#!/) });
    const none = await story.run('export --method csi -o json');
    expect(JSON.parse(none.out)).toMatchObject({ kind: 'Failure', exitCode: 4 });
  });
});
