import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { find, ROWS } from '../src/failures/index.ts';
import { squeeze, squeezedPhrase } from '../src/failures/squeeze.ts';
import { explanation } from '../src/report/explain-text.ts';
import { SHOWING, SHOWING_NOTHING } from './failures/pastes.ts';

const ids = (text: string): readonly string[] => find(text).map(({ row }) => row.id);
const first = (text: string): string | undefined => ids(text)[0];
const table = SHOWING.map(({ name, text }) => [name, text] as const);

describe('a paste', () => {
  it('is there for every failure', () => {
    const shown = new Set(SHOWING.map(({ name }) => name));
    expect(ROWS.filter(({ id }) => !shown.has(id)).map(({ id }) => id)).toEqual([]);
  });

  it.each(table)('shows %s first', (id, text) => {
    expect(first(text)).toBe(id);
  });

  it('shows nothing where nothing of ours is the matter', () => {
    expect(SHOWING_NOTHING.length).toBeGreaterThan(40);
    const alarms = SHOWING_NOTHING.flatMap(({ name, text }) => ids(text).map((id) => `${name}: ${id}`));
    expect(alarms).toEqual([]);
  });
});

describe('a phrase', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.string({ maxLength: 12 }),
    fc.constantFrom('[31m', '[x', '&amp;', '\\n', '\\u0041', '2026-01-02T03:04:05Z ', '\x1b[0m', 'A "b" <c> {d}|`*'),
  );

  it('is squeezed as any other text is', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        expect(squeezedPhrase(pieces.join(''))).toBe(squeeze(pieces.join('')).text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('several failures in one paste', () => {
  const CSI =
    'MountVolume.SetUp failed for volume "secrets" : rpc error: code = Unknown desc = failed to mount secrets store objects for pod shop/orders-7d4c, err: rpc error: code = Unknown desc = failed to mount objects, error: ';

  it.each<readonly [string, string, readonly string[]]>([
    [
      'what Entra says comes before the mount that reports it',
      `${CSI}failed to get keyvault client: failed to acquire token: AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:shop:orders'.`,
      ['F052', 'F110'],
    ],
    [
      'what the vault says comes before the operator that reports it',
      `could not get secret data from provider: A secret with (name/id) db-password was not found in this key vault. SecretSyncedError`,
      ['F077', 'F121'],
    ],
    [
      'what the vault says comes before the sidecar that reports it',
      `{"errorCode":"ERR_SECRET_GET","message":"failed getting secret with key db-password from secret store orders-kv: Operation get is not allowed on a disabled secret."}`,
      ['F079', 'F133'],
    ],
    [
      'a pod that waits for a Secret waits for its volume, which waits for the vault',
      `Warning  Failed  3s  kubelet  Error: secret "orders" not found (CreateContainerConfigError)\nWarning  FailedMount  9s  kubelet  ${CSI}keyvault.BaseClient#GetSecret: StatusCode=403 Message="Caller is not authorized to perform action on resource.\\r\\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'" InnerError={"code":"ForbiddenByRbac"}\nsecretProviderClass=orders-kv`,
      ['F067', 'F103', 'F110'],
    ],
    [
      'the cluster before Entra, and Entra before the vault',
      `Client address is not authorized and caller is not a trusted service.\nAADSTS700016: Application with identifier 'x' was not found in the directory 'y'.\nno endpoints available for service "azure-wi-webhook-webhook-service"`,
      ['F034', 'F055', 'F073'],
    ],
    [
      'the particular alone, where the general fits as well',
      `AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://kubernetes.default.svc'.`,
      ['F054'],
    ],
  ])('%s', (_title, text, expected) => {
    expect(ids(text)).toEqual(expected);
  });

  it('does not let a guess stand beside what is sure', () => {
    const sure = `AADSTS700016: Application with identifier 'x' was not found in the directory 'y'.`;
    const guess = 'All workload identity environment variables are injected except AZURE_CLIENT_ID.';
    expect(ids(guess)).toEqual(['F028']);
    expect(ids(`${guess}\n${sure}`)).toEqual(['F055']);
  });
});

describe('noise', () => {
  const wrapped = (text: string, columns: number, lead: string): string =>
    text
      .split('\n')
      .flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, 'gsu')) ?? [''])
      .map((line) => lead + line)
      .join('\n');
  const WAYS: Readonly<Record<string, (text: string) => string>> = {
    'as a JSON string': (text) => JSON.stringify({ log: text, stream: 'stderr' }),
    'as JSON in JSON': (text) => JSON.stringify({ message: JSON.stringify({ error: text }) }),
    'with quotes as code points': (text) =>
      text.replaceAll('"', '\\u0022').replaceAll("'", '\\u0027').replaceAll('\n', '\\n'),
    'as HTML': (text) =>
      text
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;'),
    'as quoted mail': (text) => text.replace(/^/gm, '> '),
    'in bold': (text) => text.replace(/\S+/g, '**$&**'),
    'in colour': (text) => text.replace(/\S+/g, '\u001b[1;31m$&\u001b[0m'),
    'in colour without its escape character': (text) => text.replace(/\S+/g, '[1;31m$&[0m'),
    'with a time before each line': (text) => text.replace(/^/gm, '2026-02-11T10:00:00.123456Z stdout F '),
    'in a table with a frame': (text) => text.replace(/^.*$/gm, '│ $& │'),
    'on Windows': (text) => text.replaceAll('\n', '\r\n'),
    'with links of the terminal': (text) => `\u001b]8;;https://example.com\u0007${text}\u001b]8;;\u0007`,
  };

  it.each(Object.entries(WAYS))('%s', (_way, change) => {
    const lost = SHOWING.filter(({ name, text }) => first(change(text)) !== name).map(({ name }) => name);
    expect(lost).toEqual([]);
  });

  it('wherever its lines are broken', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SHOWING),
        fc.integer({ min: 1, max: 140 }),
        fc.constantFrom('', '  ', '> ', '│ ', '\t'),
        ({ name, text }, columns, lead) => {
          expect(first(wrapped(text, columns, lead))).toBe(name);
        },
      ),
      { numRuns: 600 },
    );
  });

  it('within a log of something else', () => {
    const word = fc.stringMatching(/^[a-z]{2,9}$/);
    const line = fc
      .tuple(fc.date({ noInvalidDate: true }), fc.array(word, { maxLength: 12 }))
      .map(([at, words]) => `${at.toISOString()} INFO ${words.join(' ')}`);
    const log = fc.array(line, { maxLength: 60 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(fc.constantFrom(...SHOWING), log, log, ({ name, text }, before, after) => {
        expect(first(`${before}\n${text}\n${after}`)).toBe(name);
      }),
      { numRuns: 300 },
    );
  });

  it('a code that is part of a longer one is none', () => {
    expect(ids('AADSTS7002111: something else')).toEqual([]);
    expect(ids('XAADSTS700211Y')).toEqual([]);
    expect(ids('the key_KeyNotFound_x vault')).toEqual([]);
    expect(first('AADSTS700211')).toBe('F050');
    expect(first('AADSTS70021\n1: No matching')).toBe('F050');
    expect(first('AADSTS70021 2026-02-11 10:00:00Z')).toBe('F049');
  });
});

