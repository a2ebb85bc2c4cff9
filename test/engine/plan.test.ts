import { expect, test } from 'vitest';
import type { Change } from '../../src/engine/events.ts';
import { observe } from '../../src/engine/observe.ts';
import { plan } from '../../src/engine/plan.ts';
import type { Consent, Judged, Step } from '../../src/step.ts';
import { KNOWN_AFTER_APPLY } from '../../src/step.ts';
import type { Trouble } from '../../src/trouble.ts';
import { Problem } from '../../src/trouble.ts';
import type { FakeWorld } from './fakes.ts';
import { fakeStep, fakeWorld, judged, needing } from './fakes.ts';

const planned = async (steps: readonly Step[], values: Record<string, string> = {}, consents: Consent[] = []) => {
  const world = fakeWorld();
  for (const [name, value] of Object.entries(values)) world.state.values.set(name, value);
  const { changes } = plan(steps, await observe(steps, world), consents);
  return new Map(changes.map((change) => [change.id, change]));
};
const failing = (trouble: Trouble) => ({
  observe: () => Promise.reject(new Problem(trouble, 'it', `it is ${trouble}`)),
});
const asking = (...consent: Consent[]): Partial<Step<never, string | undefined>> => ({
  judge: (seen) => {
    const is = judged(seen, { applied: 'x' });
    return is.state === 'as wanted'
      ? is
      : { ...is, state: 'differs', differences: [{ path: 'p', is: 'off', want: 'on', consent }] };
  },
});

test.each<[Judged['state'], Change['action']]>([
  ['absent', 'create'],
  ['differs', 'update'],
  ['as wanted', 'keep'],
  ['good enough', 'keep'],
  ['settling', 'keep'],
  ['blocked', 'blocked'],
])('what is %s is planned as %s, with its note', async (state, action) => {
  const step = fakeStep('a', { judge: () => judged('yes', {}, { state, note: 'because' }) });
  expect((await planned([step])).get('a')).toMatchObject({ action, note: 'because' });
});

test.each<[string, Consent[], Consent[], Change['action'], Consent[]]>([
  ['nothing asked', [], [], 'update', []],
  ['asked and given', ['cluster'], ['cluster', 'install'], 'update', []],
  ['asked, not given', ['cluster'], [], 'blocked', ['cluster']],
  ['two asked, one given', ['cluster', 'irreversible'], ['cluster'], 'blocked', ['irreversible']],
])('consents: %s', async (_, asked, given, action, missing) => {
  const step = fakeStep('a', { ...asking(...asked), byHand: () => 'az do it' });
  const change = (await planned([step], {}, given)).get('a');
  expect(change).toMatchObject({ action, missing, consents: asked });
  expect(change?.run).toBe(action === 'blocked' ? 'az do it' : undefined);
});

test('consents of all differences are needed, each once; what is as wanted needs none', async () => {
  const step = fakeStep('a', {
    judge: (seen) => ({
      ...judged(seen, {}),
      differences: [
        { path: 'a', is: '-', want: 'x', consent: ['cluster', 'irreversible'] },
        { path: 'b', is: '-', want: 'x', consent: ['cluster'] },
      ],
    }),
  });
  expect((await planned([step])).get('a')?.missing).toEqual(['cluster', 'irreversible']);
  expect((await planned([step], { a: 'yes' })).get('a')?.action).toBe('keep');
});

test.each<[string, string | undefined, string | undefined, Change['action']]>([
  ['there', 'yes', 'yes', 'keep'],
  ['there', 'yes', undefined, 'create'],
  ['there', 'yes', 'no', 'update'],
  ['to be made', undefined, 'yes', 'keep'],
  ['to be made', undefined, undefined, 'create'],
  ['to be changed', 'no', 'no', 'update'],
])('upstream %s (%s), own state %s: %s', async (_, upstream, own, action) => {
  const steps = [fakeStep('b', { needs: needing('a') }), fakeStep('a')];
  const values = { ...(upstream && { a: upstream }), ...(own && { b: own }) };
  expect((await planned(steps, values)).get('b')?.action).toBe(action);
});

test('facts flow along the references; what does not exist yet is known after apply', async () => {
  const known: unknown[] = [];
  const b = fakeStep('b', {
    needs: needing('a'),
    judge: (seen, facts) => {
      known.push(facts);
      return judged(seen, {});
    },
    preview: (facts) => `id: ${facts.a}`,
    byHand: (facts) => `az ${facts.a}`,
  });
  expect((await planned([fakeStep('a'), b], { a: 'yes' })).get('b')?.preview).toBe('id: applied of a');
  expect((await planned([fakeStep('a'), b])).get('b')?.preview).toBe(`id: ${KNOWN_AFTER_APPLY}`);
  expect(known).toEqual([{ a: 'applied of a' }, { a: KNOWN_AFTER_APPLY }]);
});

