import { describe, expect, it } from 'vitest';
import type { FederatedCredential, Resource, RoleAssignment } from '../../src/azure/azure.ts';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { credentialName } from '../../src/ownership.ts';
import type { Removal, Step } from '../../src/step.ts';
import { KNOWN_AFTER_APPLY } from '../../src/step.ts';
import { access } from '../../src/steps/access.ts';
import { deploymentLife } from '../../src/steps/deployment.ts';
import { federation } from '../../src/steps/federation.ts';
import { takeBack } from '../../src/steps/grant.ts';
import { identity } from '../../src/steps/identity.ts';
import { manifest } from '../../src/steps/manifest.ts';
import { retirement } from '../../src/steps/retirement.ts';
import { ROLES } from '../../src/steps/roles.ts';
import { upstream, VAULT_ID } from './made.ts';

const IDENTITY_ID = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';
const CLUSTER_ID = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks';
const MARK = 'abc123/shop/orders';
/** The same workload on another cluster. */
const MOVED = 'def456/shop/orders';
const OTHER = 'abc123/shop/web';
const wish = { resourceGroup: 'rg', name: 'i' };

const identityOf = (mark: string | undefined): Resource => ({
  id: IDENTITY_ID,
  name: 'i',
  ...(mark && { tags: { 'aks-secrets': mark } }),
  properties: { clientId: 'c', principalId: 'P' },
});

/** A world whose writes are recorded. */
function recorder() {
  const removed: unknown[] = [];
  const azure = {
    identities: { delete: async (id: string) => void removed.push(id) },
    federation: { delete: async (_id: string, name: string) => void removed.push(name) },
    roles: { remove: async (id: string) => void removed.push(id) },
    vaults: { removePolicy: async (_id: string, policy: unknown) => void removed.push(policy) },
  };
  const kubernetes = {
    delete: async (object: { kind: string }) => void removed.push(`delete ${object.kind}`),
    apply: async (text: string) => void removed.push(`apply ${text}`),
  };
  return { world: { azure, kubernetes } as never, removed };
}

interface About {
  readonly surveyed?: unknown;
  readonly known?: Record<string, string>;
  readonly others?: readonly string[];
  readonly going?: readonly string[];
}
/** What the step decides, and what is removed when that is carried out. */
async function end(step: Step, seen: unknown, { surveyed, known = {}, others = [], going = [] }: About = {}) {
  const removal = step.removal?.(seen, known, { surveyed, others, going: new Set(going) }) as Removal;
  const { world, removed } = recorder();
  if (removal.state === 'remove') await step.remove?.(world, seen, known, removal);
  const beside = removal.beside?.map(({ subject, note }) => `${subject}: ${note}`) ?? [];
  return { state: removal.state, note: removal.note ?? '', beside, removed };
}

describe('the end of an identity', () => {
  const step = identity({
    ...{ wish, id: IDENTITY_ID, called: 'i', mark: MARK, marks: [MARK], workloads: [] },
    location: { step: 'c', fact: 'location' },
    after: {},
  });
  const credential = { name: 'x', issuer: 'i', subject: 'system:serviceaccount:shop:web', audiences: [] };
  const X = `${IDENTITY_ID}/federatedIdentityCredentials/x`.toLowerCase();
  const role = (id: string, description?: string): RoleAssignment => ({
    ...{ id: `/vaults/old-kv/providers/Microsoft.Authorization/roleAssignments/${id}`, scope: '/x/vaults/old-kv' },
    ...{ role: ROLES.secretsUser, principalId: 'p', ...(description && { description }) },
  });
  const ours = role('ours', `aks-secrets ${MARK}`);
  it.each<[string, string | undefined, object, About, string, RegExp]>([
    ['ours, with nothing left on it', MARK, {}, {}, 'remove', /^$/],
    ['ours, taken over by another cluster', MOVED, {}, {}, 'remove', /^$/],
    ['ours, with a credential left', MARK, { credentials: [credential] }, {}, 'leave', /trusts shop\/web/],
    ['ours, with a credential that goes before', MARK, { credentials: [credential] }, { going: [X] }, 'remove', /^$/],
    ['ours, with a role that somebody gave', MARK, { assignments: [role('a')] }, {}, 'leave', /Secrets User on vault/],
    ['ours, with a role of ours elsewhere', MARK, { assignments: [ours] }, {}, 'remove', /vault old-kv/],
    ["another workload's", OTHER, {}, {}, 'leave', /not made by/],
    ['somebody else’s', undefined, {}, {}, 'leave', /not made by/],
  ])('%s', async (_name, mark, left, about, state, note) => {
    const surveyed = { credentials: [], assignments: [], ...left };
    const found = await end(step, identityOf(mark), { ...about, surveyed });
    expect(found).toMatchObject({ state, note: expect.stringMatching(note) });
    const roles = (surveyed.assignments as RoleAssignment[]).map(({ id }) => id);
    expect(found.removed).toEqual(state === 'remove' ? [...roles, IDENTITY_ID] : []);
  });
  it('is nothing where there is none', async () => {
    expect((await end(step, undefined)).state).toBe('absent');
  });
});

