import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import type { Checked, VerifyReport } from '../../src/verify/report.ts';
import { orAll } from './exhaustive.ts';
import { begin, type Ran, type Story } from './harness.ts';
import { identityIn } from './others.ts';
import { wavesOf } from './waves.ts';

const reportOf = ({ out }: Ran): VerifyReport => JSON.parse(out);
/** What is not well, in its order. */
const unwell = (report: VerifyReport): readonly Checked[] =>
  report.checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped');
const told = (report: VerifyReport) => unwell(report).map(({ id, verdict, failure }) => [id, verdict, failure]);

describe.each(orAll(methods, ({ name }) => name === 'csi').map(({ name }) => [name]))(
  'after init --method %s, nothing touched',
  (method) => {
    let story: Story;
    let planned: Ran;
    let verified: Ran;
    beforeAll(async () => {
      story = await begin();
      await story.run(`init --method ${method} --yes`);
      planned = await story.run(`plan --method ${method}`);
      verified = await story.run(`verify --method ${method} -o json`);
    });
    afterAll(() => story.close());

    it('proves that all is well: no fail, no warn, nothing unknown, exit 0', () => {
      const report = reportOf(verified);
      expect(told(report)).toEqual([]);
      expect(report.summary).toMatchObject({ fail: 0, warn: 0, unknown: 0, skipped: 0 });
      expect(report.checks.map(({ id }) => id)).toContain('AKS-PROOF');
      expect(verified.code).toBe(0);
    });

    it('writes nothing but a TokenRequest', () => {
      expect(
        verified.writes.map((entry) => entry.path).filter((path) => !/\/serviceaccounts\/[^/]+\/token$/.test(path)),
      ).toEqual([]);
    });

    it('asks nothing twice', () => {
      const asked = verified.requests
        .filter(({ kind }) => kind === 'read')
        .map(({ method: verb, host, path, query }) => `${verb} ${host}${path}?${query}`);
      expect(asked.filter((one, at) => asked.indexOf(one) !== at)).toEqual([]);
      expect(planned.code).toBe(0);
    });

    it('takes at most two waves of requests more than a plan', async () => {
      const plan = await wavesOf(story, `plan --method ${method}`);
      const verify = await wavesOf(story, `verify --method ${method}`);
      expect(verify.slice(plan.length + 2)).toEqual([]);
    });

    it('says the same in every format, with the same exit code', async () => {
      for (const format of ['text', 'short', 'json', 'yaml', 'junit', 'github', 'sarif']) {
        const { code, out } = await story.run(`verify --method ${method} -o ${format}`);
        expect([format, code]).toEqual([format, 0]);
        expect(out).not.toBe('');
      }
    });
  },
);

