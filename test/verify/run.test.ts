import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/trouble.ts';
import { check, clock, link, spec, told, verdicts, workload, worldOf } from './chain.ts';

const wanted = { state: 'as wanted' } as const;
const absent = (failure: string) => ({ state: 'absent', failure }) as const;
const denied = new Problem('denied', 'vault kv', 'You may not do that.', {
  said: {
    by: 'Azure',
    status: 403,
    code: 'AuthorizationFailed',
    message: "perform action 'x/read' over scope '/s/kv'",
  },
  right: 'x/read',
});

describe('a step as a check', () => {
  it.each([
    ['as wanted', wanted, 'pass', undefined],
    ['by other means', { state: 'good enough', note: 'through a group' } as const, 'pass', 'through a group'],
    ['absent', absent('F055'), 'fail', 'not there'],
    ['blocked', { state: 'blocked', failure: 'F075', note: 'the name is taken' } as const, 'fail', 'the name is taken'],
    ['settling', { state: 'settling', note: 'being made' } as const, 'unknown', 'on its way: being made'],
    ['not to be seen', { ...wanted, unseen: 'list pods' }, 'unknown', 'you may not look: list pods is missing'],
  ])('%s', async (_name, judged, verdict, observed) => {
    const [row] = await told({ steps: [link('identity/orders-id', 'identity', judged)] });
    expect(row).toMatchObject({ id: 'AKS-IDENTITY', place: 'Identity orders-id', verdict });
    expect(row?.observed).toBe(observed);
    expect(row?.failure).toBe('failure' in judged ? judged.failure : undefined);
  });

  it('says what it finds itself, each finding by itself', async () => {
    const findings = [
      { check: 'AKS-A', title: 'a', verdict: 'pass' },
      { check: 'AKS-B', title: 'b', verdict: 'fail', failure: 'F019' },
    ] as const;
    expect(verdicts(await told({ steps: [link('cluster/x', 'cluster', { state: 'differs', findings })] }))).toEqual([
      'AKS-A pass',
      'AKS-B fail',
    ]);
  });

  it('is heard again where something fails: access by other means is well', async () => {
    const findings = [{ check: 'AKS-ADDON', title: 'on', verdict: 'fail', failure: 'F019' }] as const;
    const appeal = async () => [{ check: 'AKS-ADDON', title: 'on', verdict: 'pass', observed: 'by its own' } as const];
    const judged = { state: 'differs', findings } as const;
    expect(verdicts(await told({ steps: [link('cluster/x', 'cluster', judged, { appeal })] }))).toEqual([
      'AKS-ADDON pass',
    ]);
    const may = { appeal: async () => Promise.reject(denied) };
    expect(verdicts(await told({ steps: [link('cluster/x', 'cluster', judged, may)] }))).toEqual(['AKS-ADDON fail']);
  });

  it('that init would put right says so, with its consents', async () => {
    const differences = [{ path: 'issuer', is: 'off', want: 'on', consent: ['cluster'] as const }];
    const [row] = await told({ steps: [link('cluster/x', 'cluster', { state: 'differs', differences })] });
    expect(row).toMatchObject({ repair: ['cluster'], observed: 'issuer: off', expected: 'issuer: on' });
  });

  it.each([
    [
      'denied',
      denied,
      { verdict: 'unknown', right: 'x/read', fix: { run: expect.stringContaining('--role Reader --scope /s/kv') } },
    ],
    ['not signed in', new Problem('unsigned', 'x', 'x'), { verdict: 'unknown', unsigned: true }],
    ['not reached', new Problem('broken', 'x', 'x'), { verdict: 'unknown' }],
    ['busy', new Problem('busy', 'x', 'x'), { verdict: 'unknown', young: true }],
    ['refused', new Problem('refused', 'x', 'x'), { verdict: 'fail' }],
    [
      'a vault closed to this machine',
      new Problem('refused', 'x', 'x', { said: { by: 'Key Vault', code: 'ForbiddenByFirewall', message: '' } }),
      { id: 'AKS-VAULT-REACHABLE', verdict: 'unknown', failure: 'F073' },
    ],
  ])('a look that is %s', async (_name, problem, row) => {
    const [first] = await told({ steps: [link('secret/kv/a', 'vault', wanted, { problem })] });
    expect(first).toMatchObject(row);
  });

  it('without a category is not told', async () => {
    expect(await told({ steps: [link('manifest/x', undefined, absent('F001'))] })).toEqual([]);
  });
});

