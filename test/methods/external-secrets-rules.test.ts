import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { dataWrong, lint, refreshWrong, targetWrong, versionWrong } from '../../src/methods/external-secrets/rules.ts';
import { secretsIn } from '../../src/methods/external-secrets/uses.ts';
import { carrierOf } from '../../src/methods/wiring/carrier.ts';
import { milliseconds } from '../../src/steps/go-duration.ts';
import {
  API,
  account,
  CLIENT,
  external,
  externalObject,
  type Json,
  made,
  PASSWORD,
  storeObject,
  TENANT,
} from './external-secrets-made.ts';

describe('an ExternalSecret', () => {
  const data = (...keys: string[]) => ({ data: keys.map((one) => ({ secretKey: 'a', remoteRef: { key: one } })) });
  it.each<[string, Json, readonly string[]]>([
    ['asks for each type', data('db-password', 'secret/db', 'key/sign', 'cert/tls'), []],
    ['asks for a type that there is not', data('certificate/tls'), ['F078']],
    ['asks for a name with an underscore', data('db_password'), ['F081']],
    ['takes a secret apart', { data: [], dataFrom: [{ extract: { key: 'settings' } }] }, []],
    ['takes a certificate apart', { dataFrom: [{ extract: { key: 'cert/tls' } }] }, ['F126']],
    ['takes a key apart', { dataFrom: [{ extract: { key: 'key/sign' } }] }, ['F126']],
    ['finds', { dataFrom: [{ find: { name: { regexp: '.*_.*' } } }] }, []],
  ])('%s', (_title, spec, failures) => {
    expect(dataWrong(external(spec)).map(({ failure }) => failure)).toEqual(failures);
  });

  it.each<[string, Json, string | undefined]>([
    ['by itself', {}, undefined],
    ['never', { refreshInterval: '0' }, 'refreshInterval 0'],
    ['never, in other words', { refreshInterval: '0s' }, 'refreshInterval 0'],
    ['once', { refreshPolicy: 'CreatedOnce' }, 'refreshPolicy CreatedOnce'],
    ['when it is changed', { refreshPolicy: 'OnChange' }, 'refreshPolicy OnChange'],
  ])('is read anew %s', (_title, spec, observed) => {
    expect(refreshWrong(external(spec))?.observed).toBe(observed);
  });

  it('knows spans as Go writes them', () => {
    expect(['1h', '1h30m', '90s', '500ms', '0', 'soon'].map(milliseconds)).toEqual([
      3_600_000, 5_400_000, 90_000, 500, 0, 0,
    ]);
  });

  const other = external({}, 'other');
  it.each<[string, ReturnType<typeof external>, string | undefined, string | undefined]>([
    ['that the other one owns', external(), 'other', 'F124'],
    ['that it owns itself', external(), 'orders', undefined],
    ['that both want', external(), undefined, 'F124'],
    ['to which it adds', external({ target: { name: 'orders', creationPolicy: 'Merge' } }), 'other', undefined],
    ['of its own', external({ target: { name: 'mine' } }), undefined, undefined],
  ])('writes a Secret %s', (_title, one, owner, failure) => {
    expect(targetWrong(one, [one, other], owner)?.failure).toBe(failure);
  });
});

describe('the version of the API', () => {
  it.each<[string, readonly string[] | undefined, string | undefined]>([
    ['external-secrets.io/v1', undefined, undefined],
    ['external-secrets.io/v1beta1', undefined, 'F111'],
    ['external-secrets.io/v1alpha1', undefined, 'F111'],
    ['external-secrets.io/v1beta1', ['external-secrets.io/v1', 'external-secrets.io/v1beta1'], undefined],
    ['external-secrets.io/v1beta1', ['external-secrets.io/v1'], 'F111'],
    ['external-secrets.io/v1', ['external-secrets.io/v1beta1'], 'F112'],
    ['external-secrets.io/v1', [], 'F112'],
  ])('%s where %o is served', (apiVersion, served, failure) => {
    expect(versionWrong(apiVersion, served)?.failure).toBe(failure);
  });
});

