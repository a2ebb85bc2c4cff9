import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Ran, type Story } from './harness.ts';

/** As a template writes it. */
const HOLE = ['$', '{nope}'].join('');

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const paths = ({ writes }: Ran): string => writes.map(({ method, path }) => `${method} ${path}`).join('\n');

describe('--create-cluster', () => {
  const words = '--method csi --cluster made-aks --resource-group made-rg --vault-resource-group demo-rg';

  it('is planned whole: what it costs, and what can be looked at only once it is there', async () => {
    const { out, writes } = await story.run(`plan ${words} --create-cluster --location northeurope -o json`);
    const changes = JSON.parse(out).changes as { id: string; action: string; costs?: true }[];
    const actions = Object.fromEntries(changes.map(({ id, action }) => [id, action]));
    expect(actions).toMatchObject({
      'group/made-rg': 'create',
      'provider/Microsoft.ContainerService': 'keep',
      'cluster/made-aks': 'create',
      'vault/demo-kv': 'keep',
      'manifest/demo/demo/ServiceAccount': 'later',
      'manifest/demo/demo-sample/Deployment': 'later',
    });
    expect(changes.filter(({ costs }) => costs).map(({ id }) => id)).toEqual(['cluster/made-aks']);
    expect(writes).toEqual([]);
  });

  it('with its group, and what was to be looked at later done when its turn came', async () => {
    const ran = await story.run(`init ${words} --create-cluster --location northeurope --yes`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(paths(ran)).toMatch(
      /^PUT \S+resourceGroups\/made-rg\n(.*\n)*PUT \S+managedClusters\/made-aks\n(.*\n)*PATCH /,
    );
    expect(ran.out).toMatch(/pod demo\/demo-sample-\S+ read db-password/);
  });

  it('with Dapr, which is looked for and installed once the cluster is there', async () => {
    const made = words.replace('csi', 'dapr');
    const ran = await story.run(`init ${made} --create-cluster --location northeurope --yes`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(paths(ran)).toMatch(/PUT \S+managedClusters\/made-aks\n(.*\n)*PUT \S+made-aks\/\S+extensions\/dapr\n/);
    expect(ran.out).toMatch(/pod demo\/demo-sample-\S+ read db-password/);
  });

  it('in a region that does not exist ends with what Azure said, and nothing is built on it', async () => {
    const ran = await story.run(`init ${words} --create-cluster --location nowhere --yes`);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('LocationNotAvailable');
    expect(paths(ran)).not.toMatch(/userAssignedIdentities|roleAssignments|PATCH/);
  });

  it('was not asked for: the missing cluster is said once, and is no lack of rights', async () => {
    const ran = await story.run('init --method csi --cluster made-aks --yes');
    expect({ code: ran.code, writes: ran.writes }).toEqual({ code: 1, writes: [] });
    expect(ran.err).toContain('--create-cluster');
    expect(ran.err.match(/✗/g)).toHaveLength(1);
  });
});

describe('--create-vault', () => {
  const words = '--method workload-identity --vault made-kv --create-vault --secret fresh --secret-value fresh=env:V';
  const env = { V: 'invented' };
  const given = '--cluster demo-aks --resource-group demo-rg --workload demo --namespace demo';

  it('that nobody can purge needs the consent for what cannot be undone, and the rest is done', async () => {
    const bare = `init ${given} ${words} --purge-protection yes --yes --allow cluster`;
    const ran = await story.run(bare, { env, bare: true });
    expect(ran.code).toBe(6);
    expect(ran.err).toMatch(/--allow irreversible/);
    expect(paths(ran)).toContain('userAssignedIdentities');
    expect(paths(ran)).not.toMatch(/vaults\/made-kv/);
  });

  it('whose name is taken is blocked, without a line that would only fail again', async () => {
    const ran = await story.run(`init ${words} --vault demo-kv --vault-resource-group other-rg --yes`, { env });
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/demo-kv is taken/);
    expect(ran.err).not.toContain('az keyvault create');
  });

  it('whose name a deleted vault holds is blocked, with the line that recovers that one', async () => {
    const { slice, now } = story.sandbox.place;
    const [key, { resource }] = Object.entries(slice.vaults)[0]!;
    delete slice.vaults[key];
    slice.deletedVaults[resource.name] = { resource, deletedAt: now };
    const ran = await story.run('init --method csi --create-vault --location westeurope --yes');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('az keyvault recover --name demo-kv');
    expect(paths(ran)).not.toMatch(/vaults\/demo-kv/);
  });
});

describe('--sync-secret', () => {
  const secrets = () =>
    Object.values(story.sandbox.parts.state.kubernetes).flatMap((cluster) =>
      Object.values(
        (cluster as { objects: Record<string, { kind: string; metadata: { name: string }; data?: object }> }).objects,
      )
        .filter(({ kind }) => kind === 'Secret')
        .map(({ metadata, data }) => [metadata.name, Object.keys(data ?? {}).sort()]),
    );

  it('brings a Kubernetes Secret while a pod mounts the volume, and the plan says who can read it', async () => {
    const ran = await story.run('init --method csi --sync-secret demo-values --yes');
    expect(ran.code).toBe(0);
    expect(ran.err).toMatch(/may read\s+Secrets/);
    expect(secrets()).toEqual([['demo-values', ['api-key', 'db-password']]]);
  });
});

describe('--templates', () => {
  it('takes the user’s own copy, and names file and line of a hole that is not known', async () => {
    const { mkdirSync, readFileSync, writeFileSync } = await import('node:fs');
    const own = `${story.folder}/mine/csi`;
    mkdirSync(own, { recursive: true });
    const shipped = readFileSync(new URL('../../templates/csi/serviceaccount.yaml', import.meta.url), 'utf8');
    const withNote = (note: string) =>
      writeFileSync(
        `${own}/serviceaccount.yaml`,
        shipped.replace('metadata:', `metadata:\n  annotations:\n    note: ${note}`),
      );
    withNote(HOLE);
    const refused = await story.run('init --method csi --templates mine --yes', { noSample: true });
    expect({ code: refused.code, requests: refused.requests }).toEqual({ code: 2, requests: [] });
    expect(refused.err).toMatch(/mine\/csi\/serviceaccount\.yaml:\d+: unknown\s+hole\s+\$\{nope\}/);
    withNote('own');
    expect((await story.run('init --method csi --templates mine --yes', { noSample: true })).code).toBe(0);
    expect(JSON.stringify(story.sandbox.parts.state.kubernetes)).toContain('"note":"own"');
    expect(await story.run('init --method csi --templates mine --yes', { noSample: true })).toMatchObject({
      writes: [],
    });
  });
});