test.each<[Trouble, string | undefined, Change['action']]>([
  ['missing', undefined, 'later'],
  ['missing', 'yes', 'blocked'],
  ['busy', 'yes', 'later'],
  ['not yet', 'yes', 'later'],
  ['denied', undefined, 'blocked'],
  ['denied', 'yes', 'blocked'],
  ['unsigned', undefined, 'blocked'],
  ['refused', undefined, 'blocked'],
  ['broken', undefined, 'blocked'],
])('could not be looked at (%s), upstream %s: %s, with the problem', async (trouble, upstream, action) => {
  const steps = [fakeStep('a'), fakeStep('b', { needs: needing('a'), ...failing(trouble) })];
  const change = (await planned(steps, upstream ? { a: upstream } : {})).get('b');
  expect(change?.action).toBe(action);
  expect(change?.problem?.trouble).toBe(trouble);
});

test('a refusal that rests on a grant is looked at again: only the clock can tell, and a plan has none', async () => {
  const grant = (side: 'Azure' | 'Kubernetes') => fakeStep('grant', { yields: ['granted'], side });
  const needs = { may: { step: 'grant', fact: 'granted' } } as const;
  const secret = fakeStep('secret', { needs, ...failing('denied') });
  expect((await planned([grant('Azure'), secret])).get('secret')?.action).toBe('later');
  expect((await planned([grant('Azure'), secret], { grant: 'yes' })).get('secret')?.action).toBe('later');
  expect((await planned([grant('Kubernetes'), secret])).get('secret')?.action).toBe('blocked');
});

test('a blocked change holds back only those who need a fact that it would have brought', async () => {
  const cluster = fakeStep('cluster', {
    yields: ['oidcIssuer', 'deliverer'],
    judge: () => ({
      ...judged('no', { oidcIssuer: 'https://i' }),
      differences: [{ path: 'add-on', is: 'off', want: 'on', consent: ['cluster'] }],
    }),
  });
  const trust = fakeStep('trust', { needs: { issuer: { step: 'cluster', fact: 'oidcIssuer' } } });
  const driver = { deliverer: { step: 'cluster', fact: 'deliverer' } } as const;
  const manifest = fakeStep('manifest', { needs: driver });
  const deployment = fakeStep('deployment', { needs: needing('manifest') });
  const changes = await planned([cluster, trust, manifest, deployment]);
  expect(changes.get('cluster')?.action).toBe('blocked');
  expect(changes.get('trust')?.action).toBe('create');
  for (const id of ['manifest', 'deployment'])
    expect(changes.get(id)).toMatchObject({
      action: 'blocked',
      follows: ['cluster'],
      note: 'follows from cluster cluster',
      missing: [],
    });
  expect(
    (await planned([cluster, manifest, deployment], { manifest: 'yes', deployment: 'yes' })).get('deployment')?.action,
  ).toBe('keep');
});

test('what waits for something that is blocked is not waited for, nor what needs it', async () => {
  const secret = fakeStep('secret', { judge: () => ({ ...judged(undefined, {}), state: 'blocked' }) });
  const sync = fakeStep('sync', { needs: needing('secret') });
  const deployment = fakeStep('deployment', { needs: needing('sync') });
  const changes = await planned([secret, sync, deployment], { sync: 'soon' });
  for (const id of ['sync', 'deployment'])
    expect(changes.get(id)).toMatchObject({ action: 'blocked', follows: ['secret'] });
});

test('of a blocked thing that does not exist nothing holds, whatever its names would be', async () => {
  const vault = fakeStep('vault', {
    yields: ['vaultUri'],
    judge: () =>
      judged(
        undefined,
        {},
        {
          facts: { vaultUri: 'https://v' },
          differences: [{ path: 'p', is: '-', want: 'on', consent: ['irreversible'] }],
        },
      ),
  });
  const secret = fakeStep('secret', { needs: { uri: { step: 'vault', fact: 'vaultUri' } } });
  expect((await planned([vault, secret])).get('secret')).toMatchObject({ action: 'blocked', follows: ['vault'] });
  expect((await planned([vault, secret], {}, ['irreversible'])).get('secret')?.action).toBe('create');
});