describe('files', () => {
  const flaws = (...objects: KubernetesObject[]) =>
    lint(objects).map(({ failure, object, path }) => [failure, object.kind, path]);
  const definition = (...versions: string[]) =>
    made(
      'CustomResourceDefinition',
      'externalsecrets.external-secrets.io',
      { spec: { versions: versions.map((name) => ({ name, served: true })) } },
      undefined,
      'apiextensions.k8s.io/v1',
    );

  it('that are right say nothing', () => {
    expect(flaws(storeObject(), externalObject(), account())).toEqual([]);
  });

  it('in an old version, unless the definition beside them serves it', () => {
    const old = made('SecretStore', 'kv', {}, 'shop', 'external-secrets.io/v1beta1');
    expect(flaws(old)).toEqual([['F111', 'SecretStore', 'apiVersion']]);
    expect(flaws(old, definition('v1', 'v1beta1'))).toEqual([]);
    expect(flaws(storeObject(), definition('v1beta1'))).toEqual([['F112', 'SecretStore', 'apiVersion']]);
  });

  it('other kinds of the group have versions of their own', () => {
    expect(flaws(made('PushSecret', 'push', {}, 'shop', 'external-secrets.io/v1alpha1'))).toEqual([]);
  });

  it('of a store: what is wrong in itself, and with the account beside it', () => {
    const auth = 'spec.provider.azurekv';
    expect(flaws(storeObject({ authType: undefined }))).toEqual([['F118', 'SecretStore', `${auth}.authType`]]);
    expect(flaws(storeObject(PASSWORD))).toEqual([['F116', 'SecretStore', `${auth}.authSecretRef`]]);
    expect(flaws(storeObject(), account({ [CLIENT]: 'c', [TENANT]: 't' }))).toEqual([
      ['F116', 'SecretStore', `${auth}.tenantId`],
    ]);
    // The annotation may come from elsewhere.
    expect(flaws(storeObject(), account({}))).toEqual([]);
  });

  it('of an ExternalSecret whose store is of another kind, or in another namespace', () => {
    const wide = storeObject({}, {}, 'ClusterSecretStore');
    expect(flaws(externalObject(), wide)).toEqual([['F122', 'ExternalSecret', 'spec.secretStoreRef']]);
    expect(flaws(externalObject({}, 'orders', 'mail'), storeObject())).toEqual([
      ['F122', 'ExternalSecret', 'spec.secretStoreRef'],
    ]);
    // It may be in the cluster already.
    expect(flaws(externalObject())).toEqual([]);
  });

  it('a line to paste is for a cluster, and none is given', () => {
    expect(lint([storeObject({ authType: undefined })])[0]?.fix).toEqual({
      say: 'Set authType: WorkloadIdentity and serviceAccountRef.',
    });
  });

  it('of two that write one Secret the later one is named', () => {
    const found = lint([externalObject({}, 'first'), externalObject({}, 'second')]);
    expect(found.map(({ failure, object }) => [failure, object.metadata.name])).toEqual([['F124', 'second']]);
  });

  const near = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, '', 'v1', 'shop', 'SecretStore', 'cert/a', 'a_b', '0s', '(?<'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          ...[
            'name',
            'namespace',
            'spec',
            'metadata',
            'provider',
            'azurekv',
            'authSecretRef',
            'serviceAccountRef',
            'clientId',
          ],
          ...[
            'data',
            'dataFrom',
            'extract',
            'find',
            'remoteRef',
            'key',
            'target',
            'secretStoreRef',
            'conditions',
            'versions',
          ],
          ...[
            'namespaceRegexes',
            'namespaces',
            'annotations',
            'vaultUrl',
            'customCloudConfig',
            'sourceRef',
            'storeRef',
            'kind',
          ],
        ),
        tie('value'),
        { maxKeys: 5 },
      ),
    ),
  })).value;
  it('of any shape never make it throw', () => {
    const kinds = fc.constantFrom(
      'SecretStore',
      'ClusterSecretStore',
      'ExternalSecret',
      'ServiceAccount',
      'CustomResourceDefinition',
      7,
    );
    const object = fc.oneof(
      fc.anything(),
      fc.record(
        {
          apiVersion: fc.constantFrom(API, 'external-secrets.io/v1beta1', 3, undefined),
          kind: kinds,
          metadata: near,
          spec: near,
        },
        { requiredKeys: ['kind'] },
      ),
    );
    fc.assert(
      fc.property(fc.array(object, { maxLength: 4 }), (objects) => {
        expect(Array.isArray(lint(objects as KubernetesObject[]))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('how a pod takes a Secret', () => {
  it('as variables, as files that follow, and as files that do not', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'orders', namespace: 'shop' },
      spec: {
        containers: [
          {
            name: 'app',
            env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'one', key: 'a' } } }],
            envFrom: [{ secretRef: { name: 'two' } }],
            volumeMounts: [
              { name: 'files', mountPath: '/a' },
              { name: 'files', mountPath: '/b', subPath: 'b' },
              { name: 'all', mountPath: '/c' },
            ],
          },
        ],
        volumes: [
          { name: 'files', secret: { secretName: 'three' } },
          { name: 'all', projected: { sources: [{ secret: { name: 'four' } }, { configMap: { name: 'five' } }] } },
          { name: 'unused', secret: { secretName: 'six' } },
        ],
      },
    };
    expect(secretsIn(carrierOf(pod)!).map(({ secret, as }) => `${secret} ${as}`)).toEqual([
      'one variables',
      'two variables',
      'three files',
      'three subPath',
      'four files',
    ]);
  });
});
