import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Story } from './harness.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const GIVEN =
  '--cluster demo-aks --resource-group demo-rg --vault demo-kv --workload demo --namespace demo --secret db-password';

describe('what is allowed', () => {
  it('no terminal and no --yes: the plan is shown, nothing is written, exit 4', async () => {
    const ran = await story.run(`init --method csi ${GIVEN}`, { bare: true });
    expect({ code: ran.code, writes: ran.writes }).toEqual({ code: 4, writes: [] });
    expect(ran.out).toContain('OIDC issuer');
    expect(ran.out + ran.err).toContain('--yes');
  });

  it('--yes without the consent that the cluster needs: that step is blocked with the line to run, the rest is done, exit 6', async () => {
    const ran = await story.run(`init --method csi ${GIVEN} --yes`, { bare: true });
    expect(ran.code).toBe(6);
    expect(ran.out + ran.err).toContain('--allow');
    expect(ran.out + ran.err).toMatch(/az aks update .*--enable-oidc-issuer/);
    const done = ran.writes.map(({ path }) => path).join('\n');
    expect(done).toMatch(/userAssignedIdentities/);
    expect(done).toMatch(/roleAssignments/);
    expect(done).not.toMatch(/managedClusters\/demo-aks$/m);
  });

  it('with the consents, from the state that was left: done', async () => {
    await story.run(`init --method csi ${GIVEN} --yes`, { bare: true });
    const ran = await story.run(`init --method csi ${GIVEN} --yes --allow cluster,irreversible`, { bare: true });
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(ran.writes.filter(({ path }) => /userAssignedIdentities\/[^/]+$/.test(path))).toEqual([]);
  });

  it('in a sandbox, which consents to everything, too: who names consents gives those alone', async () => {
    const ran = await story.run('init --method csi --yes --allow cluster');
    expect(ran.code).toBe(6);
    expect(ran.err).toContain('--allow irreversible');
    expect(ran.writes.map(({ path }) => path).join('\n')).not.toMatch(/managedClusters\/demo-aks$/m);
  });

  it('a plan as JSON says who and where', async () => {
    const ran = await story.run('plan --method csi -o json');
    expect(JSON.parse(ran.out)).toMatchObject({
      kind: 'Plan',
      caller: 'you@sandbox.example',
      subscription: { name: 'Sandbox' },
      tenant: expect.any(String),
    });
  });

  it('plan writes nothing, and says by its exit code whether something is to be done', async () => {
    expect(await story.run('plan --method csi')).toMatchObject({ code: 0, writes: [] });
    expect(await story.run('plan --method csi --exit-code')).toMatchObject({ code: 4, writes: [] });
    expect(await story.run('init --method csi --dry-run')).toMatchObject({ writes: [] });
    await story.run('init --method csi --yes');
    expect(await story.run('plan --method csi --exit-code')).toMatchObject({ code: 0, writes: [] });
  });
});

describe('rights', () => {
  it('who may not assign roles gets the rest done, and the line for whoever may; exit 6', async () => {
    story.sandbox.world.noRoleAssignmentRights();
    const ran = await story.run('init --method workload-identity --yes');
    expect(ran.code).toBe(6);
    const said = ran.out + ran.err;
    expect(said).toContain('Microsoft.Authorization/roleAssignments/write');
    expect(said).toMatch(
      /az role assignment create --assignee-object-id \S+ --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope \S+/,
    );
    expect(said).toContain('AuthorizationFailed');
    expect(ran.writes.map(({ path }) => path).join()).toMatch(/federatedIdentityCredentials/);
  });

  it('who may not look into the vault still gets the proof', async () => {
    story.sandbox.world.noDataRights();
    const ran = await story.run('init --method workload-identity --yes');
    expect(ran.code).toBe(6);
    expect(ran.out + ran.err).toMatch(/can read/);
  });

  it('--grant-self gives the right to write, writes, and takes it back in the same run', async () => {
    story.sandbox.world.noDataRights();
    const env = { V: 'the-value-to-write' };
    const words = 'init --method workload-identity --yes --secret fresh --secret-value fresh=env:V --grant-self';
    const ran = await story.run(words, { env });
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    const verbs = ran.writes
      .filter(({ path }) => /roleAssignments|secrets\/fresh/.test(path))
      .map(({ method, path }) => `${method} ${path.includes('roleAssignments') ? 'role' : 'secret'}`);
    expect(verbs.filter((verb) => verb === 'DELETE role')).toHaveLength(1);
    const left = Object.values(story.sandbox.place.slice.assignments).filter(({ resource }) =>
      String(resource.properties.description).includes('temporary'),
    );
    expect(left).toEqual([]);
    expect(JSON.stringify(story.sandbox.parts.state.vaults)).toContain(env.V);
  });

  it('a temporary grant that an interrupted run left behind is taken back by the next', async () => {
    story.sandbox.world.noDataRights();
    const env = { V: 'the-value-to-write' };
    const words = 'init --method workload-identity --yes --secret fresh --secret-value fresh=env:V';
    story.sandbox.faults.failAt(
      { method: 'PUT', host: 'demo-kv.vault.azure.net' },
      { status: 500, body: { error: { code: 'InternalServerError', message: 'x' } } },
    );
    story.sandbox.faults.failAt(
      { method: 'DELETE', path: /roleAssignments/ },
      { status: 500, body: { error: { code: 'InternalServerError', message: 'x' } } },
    );
    expect((await story.run(`${words} --grant-self`, { env })).code).not.toBe(0);
    story.sandbox.faults.heal();
    const left = () =>
      Object.values(story.sandbox.place.slice.assignments).filter(({ resource }) =>
        String(resource.properties.description).includes('temporary'),
      );
    expect(left()).toHaveLength(1);
    await story.run('init --method workload-identity --yes');
    expect(left()).toEqual([]);
  });
});
