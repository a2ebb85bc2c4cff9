import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { lint } from '../../src/verify/lint.ts';
import { run } from '../commands/ways.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { unreadable } from './nonsense.ts';
import './patience.ts';

const KINDS = [
  ...[
    ['v1', 'ServiceAccount'],
    ['v1', 'Pod'],
    ['apps/v1', 'Deployment'],
    ['batch/v1', 'Job'],
    ['batch/v1', 'CronJob'],
    ['v1', 'List'],
    ['v1', 'Secret'],
  ],
  ...[
    ['secrets-store.csi.x-k8s.io/v1', 'SecretProviderClass'],
    ['external-secrets.io/v1', 'SecretStore'],
    ['external-secrets.io/v1', 'ExternalSecret'],
  ],
  ...[
    ['external-secrets.io/v1beta1', 'ClusterSecretStore'],
    ['dapr.io/v1alpha1', 'Component'],
    ['dapr.io/v1alpha1', 'Configuration'],
  ],
] as const;
const FIELDS = [
  ...[
    'spec',
    'metadata',
    'template',
    'containers',
    'initContainers',
    'volumes',
    'csi',
    'volumeAttributes',
    'secretProviderClass',
    'driver',
    'env',
    'envFrom',
    'name',
    'valueFrom',
    'secretKeyRef',
  ],
  ...[
    'labels',
    'annotations',
    'azure.workload.identity/use',
    'azure.workload.identity/client-id',
    'dapr.io/enabled',
    'dapr.io/app-id',
    'serviceAccountName',
    'parameters',
    'objects',
    'clientID',
  ],
  ...[
    'tenantId',
    'keyvaultName',
    'secretObjects',
    'data',
    'provider',
    'azurekv',
    'vaultUrl',
    'authType',
    'serviceAccountRef',
    'secretStoreRef',
    'remoteRef',
    'target',
    'type',
    'version',
    'items',
    'scopes',
    'jobTemplate',
  ],
];
const leaf = fc.constantFrom<unknown>(
  '',
  'true',
  true,
  'azure',
  'WorkloadIdentity',
  'secretstores.azure.keyvault',
  'array:\n  - |\n    objectName: a\n',
  'array: [*x]',
  5,
  null,
  [],
  {},
  'x'.repeat(3000),
  '\u001b[2J\u202e',
  '{{ .Values.x }}',
  'https://kv.vault.azure.net',
  'secrets-store.csi.k8s.io',
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...FIELDS), tie('value'), { maxKeys: 5 }),
  ),
}));
const object = fc
  .tuple(fc.constantFrom(...KINDS), value, value, value)
  .map(([[apiVersion, kind], metadata, spec, other]) => ({
    apiVersion,
    kind,
    metadata:
      typeof metadata === 'object' && metadata && !Array.isArray(metadata) ? { name: 'a', ...metadata } : metadata,
    spec,
    data: other,
    parameters: other,
    items: [other],
  }));

const judged = (text: string) => {
  const { rows, notes } = lint([{ path: 'a.yaml', text }], methods);
  for (const row of rows) expect(`${row.title} ${row.observed}`).not.toMatch(unreadable);
  for (const note of notes) expect(note).not.toMatch(unreadable);
  return { rows, notes };
};

describe('manifests of somebody else', () => {
  it('that hold anything are judged, never more', () => {
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 3 }), (objects) => {
        judged(objects.map((each) => JSON.stringify(each)).join('\n---\n'));
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 150 },
    );
  });

  it('of any text are judged, never more', () => {
    const token = fc.constantFrom(
      'apiVersion: v1\n',
      'kind: Pod\n',
      'metadata:\n',
      '  name: a\n',
      'spec: ',
      '{{',
      '}}',
      '{{ x }}',
      '{{- if }}\n',
      '---\n',
      '- ',
      '[',
      '{',
      '&a ',
      '*a',
      '!!binary ',
      '!!set ',
      '<<: *a',
      '\t',
      '\u0000',
      '? ',
      ': ',
      '\n',
      '"',
      '%YAML 1.1\n',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(token, { maxLength: 40 }).map((all) => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          judged(text);
        },
      ),
      { numRuns: EXHAUSTIVE ? 5000 : 150 },
    );
  });

  it.each([
    ['brackets without end', '['.repeat(100_000)],
    ['dashes without end', '- '.repeat(50_000)],
    ['an anchor within itself', 'apiVersion: v1\nkind: Pod\nmetadata: &a { name: x, labels: *a }\n'],
    [
      'anchors of anchors',
      `${Array.from(
        { length: 20 },
        (_, n) =>
          `${'abcdefghijklmnopqrstuvwxyz'[n]}: &${'abcdefghijklmnopqrstuvwxyz'[n]} [${
            n === 0
              ? 'x'
              : Array(9)
                  .fill(`*${'abcdefghijklmnopqrstuvwxyz'[n - 1]}`)
                  .join(',')
          }]`,
      ).join('\n')}\n`,
    ],
    ['holes without end', `a: ${'{{'.repeat(100_000)}\n`],
    [
      'a list of lists of lists',
      `apiVersion: v1\nkind: List\nitems: ${'[{ kind: List, items: '.repeat(500)}${'}]'.repeat(500)}\n`,
    ],
  ])('of %s are read to an end', (_, text) => {
    judged(text);
  });
});

describe('verify --manifests', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'aks-secrets-manifests-'));
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));
  const account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: a }\n';
  mkdirSync(join(cwd, 'deploy', 'loop'), { recursive: true });
  writeFileSync(join(cwd, 'deploy', 'a.yaml'), account);
  writeFileSync(join(cwd, 'deploy', 'bytes.yaml'), Buffer.from([0xff, 0xfe, 0, 1, 2, 0xd8]));
  writeFileSync(join(cwd, 'deploy', 'u\u202e\u001b[2Jlmay.yaml'), account.replace('v1', 'v1\u0000'));
  symlinkSync('..', join(cwd, 'deploy', 'loop', 'again'));
  symlinkSync('/dev/zero', join(cwd, 'deploy', 'zero.yaml'));
  symlinkSync('/etc/passwd', join(cwd, 'deploy', 'passwd.yaml'));
  execFileSync('mkfifo', [join(cwd, 'deploy', 'pipe.yaml')]);
  writeFileSync(join(cwd, 'large.yaml'), '');
  truncateSync(join(cwd, 'large.yaml'), 3 * 1024 * 1024 * 1024);

  it('reads files, and follows no link and no pipe', async () => {
    for (const format of ['text', 'json', 'yaml', 'github', 'junit', 'sarif']) {
      const ran = await run(['verify', '--manifests', 'deploy', '-o', format], { cwd });
      expect([0, 3]).toContain(ran.code);
      expect((ran.out + ran.err).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(ran.out + ran.err).not.toMatch(/root:/);
    }
  });

  it.each([
    ['large.yaml', /larger than any manifest/],
    ['/dev/zero', /larger than any manifest/],
    ['nowhere', /there is no nowhere/],
    ['a\u0000b', /cannot read/],
  ])('%j is complained of', async (path, pattern) => {
    const ran = await run(['verify', '--manifests', path], { cwd });
    expect(ran.code).toBe(2);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toMatch(pattern);
  });
});