const subject = 'system:serviceaccount:shop:orders';
const credentialOf = (issuer: string, name = credentialName(issuer, subject)): FederatedCredential => ({
  ...{ name, issuer, subject, audiences: [] },
});
const [ONE, TWO, THREE] = ['https://one/', 'https://two/', 'https://three/'].map((issuer) => credentialOf(issuer)) as [
  FederatedCredential,
  FederatedCredential,
  FederatedCredential,
];
const held = { wish, id: IDENTITY_ID, marks: [MARK], step: upstream('identity/i') };

describe('the end of a credential', () => {
  const step = federation({
    ...{ identity: held, cluster: upstream('cluster/aks'), clusterId: CLUSTER_ID, subject, workloads: [] },
    ...{ audience: 'api://AzureADTokenExchange', siblings: [subject] },
  });
  const byHand = credentialOf('https://one/', 'by-hand');
  const here = { known: { issuer: 'https://one/', identityId: IDENTITY_ID } };
  const there = { clusterGone: false, madeForCluster: true };

  it("is of this cluster's alone: the identity may serve a second cluster", async () => {
    const found = await end(step, [ONE, TWO, byHand], { ...here, surveyed: there });
    expect(found).toMatchObject({ state: 'remove', removed: [ONE.name] });
    expect(found.beside).toEqual([
      expect.stringMatching(/^by-hand at i: trusts shop\/orders too, and was not made by aks-secrets/),
      expect.stringMatching(/destroy --issuer https:\/\/two\/ removes it/),
    ]);
  });
  it('names the cluster that has the issuer of one that stays', async () => {
    const surveyed = { ...there, clusters: [{ called: 'new-aks in rg', issuer: 'https://two/' }] };
    expect((await end(step, [ONE, TWO], { ...here, surveyed })).beside).toEqual([
      expect.stringContaining('for cluster new-aks in rg'),
    ]);
  });
  it('does not come while another workload of the file has the same service account', async () => {
    const found = await end(step, [ONE], { ...here, surveyed: there, others: ['web'] });
    expect(found).toMatchObject({ state: 'leave', note: 'also serves web, which stays' });
  });
  it('is nothing where there is none, and where the cluster never had an issuer', async () => {
    const known = { issuer: KNOWN_AFTER_APPLY, identityId: IDENTITY_ID };
    expect((await end(step, [], { known, surveyed: there })).state).toBe('absent');
    expect(await end(step, [ONE], { known, surveyed: there })).toMatchObject({ state: 'absent', removed: [] });
  });

  const gone = { clusterGone: true, madeForCluster: true, clusters: [] };
  const unknown = { issuer: KNOWN_AFTER_APPLY, identityId: IDENTITY_ID };
  it.each<[string, FederatedCredential[], object, string[], RegExp | undefined]>([
    ['one of ours, whose issuer nobody has', [ONE], gone, [ONE.name], undefined],
    [
      'one of ours, and one that another cluster lives by',
      [ONE, TWO],
      { ...gone, clusters: [{ called: 'b', issuer: 'https://two/' }] },
      [ONE.name],
      /for cluster b/,
    ],
    ['two of ours, and nobody can tell which', [TWO, THREE], gone, [], /cannot be told/],
    [
      'one of ours that another cluster lives by',
      [ONE],
      { ...gone, clusters: [{ called: 'b', issuer: 'https://one/' }] },
      [],
      /for cluster b/,
    ],
    ['who may not look at clusters', [ONE], { clusterGone: true, madeForCluster: true }, [], /may not look/],
    ['an identity of another cluster', [ONE], { ...gone, madeForCluster: false }, [], /not made for this cluster/],
    ['only one by hand', [byHand], gone, [], /not made by aks-secrets/],
  ])('where the cluster is gone: %s', async (_name, found, surveyed, removed, beside) => {
    const ended = await end(step, found, { known: unknown, surveyed });
    expect(ended.removed).toEqual(removed);
    expect(ended.beside.join('\n')).toMatch(beside ?? /^$/);
  });
});