describe('a workload of which one thing is broken', () => {
  let story: Story;
  beforeAll(async () => {
    story = await begin();
    await story.run('init --method csi --yes');
  });
  afterEach(() => story.sandbox.mend());
  afterAll(() => story.close());
  const verify = async (more = '') => {
    const ran = await story.run(`verify --method csi -o json ${more}`);
    return { ...ran, report: reportOf(ran) };
  };

  it('a subject in another case: byte for byte, with the line that mends it', async () => {
    await story.sandbox.break('F053');
    const { report, code } = await verify();
    expect(code).toBe(3);
    expect(told(report)).toEqual([['AKS-FIC-TRUST', 'fail', 'F053']]);
    const broken = report.checks[report.first!]!;
    expect(broken).toMatchObject({
      ...{ category: 'identity', workload: 'demo', docs: 'docs/failures/F053.md' },
      observed: expect.stringMatching(/^subject system:serviceaccount:Demo:demo/),
      expected: 'subject system:serviceaccount:demo:demo',
      cause: expect.stringMatching(/./),
    });
    expect(broken.fix.run).toMatch(/^aks-secrets init /);
    expect(broken.fix.byHand).toMatch(
      /^az identity federated-credential update .*--subject system:serviceaccount:demo:demo /,
    );
    const follow = report.checks.filter(({ verdict }) => verdict === 'skipped');
    expect(follow.length).toBeGreaterThan(0);
    expect(new Set(follow.flatMap(({ because }) => because))).toEqual(new Set(['F053']));
    const text = (await story.run('verify --method csi')).out;
    expect(text).toContain('^ case');
    expect(text).toMatch(/1 broken, \d+ follow from it, \d+ well \(simulated\)\./);
  });

  it.each([
    ['another service account', 'F052', 'AKS-FIC-TRUST'],
    ['the issuer of another cluster', 'F050', 'AKS-FIC-TRUST'],
    ['another audience', 'F051', 'AKS-FIC-TRUST'],
    ['no credential', 'F049', 'AKS-FIC-TRUST'],
    ['the role gone', 'F067', 'AKS-ACCESS'],
    ['a vault that decides by policies', 'F070', 'AKS-ACCESS'],
    ['no vault', 'F075', 'AKS-VAULT'],
    ['a secret gone', 'F077', 'AKS-SECRET'],
    ['a disabled secret', 'F079', 'AKS-SECRET'],
    ['the issuer off', 'F054', 'AKS-OIDC-ISSUER'],
    ['the add-on off', 'F019', 'AKS-KEYVAULT-ADDON'],
    ['rotation off', 'F106', 'AKS-ROTATION'],
    ['an identity made anew', 'F022', 'AKS-ACCESS'],
    ['a key of the issuer that Entra does not know', 'F062', 'AKS-PROOF'],
  ])('%s: %s first, and nothing else fails', async (_what, failure, id) => {
    await story.sandbox.break(failure);
    const { report, code } = await verify();
    expect(told(report)).toEqual([[id, 'fail', failure]]);
    expect(code).toBe(3);
  });

  it('a plan says the same of what is not as wanted, for programs', async () => {
    await story.sandbox.break('F053');
    const { changes } = JSON.parse((await story.run('plan --method csi -o json')).out);
    const told = changes.flatMap(({ kind, action, failure }: Record<string, string>) =>
      failure ? [[kind, action, failure]] : [],
    );
    expect(told).toEqual([['credential', 'create', 'F053']]);
  });

  it('a failed exchange shows what was presented beside what is registered', async () => {
    await story.sandbox.break('F062');
    const { report } = await verify();
    expect(report.checks[report.first!]!.compared).toMatchObject([
      { what: 'issuer', registered: expect.stringMatching(/^https:/) },
      { what: 'subject', registered: 'system:serviceaccount:demo:demo', presented: 'system:serviceaccount:demo:demo' },
      { what: 'audience', registered: 'api://AzureADTokenExchange', presented: 'api://AzureADTokenExchange' },
    ]);
    expect((await story.run('verify --method csi')).out).toContain(
      'issuer, subject, audience: as registered, byte for byte',
    );
  });

  it('a firewall that refuses this machine is its own verdict, once, and no missing role', async () => {
    await story.sandbox.break('F073');
    const { report, code } = await verify('--only vault,exchange');
    expect(told(report)).toEqual([['AKS-VAULT-REACHABLE', 'unknown', 'F073']]);
    expect(code).toBe(1);
  });

  it('an expired secret is a warning, that counts where it is asked to', async () => {
    await story.sandbox.break('F080');
    const { report, code } = await verify();
    expect(told(report)).toEqual([['AKS-SECRET-DATES', 'warn', 'F080']]);
    expect(code).toBe(0);
    expect((await verify('--fail-on warn')).code).toBe(3);
    const accepted = await verify('--fail-on warn --suppress F080=demo/demo');
    expect(accepted.code).toBe(0);
    expect(unwell(accepted.report)).toMatchObject([{ failure: 'F080', suppressed: true }]);
    expect((await verify('--fail-on warn --suppress F080=demo/other')).code).toBe(3);
  });

  it('what the caller may not look at is unknown, with the right named first, and exit 6', async () => {
    await story.sandbox.break('F086');
    const { report, code } = await verify();
    expect(report.summary.fail).toBe(0);
    expect(unwell(report)[0]).toMatchObject({
      ...{ id: 'AKS-RIGHTS-AZURE', category: 'rights', verdict: 'unknown', failure: 'F086' },
      right: 'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
      fix: { run: expect.stringMatching(/^az role assignment create .*--role 'Key Vault Reader' --scope/) },
    });
    expect(report.checks.find(({ id }) => id === 'AKS-PROOF')?.verdict).toBe('pass');
    expect(code).toBe(6);
  });

  it('only what is asked for is told, with what it follows from', async () => {
    await story.sandbox.break('F049');
    const { report } = await verify('--only AKS-PROOF');
    expect(report.checks.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['AKS-FIC-TRUST', 'fail'],
      ['AKS-PROOF', 'skipped'],
    ]);
    expect((await verify('--skip identity,exchange,pod,freshness,objects')).code).toBe(0);
  });
});

describe('asking', () => {
  let story: Story;
  beforeAll(async () => {
    story = await begin();
    await story.run('init --method workload-identity --yes --no-sample');
  });
  afterAll(() => story.close());

  it('says that it asks for a token, and leaves it out when it may not: then the exchange is unknown', async () => {
    const asked = await story.run('verify --method workload-identity');
    expect(asked.err).toContain('Asks Entra for a token as demo/demo');
    const left = await story.run('verify --method workload-identity --no-impersonate -o json');
    expect(left.err).toBe('');
    expect(left.writes).toEqual([]);
    expect(told(reportOf(left))).toEqual([['AKS-PROOF', 'unknown', undefined]]);
    expect(left.code).toBe(1);
  });

  it.each([
    ['--only AKS-ACESS', 'Did you mean AKS-ACCESS?'],
    ['--skip rigths', 'Did you mean rights?'],
    ['--suppress F999=demo/demo', 'there is no failure or check F999'],
    ['--suppress F080', 'expected an id and a workload'],
    ['--wait soon', 'expected a time'],
    ['--fail-on all', 'expected warn or unknown'],
    ['-o xml', '"xml" is not known'],
  ])('%s is a complaint', async (words, says) => {
    const { code, err } = await story.run(`verify --method workload-identity ${words}`);
    expect(code).toBe(2);
    expect(err).toContain(says);
  });

  it('waits by looking again at a new world, until it is well', async () => {
    const identity = identityIn(story, 'demo')!;
    const [kept] = Object.entries(identity.credentials);
    identity.credentials = {};
    const { sleep } = story.sandbox.surroundings.clock;
    const clock = story.sandbox.surroundings.clock as { sleep: typeof sleep };
    let slept = 0;
    clock.sleep = async (...args) => {
      slept += 1;
      if (slept === 2) identity.credentials = Object.fromEntries([kept!]);
      return sleep.apply(clock, args);
    };
    try {
      const { code, err } = await story.run('verify --method workload-identity --wait 5m');
      expect(err).toMatch(/verify demo\/demo {2}waiting: F049/);
      expect({ code, slept }).toEqual({ code: 0, slept: 2 });
    } finally {
      clock.sleep = sleep;
    }
  });

  it('gives up waiting when the time is up, and says what it saw last', async () => {
    const identity = identityIn(story, 'demo')!;
    const kept = identity.credentials;
    identity.credentials = {};
    const { code, out } = await story.run('verify --method workload-identity --wait 30s -o json');
    identity.credentials = kept;
    expect(code).toBe(3);
    expect(JSON.parse(out).checks.find(({ verdict }: Checked) => verdict === 'fail').failure).toBe('F049');
  });
});