describe('what follows', () => {
  const cluster = (issuer?: string) =>
    link('cluster/x', 'cluster', issuer ? wanted : absent('F054'), { facts: issuer ? { oidcIssuer: issuer } : {} });
  const credential = link('credential/x', 'identity', absent('F049'), {
    needs: { issuer: { step: 'cluster/x', fact: 'oidcIssuer' } },
  });

  it('a link that lacks a fact because of another follows from that one', async () => {
    expect(verdicts(await told({ steps: [cluster(), credential] }))).toEqual([
      'AKS-CLUSTER fail',
      'AKS-CREDENTIAL skipped F054',
    ]);
    expect(verdicts(await told({ steps: [cluster('https://i/'), credential] }))).toEqual([
      'AKS-CLUSTER pass',
      'AKS-CREDENTIAL fail',
    ]);
  });

  it('where a thing would be made says nothing of one that is there', async () => {
    const vault = link('vault/kv', 'vault', absent('F075'), { needs: { at: { step: 'cluster/x', fact: 'location' } } });
    expect(verdicts(await told({ steps: [cluster(), vault] }))).toEqual(['AKS-CLUSTER fail', 'AKS-VAULT fail']);
  });

  it('a check is not told after what is broken, and says the root through others; what acts is not even asked', async () => {
    const first = check('AKS-ONE', { after: ['cluster/x'] });
    const second = check('AKS-TWO', { after: ['AKS-ONE'] });
    const acts = check('AKS-PROBE', { after: ['AKS-TWO'], category: 'pod' });
    const proof = check('proof/orders', { after: ['cluster/x'] });
    const free = check('AKS-FREE');
    const rows = await told({ steps: [cluster()], checks: [second, first, free], acting: [acts], proofs: [proof] });
    expect(verdicts(rows).toSorted()).toEqual([
      'AKS-CLUSTER fail',
      'AKS-FREE pass',
      'AKS-ONE skipped F054',
      'AKS-PROBE skipped F054',
      'AKS-PROOF skipped F054',
      'AKS-TWO skipped F054',
    ]);
    expect([acts, proof].map(({ asked }) => asked.length)).toEqual([0, 0]);
    expect(free.asked).toHaveLength(1);
  });

  it('a check may come after one thing that a step finds, and not after its others', async () => {
    const findings = [
      { check: 'AKS-OIDC-ISSUER', title: 'a', verdict: 'pass' },
      { check: 'AKS-KEYVAULT-ADDON', title: 'b', verdict: 'fail', failure: 'F019' },
    ] as const;
    const steps = [link('cluster/x', 'cluster', { state: 'differs', findings })];
    const rows = await told({
      steps,
      checks: [check('AKS-A', { after: ['AKS-OIDC-ISSUER'] }), check('AKS-B', { after: ['AKS-KEYVAULT-ADDON'] })],
    });
    expect(verdicts(rows)).toContain('AKS-A pass');
    expect(verdicts(rows)).toContain('AKS-B skipped F019');
  });

  it('what is only of another link does not stop it', async () => {
    const findings = [
      { check: 'AKS-ROTATION', title: 'r', verdict: 'fail', failure: 'F106', category: 'freshness' },
    ] as const;
    const steps = [link('cluster/x', 'cluster', { state: 'differs', findings })];
    const rows = await told({ steps, checks: [check('AKS-A', { after: ['cluster/x'], category: 'pod' })] });
    expect(verdicts(rows)).toEqual(['AKS-A pass', 'AKS-ROTATION fail']);
  });

  it('what could not be looked at stops nobody', async () => {
    const rows = await told({
      steps: [link('access/x', 'vault', wanted, { problem: denied })],
      checks: [check('AKS-A', { after: ['access/x'] })],
    });
    expect(verdicts(rows)).toEqual(['AKS-ACCESS unknown', 'AKS-A pass']);
  });

  it('a check of one workload does not wait for the same check of another', async () => {
    const rows = await told({
      spec: spec(workload('orders'), workload('mailer')),
      checks: [
        check('AKS-A', { finds: [{ check: 'AKS-A', title: 'a', verdict: 'fail', failure: 'F026' }] }),
        check('AKS-A', { workload: 'mailer' }),
        check('AKS-B', { after: ['AKS-A'], category: 'pod' }),
        check('AKS-B', { after: ['AKS-A'], category: 'pod', workload: 'mailer' }),
      ],
    });
    expect(rows.map(({ id, verdict, workloads }) => [id, verdict, workloads])).toEqual([
      ['AKS-A', 'fail', ['orders']],
      ['AKS-A', 'pass', ['mailer']],
      ['AKS-B', 'skipped', ['orders']],
      ['AKS-B', 'pass', ['mailer']],
    ]);
  });
});

