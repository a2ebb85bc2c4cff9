import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { cloudOf } from '../../src/azure/clouds.ts';
import { Complaints } from '../../src/complaint.ts';
import { assemble } from '../../src/methods/assemble.ts';
import { methods } from '../../src/methods/index.ts';
import { readTemplate } from '../../src/templates.ts';
import type { Spec } from '../../src/workload.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { unreadable } from './nonsense.ts';
import './patience.ts';

const folder = new URL('../../templates', import.meta.url).pathname;
const around = mkdtempSync(join(tmpdir(), 'aks-secrets-templates-'));
const own = join(around, 'own');
afterAll(() => rmSync(around, { recursive: true, force: true }));
mkdirSync(join(own, 'csi'), { recursive: true });
writeFileSync(join(around, 'outside.yaml'), 'apiVersion: v1\nkind: Secret\n');

/** What somebody is told, and nothing else that is thrown. */
function told(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(Complaints);
    const { complaints } = error as Complaints;
    for (const { message, file } of complaints) {
      expect(message).not.toMatch(unreadable);
      expect(file).toBeTruthy();
    }
    return (error as Complaints).message;
  }
  return '';
}

describe('a template is never taken from outside of its folder', () => {
  it.each([
    ...[
      '../outside.yaml',
      'csi/../../outside.yaml',
      '/etc/passwd',
      '..',
      'csi/..',
      './../outside.yaml',
      'a\\..\\..\\outside.yaml',
    ],
    ...[
      'C:\\Windows\\win.ini',
      'C:/x',
      '\\\\server\\share',
      'csi/\u0000.yaml',
      '..\u0000/outside.yaml',
      '....//outside.yaml/../..',
    ],
  ])('%j', (path) => {
    expect(told(() => readTemplate(own, path))).toMatch(/must stay in its folder|there is no template|is not a file/);
    expect(told(() => readTemplate(folder, path, own))).not.toBe('');
  });

  it('whatever the path is', () => {
    const part = fc.constantFrom(
      '..',
      '.',
      'csi',
      'own',
      'outside.yaml',
      '',
      '%2e%2e',
      '\\',
      '\u0000',
      '~',
      'C:',
      '..\u2215',
    );
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('/', '\\', '//'),
        (parts, between) => {
          expect(told(() => readTemplate(own, parts.join(between)))).not.toBe('');
        },
      ),
      { numRuns: EXHAUSTIVE ? 10_000 : 100 },
    );
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ['a link to a file outside', (file) => symlinkSync(join(around, 'outside.yaml'), file), /leads out/],
    [
      'a link to a link outside',
      (file) => {
        symlinkSync(join(around, 'outside.yaml'), `${file}.link`);
        symlinkSync(`${file}.link`, file);
      },
      /leads out/,
    ],
    ['a link to what never ends', (file) => symlinkSync('/dev/zero', file), /leads out/],
    ['a link to itself', (file) => symlinkSync(file, file), /cannot be read \(ELOOP\)/],
    ['a folder', (file) => mkdirSync(file), /is not a file/],
    ['a pipe', (file) => execFileSync('mkfifo', [file]), /is not a file/],
    [
      'larger than any template',
      (file) => {
        writeFileSync(file, '#');
        truncateSync(file, 1024 * 1024 * 1024);
      },
      /larger than/,
    ],
  ])('%s is refused, and not replaced by ours', (name, make, pattern) => {
    const path = `csi/${name.replaceAll(' ', '-')}.yaml`;
    make(join(own, path));
    expect(told(() => readTemplate(folder, path, own))).toMatch(pattern);
  });

  it('a folder that is a link is the folder it leads to; one within that leads out is not', () => {
    symlinkSync(own, join(around, 'link'));
    cpSync(join(folder, 'namespace.yaml'), join(own, 'namespace.yaml'));
    expect(readTemplate(folder, 'namespace.yaml', join(around, 'link')).text).toContain('kind: Namespace');
    mkdirSync(join(around, 'elsewhere'));
    cpSync(join(folder, 'csi'), join(around, 'elsewhere', 'dapr'), { recursive: true });
    symlinkSync(join(around, 'elsewhere', 'dapr'), join(own, 'dapr'));
    expect(told(() => readTemplate(folder, 'dapr/serviceaccount.yaml', own))).toMatch(/leads out/);
  });
});

const cloud = await cloudOf('AzurePublicCloud', () => Promise.reject(new Error('no metadata')));
const spec: Spec = {
  subscription: '00000000-0000-0000-0000-000000000001',
  cluster: { resourceGroup: 'shop-rg', name: 'shop-aks' },
  workloads: [
    {
      ...{
        name: 'orders',
        namespace: 'shop',
        serviceAccount: 'orders',
        method: 'csi',
        roleScope: 'vault',
        options: {},
      },
      ...{
        vault: { resourceGroup: 'shop-rg', name: 'shop-kv' },
        identity: { resourceGroup: 'shop-rg', name: 'orders-id' },
      },
      secrets: [{ kind: 'secret', name: 'db-password', as: 'DB_PASSWORD' }],
    },
  ],
};
const FACTS = { clientId: '1b4e28ba-2fa1-11d2-883f-0016d3cca427', tenantId: '6fa459ea-ee8a-3ca4-894e-db77e160355e' };
/** The steps, with this as the copy of the service account's template. */
const withCopy = (text: string) => {
  const { steps } = assemble(spec, {
    ...{ cloud, methods, grantSelf: false, keepGrant: false },
    template: (path) =>
      path === 'csi/serviceaccount.yaml' ? { text, file: 'own/csi/serviceaccount.yaml' } : readTemplate(folder, path),
  });
  for (const step of steps) step.preview?.(FACTS as never);
  return steps;
};
const [ACCOUNT_NAME, NAMESPACE] = [`\${serviceAccount}`, `\${namespace}`];
const ACCOUNT = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: ${ACCOUNT_NAME}
  namespace: ${NAMESPACE}
