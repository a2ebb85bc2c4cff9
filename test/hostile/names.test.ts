import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cloudOf } from '../../src/azure/clouds.ts';
import { Complaints } from '../../src/complaint.ts';
import { fileName } from '../../src/export/files.ts';
import { assemble } from '../../src/methods/assemble.ts';
import { methods } from '../../src/methods/index.ts';
import { credentialName, ownerMark } from '../../src/ownership.ts';
import { NAMES } from '../../src/spec/names.ts';
import { readSpec } from '../../src/spec/read.ts';
import { readTemplate } from '../../src/templates.ts';
import { jobName, jobText, scriptText } from '../../src/verify/probe/job.ts';
import { type Spec, variableFor } from '../../src/workload.ts';
import { sources } from '../spec/ways.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import './patience.ts';

/** The rules in other words than the program's: "Naming rules and restrictions for Azure resources", and Kubernetes. */
const LABEL = (name: string) =>
  name.length <= 63 && name.split('').every((c) => /[a-z0-9-]/.test(c)) && !/^-|-$/.test(name) && name !== '';
const SUBDOMAIN = (name: string) =>
  name.length <= 253 &&
  name.split('.').every((part) => part !== '' && /^[a-z0-9-]*$/.test(part) && !/^-|-$/.test(part));
