import { describe, expect, it } from 'vitest';
import { KNOWN_AFTER_APPLY } from '../../src/step.ts';
import { grantSelf, takeBack } from '../../src/steps/grant.ts';
import { ROLES } from '../../src/steps/roles.ts';
import { secret } from '../../src/steps/secret.ts';
import { Problem } from '../../src/trouble.ts';
import { upstream, VAULT_ID } from './made.ts';

const at = new Date('2026-11-22T12:00:00Z');

describe('secret', () => {
  const make = (more: object) =>
    secret({
      vault: { wish: { resourceGroup: 'rg', name: 'kv' }, uri: 'u', step: upstream('vault/kv') },
      wanted: { kind: 'secret', name: 's', as: 's', ...more },
      workloads: [],
      grant: undefined,
    });
  const value = { env: 'V' };
  it.each([
    ['absent, no value', {}, { found: undefined }, 'blocked'],
    ['absent, a value', { value }, { found: undefined }, 'absent'],
    ['there', {}, { found: { name: 's', enabled: true } }, 'as wanted'],
    ['there, a value but no --rotate: it stays', { value }, { found: { name: 's', enabled: true } }, 'as wanted'],
    ['there, --rotate', { value, rotate: true }, { found: { name: 's', enabled: true } }, 'differs'],
    [
      'rotated in this run',
      { value, rotate: true },
      { found: { name: 's', enabled: true }, written: true },
      'as wanted',
    ],
    ['--rotate without a value', { rotate: true }, { found: { name: 's', enabled: true } }, 'blocked'],
    [
      'managed by a certificate, --rotate',
      { value, rotate: true },
      { found: { name: 's', enabled: true, managed: true } },
      'blocked',
    ],
    ['disabled', {}, { found: { name: 's', enabled: false } }, 'blocked'],
  ])('%s', (_name, more, seen, state) => {
    expect(make(more).judge(seen, {}).state).toBe(state);
  });
});

describe('a key or certificate', () => {
  const make = (kind: 'key' | 'certificate') =>
    secret({
      vault: { wish: { resourceGroup: 'rg', name: 'kv' }, uri: 'u', step: upstream('vault/kv') },
      wanted: { kind, name: 'tls', as: 'tls', rotate: true },
      workloads: [],
      grant: undefined,
    });
  const found = { name: 'tls', enabled: true };
  it.each([
    ['absent: it is not made', undefined, 'blocked', 'there is no certificate tls in kv'],
    [
      'there, and managed: rotating a secret of its name is no matter of it',
      { ...found, managed: true },
      'as wanted',
      undefined,
    ],
    ['disabled', { ...found, enabled: false }, 'blocked', 'tls is disabled, so nobody can read it'],
    ['not to be looked at', 'hidden', 'good enough', 'taken for granted: you may not look at the certificates of kv'],
  ])('%s', (_name, seen, state, note) => {
    expect(make('certificate').judge({ found: seen }, {})).toMatchObject({ state, ...(note && { note }) });
    expect(make('certificate').byHand).toBeUndefined();
  });
  it('is looked for among its like, and one that may not be listed by itself', async () => {
    const denied = async () => {
      throw new Problem('denied', 'vault kv', 'no list');
    };
    const look = (step: ReturnType<typeof make>, azure: object) =>
      step.observe({ azure, clock: { now: () => at } } as never);
    expect(await look(make('key'), { keys: { list: async () => [found] } })).toEqual({ at, found });
    expect(await look(make('certificate'), { certificates: { list: denied, find: async () => found } })).toEqual({
      at,
      found,
    });
    expect(await look(make('key'), { keys: { list: denied, find: denied } })).toEqual({ at, found: 'hidden' });
    expect(make('key').id).toBe('key/kv/tls');
  });
});

describe('looking for a secret', () => {
  const step = secret({
    vault: { wish: { resourceGroup: 'rg', name: 'kv' }, uri: 'u', step: upstream('vault/kv') },
    wanted: { kind: 'secret', name: 'db-password', as: 's' },
    workloads: [],
    grant: undefined,
  });
  const look = (secrets: object) => step.observe({ azure: { secrets }, clock: { now: () => at } } as never);
  it('finds it in whatever case the vault keeps the name', async () => {
    const found = { name: 'DB-Password', enabled: true };
    expect(await look({ list: async () => [found] })).toEqual({ at, found });
  });
  it('looks at this one where the caller may not list, and says of the list when that is denied too', async () => {
    const denied = async () => {
      throw new Problem('denied', 'vault kv', 'no list');
    };
    const found = { name: 'db-password', enabled: true };
    expect(await look({ list: denied, find: async () => found })).toEqual({ at, found });
    await expect(look({ list: denied, find: denied })).rejects.toThrow('no list');
  });
});

