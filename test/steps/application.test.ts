import { describe, expect, it } from 'vitest';
import type { Application, ServicePrincipal } from '../../src/azure/azure.ts';
import { KNOWN_AFTER_APPLY } from '../../src/step.ts';
import { application } from '../../src/steps/application.ts';
import { federation } from '../../src/steps/federation.ts';
import { credentialId } from '../../src/steps/federation-end.ts';
import { servicePrincipal } from '../../src/steps/service-principal.ts';
import type { Tenants } from '../../src/steps/tenants.ts';
import { upstream } from './made.ts';

const MARK = 'abc123/shop/orders';
const wish = { kind: 'app registration', name: 'orders' } as const;
const holder = { wish, id: 'app registration/orders', marks: [MARK] };
const app = (more: Partial<Application> = {}): Application => ({
  ...{ id: 'object', clientId: 'client', name: 'orders', tags: [`aks-secrets=${MARK}`] },
  signInAudience: 'AzureADMyOrg',
  hasOwnSecrets: false,
  ...more,
});
const HOME: Tenants = { home: 't', vaults: ['t'] };
const ABROAD: Tenants = { home: 't', vaults: ['other'] };
const GOING = new Set<string>();

describe('an application', () => {
  const step = application({ ...holder, called: 'orders', mark: MARK, workloads: [], vaults: [], graph: 'g' });
  const theirs = { tags: [] };

  it.each<[string, Application[], Tenants, object]>([
    ['that is not there', [], HOME, { state: 'absent' }],
    ['that is not there, for a vault of another tenant', [], ABROAD, { state: 'absent', note: /other tenants/ }],
    ['that is ours', [app()], HOME, { state: 'as wanted', owner: 'ours' }],
    [
      'that we made for this workload on another cluster (--rebind)',
      [app({ tags: ['aks-secrets=fff999/shop/orders'] })],
      HOME,
      { state: 'as wanted', owner: 'ours' },
    ],
    [
      'of another workload of ours',
      [app({ tags: ['aks-secrets=abc123/shop/web'] })],
      HOME,
      { state: 'blocked', owner: 'theirs', facts: {}, note: /--app-registration client/ },
    ],
    [
      'of somebody else',
      [app(theirs)],
      HOME,
      {
        state: 'blocked',
        owner: 'theirs',
        facts: {},
        note: /not registered by aks-secrets.*--app-registration client/,
      },
    ],
    [
      'that bears our tag, and has secrets of its own',
      [app({ hasOwnSecrets: true })],
      HOME,
      { state: 'blocked', owner: 'theirs', facts: {}, note: /sign in as it.*--app-registration client/ },
    ],
    ['of two, neither ours', [app(theirs), app({ ...theirs, id: 'x' })], HOME, { state: 'blocked', note: /^2 appl/ }],
    [
      'of two, one ours',
      [app({ ...theirs, clientId: 'x' }), app()],
      HOME,
      { state: 'as wanted', facts: { clientId: 'client', identityId: 'object' } },
    ],
    [
      'of two, both ours: the older',
      [app({ created: new Date(2), clientId: 'b' }), app({ created: new Date(1), clientId: 'a' })],
      HOME,
      { facts: { clientId: 'a' } },
    ],
    [
      'that is ours and is to be known elsewhere',
      [app()],
      ABROAD,
      { state: 'differs', differences: [{ path: 'signInAudience', want: 'AzureADMultipleOrgs' }] },
    ],
    ['that is known elsewhere', [app({ signInAudience: 'AzureADMultipleOrgs' })], ABROAD, { state: 'as wanted' }],
  ])('%s', (_name, found, tenants, expected) => {
    const { note, ...rest } = expected as { note?: RegExp };
    const judged = step.judge({ found, tenants }, {});
    expect(judged).toMatchObject(rest);
    if (note) expect(judged.note).toMatch(note);
  });

  it('that is theirs, is named by its client id and is to be known elsewhere, is theirs to change', () => {
    const clientId = '5d0a4c1e-0000-4000-8000-000000000001';
    const options = {
      id: clientId,
      called: clientId,
      mark: MARK,
      marks: [MARK],
      workloads: [],
      vaults: [],
      graph: 'g',
    };
    const named = application({ ...options, wish: { ...wish, name: clientId } });
    const judge = (tenants: Tenants) => named.judge({ found: [app({ ...theirs, clientId })], tenants }, {});
    expect(judge(HOME)).toMatchObject({
      state: 'good enough',
      owner: 'theirs',
      note: expect.stringMatching(/did not register/),
    });
    expect(judge(ABROAD)).toMatchObject({
      state: 'blocked',
      run: `az ad app update --id ${clientId} --sign-in-audience AzureADMultipleOrgs`,
    });
  });

  it('named by a client id that is unknown is not made', () => {
    const id = '5d0a4c1e-0000-4000-8000-000000000001';
    const named = application({
      ...{
        wish: { ...wish, name: id },
        id,
        called: id,
        mark: MARK,
        marks: [MARK],
        workloads: [],
        vaults: [],
        graph: 'g',
      },
    });
    expect(named.judge({ found: [], tenants: HOME }, {})).toMatchObject({ state: 'blocked' });
  });

  const credential = { name: 'ci', issuer: 'https://ci/', subject: 'repo:shop', audiences: ['a'] };
  const principal: ServicePrincipal = { id: 'p', clientId: 'client', enabled: true, tags: [] };
  it.each<[string, Application[], object, readonly string[], object]>([
    ['is absent', [], {}, [], { state: 'absent' }],
    ['is ours, with nothing on it', [app()], {}, [], { state: 'remove' }],
    ['is theirs', [app(theirs)], {}, [], { state: 'leave' }],
    ['trusts somebody else', [app()], { credentials: [credential] }, [], { state: 'leave' }],
    [
      'trusts only who goes before',
      [app()],
      { credentials: [credential] },
      [credentialId(holder.id, 'ci')],
      { state: 'remove' },
    ],
    ['has a service principal that stays', [app()], { principal }, [], { state: 'leave' }],
    ['has a service principal that goes before', [app()], { principal }, [holder.id], { state: 'remove' }],
  ])('on the way out: %s', (_name, found, surveyed, going, expected) => {
    const leaving = {
      ...{ others: [], going: new Set(going) },
      surveyed: { credentials: [], principal: undefined, ...surveyed },
    };
    expect(step.removal?.({ found, tenants: HOME }, {}, leaving)).toMatchObject(expected);
  });
});