describe('any text', () => {
  const pieces = SHOWING.flatMap(({ text }) => text.match(/\S{1,20}/g) ?? []);
  const any = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc
      .array(fc.constantFrom(...pieces, '\\', '\u001b[', '\u001b]8;', '&', '&#x', '\\u00', '\n', '\0'), {
        maxLength: 120,
      })
      .map((parts) => parts.join('')),
  );

  it('is read to its end, and what is quoted of it is one harmless line', () => {
    fc.assert(
      fc.property(any, (text) => {
        for (const { evidence, fix } of explanation(text, find(text)).matches) {
          expect(evidence.length).toBeLessThanOrEqual(210);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none
          expect(evidence).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
          expect(fix.run ?? '').not.toContain('\n');
        }
      }),
      { numRuns: 500 },
    );
  });

  // Each is made to be slow for one of the ways of looking. Megabytes take far less than a second on an idle machine.
  it.each([
    ['a long log', SHOWING.map(({ text }) => text).join('\n')],
    ['the beginning of all codes', 'AADSTS'],
    ['one code', 'AADSTS70021 '],
    ['the beginning of many sentences', 'failed to '],
    ['what many signs need beside them', 'vault.azure.net '],
    ['a sign that lacks its company', 'MountVolume.SetUp failed '],
    ['a subject without an end', 'system:serviceaccount:'],
    ['backslashes', '\\'],
    ['escapes', '\\u001b['],
    ['ampersands', '&'],
    ['sequences that do not end', '\u001b]'],
    ['colours that do not end', '[1;'],
    ['control characters', '\0\u001b'],
    ['one letter', 'a'],
    ['digits', '0'],
  ])('of megabytes: %s', (_title, piece) => {
    const text = piece.repeat(Math.ceil(3_000_000 / piece.length));
    const start = performance.now();
    explanation(text, find(text));
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