describe('temporary grant', () => {
  const kv = { wish: { resourceGroup: 'rg', name: 'kv' }, id: VAULT_ID, uri: 'u', step: upstream('vault/kv') };
  const grant = grantSelf({ vault: kv, secrets: [{ kind: 'secret', name: 's', as: 's' }], keep: false, workloads: [] });
  const end = takeBack({ vault: kv, grant, behind: [], workloads: [] });
  const left = {
    id: 'g1',
    scope: `${VAULT_ID}/secrets/s`,
    role: ROLES.secretsOfficer,
    principalId: 'me',
    description: 'aks-secrets temporary grant',
  };

  it('is not needed by who may write already', () => {
    const seen = { callerId: 'me', assignments: [{ ...left, scope: VAULT_ID, description: 'by hand' }] };
    expect(grant.judge(seen, { mode: 'rbac' })).toMatchObject({ state: 'as wanted', facts: { granted: 'none' } });
    expect(end.judge(seen, { grant: 'none' }).state).toBe('as wanted');
  });
  it('is taken back in the run that gives it, and in the next when that was cut off', () => {
    expect(grant.judge({ callerId: 'me', assignments: [] }, { mode: 'rbac' }).state).toBe('absent');
    expect(end.judge({ callerId: 'me', assignments: [] }, { grant: KNOWN_AFTER_APPLY }).state).toBe('differs');
    expect(end.judge({ callerId: 'me', assignments: [left] }, {}).state).toBe('differs');
  });
  it('of somebody else is theirs to take back: their run may still be under way', async () => {
    const theirs = { ...left, id: 'g2', principalId: 'you' };
    expect(end.judge({ callerId: 'me', assignments: [theirs] }, {}).state).toBe('as wanted');
    const removed: string[] = [];
    const azure = {
      caller: async () => ({ objectId: 'ME' }),
      roles: { list: async () => [left, theirs], remove: async (id: string) => void removed.push(id) },
    };
    const world = { azure, fresh: () => world };
    await end.converge(world as never, { callerId: 'me', assignments: [left, theirs] }, {});
    expect(removed).toEqual(['g1']);
  });
  it('is taken back by its id where the list does not show it yet', async () => {
    const removed: string[] = [];
    const azure = {
      caller: async () => ({ objectId: 'me' }),
      roles: { list: async () => [], remove: async (id: string) => void removed.push(id) },
    };
    const world = { azure, fresh: () => world };
    await end.converge(world as never, { callerId: 'me', assignments: [] }, { grant: 'g1 g2' });
    expect(removed).toEqual(['g1', 'g2']);
    await end.converge(world as never, { callerId: 'me', assignments: [] }, { grant: 'none' });
    expect(removed).toHaveLength(2);
  });
  it('of which one is refused leaves none', async () => {
    const secrets = ['s', 't'].map((name) => ({ kind: 'secret', name, as: name }) as const);
    const removed: string[] = [];
    const azure = {
      caller: async () => ({ objectId: 'me', kind: 'User' }),
      roles: {
        assign: async ({ scope }: { scope: string }) => {
          if (scope.endsWith('/t')) throw new Problem('refused', 'role', 'no');
          return { ...left, scope };
        },
        remove: async (id: string) => void removed.push(id),
      },
    };
    const giving = (keep: boolean) =>
      grantSelf({ vault: kv, secrets, keep, workloads: [] }).converge(
        { azure } as never,
        { callerId: 'me', assignments: [] },
        { mode: 'rbac' },
      );
    await expect(giving(false)).rejects.toThrow('no');
    expect(removed).toEqual(['g1']);
    await expect(giving(true)).rejects.toThrow('no');
    expect(removed).toHaveLength(1);
  });
  it('on a secret whose name begins alike opens nothing', () => {
    const near = { ...left, scope: `${VAULT_ID}/secrets/s`, description: 'by hand' };
    const longer = grantSelf({
      vault: kv,
      secrets: [{ kind: 'secret', name: 's-2', as: 's' }],
      keep: false,
      workloads: [],
    });
    expect(longer.judge({ callerId: 'me', assignments: [near] }, { mode: 'rbac' }).state).toBe('absent');
  });
  it('is not needed where nothing is to be written', () => {
    const seen = (present: string[]) => ({ callerId: 'me', assignments: [], present });
    expect(grant.judge(seen(['S']), { mode: 'rbac' })).toMatchObject({
      state: 'as wanted',
      facts: { granted: 'none' },
    });
    expect(grant.judge(seen(['other']), { mode: 'rbac' }).state).toBe('absent');
    const again = { kind: 'secret', name: 's', as: 's', rotate: true } as const;
    const rotating = grantSelf({ vault: kv, secrets: [again], keep: false, workloads: [] });
    expect(rotating.judge(seen(['s']), { mode: 'rbac' }).state).toBe('absent');
  });
  it('is not given on a vault that decides by policies', () => {
    expect(grant.judge({ callerId: 'me', assignments: [] }, { mode: 'policies' }).state).toBe('blocked');
  });
});
