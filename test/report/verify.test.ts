import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { asYaml } from '../../src/commands/verify-formats.ts';
import { painter } from '../../src/report/style.ts';
import type { Line } from '../../src/report/text.ts';
import { comparisonLines } from '../../src/report/verify-compared.ts';
import { githubSummary, verifyGithub } from '../../src/report/verify-github.ts';
import { verifyJunit } from '../../src/report/verify-junit.ts';
import { verifySarif } from '../../src/report/verify-sarif.ts';
import { shortText, verifyText } from '../../src/report/verify-text.ts';
import { type VerifyReport, verifyReport } from '../../src/verify/report.ts';
import type { Row } from '../../src/verify/row.ts';
import { asciiPage, page } from './examples.ts';

const paint = painter(false);
const text = (lines: readonly Line[]): string => `${lines.map(paint).join('\n')}\n`;

const row = (more: Partial<Row> & Pick<Row, 'id' | 'place' | 'title'>): Row => ({
  ...{ category: 'cluster', workloads: ['orders'], verdict: 'pass', seconds: 0.25 },
  ...more,
});
const registered = 'system:serviceaccount:Shop:orders';
const presented = 'system:serviceaccount:shop:orders';
const issuer = 'https://westeurope.oic.prod-aks.azure.com/t/u/';

const rows: readonly Row[] = [
  row({ id: 'AKS-SIGN-IN', category: 'rights', place: 'Rights', title: 'signed in as ana@contoso.com on Contoso Dev' }),
  row({ id: 'AKS-OIDC-ISSUER', place: 'Cluster shop-aks', title: 'OIDC issuer is on' }),
  row({
    id: 'AKS-KEYVAULT-ADDON',
    place: 'Cluster shop-aks',
    title: 'Key Vault add-on is on',
    observed: 'rotation every 2m',
  }),
  row({ id: 'AKS-IDENTITY', category: 'identity', place: 'Identity orders-id', title: 'identity orders-id exists' }),
  row({
    ...{
      id: 'AKS-FIC-TRUST',
      category: 'identity',
      place: 'Identity orders-id',
      title: 'orders-id trusts shop/orders',
    },
    ...{ verdict: 'fail', failure: 'F053', observed: `subject ${registered}`, expected: `subject ${presented}` },
    compared: [
      { what: 'issuer', registered: issuer, presented: issuer },
      { what: 'subject', registered, presented },
      { what: 'audience', registered: 'api://AzureADTokenExchange', presented: 'api://AzureADTokenExchange' },
    ],
    fix: { say: 'Correct the credential by-hand.', run: 'az identity federated-credential update --name by-hand' },
    repair: [],
  }),
  ...['db-password', 'api-key'].map((name) =>
    row({
      id: 'AKS-SECRET',
      category: 'vault',
      place: 'Vault shop-kv',
      title: `secret ${name} is present and enabled`,
    }),
  ),
  row({
    ...{ id: 'AKS-SECRET-DATES', category: 'vault', place: 'Vault shop-kv', title: 'secret api-key is valid today' },
    ...{
      verdict: 'warn',
      failure: 'F080',
      observed: 'it expired on 2026-11-01',
      expected: 'a version that is valid on 2026-11-22',
    },
  }),
  row({
    ...{ id: 'AKS-ACCESS', category: 'vault', place: 'Vault shop-kv', title: 'orders-id may read in shop-kv' },
    ...{ verdict: 'unknown', right: 'Microsoft.Authorization/roleAssignments/read', failure: 'F154' },
    observed: 'you may not look: Microsoft.Authorization/roleAssignments/read is missing',
    expected: 'Microsoft.Authorization/roleAssignments/read, for ana@contoso.com',
    said: { by: 'Azure', code: 'AuthorizationFailed', message: 'm', requestId: '5f0c' },
  }),
  row({
    ...{ id: 'AKS-CSI-MOUNT', category: 'pod', place: 'Pods of shop/orders', title: 'mount', verdict: 'skipped' },
    because: ['F053'],
  }),
  row({
    ...{
      id: 'AKS-FRESH',
      category: 'freshness',
      place: 'Freshness of shop/orders',
      title: 'a title that goes on for longer than there is room for it on one row of eighty columns',
    },
    ...{ verdict: 'skipped', because: ['F053'] },
  }),
];
const about = {
  ...{ exit: 3 as const, caller: 'ana@contoso.com', subscription: { id: 's', name: 'Contoso Dev' }, tenant: 't' },
  repair: () => 'aks-secrets init -f aks-secrets.yaml',
};
const report = verifyReport(rows, about);
const well = verifyReport(
  rows.filter(({ verdict }) => verdict === 'pass'),
  { ...about, exit: 0, simulated: true },
);