test('an unreachable cluster that is itself blocked is said once', async () => {
  const cluster = fakeStep('cluster', {
    judge: () => judged('yes', { applied: '1' }, { state: 'blocked', note: 'stopped', run: 'az aks start' }),
  });
  const account = fakeStep('account', { needs: needing('cluster'), ...failing('broken') });
  const changes = await planned([cluster, account]);
  expect(changes.get('cluster')).toMatchObject({ action: 'blocked', note: 'stopped', run: 'az aks start' });
  expect(changes.get('account')).toMatchObject({ action: 'blocked', follows: ['cluster'] });
  expect(changes.get('account')?.problem).toBeUndefined();
});

test('a line with an open hole is not given to anybody to paste', async () => {
  const steps = [
    fakeStep('a'),
    fakeStep('b', { needs: needing('a'), ...asking('cluster'), byHand: ({ a }) => `az ${a}` }),
  ];
  expect((await planned(steps)).get('b')).not.toHaveProperty('run');
  expect((await planned(steps, { a: 'yes' })).get('b')?.run).toBe('az applied of a');
});

test('an exception in observe or judge is a problem of that step, with its cause kept, and stops nobody else', async () => {
  const bug = new TypeError('undefined is not a function');
  const steps = [
    fakeStep('a/x', {
      observe: () => {
        throw bug;
      },
    }),
    fakeStep('b/y', {
      judge: () => {
        throw bug;
      },
    }),
    fakeStep('c'),
  ];
  const changes = await planned(steps);
  for (const id of ['a/x', 'b/y']) {
    expect(changes.get(id)).toMatchObject({
      action: 'blocked',
      problem: { trouble: 'broken', resource: id.replace('/', ' ') },
    });
    expect(changes.get(id)?.problem?.cause).toBe(bug);
  }
  expect(changes.get('c')?.action).toBe('create');
});

test('looking is one wave that shares equal reads', async () => {
  const world = fakeWorld();
  const shared = { observe: (w: unknown) => (w as FakeWorld).read('list') };
  await observe([fakeStep('a', shared), fakeStep('b', shared)], world);
  expect(world.state.reads).toEqual(['list']);
});

test('what one step says of a thing is not said again by those who run against it without building on it', async () => {
  const cluster = fakeStep('cluster/a', {
    judge: () => judged(undefined, {}, { state: 'blocked', note: 'there is none' }),
  });
  const gone = { observe: () => Promise.reject(new Problem('missing', 'cluster a', 'there is no cluster a')) };
  const denied = { observe: () => Promise.reject(new Problem('denied', 'cluster a', 'you may not ask it')) };
  const changes = await planned([cluster, fakeStep('namespace', gone), fakeStep('other', denied)]);
  expect(changes.get('namespace')).toMatchObject({ action: 'blocked', follows: ['cluster/a'] });
  expect(changes.get('namespace')?.problem).toBeUndefined();
  expect(changes.get('other')).toMatchObject({ action: 'blocked', problem: { trouble: 'denied' } });
});

test('in front of an obstacle the usual line would fail as we do: only one that takes it away is shown', async () => {
  const blocked = (run?: string) => ({
    judge: () => judged(undefined, {}, { state: 'blocked', note: 'the name is taken', ...(run && { run }) }),
    byHand: () => 'az create it',
  });
  const changes = await planned([fakeStep('a', blocked()), fakeStep('b', blocked('az recover it'))]);
  expect(changes.get('a')?.run).toBeUndefined();
  expect(changes.get('b')?.run).toBe('az recover it');
});

test('what rests on a proof of something blocked is not promised, nor what needs it; what is there stays as it is', async () => {
  const check = {
    ...{ id: 'proof', title: 'it works', workload: 'orders', needs: {}, after: ['trust'] },
    run: async () => [],
  };
  const steps = [
    fakeStep('cluster', asking('cluster')),
    fakeStep('trust', { needs: needing('cluster') }),
    fakeStep('store', { proven: ['proof'] }),
    fakeStep('pod', { needs: needing('store') }),
    fakeStep('kept', { proven: ['proof'], judge: () => judged('yes', {}) }),
    fakeStep('other'),
  ];
  const world = fakeWorld();
  const changesWith = async (given: Consent[]) => {
    const { changes } = plan(steps, await observe(steps, world), given, [check]);
    return Object.fromEntries(changes.map(({ id, action, follows }) => [id, follows ?? action]));
  };
  const done = { cluster: 'update', trust: 'create', store: 'create', pod: 'create', kept: 'keep', other: 'create' };
  expect(await changesWith(['cluster'])).toEqual(done);
  const roots = ['cluster'];
  expect(await changesWith([])).toEqual({ ...done, cluster: 'blocked', trust: roots, store: roots, pod: roots });
});