describe('a service principal', () => {
  const step = servicePrincipal({
    ...{ holder, called: 'orders', mark: MARK, workloads: [], vaults: [], graph: 'g' },
    application: upstream('application/orders'),
  });
  const principal = { id: 'p', clientId: 'client', enabled: true, tags: [] as string[] };
  const clientId = 'client';

  it.each<[string, object, object]>([
    ['is made', { principal: undefined }, { state: 'absent', facts: { tenantId: 't', clientId } }],
    ['is there', { principal }, { state: 'as wanted', owner: 'theirs', facts: { principalId: 'p', tenantId: 't' } }],
    ['is ours', { principal: { ...principal, tags: [`aks-secrets=${MARK}`] } }, { owner: 'ours' }],
    ['is disabled', { principal: { ...principal, enabled: false } }, { state: 'blocked' }],
    [
      'of a vault elsewhere is for somebody there, and pods present that tenant',
      { principal, tenants: ABROAD },
      { state: 'blocked', facts: { tenantId: 'other', clientId }, run: 'az ad sp create --id client' },
    ],
    [
      'of vaults in two tenants cannot be',
      { principal, tenants: { home: 't', vaults: ['t', 'other'] } },
      { state: 'blocked', facts: {} },
    ],
  ])('%s', (_name, seen, expected) => {
    expect(step.judge({ application: app(), tenants: HOME, ...seen }, { clientId })).toMatchObject(expected);
  });

  it('has no line for somebody else before the application is there', () => {
    const seen = { application: undefined, principal: undefined, tenants: ABROAD };
    expect(step.judge(seen, { clientId: KNOWN_AFTER_APPLY })).toMatchObject({ state: 'blocked' });
    expect(step.judge(seen, { clientId: KNOWN_AFTER_APPLY })).not.toHaveProperty('run');
    expect(step.judge(seen, { clientId })).toHaveProperty('run');
  });

  it('goes when we made it and nothing else lives by it', () => {
    const removal = (tags: string[], credentials: object[] = []) =>
      step.removal?.(
        { application: app(), principal: { ...principal, tags }, tenants: HOME },
        { clientId },
        { others: [], going: GOING, surveyed: { credentials, assignments: [] } },
      )?.state;
    expect(removal([`aks-secrets=${MARK}`])).toBe('remove');
    expect(removal([])).toBe('leave');
    expect(removal([`aks-secrets=${MARK}`], [{ name: 'ci', subject: 'x' }])).toBe('leave');
  });
});

describe('a credential of an application', () => {
  const subject = 'system:serviceaccount:shop:orders';
  const step = federation({
    identity: { ...holder, step: upstream('identity/orders'), application: upstream('application/orders') },
    ...{ cluster: upstream('cluster/aks'), clusterId: 'c', subject, audience: 'api://A', workloads: [] },
    siblings: [subject],
  });

  it('needs the application, and not its service principal', () => {
    expect(step.needs.identityId).toEqual({ step: 'application/orders', fact: 'identityId' });
  });
  it('by hand is one line of az, quoted', () => {
    const line = step.byHand?.({ issuer: 'https://i/', identityId: 'object' });
    expect(line).toMatch(/^az ad app federated-credential create --id object --parameters '\{"name":"aks-secrets-\w+"/);
    expect(line).not.toContain('\n');
  });
  it('finds no place beyond twenty, and the advice is an app registration', () => {
    const others = Array.from({ length: 20 }, (_, n) => ({
      ...{ name: `n${n}`, issuer: 'https://i/', subject: `s${n}`, audiences: ['api://A'] },
    }));
    expect(step.judge(others, { issuer: 'https://i/', identityId: 'object' })).toMatchObject({
      state: 'blocked',
      note: expect.stringContaining('--app-registration'),
    });
  });
});