test('broken, as a person reads it', async () => {
  const said = text(verifyText(report, page(80)));
  await expect(said).toMatchFileSnapshot('./goldens/verify-broken.txt');
  const wide = said.split('\n').filter((line) => [...line].length > 80 && !/^ {10}/.test(line));
  expect(wide).toEqual([]);
});
test('well', async () => {
  await expect(text(verifyText(well, page(80)))).toMatchFileSnapshot('./goldens/verify-well.txt');
});
test('many workloads: what is well all through is a line each', () => {
  const each = Array.from({ length: 25 }, (_, at) => `w${at}`);
  const many = each.map((name) =>
    row({
      id: 'AKS-PROOF',
      category: 'exchange',
      place: `Token of shop/${name}`,
      title: `${name} can read`,
      workloads: [name],
    }),
  );
  const broken = row({
    id: 'AKS-ACCESS',
    category: 'vault',
    place: 'Vault kv',
    title: 'may read',
    verdict: 'fail',
    failure: 'F067',
  });
  const lines = text(verifyText(verifyReport([...many, broken], about), page(80))).split('\n');
  expect(lines.filter((line) => /^ {2}✓ Token of shop\/w\d+: 1 well$/.test(line))).toHaveLength(25);
  expect(lines).toContain('1 broken, 25 well.');
});
test('short: nothing but what is not well', async () => {
  await expect(text(shortText(report, asciiPage))).toMatchFileSnapshot('./goldens/verify-short.txt');
  expect(text(shortText(well, page(80)))).toBe('6 well (simulated).\n');
});
test('json', async () => {
  await expect(`${JSON.stringify(report, null, 2)}\n`).toMatchFileSnapshot('./goldens/verify-json.txt');
});
test('yaml is the same document', () => {
  expect(parse(asYaml(report))).toEqual(JSON.parse(JSON.stringify(report)));
});
test('junit', async () => {
  await expect(verifyJunit(report)).toMatchFileSnapshot('./goldens/verify-junit.txt');
});
test('github, with its summary', async () => {
  await expect(`${verifyGithub(report)}---\n${githubSummary(report)}`).toMatchFileSnapshot(
    './goldens/verify-github.txt',
  );
});
test('sarif', async () => {
  await expect(verifySarif(report)).toMatchFileSnapshot('./goldens/verify-sarif.txt');
});

describe('every check has the same shape', () => {
  it('what is broken says what, what else, why, and what to do', () => {
    for (const check of report.checks.filter(({ verdict }) => verdict === 'fail')) {
      for (const said of [check.observed, check.expected, check.cause, check.fix.say, check.docs])
        expect(said).not.toBe('');
    }
  });
  it('and there is text, perhaps empty, in all others', () => {
    for (const { observed, expected, cause, docs, fix } of report.checks)
      for (const said of [observed, expected, cause, docs, fix.say]) expect(typeof said).toBe('string');
  });
});

describe('presented against registered', () => {
  const shown = (one: string, other: string) =>
    text(comparisonLines([{ what: 'subject', registered: one, presented: other }], page(80)));
  it.each([
    ['a:Shop:b', 'a:shop:b', 2, 'case'],
    ['https://x', 'https://x/', 9, 'slash at the end'],
    ['abc', 'abx', 2, ''],
    ['', 'abc', 0, ''],
    ['sub ', 'sub', 3, 'blanks at the end'],
  ])('%j, %j: the mark is under the first that differs', (one, other, at, hint) => {
    const lines = shown(one, other).split('\n');
    expect(lines[2]).toBe(`${' '.repeat(8 + 13 + at)}^${hint ? ` ${hint}` : ''}`);
    expect(lines[1]?.slice(8 + 13)).toBe(other);
  });
});

describe('hostile text', () => {
  const nasty = 'a%0A::error::\r\n<b>"&\u001b[31m ]]> | `x` \uFFFF';
  const hostile: VerifyReport = verifyReport(
    [
      row({
        ...{ id: 'AKS-X', place: nasty, title: nasty, verdict: 'fail', observed: nasty, expected: nasty },
        at: { file: 'a b,c:%.yaml', line: 3, column: 2 },
      }),
    ],
    { exit: 3 },
  );
  it('ends no workflow command and begins none', () => {
    const [line = '', ...rest] = verifyGithub(hostile).trimEnd().split('\n');
    expect(rest).toHaveLength(1);
    expect(line).toMatch(/^::error file=a b%2Cc%3A%25\.yaml,line=3,col=2,title=AKS-X%3A a%250A%3A%3Aerror/);
    expect(line.indexOf('::', 2)).toBe(line.indexOf('::a%250A'));
  });
  it('breaks no XML', () => {
    const xml = verifyJunit(hostile);
    expect(xml).not.toContain('<b>');
    expect(xml).toContain('&lt;b&gt;&quot;&amp;');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f\uFFFF]/);
  });
  it('stays in its cell of the summary', () => {
    const table = githubSummary(hostile)
      .split('\n')
      .find((line) => line.startsWith('| fail'));
    expect(table?.replaceAll('\\|', '').split('|')).toHaveLength(7);
  });
  it('is where the file is, in SARIF', () => {
    const [result] = JSON.parse(verifySarif(hostile)).runs[0].results;
    expect(result.locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'a%20b%2Cc%3A%25.yaml' },
      region: { startLine: 3, startColumn: 2 },
    });
  });
});

it('what is accepted is shown and not counted, in every format', () => {
  const accepted = verifyReport(
    [row({ id: 'AKS-X', place: 'p', title: 't', verdict: 'fail', failure: 'F053', suppressed: true })],
    { exit: 0 },
  );
  expect(accepted.summary.fail).toBe(0);
  expect(accepted.first).toBeUndefined();
  expect(text(verifyText(accepted, page(80)))).toContain('accepted');
  expect(verifyJunit(accepted)).toContain('failures="0"');
  expect(verifyGithub(accepted)).toMatch(/^::notice /);
  expect(JSON.parse(verifySarif(accepted)).runs[0].results[0].suppressions).toEqual([
    { kind: 'external', status: 'accepted' },
  ]);
});