`;

describe('a copy of a template', () => {
  it('of one object in the namespace of the workload is taken', () => {
    expect(withCopy(ACCOUNT).some(({ kind, subject }) => kind === 'ServiceAccount' && subject === 'shop/orders')).toBe(
      true,
    );
  });

  it.each([
    ['nothing', ''],
    ['a comment', '# nothing\n'],
    ['a number', '5'],
    ['a list', '- a\n'],
    ['no object', 'a: 1\n'],
    ['two objects', `${ACCOUNT}---\n${ACCOUNT.replace('kind: ServiceAccount', 'kind: ClusterRoleBinding')}`],
    ['a kind that is none', ACCOUNT.replace('ServiceAccount', '5')],
    ['a name that is none', ACCOUNT.replace(ACCOUNT_NAME, '{ a: b }')],
    ['metadata that are none', 'apiVersion: v1\nkind: ServiceAccount\nmetadata: []\n'],
    ['no namespace', ACCOUNT.replace(/ +namespace.*\n/, '')],
    ['another namespace', ACCOUNT.replace(NAMESPACE, 'kube-system')],
    [
      'an object of the whole cluster',
      ACCOUNT.replace('ServiceAccount', 'ClusterRoleBinding')
        .replace(/ +namespace.*\n/, '')
        .replace('v1', 'rbac.authorization.k8s.io/v1'),
    ],
    ['another namespace itself', ACCOUNT.replace('ServiceAccount', 'Namespace').replace(/ +namespace.*\n/, '')],
    ['a name of a path', ACCOUNT.replace(ACCOUNT_NAME, '../../secrets/x')],
    ['a version of a path', ACCOUNT.replace('apiVersion: v1', 'apiVersion: ../../api/v1')],
    ['a kind of a path', ACCOUNT.replace('kind: ServiceAccount', 'kind: ServiceAccount/../x')],
    ['a hole that nobody knows', `${ACCOUNT}  labels: { a: "\${password}" }\n`],
    ['a hole that is not closed', `${ACCOUNT}  labels: { a: "\${clientId" }\n`],
    ['a hole of a prototype', `${ACCOUNT}  labels: { a: "\${constructor}", b: "\${__proto__}" }\n`],
    ['a secret outside of a list', `${ACCOUNT}  labels: { a: "\${secret.name}" }\n`],
    ['tabs', ACCOUNT.replaceAll('  ', '\t')],
    ['brackets without end', '['.repeat(60_000)],
    [
      'anchors of anchors',
      `a: &a [x]\n${Array.from({ length: 12 }, (_, n) => `${'bcdefghijklm'[n]}: &${'bcdefghijklm'[n]} [${Array(9).fill(`*${'abcdefghijkl'[n]}`).join(',')}]\n`).join('')}${ACCOUNT}`,
    ],
    ['an anchor within itself', `${ACCOUNT}x: &x [*x]\n`],
    ['an alias of nothing', `${ACCOUNT}x: *x\n`],
    ['one key twice', `${ACCOUNT}kind: Secret\n`],
    ['a function', `${ACCOUNT}x: !!js/function "() => 1"\n`],
  ])('that says %s is a complaint with its file', (_, text) => {
    expect(told(() => withCopy(text))).toMatch(/own\/csi\/serviceaccount\.yaml/);
  });

  it('of any text is an object in the namespace of the workload, or a complaint', () => {
    const token = fc.constantFrom(
      ...[
        'apiVersion: v1\n',
        'kind: Secret\n',
        'metadata:\n',
        '  name: x\n',
        '  namespace: ',
        NAMESPACE,
        `\${secret.name}`,
        '${',
        '$${',
        '---\n',
        '- ',
        ': ',
        '\n',
        '  ',
      ],
      ...[
        '{',
        '}',
        '[',
        ']',
        '&a ',
        '*a',
        '!!binary ',
        '"',
        "'",
        '|',
        '>',
        '\t',
        '\u0000',
        '\u2028',
        'null',
        '~',
        '__proto__: 1\n',
        '<<: *a\n',
      ],
    );
    const text = fc.oneof(
      fc.array(token, { maxLength: 30 }).map((all) => all.join('')),
      fc
        .tuple(fc.nat(ACCOUNT.length), fc.nat(8), token)
        .map(([at, cut, put]) => ACCOUNT.slice(0, at) + put + ACCOUNT.slice(at + cut)),
    );
    fc.assert(
      fc.property(text, (each) => {
        told(() => {
          const [made] = withCopy(each).filter(
            ({ manifest }) => manifest && !['Namespace', 'SecretProviderClass'].includes(manifest.kind),
          );
          expect(made?.manifest?.namespace).toBe('shop');
        });
      }),
      { numRuns: EXHAUSTIVE ? 10_000 : 75 },
    );
  });
});
