import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { causeIn, causeInSample } from '../../src/methods/wiring/cause.ts';
import { meantBy, misspelt, USE } from '../../src/methods/wiring/keys.ts';
import { lintWiring } from '../../src/methods/wiring/rules.ts';
import { account, CLIENT, deployment, type Json, TENANT } from './cluster-of.ts';

const PREFIX = 'azure.workload.identity/';

describe('a key that was meant for Workload ID', () => {
  it.each([
    [`${PREFIX}client_id`, `${PREFIX}client-id`],
    [`${PREFIX}clientId`, `${PREFIX}client-id`],
    [`${PREFIX}clientid`, `${PREFIX}client-id`],
    [`${PREFIX}client-Id`, `${PREFIX}client-id`],
    ['azure.workload-identity/client-id', `${PREFIX}client-id`],
    ['azure.workloadidentity/client-id', `${PREFIX}client-id`],
    ['azureworkloadidentity/use', USE],
    ['use-workload-identity', USE],
    [`${PREFIX}use-workload-identity`, USE],
    [`${PREFIX}used`, USE],
    [`${PREFIX}tenantId`, `${PREFIX}tenant-id`],
    [`${PREFIX}service-account-token-expiry`, `${PREFIX}service-account-token-expiration`],
    [`${PREFIX}inject-proxy-side-cars`, `${PREFIX}inject-proxy-sidecar`],
  ])('%s is %s', (key, meant) => expect(meantBy(key)).toBe(meant));

  it.each([
    USE,
    `${PREFIX}client-id`,
    `${PREFIX}use-identity-binding`,
    'app.kubernetes.io/name',
    'azure-workload-identity.io/system',
    'dapr.io/enabled',
    'client-id',
    'constructor',
    `${PREFIX}constructor-of-something-else`,
  ])('%s is right, or of somebody else', (key) => expect(meantBy(key)).toBeUndefined());

  it('is told only where it stands', () => {
    expect(misspelt({ [`${PREFIX}used`]: 'true' }, USE)).toBe(`${PREFIX}used`);
    expect(misspelt({ [USE]: 'true' }, USE)).toBeUndefined();
  });
});

const told = (objects: readonly Json[]) =>
  lintWiring(objects).map(({ failure, verdict, path }) => [failure, verdict, path]);
const spec = { serviceAccountName: 'orders', containers: [{ name: 'app' }] };
const pod = (labels: Json, more: Json = {}) => ({ metadata: { labels, ...more }, spec });
const cronJob = (parts: { own?: Json; job?: Json; template?: Json }) => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'report', labels: parts.own },
  spec: {
    jobTemplate: {
      metadata: { labels: parts.job },
      spec: { template: { metadata: { labels: parts.template }, spec } },
    },
  },
});
const yes = { [USE]: 'true' };

describe('what a log says', () => {
  it.each([
    ['failed exchange ENOTFOUND', 'F066'],
    ['failed exchange TimeoutError', 'F066'],
    ['read api-key 12 bytes version 1\nfailed db-password ETIMEDOUT', 'F076'],
    ['failed db-password ENOTFOUND', 'F075'],
    ['failed db-password 401 Unauthorized', 'F143'],
    // What a service says itself is the catalogue's to know.
    ['failed db-password 403 ForbiddenByRbac', undefined],
    ['failed exchange 401 AADSTS700213: no match', undefined],
    ['it failed to start', undefined],
  ])('%s', (log, failure) => expect(causeInSample(log)?.failure).toBe(failure));

  it('is shown where it tells, and not whole', () => {
    const boilerplate = 'MountVolume.SetUp failed for volume "secrets" : '.repeat(20);
    const message = `${boilerplate}driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers${boilerplate}`;
    const cause = causeIn(['nothing', message])!;
    expect(cause.row.id).toBe('F087');
    expect(cause.said).toContain('not found in the list');
    expect(cause.said.length).toBeLessThan(400);
    expect(causeIn([message], ['F087'])).toBeUndefined();
  });
});