const RULES: Readonly<Record<keyof typeof NAMES, (name: string) => boolean>> = {
  vault: (name) =>
    name.length >= 3 &&
    name.length <= 24 &&
    /^[a-z]/i.test(name) &&
    /[a-z0-9]$/i.test(name) &&
    !name.includes('--') &&
    !/[^a-z0-9-]/i.test(name),
  cluster: (name) =>
    name.length >= 1 && name.length <= 63 && !/[^\w-]/.test(name) && /^[a-z0-9]/i.test(name) && /[a-z0-9]$/i.test(name),
  resourceGroup: (name) =>
    [...name].length >= 1 && [...name].length <= 90 && !name.endsWith('.') && !/[\s/\\'"`$;|&<>\p{C}]/u.test(name),
  identity: (name) => name.length >= 3 && name.length <= 128 && !/[^\w-]/.test(name) && /^[a-z0-9]/i.test(name),
  appRegistration: (name) =>
    [...name].length <= 120 && name.trim() === name && !/[\p{C}<>;&%|"'`$\\!]/u.test(name) && name !== '',
  secret: (name) => name.length >= 1 && name.length <= 127 && !/[^a-z0-9-]/i.test(name),
  alias: (name) =>
    name.length >= 1 && name.length <= 253 && !/[^\w.-]/.test(name) && name !== '.' && !name.startsWith('..'),
  workload: LABEL,
  namespace: LABEL,
  serviceAccount: SUBDOMAIN,
  location: (name) => /^[a-z][a-z0-9]+$/.test(name) && name.length <= 50,
  nodeSize: (name) => !/\W/.test(name) && name.length >= 3 && name.length <= 64,
  image: (name) => !/[^\w.:/@-]/.test(name) && name.length <= 512,
  variable: (name) => /^[a-z_]\w*$/i.test(name) && name.length <= 128,
};
const letter = fc.constantFrom(
  ...'azAZ09-_.',
  '--',
  '..',
  'é',
  'ß',
  '(',
  ')',
  ' ',
  '\n',
  '/',
  '$',
  "'",
  '"',
  '\u0000',
  '\u202e',
  '\u{e000}',
  '中',
);
const any = fc.oneof(
  fc.string({ unit: letter, maxLength: 30 }),
  fc
    .tuple(
      fc.constantFrom('a', 'Z', '0', 'a-', '-'),
      fc.constantFrom(1, 2, 3, 23, 24, 25, 62, 63, 64, 89, 90, 91, 120, 127, 128, 129, 253, 254),
      fc.constantFrom('', 'a', '-', '.', '\n'),
    )
    .map(([unit, length, end]) => unit.repeat(length).slice(0, length) + end),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

describe.each(Object.entries(RULES) as [keyof typeof NAMES, (name: string) => boolean][])(
  'the name of a %s',
  (rule, holds) => {
    it('that is taken keeps the rules of whoever is given it', () => {
      fc.assert(
        fc.property(any, (name) => {
          if (NAMES[rule].pattern.test(name)) expect(holds(name), JSON.stringify(name)).toBe(true);
        }),
        { numRuns: EXHAUSTIVE ? 10_000 : 750 },
      );
    });
  },
);

const of = (units: string, lengths: readonly number[]) =>
  fc
    .tuple(fc.constantFrom(...lengths), fc.infiniteStream(fc.constantFrom(...units)))
    .map(([length, stream]) => Array.from({ length }, () => stream.next().value as string).join(''));
const label = of('abz09-', [1, 2, 30, 49, 55, 56, 57, 62, 63]).filter(LABEL);
const workload = fc.record(
  {
    name: label,
    namespace: label,
    method: fc.constantFrom(...methods.map(({ name }) => name)),
    serviceAccount: fc.oneof(
      label,
      fc.tuple(label, label).map((parts) => parts.join('.')),
      of('ab', [253]),
    ),
    secrets: fc.uniqueArray(
      fc.record({ name: of('aZ0-', [1, 20, 127]), as: of('aZ0-_.', [1, 20, 253]) }, { requiredKeys: ['name'] }),
      { minLength: 1, maxLength: 3, selector: ({ name, as }) => as ?? name },
    ),
    syncSecret: fc.oneof(label, fc.constant(`${'ab-c.'.repeat(50)}abc`)),
    sample: fc.boolean(),
  },
  { requiredKeys: ['name', 'namespace', 'method', 'secrets'] },
);

const folder = new URL('../../templates', import.meta.url).pathname;
const template = (path: string) => readTemplate(folder, path);
const cloud = await cloudOf('AzurePublicCloud', () => Promise.reject(new Error('no metadata')));
const FACTS = {
  ...{ clientId: '1b4e28ba-2fa1-11d2-883f-0016d3cca427', tenantId: '6fa459ea-ee8a-3ca4-894e-db77e160355e' },
  ...{
    vaultUri: 'https://shop-kv.vault.azure.net',
    syncSecret: 'orders-env',
    externalSecretsApi: 'external-secrets.io/v1',
  },
};

/** Names and labels of an object, wherever they stand in it. */
function wrongIn(object: unknown, path: readonly string[] = []): string[] {
  if (Array.isArray(object)) return object.flatMap((each, index) => wrongIn(each, [...path, String(index)]));
  if (typeof object !== 'object' || object === null) return [];
  const parent = path.at(-1);
  return Object.entries(object).flatMap(([key, value]) => {
    const here = [...path, key];
    const says = (fine: boolean) => (fine ? [] : [`${here.join('.')}: ${JSON.stringify(value)}`]);
    if (parent === 'labels' || parent === 'matchLabels')
      return says(
        typeof value === 'string' &&
          (value === '' || (value.length <= 63 && /^[a-z0-9]([\w.-]*[a-z0-9])?$/i.test(value))),
      );
    if (parent === 'metadata' && key === 'name') return says(SUBDOMAIN(String(value)));
    if (key === 'namespace' && typeof value === 'string') return says(LABEL(value));
    if (key === 'serviceAccountName' || key === 'secretName') return says(SUBDOMAIN(String(value)));
    // A key of a ConfigMap or Secret, or a file of a volume.
    if ((parent === 'data' || parent === 'stringData') && !Array.isArray(object))
      return says(key.length <= 253 && /^(?!\.\.?$|\.\.)[-\w.]+$/.test(key));
    if (key === 'secretKey' || key === 'key')
      return says(String(value).length <= 253 && /^(?!\.\.?$|\.\.)[-\w./]+$/.test(String(value)));
    if (['containers', 'initContainers', 'volumes'].includes(key) && Array.isArray(value))
      return [
        ...value.flatMap((one: { name?: string }) => (LABEL(one.name ?? '') ? [] : [`${here.join('.')}: ${one.name}`])),
        ...wrongIn(value, here),
      ];
    if (key === 'env' && Array.isArray(value))
      return value.flatMap((one: { name?: string }) =>
        /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(one.name ?? '') ? [] : [`${here.join('.')}: ${one.name}`],
      );
    return wrongIn(value, here);
  });
}

async function specOf(one: object): Promise<Spec | undefined> {
  const file = {
    ...{ apiVersion: 'aks-secrets/v1', cluster: { resourceGroup: 'shop-rg', name: 'shop-aks' } },
    ...{ vault: { resourceGroup: 'shop-rg', name: 'shop-kv' }, workloads: [one] },
  };
  try {
    return await readSpec(sources(JSON.stringify(file), {}, { methods, allow: new Set(['default-service-account']) }));
  } catch (error) {
    // Whatever cannot be named is said, and nothing else is thrown.
    if (error instanceof Complaints) return undefined;
    throw error;
  }
}

describe('names that are made of names', () => {
  it('are such as Azure and Kubernetes take, or the names they are made of are complained of', async () => {
    let made = 0;
    await fc.assert(
      fc.asyncProperty(workload, async (one) => {
        const spec = await specOf(one);
        if (!spec) return;
        made += 1;
        const own = spec.workloads[0]!;
        expect(RULES.identity(own.identity.name)).toBe(true);
        expect(ownerMark('/id', own).length).toBeLessThanOrEqual(256);
        expect(
          credentialName('https://issuer/', `system:serviceaccount:${own.namespace}:${own.serviceAccount}`),
        ).toMatch(/^[a-z0-9][\w-]{2,119}$/);
        for (const { name } of own.secrets) expect(RULES.variable(variableFor(name))).toBe(true);
        const { steps } = assemble(spec, { cloud, methods, template, grantSelf: false, keepGrant: false });
        for (const step of steps.filter(({ preview }) => preview)) {
          const object = parse(step.preview!(FACTS as never)) as {
            kind: string;
            metadata: { name: string; namespace?: string };
          };
          expect(wrongIn(object), `${step.id}\n${step.preview!(FACTS as never)}`).toEqual([]);
          const file = fileName({ kind: object.kind, ...object.metadata });
          expect(file).toMatch(/^[A-Za-z0-9][A-Za-z0-9.-]*\.yaml$/);
          expect(file).not.toContain('..');
          expect(file.length).toBeLessThanOrEqual(255);
        }
        const method = methods.find(({ name }) => name === own.method)!;
        const wanted = { workload: own, method, vaultUri: FACTS.vaultUri, found: undefined, pod: undefined };
        expect(LABEL(jobName(own))).toBe(true);
        const making = { cloud, template, image: 'node:24' };
        expect(wrongIn(parse(jobText(wanted, making)))).toEqual([]);
        expect(wrongIn(parse(scriptText(wanted, 'uid', making)))).toEqual([]);
      }),
      { numRuns: EXHAUSTIVE ? 3000 : 50 },
    );
    expect(made).toBeGreaterThan(10);
  });
});
