import { describe, expect, it } from 'vitest';
import type { Resource, RoleAssignment } from '../../src/azure/azure.ts';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { credentialName } from '../../src/ownership.ts';
import { KNOWN_AFTER_APPLY } from '../../src/step.ts';
import { access } from '../../src/steps/access.ts';
import { federation } from '../../src/steps/federation.ts';
import { identity } from '../../src/steps/identity.ts';
import { manifest } from '../../src/steps/manifest.ts';
import { ROLES } from '../../src/steps/roles.ts';
import { upstream, VAULT_ID } from './made.ts';

const IDENTITY_ID = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';
const MARK = 'abc123/shop/orders';
const identityOf = (mark: string | undefined): Resource => ({
  id: IDENTITY_ID,
  name: 'i',
  ...(mark && { tags: { 'aks-secrets': mark } }),
  properties: { clientId: 'c', principalId: 'P' },
});

/** A world whose writes are recorded; reads answer what is given. */
function world(reads: { credentials?: object[]; assignments?: object[]; identity?: Resource }) {
  const removed: unknown[] = [];
  const azure = {
    subscription: 's',
    identities: { get: async () => reads.identity, delete: async (id: string) => void removed.push(id) },
    federation: {
      list: async () => reads.credentials ?? [],
      delete: async (_id: string, name: string) => void removed.push(name),
    },
    roles: {
      heldBy: async () => reads.assignments ?? [],
      remove: async (id: string) => void removed.push(id),
    },
    vaults: { removePolicy: async (_id: string, policy: unknown) => void removed.push(policy) },
  };
  const kubernetes = { delete: async (object: { kind: string }) => void removed.push(object.kind) };
  const one = { azure, kubernetes, fresh: () => one };
  return { one: one as never, removed };
}

describe('removing an identity', () => {
  const step = identity({
    wish: { resourceGroup: 'rg', name: 'i' },
    id: IDENTITY_ID,
    called: 'i',
    mark: MARK,
    workloads: [],
    location: { step: 'c', fact: 'location' },
    after: {},
  });
  it.each<[string, string | undefined, object, boolean]>([
    ['ours, with nothing left on it', MARK, {}, true],
    ['ours, with a credential left', MARK, { credentials: [{ name: 'x' }] }, false],
    ['ours, with a role assignment left anywhere', MARK, { assignments: [{ id: 'a' }] }, false],
    ["another workload's", 'abc123/shop/web', {}, false],
    ['somebody else’s', undefined, {}, false],
  ])('%s', async (_name, mark, reads, goes) => {
    const { one, removed } = world(reads);
    await step.remove?.(one, identityOf(mark), {});
    expect(removed).toEqual(goes ? [IDENTITY_ID] : []);
  });
});

describe('removing a credential', () => {
  const subject = 'system:serviceaccount:shop:orders';
  const step = federation({
    identity: { wish: { resourceGroup: 'rg', name: 'i' }, id: IDENTITY_ID, step: upstream('identity/i') },
    cluster: upstream('cluster/aks'),
    subject,
    audience: 'api://AzureADTokenExchange',
    workloads: [],
    siblings: [subject],
  });
  const fic = (issuer: string, name = credentialName(issuer, subject)) => ({ name, issuer, subject, audiences: [] });
  const found = [fic('https://one/'), fic('https://two/'), fic('https://one/', 'by-hand')];

  it("takes this cluster's alone: the identity may serve a second cluster", async () => {
    const { one, removed } = world({});
    await step.remove?.(one, found, { issuer: 'https://one/', identityId: IDENTITY_ID });
    expect(removed).toEqual([credentialName('https://one/', subject)]);
  });
  it('takes none while the issuer is not known', async () => {
    const { one, removed } = world({});
    await step.remove?.(one, found, { issuer: KNOWN_AFTER_APPLY, identityId: IDENTITY_ID });
    expect(removed).toEqual([]);
  });
});

describe('removing access', () => {
  const step = access({
    vault: { wish: { resourceGroup: 'rg', name: 'kv' }, id: VAULT_ID, uri: 'u', step: upstream('vault/kv') },
    identity: { wish: { resourceGroup: 'rg', name: 'i' }, id: IDENTITY_ID, mark: MARK, step: upstream('identity/i') },
    secrets: [{ kind: 'secret', name: 's', as: 's' }],
    scope: 'vault',
    mark: MARK,
    workloads: [],
  });
  const grant = (id: string, description?: string, scope = VAULT_ID): RoleAssignment => ({
    ...{ id, scope, role: ROLES.secretsUser, principalId: 'p' },
    ...(description && { description }),
  });
  const policy = { tenantId: 't', objectId: 'p', permissions: { secrets: ['get'] } };
  const theirs = { tenantId: 't', objectId: 'q', permissions: { secrets: ['get'] } };
  const vault = { id: VAULT_ID, name: 'kv', properties: { accessPolicies: [policy, theirs] } };

  it('takes the assignments of this workload alone, and only in this vault', async () => {
    const { one, removed } = world({});
    const assignments = [
      grant('ours', `aks-secrets ${MARK}`),
      grant('on a secret', `aks-secrets ${MARK}`, `${VAULT_ID.toUpperCase()}/secrets/s`),
      grant('above', `aks-secrets ${MARK}`, '/subscriptions/s'),
      grant('longer', `aks-secrets ${MARK}-2`),
      grant('by hand'),
    ];
    await step.remove?.(one, { vault: undefined, assignments }, {});
    expect(removed).toEqual(['ours', 'on a secret']);
  });
  it('takes nothing by which somebody else comes in: a second workload, or cluster', async () => {
    const { one, removed } = world({ identity: identityOf(MARK), credentials: [{ name: 'another' }] });
    await step.remove?.(one, { vault, assignments: [grant('ours', `aks-secrets ${MARK}`)] }, {});
    expect(removed).toEqual([]);
  });
  it.each([
    ['ours', MARK, [policy]],
    ["another workload's", 'abc123/shop/web', []],
    ['somebody else’s', undefined, []],
  ])('takes the policy of an identity that is %s', async (_name, mark, gone) => {
    const { one, removed } = world({ identity: identityOf(mark) });
    await step.remove?.(one, { vault, assignments: [] }, {});
    expect(removed).toEqual(gone);
  });
});

describe('removing a Kubernetes object', () => {
  const object = (kind: string, ours: boolean): KubernetesObject => ({
    apiVersion: 'v1',
    kind,
    metadata: {
      name: 'shop',
      uid: 'u',
      labels: { 'app.kubernetes.io/managed-by': 'aks-secrets' },
      managedFields: [{ manager: ours ? 'aks-secrets' : 'kubectl', operation: 'Apply' }],
    },
  });
  const step = (kind: string) =>
    manifest({
      needs: {},
      file: 'template.yaml',
      fill: () => `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: shop\n`,
      workloads: [],
    });
  it('takes what is ours, and never a namespace', async () => {
    const { one, removed } = world({});
    await step('ConfigMap').remove?.(one, { object: object('ConfigMap', true) }, {});
    await step('ConfigMap').remove?.(one, { object: object('ConfigMap', false) }, {});
    expect(step('Namespace').remove).toBeUndefined();
    expect(removed).toEqual(['ConfigMap']);
  });
});