describe('files', () => {
  it.each<[string, Json[], string | undefined, string | undefined]>([
    ['a label on the template', [deployment(pod(yes))], undefined, undefined],
    ['no label at all: other methods need none', [deployment(pod({ app: 'x' }))], undefined, undefined],
    ['a label on the Deployment', [deployment(pod({}), { labels: yes })], 'F026', `metadata.labels["${USE}"]`],
    ['a label on both', [deployment(pod(yes), { labels: yes })], undefined, undefined],
    ['a label on the CronJob', [cronJob({ own: yes })], 'F026', `metadata.labels["${USE}"]`],
    ['a label on its Job', [cronJob({ job: yes })], 'F026', `spec.jobTemplate.metadata.labels["${USE}"]`],
    ['a label on its pods', [cronJob({ template: yes })], undefined, undefined],
    [
      'a label that says "True"',
      [deployment(pod({ [USE]: 'True' }))],
      'F025',
      `spec.template.metadata.labels["${USE}"]`,
    ],
    [
      'an annotation in place of the label',
      [deployment(pod({}, { annotations: yes }))],
      'F025',
      `spec.template.metadata.annotations["${USE}"]`,
    ],
    [
      'a misspelt label',
      [deployment(pod({ 'use-workload-identity': 'true' }))],
      'F031',
      'spec.template.metadata.labels["use-workload-identity"]',
    ],
    ['an account with its annotation', [account({ [`${PREFIX}client-id`]: CLIENT })], undefined, undefined],
    ['an account without', [account()], undefined, undefined],
    [
      'an account with a misspelt one',
      [account({ [`${PREFIX}clientId`]: CLIENT })],
      'F031',
      `metadata.annotations["${PREFIX}clientId"]`,
    ],
    [
      'a misspelt one beside the right one',
      [account({ [`${PREFIX}clientId`]: CLIENT, [`${PREFIX}client-id`]: CLIENT })],
      undefined,
      undefined,
    ],
    [
      'a misspelt tenant',
      [account({ [`${PREFIX}client-id`]: CLIENT, [`${PREFIX}tenantid`]: TENANT })],
      'F031',
      `metadata.annotations["${PREFIX}tenantid"]`,
    ],
    [
      'the id of the resource',
      [account({ [`${PREFIX}client-id`]: '/subscriptions/s/resourceGroups/r' })],
      'F055',
      undefined,
    ],
    ['a variable to be filled', [account({ [`${PREFIX}client-id`]: '$' + '{CLIENT_ID}' })], undefined, undefined],
    [
      'the annotation on a Service',
      [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x', annotations: { [`${PREFIX}client-id`]: CLIENT } } }],
      'F030',
      `metadata.annotations["${PREFIX}client-id"]`,
    ],
    [
      'the annotation on the pods',
      [deployment(pod(yes, { annotations: { [`${PREFIX}client-id`]: CLIENT } }))],
      'F030',
      `spec.template.metadata.annotations["${PREFIX}client-id"]`,
    ],
    [
      'the annotation also on the Deployment',
      [
        account({ [`${PREFIX}client-id`]: CLIENT }),
        deployment(pod(yes), { annotations: { [`${PREFIX}client-id`]: CLIENT } }),
      ],
      undefined,
      undefined,
    ],
    ['a token for ten minutes', [account({ [`${PREFIX}service-account-token-expiration`]: '600' })], 'F038', undefined],
    [
      'a token for two days',
      [deployment(pod(yes, { annotations: { [`${PREFIX}service-account-token-expiration`]: '172800' } }))],
      'F038',
      undefined,
    ],
    ['a token for "1h"', [account({ [`${PREFIX}service-account-token-expiration`]: '1h' })], 'F038', undefined],
    ['a token for a day', [account({ [`${PREFIX}service-account-token-expiration`]: '86400' })], undefined, undefined],
    [
      'the proxy on the network of the node',
      [
        deployment({
          metadata: { labels: yes, annotations: { [`${PREFIX}inject-proxy-sidecar`]: 'false' } },
          spec: { ...spec, hostNetwork: true },
        }),
      ],
      'F039',
      undefined,
    ],
    [
      'the proxy elsewhere',
      [deployment(pod(yes, { annotations: { [`${PREFIX}inject-proxy-sidecar`]: 'true' } }))],
      undefined,
      undefined,
    ],
  ])('%s', (_what, objects, failure, path) => {
    const found = told(objects);
    expect(found.map(([id]) => id)).toEqual(failure ? [failure] : []);
    if (path) expect(found[0]![2]).toBe(path);
  });

  it('of whatever shape never make a lint throw', () => {
    const keys = [
      'kind',
      'metadata',
      'spec',
      'template',
      'labels',
      'annotations',
      'volumes',
      'csi',
      'parameters',
      'objects',
      'containers',
      'env',
      'array',
      'provider',
      'secretObjects',
      'data',
      'jobTemplate',
      'volumeAttributes',
    ];
    const json = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'medium', maxDepth: 6 },
        fc.oneof(
          fc.string(),
          fc.constantFrom(
            'azure',
            'true',
            'secret',
            'SecretProviderClass',
            'Deployment',
            'CronJob',
            'constructor',
            '__proto__',
            USE,
            'array:\n- |\n  objectName: x',
          ),
          fc.integer(),
          fc.boolean(),
          fc.constant(null),
        ),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(fc.constantFrom(...keys, USE, `${PREFIX}client-id`), fc.string()), tie('node'), {
          maxKeys: 5,
        }),
      ),
    })).node;
    const kinds = fc.constantFrom(
      'Deployment',
      'CronJob',
      'Pod',
      'ServiceAccount',
      'Service',
      'SecretProviderClass',
      'constructor',
    );
    const object = fc.oneof(
      json,
      fc.record({
        apiVersion: fc.constantFrom('v1', 'secrets-store.csi.x-k8s.io/v1'),
        kind: kinds,
        metadata: json,
        spec: json,
      }),
      fc.record({
        apiVersion: fc.constant('secrets-store.csi.x-k8s.io/v1'),
        kind: fc.constant('SecretProviderClass'),
        metadata: json,
        spec: fc.record({
          provider: fc.constant('azure'),
          parameters: fc.record({ objects: json, clientID: json }),
          secretObjects: json,
        }),
      }),
    );
    fc.assert(
      fc.property(fc.array(object, { maxLength: 4 }), (objects) => {
        for (const { name, lint } of methods) {
          if (!['workload-identity', 'csi'].includes(name)) continue;
          for (const { check, verdict } of lint?.(objects as never) ?? []) {
            expect(check).toMatch(/^AKS-[A-Z-]+$/);
            expect(verdict).toMatch(/^(warn|fail)$/);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