describe('the end of trust in an issuer', () => {
  const step = retirement({ identity: held, called: 'i', subject, issuer: 'https://one', workloads: [] });
  it('shows who still has it, and leaves all others', async () => {
    const surveyed = { clusters: [{ called: 'old-aks in rg', issuer: 'https://one/' }] };
    const found = await end(step, [ONE, TWO], { surveyed });
    expect(found).toMatchObject({ state: 'remove', removed: [ONE.name] });
    expect(found.note).toMatch(/cluster old-aks in rg has this issuer: shop\/orders loses its access there/);
    expect(found.beside).toEqual([expect.stringMatching(/for shop\/orders, issuer https:\/\/two\//)]);
  });
  it('says that it is the last one', async () => {
    const found = await end(step, [ONE], { surveyed: { clusters: [] } });
    expect(found.note).toMatch(/no cluster of this subscription .*; it is the last credential/);
  });
  it('leaves one that was made by hand', async () => {
    const found = await end(step, [credentialOf('https://one/', 'by-hand')], { surveyed: {} });
    expect(found).toMatchObject({ state: 'absent', removed: [] });
    expect(found.beside).toEqual([expect.stringMatching(/not made by aks-secrets/)]);
  });
});

describe('the end of access', () => {
  const step = access({
    vault: { wish: { resourceGroup: 'rg', name: 'kv' }, id: VAULT_ID, uri: 'u', step: upstream('vault/kv') },
    ...{ identity: held, credentials: ['federation/i/shop:orders'], scope: 'vault', mark: MARK, workloads: [] },
    secrets: [{ kind: 'secret', name: 's', as: 's' }],
  });
  const grant = (id: string, description?: string, scope = VAULT_ID): RoleAssignment => ({
    ...{ id: `/roleAssignments/${id}`, scope, role: ROLES.secretsUser, principalId: 'p' },
    ...(description && { description }),
  });
  const policy = { tenantId: 't', objectId: 'p', permissions: { secrets: ['get'] } };
  const theirs = { tenantId: 't', objectId: 'q', permissions: { secrets: ['get'] } };
  const vault = { id: VAULT_ID, name: 'kv', properties: { accessPolicies: [policy, theirs] } };
  const of = (mark: string | undefined, credentials: readonly FederatedCredential[] = []) => ({
    surveyed: { holder: identityOf(mark), credentials },
  });

  it('comes after that of the credentials by which it is used', () => {
    expect(step.outlives).toEqual(['federation/i/shop:orders']);
  });
  it('takes the assignments of this workload alone, and only in this vault', async () => {
    const assignments = [
      grant('ours', `aks-secrets ${MARK}`),
      grant('on a secret', `aks-secrets ${MARK}`, `${VAULT_ID.toUpperCase()}/secrets/s`),
      grant('from another cluster', `aks-secrets ${MOVED}`),
      grant('above', `aks-secrets ${MARK}`, '/subscriptions/s'),
      grant('longer', `aks-secrets ${MARK}-2`),
      grant('by hand'),
    ];
    const found = await end(step, { vault: undefined, assignments }, of(MARK));
    expect(found.removed).toEqual([
      '/roleAssignments/ours',
      '/roleAssignments/on a secret',
      '/roleAssignments/from another cluster',
    ]);
    expect(found.beside.filter((one) => one.includes('not given by aks-secrets'))).toHaveLength(2);
  });
  const theirOwn = (id: string, principalId: string, mark: string): RoleAssignment => ({
    ...grant(id, `aks-secrets ${mark}`),
    principalId,
  });
  it.each<[string, string, string, readonly string[] | undefined, boolean]>([
    ['of the same workload on another cluster, which has one of its own', 'q', MOVED, ['p'], false],
    ['of this workload, which lives', 'q', MARK, ['p', 'q'], false],
    ['of this workload, of which nobody can tell whether it lives', 'q', MARK, undefined, false],
    ['of this workload, which is gone', 'q', MARK, ['p'], true],
  ])('of another identity, %s: taken only when nobody lives by it', async (_name, principal, mark, alive, taken) => {
    const assignments = [theirOwn('other', principal, mark)];
    const surveyed = { credentials: [], ...(alive && { alive: new Set(alive) }) };
    for (const holder of [identityOf(MARK), undefined]) {
      const found = await end(step, { vault: undefined, assignments }, { surveyed: { ...surveyed, holder } });
      expect(found.removed).toEqual(taken ? ['/roleAssignments/other'] : []);
      expect(found.beside).toHaveLength(!taken && mark === MARK ? 1 : 0);
    }
  });
  it('does not come while somebody else lives by it: a second workload, or cluster', async () => {
    const another = { name: 'a', issuer: 'i', subject: 'system:serviceaccount:shop:web', audiences: [] };
    const found = await end(step, { vault, assignments: [grant('ours', `aks-secrets ${MARK}`)] }, of(MARK, [another]));
    expect(found).toMatchObject({ state: 'leave', removed: [], note: expect.stringContaining('shop/web') });
  });
  it('comes when the last credential goes before it', async () => {
    const going = [`${IDENTITY_ID}/federatedIdentityCredentials/${ONE.name}`.toLowerCase()];
    const seen = { vault: undefined, assignments: [grant('ours', `aks-secrets ${MARK}`)] };
    expect((await end(step, seen, { ...of(MARK, [ONE]), going })).removed).toEqual(['/roleAssignments/ours']);
  });
  it.each([
    ['ours', MARK, [policy], 0],
    ["another workload's", OTHER, [], 1],
    ['somebody else’s', undefined, [], 1],
  ])('takes the policy of an identity that is %s', async (_name, mark, gone, left) => {
    const found = await end(step, { vault, assignments: [] }, of(mark));
    expect(found.removed).toEqual(gone);
    expect(found.beside).toHaveLength(left);
  });
});

describe('the end of a grant to the caller', () => {
  const step = takeBack({
    vault: { wish: { resourceGroup: 'rg', name: 'kv' }, id: VAULT_ID, uri: 'u', step: upstream('vault/kv') },
    ...{ grant: undefined, behind: [], workloads: [] },
  });
  const given = (id: string, description: string, principalId = 'ME'): RoleAssignment => ({
    ...{ id, scope: VAULT_ID, role: ROLES.secretsOfficer, principalId, description },
  });
  it("takes back what an interrupted run left, and neither a colleague's nor one that was to be kept", async () => {
    const assignments = [
      given('left', 'aks-secrets temporary grant'),
      given('kept', 'aks-secrets --keep-grant'),
      given("colleague's", 'aks-secrets temporary grant', 'you'),
    ];
    const found = await end(step, { callerId: 'me', assignments });
    expect(found).toMatchObject({ state: 'remove', removed: ['left'] });
    expect(found.beside).toEqual([expect.stringContaining('--keep-grant')]);
    expect((await end(step, { callerId: 'me', assignments: [] })).state).toBe('absent');
  });
});

describe('the end of a Kubernetes object', () => {
  const object = (kind: string, manager: string, more: object = {}): KubernetesObject => ({
    ...{ apiVersion: 'v1', kind },
    metadata: {
      ...{ name: 'shop', uid: 'u', labels: { 'app.kubernetes.io/managed-by': 'aks-secrets' } },
      managedFields: [{ manager, operation: 'Apply', fieldsV1: { 'f:metadata': {} } }],
      ...more,
    },
  });
  const step = (kind: string, life?: typeof deploymentLife) =>
    manifest({
      ...{ needs: {}, file: 'template.yaml', workloads: [] },
      fill: () => ({
        text: `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: shop\n`,
        object: { apiVersion: 'v1', kind, metadata: { name: 'shop' } },
      }),
      ...(life && { life }),
    });
  const unlabelled = { labels: {} };
  const spec = { managedFields: [{ manager: 'aks-secrets', operation: 'Apply', fieldsV1: { 'f:spec': {} } }] };
  const argo = { annotations: { 'argocd.argoproj.io/tracking-id': 'x' } };
  it.each<[string, KubernetesObject | undefined, About, string, unknown[], RegExp]>([
    ['ours', object('ConfigMap', 'aks-secrets'), {}, 'remove', ['delete ConfigMap'], /^$/],
    ['a label alone', object('ConfigMap', 'kubectl'), {}, 'leave', [], /not made by/],
    [
      'one that we only annotated',
      object('ConfigMap', 'aks-secrets', unlabelled),
      {},
      'remove',
      [expect.stringMatching(/^apply apiVersion: v1\nkind: ConfigMap\nmetadata:\n {2}name: shop\n {2}uid: u\n$/)],
      /the object stays/,
    ],
    [
      'one whose spec we wrote',
      object('ConfigMap', 'aks-secrets', { ...unlabelled, ...spec }),
      {},
      'leave',
      [],
      /stays/,
    ],
    ['kept by Argo CD', object('ConfigMap', 'aks-secrets', argo), {}, 'leave', [], /Argo CD/],
    ['shared', object('ConfigMap', 'aks-secrets'), { others: ['a', 'b'] }, 'leave', [], /serves a and b, which stay/],
    [
      'on its way out',
      object('ConfigMap', 'aks-secrets', { deletionTimestamp: 'now', finalizers: ['x/hold'] }),
      {},
      'going',
      [],
      /x\/hold/,
    ],
    ['gone', undefined, {}, 'absent', [], /^$/],
  ])('%s', async (_name, found, about, state, removed, note) => {
    const ended = await end(step('ConfigMap'), { object: found }, about);
    expect(ended).toMatchObject({ state, removed, note: expect.stringMatching(note) });
  });

  it('never comes for a namespace, whoever made it', async () => {
    const found = await end(step('Namespace'), { object: object('Namespace', 'aks-secrets') });
    expect(found).toMatchObject({ state: 'leave', removed: [] });
    expect(step('Namespace').remove).toBeUndefined();
  });

  it('has not come while pods of a Deployment that is gone still run', async () => {
    const pods = (owner: string) => [
      { metadata: { name: 'p', ownerReferences: [{ kind: 'ReplicaSet', name: owner }] } },
    ];
    const survey = (owner: string) =>
      step('Deployment', deploymentLife).survey?.({ kubernetes: { list: async () => pods(owner) } } as never);
    const about = async (owner: string) => ({ surveyed: await survey(owner) });
    const seen = { object: undefined };
    expect(await end(step('Deployment', deploymentLife), seen, await about('shop-7d4'))).toMatchObject({
      ...{ state: 'going', note: 'pod p is still there' },
    });
    expect((await end(step('Deployment', deploymentLife), seen, await about('web-1'))).state).toBe('absent');
  });
});
