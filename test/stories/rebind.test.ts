import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Ran, type Story } from './harness.ts';
import { credentialsIn, deleteCluster, identityIn, trustByHand } from './others.ts';

let story: Story;
beforeEach(async () => {
  story = await begin({ existing: { clusters: [{ resourceGroup: 'demo-rg', name: 'new-aks' }] } });
  await well(`init ${OLD}`);
});
afterEach(() => story.close());

const run = (words: string): Promise<Ran> => story.run(words, { bare: true });
const well = async (words: string): Promise<Ran> => {
  const ran = await run(words);
  expect({ words, code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ words, code: 0, err: '' });
  return ran;
};
const GIVEN =
  '--method workload-identity --resource-group demo-rg --vault demo-kv --namespace demo --secret db-password';
const ALL = '--yes --allow cluster,irreversible';
const OLD = `${GIVEN} --cluster demo-aks --workload demo ${ALL}`;
/** The same, on the cluster that takes the place of the first. */
const NEW = `${GIVEN} --cluster new-aks --workload demo ${ALL}`;
const identities = (): string[] =>
  Object.values(story.sandbox.place.slice.identities).map(({ resource }) => resource.name);
const issuerOf = (cluster: string): string => {
  const found = Object.values(story.sandbox.place.slice.clusters).find(({ resource }) => resource.name === cluster);
  return (found!.resource.properties.oidcIssuerProfile as { issuerURL: string }).issuerURL;
};
const bound = (ran: Ran): string => (ran.out + ran.err).replaceAll(/\s+/g, ' ');

describe('--rebind', () => {
  it("takes the identity that the old cluster's run has made, and both clusters come in", async () => {
    const [first] = credentialsIn(story, 'demo');
    const ran = await well(`init ${NEW} --rebind`);
    expect(identities()).toHaveLength(1);
    expect(credentialsIn(story, 'demo')).toEqual([first, expect.stringMatching(/^aks-secrets-/)]);
    expect(bound(ran)).toContain(`the one for ${issuerOf('demo-aks')} stays beside it`);
    expect(bound(ran)).toContain(`aks-secrets destroy --issuer ${issuerOf('demo-aks')}`);
    expect(ran.writes.filter(({ path }) => /roleAssignments/.test(path))).toEqual([]);
    // Both are proven, and nothing is written any more.
    expect((await well(`init ${NEW} --rebind`)).writes).toEqual([]);
    expect((await well(`init ${OLD}`)).writes).toEqual([]);
  });

  it('the line that it prints names the identity, and needs no --rebind', async () => {
    const ran = await well(`init ${NEW} --rebind`);
    const again = /aks-secrets (init .*--yes)$/m.exec(ran.out)?.[1]?.replaceAll("'", '') ?? '';
    expect(again).toContain(`--identity ${identities()[0]}`);
    expect((await well(again)).writes).toEqual([]);
  });

  it('without it, a workload on another cluster gets an identity of its own', async () => {
    await well(`init ${NEW}`);
    expect(identities()).toHaveLength(2);
  });

  it('where none was made for the workload: a complaint that says what to give', async () => {
    const ran = await run(`init ${NEW.replace('--workload demo', '--workload web')} --rebind`);
    expect({ code: ran.code, writes: ran.writes }).toEqual({ code: 2, writes: [] });
    expect(bound(ran)).toMatch(/--rebind: no identity in demo-rg is tagged aks-secrets=\.\.\.\/demo\/web/);
  });

  it('where there are several: a complaint that names them', async () => {
    await well(`init ${NEW}`);
    const ran = await run(`plan ${NEW} --rebind`);
    expect(ran.code).toBe(2);
    for (const name of identities()) expect(ran.err).toContain(name);
  });
});

describe('a cluster that was made anew under its name', () => {
  it('gets a credential beside the old one, which the plan names, with or without --rebind', async () => {
    const identity = identityIn(story, 'demo')!;
    const [old] = credentialsIn(story, 'demo');
    const record = identity.credentials[old!]!;
    // As if the first had been made for an issuer that is gone.
    const before = 'https://westeurope.oic.prod-aks.azure.com/gone/';
    delete identity.credentials[old!];
    const { credentialName } = await import('../../src/ownership.ts');
    const subject = String(record.resource.properties.subject);
    trustByHand(story, 'demo', { name: credentialName(before, subject), issuer: before, subject });
    const ran = await well(`init ${OLD}`);
    expect(bound(ran)).toContain(`the one for ${before} stays beside it`);
    expect(credentialsIn(story, 'demo')).toHaveLength(2);
    const plan = await well(`destroy ${OLD} --issuer ${before} --dry-run`);
    expect(bound(plan)).toContain('no cluster of this subscription has this issuer');
  });
});

describe('destroy --issuer', () => {
  const retire = (cluster: string, more = '') =>
    `destroy ${NEW} --identity ${identities()[0]} --issuer ${issuerOf(cluster)} ${more}`;

  it('shows who still uses it, removes that credential alone, and what the other cluster has goes on', async () => {
    const [first] = credentialsIn(story, 'demo');
    await well(`init ${NEW} --rebind`);
    const shown = await well(retire('demo-aks', '--dry-run'));
    expect(bound(shown)).toMatch(/cluster demo-aks in demo-rg has this issuer: demo\/demo loses its access/);
    expect(bound(shown)).toContain(`for demo/demo, issuer ${issuerOf('new-aks')}`);
    const ran = await well(retire('demo-aks'));
    expect(ran.writes.map(({ method }) => method)).toEqual(['DELETE']);
    expect(credentialsIn(story, 'demo')).not.toContain(first);
    expect((await well(`init ${NEW} --rebind`)).writes).toEqual([]);
    expect((await well(retire('demo-aks'))).writes).toEqual([]);
  });

  it('is refused what is no URL', async () => {
    const ran = await run(`destroy ${OLD} --issuer shop`);
    expect({ code: ran.code, err: ran.err }).toEqual({ code: 2, err: expect.stringContaining('--issuer') });
  });
});

describe('destroy, of one of two clusters', () => {
  it('that have an identity each takes nothing from the other one, nor before its own is made', async () => {
    const roles = () => Object.keys(story.sandbox.place.slice.assignments).length;
    const before = roles();
    expect((await well(`destroy ${NEW}`)).writes).toEqual([]);
    await well(`init ${NEW}`);
    expect(roles()).toBe(before + 1);
    await well(`destroy ${NEW}`);
    expect(roles()).toBe(before);
    expect((await well(`init ${OLD}`)).writes).toEqual([]);
  });

  it('leaves what the other one lives by; of the last one, all goes, whoever made it', async () => {
    await well(`init ${NEW} --rebind`);
    const name = identities()[0]!;
    await well(`destroy ${OLD}`);
    expect({ identities: identities(), credentials: credentialsIn(story, 'demo').length }).toEqual({
      identities: [name],
      credentials: 1,
    });
    expect((await well(`init ${NEW} --rebind`)).writes).toEqual([]);
    await well(`destroy ${NEW} --rebind`);
    expect(identities()).toEqual([]);
  });

  it('a cluster that is gone does not take the other one with it', async () => {
    await well(`init ${NEW} --rebind`);
    deleteCluster(story, 'demo-aks');
    await well(`destroy ${OLD}`);
    expect(credentialsIn(story, 'demo')).toHaveLength(1);
    expect((await well(`init ${NEW} --rebind`)).writes).toEqual([]);
  });
});
