import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change } from '../../src/engine/events.ts';
import { complaintsText } from '../../src/report/complaint-text.ts';
import { planText } from '../../src/report/plan-text.ts';
import type { Summary } from '../../src/report/result-text.ts';
import { resultText, troublesText } from '../../src/report/result-text.ts';
import { isAutomated, painter, symbolsFor, wantsColour, wantsLiveBlock } from '../../src/report/style.ts';
import type { Line } from '../../src/report/text.ts';
import { ASCII, clean, columns, duration, UNICODE, wrap } from '../../src/report/text.ts';
import { Secret } from '../../src/secret.ts';
import { Problem } from '../../src/trouble.ts';
import { again, asciiPage, blocked, change, cluster, denied, fresh, header, page, proof, result } from './examples.ts';

const plain = (lines: readonly Line[]) => `${lines.map(painter(false)).join('\n')}\n`;
const golden = (name: string) => `./goldens/${name}.txt`;
const at = new Date(2026, 0, 5, 14, 2, 11);

test.each([80, 120])('the plan, at %d columns', async (width) => {
  await expect(plain(planText(fresh.changes, header, page(width)))).toMatchFileSnapshot(golden(`plan-${width}`));
});

test('a plan with nothing to change, of a sandbox, without UTF-8', async () => {
  const text = plain(planText(again.changes, { ...header, label: 'simulated' }, asciiPage));
  await expect(text).toMatchFileSnapshot(golden('plan-again-ascii'));
});

test.each([80, 120])('a plan with blocked changes says each reason once, at %d columns', async (width) => {
  await expect(plain(planText(blocked.changes, header, page(width)))).toMatchFileSnapshot(
    golden(`plan-blocked-${width}`),
  );
});

test('a new cluster and vault, in several workloads', async () => {
  const changes: Change[] = [
    change('cluster/shop-aks', {
      settles: 'long operation',
      differences: [
        { path: 'nodes', is: '-', want: '2 x Standard_D2s_v5 in westeurope', costs: true },
        { path: 'OIDC issuer', is: '-', want: 'on' },
      ],
    }),
    change('vault/shop-kv', {
      settles: 'minutes',
      differences: [{ path: 'purge protection', is: '-', want: 'on', irreversible: true }],
    }),
    ...['orders', 'mailer', 'billing'].map((name) => change(`ServiceAccount/shop/${name}`, { side: 'Kubernetes' })),
    change('provider/x', { quiet: true, action: 'keep' }),
  ];
  const workloads = ['orders', 'mailer', 'billing', 'cart', 'search'].map((name) => ({
    name,
    namespace: 'shop',
    method: name,
  }));
  await expect(plain(planText(changes, { ...header, workloads }, page(80)))).toMatchFileSnapshot(golden('plan-new'));
});

const summary: Summary = {
  exit: 0,
  results: [result(cluster, 'updated'), result(change('vault/shop-kv'), 'kept')],
  proofs: [proof],
  workloads: [
    {
      ...{ name: 'orders', account: 'shop/orders', secrets: ['db-password', 'api-key'], vault: 'shop-kv' },
      ...{ note: 'No pod uses it yet.', afterwards: ['Files     /mnt/secrets/db-password, /mnt/secrets/api-key'] },
    },
  ],
  at,
  again: 'aks-secrets init --cluster shop-aks --resource-group shop-rg --vault shop-kv --yes',
};

test('the end of a run that went well', async () => {
  await expect(plain(resultText(summary, page(80)))).toMatchFileSnapshot(golden('result'));
  expect(troublesText(summary, page(80))).toEqual([]);
});

test('the end of a run without a right: what, which, why, who may, the one line, the original, the exit code', async () => {
  const role = change('role/orders-id/shop-kv', { subject: 'Key Vault Secrets User for orders-id on shop-kv' });
  const run =
    'az role assignment create --assignee-object-id 8c1f --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope /subscriptions/3f2a91c0/resourceGroups/shop-rg';
  const unwell: Summary = {
    ...summary,
    exit: 6,
    results: [result(role, 'failed', { problem: denied, run }), ...summary.results],
    proofs: [{ ...proof, outcome: 'not reached', follows: [role.id] }],
    again: 'aks-secrets init -f aks-secrets.yaml --yes',
  };
  const text = plain([...resultText(unwell, page(80)), ...troublesText(unwell, page(80))]);
  await expect(text).toMatchFileSnapshot(golden('result-denied'));
});

test('several failures: each once, followers folded, the same words once', async () => {
  const lost = new Problem('broken', 'cluster', 'the API server does not answer');
  const unwell: Summary = {
    ...summary,
    exit: 1,
    results: [
      result({ ...cluster, missing: ['cluster'] }, 'blocked', { run: 'az aks update --name shop-aks' }),
      result(change('ServiceAccount/shop/orders'), 'failed', { problem: lost }),
      result(change('SecretProviderClass/shop/orders'), 'failed', { problem: lost }),
      result(change('Deployment/shop/orders'), 'not reached', { follows: ['ServiceAccount/shop/orders'] }),
      result(change('role/r'), 'timed out', { note: 'Entra does not know orders-id yet' }),
      result(change('identity/i'), 'interrupted', { note: 'was under way; whether it took effect is not known' }),
    ],
    proofs: [
      {
        ...{ ...proof, outcome: 'failed' },
        findings: [
          {
            check: 'c',
            title: 'the subject is trusted',
            verdict: 'fail',
            failure: 'F053',
            observed: 'Shop',
            expected: 'shop',
          },
        ],
      },
    ],
    explain: () => ({ failure: 'F900', cause: 'The API server is stopped or not to be reached from here.' }),
  };
  await expect(plain([...resultText(unwell, page(80)), ...troublesText(unwell, page(80))])).toMatchFileSnapshot(
    golden('result-unwell'),
  );
});