describe('a proof', () => {
  const refused = new Problem('denied', 'x', 'kv does not let orders-id read.', {
    said: { by: 'Key Vault', code: 'ForbiddenByRbac', message: '' },
  });

  it('asks as the workload: what the vault refuses is the answer, and of any other check it is our own right', async () => {
    const proof = check('proof/orders', { throws: refused });
    const other = check('AKS-OTHER', { throws: refused, category: 'pod' });
    const rows = await told({ checks: [other], proofs: [proof] });
    expect(rows).toMatchObject([
      { id: 'AKS-PROOF', verdict: 'fail', failure: 'F067' },
      { id: 'AKS-OTHER', verdict: 'unknown', right: expect.anything() },
    ]);
  });

  it('is not yet broken while the role is young, and says of what age it is', async () => {
    const since = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000);
    const rowAt = async (seconds: number) => {
      const role = link('access/x', 'vault', { ...wanted, since: since(seconds) });
      return (
        await told({ steps: [role], proofs: [check('proof/orders', { throws: refused, after: ['access/x'] })] })
      ).at(-1);
    };
    expect(await rowAt(40)).toMatchObject({ verdict: 'unknown', young: true, failure: 'F067' });
    expect((await rowAt(40))?.observed).toContain('the role is 40 s old, and Azure may take ten minutes');
    expect(await rowAt(601)).toMatchObject({ verdict: 'fail', failure: 'F067' });
  });

  it('has its token asked for at once, and once', async () => {
    const tokens: string[] = [];
    const proof = check('proof/orders', {
      run: async ({ kubernetes }) => {
        await kubernetes.token('shop', 'orders', 'aud');
        return [];
      },
    });
    await told({ proofs: [proof] }, worldOf(tokens));
    expect(tokens).toEqual(['shop/orders']);
    const left = await told({ proofs: [proof], impersonate: false }, worldOf(tokens));
    expect(left).toMatchObject([
      { id: 'AKS-PROOF', verdict: 'unknown', observed: expect.stringContaining('--no-impersonate') },
    ]);
    expect(tokens).toHaveLength(1);
  });
});

describe('the whole', () => {
  it('is told in causal order, whatever came first', async () => {
    const categories = ['freshness', 'pod', 'exchange', 'objects', 'vault', 'identity', 'cluster', 'rights'] as const;
    const rows = await told({ checks: categories.map((category) => check(`AKS-${category}`, { category })) });
    expect(rows.map(({ category }) => category)).toEqual(categories.toReversed());
  });

  it('says a shared link once, with all whom it serves', async () => {
    const finds = [{ check: 'AKS-WEBHOOK', title: 'the webhook is there', verdict: 'pass' }] as const;
    const of = (name: string) => check('AKS-WEBHOOK', { workload: name, category: 'cluster', finds });
    const rows = await told({ spec: spec(workload('a'), workload('b')), checks: [of('a'), of('b')] });
    expect(rows).toMatchObject([{ id: 'AKS-WEBHOOK', workloads: ['a', 'b'] }]);
  });

  const fails = (id: string, failure: string, category: 'objects' | 'pod' = 'objects') =>
    check(id, { category, finds: [{ check: id, title: id, verdict: 'fail', failure }] });

  it('says one thing once: what another check sees of it follows', async () => {
    expect(verdicts(await told({ checks: [fails('AKS-A', 'F026'), fails('AKS-B', 'F026', 'pod')] }))).toEqual([
      'AKS-A fail',
      'AKS-B skipped F026',
    ]);
    expect(verdicts(await told({ checks: [fails('AKS-A', 'F053'), fails('AKS-B', 'F049', 'pod')] }))).toEqual([
      'AKS-A fail',
      'AKS-B skipped F053',
    ]);
  });

  it('says two things of one kind both: two secrets that are missing', async () => {
    const steps = ['a', 'b'].map((name) => link(`secret/kv/${name}`, 'vault', absent('F077')));
    const rows = await told({ steps });
    expect(rows.filter(({ verdict }) => verdict === 'fail')).toHaveLength(2);
  });

  it('says once that a service cannot be reached, and nothing of the API server of a cluster that is stopped', async () => {
    const lost = new Problem('broken', 'api', 'cannot be reached', {
      said: { by: 'Kubernetes', code: 'ECONNREFUSED', message: '' },
    });
    const of = (id: string) => check(id, { throws: lost });
    expect(verdicts(await told({ checks: [of('AKS-A'), of('AKS-B')] }))).toEqual([
      'AKS-A unknown',
      'AKS-B skipped AKS-A',
    ]);
    const stopped = link('cluster/x', 'cluster', { state: 'blocked', failure: 'F017', note: 'the cluster is stopped' });
    expect(verdicts(await told({ steps: [stopped], checks: [of('AKS-A')] }))).toEqual([
      'AKS-CLUSTER fail',
      'AKS-A skipped F017',
    ]);
  });
});
