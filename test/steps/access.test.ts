import { describe, expect, it } from 'vitest';
import type { RoleAssignment } from '../../src/azure/azure.ts';
import type { Step } from '../../src/step.ts';
import { access } from '../../src/steps/access.ts';
import { ROLES } from '../../src/steps/roles.ts';
import { resource, upstream, VAULT_ID } from './made.ts';

describe('access', () => {
  const make = (scope: 'vault' | 'secret', names = ['db-password'], lists = false) =>
    access({
      lists,
      vault: {
        wish: { resourceGroup: 'rg', name: 'kv' },
        id: VAULT_ID,
        uri: 'https://kv.vault.azure.net',
        step: upstream('vault/kv'),
      },
      identity: {
        wish: { resourceGroup: 'rg', name: 'orders-id' },
        id: 'i',
        marks: ['abc123/shop/orders'],
        step: upstream('identity/orders-id'),
      },
      credentials: [],
      secrets: names.map((name) => ({ kind: 'secret', name, as: name })),
      scope,
      mark: 'abc123/shop/orders',
      workloads: ['orders'],
    });
  const grant = (more: Partial<RoleAssignment>): RoleAssignment => ({
    id: 'a',
    scope: VAULT_ID,
    role: ROLES.secretsUser,
    principalId: 'p',
    ...more,
  });
  const judged = (
    step: Step,
    mode: string,
    assignments: RoleAssignment[],
    vaultResource = resource({}),
    held?: unknown,
  ) => step.judge({ vault: vaultResource, assignments, held }, { principalId: 'p', tenantId: 't', mode });

  it.each<[string, Partial<RoleAssignment>, string]>([
    ['ours', { description: 'aks-secrets abc123/shop/orders' }, 'as wanted'],
    ['somebody else’s', {}, 'good enough'],
    ['inherited from the resource group', { scope: '/subscriptions/s/resourceGroups/rg' }, 'good enough'],
    ['ids in another case', { scope: VAULT_ID.toUpperCase() }, 'good enough'],
    ['a stronger role', { role: ROLES.administrator }, 'good enough'],
    ['on the secret itself', { scope: `${VAULT_ID}/secrets/db-password` }, 'absent'],
    ['on a vault whose name begins alike', { scope: `${VAULT_ID}2` }, 'absent'],
    ['another principal', { principalId: 'q' }, 'absent'],
    ['a role that reads no secret', { role: ROLES.reader }, 'absent'],
    ['ours, with a condition that somebody added', { description: 'aks-secrets x', condition: '@R' }, 'good enough'],
  ])('by role: %s', (_name, more, state) => {
    expect(judged(make('vault'), 'rbac', [grant(more)]).state).toBe(state);
  });

  it('takes a grant through a group, and says so', () => {
    const step = make('vault');
    const seen = { vault: resource({}), assignments: [], throughGroups: [grant({ principalId: 'a-group' })] };
    expect(step.judge(seen, { principalId: 'p', tenantId: 't', mode: 'rbac' })).toMatchObject({
      state: 'good enough',
      note: expect.stringContaining('through a group'),
    });
  });
  it('asks for grants through groups only of an identity that has none of its own', async () => {
    let asked = 0;
    const look = (assignments: RoleAssignment[], principalId?: string) =>
      make('vault').observe({
        azure: {
          vaults: { get: async () => resource({ enableRbacAuthorization: true }) },
          secrets: { list: async () => [] },
          identities: { get: async () => principalId && resource({ principalId }) },
          roles: { list: async () => assignments, heldBy: async () => [grant({ principalId: 'g' })].slice(asked++) },
        },
      } as never);
    await look([], undefined);
    await look([grant({})], 'p');
    expect(asked).toBe(0);
    expect(await look([], 'P')).toMatchObject({ throughGroups: [{ principalId: 'g' }] });
  });
  it('leaves a grant with a condition as narrow as it is, and says that it has one', () => {
    expect(judged(make('vault'), 'rbac', [grant({ condition: '@Resource[...]' })])).toMatchObject({
      state: 'good enough',
      note: expect.stringContaining('condition'),
    });
    const both = [grant({ condition: '@R', id: 'b' }), grant({ scope: '/subscriptions/s' })];
    expect(judged(make('vault'), 'rbac', both).note).not.toContain('condition');
  });
  it('says when a grant is wider than was asked', () => {
    const ours = { description: 'aks-secrets abc123/shop/orders' };
    expect(judged(make('secret'), 'rbac', [grant(ours)])).toMatchObject({
      state: 'good enough',
      note: expect.stringContaining('wider'),
    });
  });
  it('is blocked where vault and identity are of different tenants: no token of one opens the other', () => {
    const foreign = resource({ tenantId: 'other', enableRbacAuthorization: true });
    expect(judged(make('vault'), 'rbac', [grant({})], foreign)).toMatchObject({
      state: 'blocked',
      note: expect.stringContaining('other'),
    });
    expect(judged(make('vault'), 'rbac', [grant({})], resource({ tenantId: 'T' })).state).toBe('good enough');
  });
  it('opens no secret by the role for a public part', () => {
    const held = ['a', 'b'].map((name) => ({ name, enabled: true }));
    const key = access({
      vault: { wish: { resourceGroup: 'rg', name: 'kv' }, id: VAULT_ID, uri: 'u', step: upstream('vault/kv') },
      identity: { wish: { resourceGroup: 'rg', name: 'i' }, id: 'i', marks: ['m'], step: upstream('identity/i') },
      credentials: [],
      secrets: [{ kind: 'key', name: 'k', as: 'k' }],
      scope: 'vault',
      mark: 'm',
      workloads: [],
    });
    expect(judged(key, 'rbac', [], resource({}), held).note).toBeUndefined();
    expect(judged(key, 'rbac', [grant({ role: ROLES.certificateUser })]).state).toBe('good enough');
  });
  it('gives a line for every assignment that is needed', () => {
    const line = make('secret', ['a', 'b']).byHand?.({ principalId: 'p', tenantId: 't', mode: 'rbac' });
    expect(line?.split(' && ')).toHaveLength(2);
  });

  it('counts what a vault-wide role opens besides', () => {
    const held = ['db-password', 'api-key', 'other'].map((name) => ({ name, enabled: true }));
    expect(judged(make('vault'), 'rbac', [], resource({}), held).note).toContain('2 other secrets');
    expect(judged(make('secret'), 'rbac', [], resource({}), held).note).toBe('there for db-password alone');
  });

  it('needs every secret at secret scope, and takes a wider grant', () => {
    const step = make('secret', ['a', 'b']);
    expect(judged(step, 'rbac', [grant({ scope: `${VAULT_ID}/secrets/a` })]).state).toBe('absent');
    expect(
      judged(
        step,
        'rbac',
        ['a', 'b'].map((name) => grant({ scope: `${VAULT_ID}/secrets/${name}` })),
      ).state,
    ).toBe('good enough');
    expect(judged(step, 'rbac', [grant({})]).state).toBe('good enough');
  });

  it.each([
    ['none', [], 'absent'],
    ['get', [{ objectId: 'p', permissions: { secrets: ['Get'] } }], 'as wanted'],
    ['all', [{ objectId: 'p', permissions: { secrets: ['all'] } }], 'as wanted'],
    ['an object id in another case', [{ objectId: 'P', permissions: { secrets: ['get'] } }], 'as wanted'],
    [
      'the second entry of the identity',
      [
        { objectId: 'p', permissions: { keys: ['get'] } },
        { objectId: 'p', permissions: { secrets: ['get'] } },
      ],
      'as wanted',
    ],
    ['list only', [{ objectId: 'p', permissions: { secrets: ['list'] } }], 'absent'],
    [
      'on behalf of an application',
      [{ objectId: 'p', applicationId: 'app', permissions: { secrets: ['get'] } }],
      'absent',
    ],
    ['somebody else', [{ objectId: 'q', permissions: { secrets: ['get'] } }], 'absent'],
  ])('by policy: %s', (_name, accessPolicies, state) => {
    expect(judged(make('vault'), 'policies', [grant({})], resource({ accessPolicies })).state).toBe(state);
  });

  it.each([
    ['get alone', [{ objectId: 'p', permissions: { secrets: ['get'] } }], 'absent'],
    ['get and list', [{ objectId: 'p', permissions: { secrets: ['List', 'Get'] } }], 'as wanted'],
    ['all', [{ objectId: 'p', permissions: { secrets: ['all'] } }], 'as wanted'],
  ])('by policy, and looking through the vault: %s', (_name, accessPolicies, state) => {
    const step = make('vault', [], true);
    expect(judged(step, 'policies', [], resource({ accessPolicies })).state).toBe(state);
  });
  it('looking through the vault, by role: the role that reads secrets lists them', () => {
    const step = make('vault', [], true);
    expect(step.subject).toContain('Key Vault Secrets User');
    expect(judged(step, 'rbac', [grant({})]).state).toBe('good enough');
    expect(judged(step, 'rbac', [grant({ role: ROLES.reader })]).state).toBe('absent');
  });

  it('refuses secret scope on a vault that decides by policies', () => {
    expect(judged(make('secret'), 'policies', []).state).toBe('blocked');
  });
});