test('complaints, all at once', async () => {
  const text = complaintsText(
    [
      { message: 'unknown key "secret": did you mean "secrets"?', file: 'aks-secrets.yaml', line: 7 },
      {
        message: '--vault is missing',
        fix: { say: 'Give the name of the vault:', run: 'aks-secrets init --vault NAME' },
      },
      {
        resource: 'sign-in',
        message: 'Nobody is signed in.',
        azure: { code: 'AADSTS50076', requestId: 'a1' },
        failure: 'F001',
      },
    ],
    2,
    page(80),
  );
  await expect(plain(text)).toMatchFileSnapshot(golden('complaints'));
});

test('no line is wider than the page, but for a word or a command that is to be copied', () => {
  const words = fc
    .array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 14 })
    .map((all) => all.join(' '));
  const changes = fc.array(
    fc.record({
      subject: words,
      path: words,
      is: words,
      want: words,
      warning: words,
      note: words,
      action: fc.constantFrom('create', 'update', 'blocked', 'keep', 'later'),
    }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(changes, fc.constantFrom(60, 80, 100, 120), (all, width) => {
      const plan = all.map(({ subject, action, note, ...difference }, n) =>
        change(`k${n}/${subject}`, { action: action as Change['action'], note, differences: [difference] }),
      );
      for (const text of plain(planText(plan, header, page(width))).split('\n'))
        expect(columns(text)).toBeLessThanOrEqual(width);
    }),
  );
});

test('a very narrow page still says everything', () => {
  const text = plain(planText(fresh.changes, header, page(24)));
  for (const word of ['shop-aks', 'db-password,', 'SecretProviderClass', 'undone,']) expect(text).toContain(word);
});

test('text from elsewhere cannot steer the terminal, and no value passes', () => {
  const value = new Secret('hunter2-marker');
  expect(clean('a\u001b[31mred\u001b[0m\u001b]0;title\u0007b')).toBe('aredb');
  expect(clean('two\nlines\r\tx\u009b31m\u202eevil')).toBe('two lines xevil');
  expect(clean('it is hunter2-marker')).toBe('it is [secret]');
  expect(clean('it is hunter2\u001b[0m-marker')).toBe('it is [secret]');
  expect(clean(Buffer.from(value.reveal()).toString('base64'))).toBe('[secret]');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      expect(clean(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    }),
  );
});

test('a value that is broken over two lines is found before it is broken', () => {
  const value = new Secret('open sesame and more');
  expect(wrap(`the value open sesame and more was refused`, 14).join(' ')).toBe('the value [secret] was refused');
  expect(value.toString()).toBe('[secret]');
});

test.each<[string, boolean, Record<string, string>, boolean, boolean]>([
  ['a terminal', true, {}, false, true],
  ['a pipe', false, {}, false, false],
  ['NO_COLOR', true, { NO_COLOR: '1' }, false, false],
  ['an empty NO_COLOR', true, { NO_COLOR: '' }, false, true],
  ['TERM=dumb', true, { TERM: 'dumb' }, false, false],
  ['--no-color', true, {}, true, false],
  ['FORCE_COLOR in a pipe', false, { FORCE_COLOR: '1' }, false, true],
  ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false, false],
  ['FORCE_COLOR and --no-color', false, { FORCE_COLOR: '1' }, true, false],
])('colour: %s', (_, isTTY, env, flag, wanted) => {
  expect(wantsColour({ isTTY }, env, flag)).toBe(wanted);
});

test('a live block only where somebody watches', () => {
  expect(wantsLiveBlock({ isTTY: true }, {})).toBe(true);
  expect(wantsLiveBlock({}, {})).toBe(false);
  expect(wantsLiveBlock({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  for (const name of ['GITHUB_ACTIONS', 'TF_BUILD', 'GITLAB_CI', 'CI', 'JENKINS_URL', 'CLAUDE_CODE'])
    expect(isAutomated({ [name]: 'true' })).toBe(true);
  expect(isAutomated({ CI: 'false', GITHUB_ACTIONS: 'false', BUILD_ID: '' })).toBe(false);
});

test.each([
  [{}, UNICODE],
  [{ LANG: 'en_US.UTF-8' }, UNICODE],
  [{ LANG: 'C.utf8' }, UNICODE],
  [{ LANG: 'C' }, ASCII],
  [{ LANG: 'en_US.UTF-8', LC_ALL: 'POSIX' }, ASCII],
])('symbols for %j', (env, symbols) => {
  expect(symbolsFor(env)).toBe(symbols);
});

test('colour is never the only signal: without it the text is the same', () => {
  const lines = planText(blocked.changes, header, page(80));
  const coloured = lines.map(painter(true)).join('\n');
  expect(coloured).toContain('\u001b[');
  expect(clean(coloured)).toBe(clean(lines.map((line) => line.map(({ text }) => text).join('')).join('\n')));
});

test.each([
  [0.04, '0.0 s'],
  [2.13, '2.1 s'],
  [14.4, '14 s'],
  [59.96, '1m 00s'],
  [72, '1m 12s'],
  [3725, '1h 02m'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
