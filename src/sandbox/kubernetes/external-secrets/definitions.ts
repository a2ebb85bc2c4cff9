import type { OperatorRelease } from '../../parts.ts';
import type { Resource } from '../model.ts';
import type { OpenApi } from '../structural.ts';
import { GROUP } from './model.ts';

/*
 * The kinds of the operator as its chart defines them (config/crds/bases of release 2.9.0), of the stores' providers
 * Azure Key Vault alone. https://github.com/external-secrets/external-secrets
 */
const SUBDOMAIN = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const text: OpenApi = { type: 'string' };
const oneOf = (...values: string[]): OpenApi => ({ type: 'string', enum: values });
const object = (properties: Record<string, OpenApi>, ...required: string[]): OpenApi => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
});
const list = (items: OpenApi): OpenApi => ({ type: 'array', items });
const map: OpenApi = { type: 'object', additionalProperties: text };
const name: OpenApi = { type: 'string', minLength: 1, maxLength: 253, pattern: SUBDOMAIN };
const key: OpenApi = { type: 'string', minLength: 1, maxLength: 253, pattern: '^[-._a-zA-Z0-9]+$' };
const namespace: OpenApi = { type: 'string', minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' };
const one = (schema: OpenApi): OpenApi => ({ ...schema, minProperties: 1, maxProperties: 1 });
const date: OpenApi = { type: 'string', format: 'date-time' };
const conditions = list(
  object({ type: text, status: text, reason: text, message: text, lastTransitionTime: date }, 'status', 'type'),
);

type Version = 'v1' | 'v1beta1';

function storeSchema(version: Version): OpenApi {
  const secretKey = object({ key, name, namespace });
  const clouds = ['PublicCloud', 'USGovernmentCloud', 'ChinaCloud', 'GermanCloud'];
  const newer = {
    customCloudConfig: object(
      {
        activeDirectoryEndpoint: text,
        keyVaultDNSSuffix: text,
        keyVaultEndpoint: text,
        resourceManagerEndpoint: text,
      },
      'activeDirectoryEndpoint',
    ),
    useAzureSDK: { type: 'boolean', default: false } as const,
  };
  const azurekv = object(
    {
      authSecretRef: object({
        clientCertificate: secretKey,
        clientId: secretKey,
        clientSecret: secretKey,
        tenantId: secretKey,
      }),
      authType: { ...oneOf('ServicePrincipal', 'ManagedIdentity', 'WorkloadIdentity'), default: 'ServicePrincipal' },
      environmentType: {
        ...oneOf(...clouds, ...(version === 'v1' ? ['AzureStackCloud'] : [])),
        default: 'PublicCloud',
      },
      identityId: text,
      serviceAccountRef: object({ audiences: list(text), name, namespace }, 'name'),
      tenantId: text,
      vaultUrl: text,
      ...(version === 'v1' && newer),
    },
    'vaultUrl',
  );
  const expression = object({ key: text, operator: text, values: list(text) }, 'key', 'operator');
  const selector: OpenApi = {
    ...object({ matchExpressions: list(expression), matchLabels: map }),
    'x-kubernetes-map-type': 'atomic',
  };
  return object(
    {
      conditions: list(
        object({ namespaceRegexes: list(text), namespaceSelector: selector, namespaces: list(namespace) }),
      ),
      controller: text,
      provider: one(object({ azurekv })),
      refreshInterval: version === 'v1' ? { 'x-kubernetes-int-or-string': true } : { type: 'integer' },
      retrySettings: object({ maxRetries: { type: 'integer', format: 'int32' }, retryInterval: text }),
    },
    'provider',
  );
}

function externalSecretSchema(version: Version): OpenApi {
  const newer = version === 'v1';
  const choice = (usual: string, ...others: string[]): OpenApi => ({
    ...oneOf(usual, ...others),
    ...(!newer && { default: usual }),
  });
  const strategies = {
    conversionStrategy: choice('Default', 'Unicode'),
    decodingStrategy: { ...oneOf('Auto', 'Base64', 'Base64URL', 'None'), ...(!newer && { default: 'None' }) },
    ...(newer && { nullBytePolicy: oneOf('Ignore', 'Fail') }),
  };
  const remoteRef = object(
    { ...strategies, key: text, metadataPolicy: choice('None', 'Fetch'), property: text, version: text },
    'key',
  );
  const storeRef = object({ kind: oneOf('SecretStore', 'ClusterSecretStore'), name });
  const generatorRef = object({ apiVersion: text, kind: text, name }, 'kind', 'name');
  const sourceRef = one(object({ generatorRef, storeRef }));
  const item = object({ key, templateAs: { ...oneOf('Values', 'KeysAndValues'), default: 'Values' } }, 'key');
  const source = object({ items: list(item), name }, 'items', 'name');
  const template = object({
    data: map,
    engineVersion: { ...oneOf('v2'), default: 'v2' },
    mergePolicy: { ...oneOf('Replace', 'Merge'), default: 'Replace' },
    metadata: object({ annotations: map, labels: map, ...(newer && { finalizers: list(text) }) }),
    templateFrom: list(
      object({
        configMap: source,
        literal: text,
        secret: source,
        target: { type: 'string', default: 'Data' },
        ...(newer && { valuesDecodingStrategy: text }),
      }),
    ),
    type: text,
  });
  const rewrite = one(
    object({
      ...(newer && { merge: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }),
      regexp: object({ source: text, target: text }, 'source', 'target'),
      transform: object({ template: text }, 'template'),
    }),
  );
  return object({
    data: list(object({ remoteRef, secretKey: key, sourceRef }, 'remoteRef', 'secretKey')),
    dataFrom: list(
      object({
        extract: remoteRef,
        find: object({ ...strategies, name: object({ regexp: text }), path: text, tags: map }),
        rewrite: list(rewrite),
        sourceRef,
      }),
    ),
    refreshInterval: { type: 'string', default: '1h0m0s' },
    refreshPolicy: oneOf('CreatedOnce', 'Periodic', 'OnChange'),
    secretStoreRef: storeRef,
    ...(newer && { syncWindows: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }),
    target: {
      ...object({
        creationPolicy: {
          ...oneOf('Owner', 'Orphan', 'Merge', 'None', ...(newer ? ['CreateOrMerge'] : [])),
          default: 'Owner',
        },
        deletionPolicy: { ...oneOf('Delete', 'Merge', 'Retain'), default: 'Retain' },
        immutable: { type: 'boolean' },
        ...(newer && { manifest: object({ apiVersion: text, kind: text }, 'apiVersion', 'kind') }),
        name,
        template,
      }),
      default: { creationPolicy: 'Owner', deletionPolicy: 'Retain' },
    },
  });
}

const STATUS: Readonly<Record<string, OpenApi>> = {
  ExternalSecret: object({
    binding: { ...object({ name: { type: 'string', default: '' } }), 'x-kubernetes-map-type': 'atomic' },
    conditions,
    refreshTime: date,
    syncedResourceVersion: text,
  }),
  SecretStore: object({ capabilities: text, conditions }),
};
const SPEC: Readonly<Record<string, (version: Version) => OpenApi>> = {
  ExternalSecret: externalSecretSchema,
  SecretStore: storeSchema,
  ClusterSecretStore: storeSchema,
};

const ready = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;
const column = (columnName: string, jsonPath: string, type = 'string') => ({ name: columnName, jsonPath, type });
const STORE_COLUMNS = [
  column('AGE', '.metadata.creationTimestamp', 'date'),
  column('Status', ready('reason')),
  column('Capabilities', '.status.capabilities'),
  column('Ready', ready('status')),
];
const COLUMNS: Readonly<Record<string, readonly object[]>> = {
  ExternalSecret: [
    column('StoreType', '.spec.secretStoreRef.kind'),
    column('Store', '.spec.secretStoreRef.name'),
    column('Refresh Interval', '.spec.refreshInterval'),
    column('Status', ready('reason')),
    column('Ready', ready('status')),
    column('Last Sync', '.status.refreshTime', 'date'),
  ],
  SecretStore: STORE_COLUMNS,
  ClusterSecretStore: STORE_COLUMNS,
};

/** Which versions of its API a release has, the newest first. */
export const RELEASES = {
  /** Served v1 alone, as every release since 0.17 does. */
  '2.9': {
    chart: '2.9.0',
    versions: [
      { name: 'v1', served: true, storage: true },
      { name: 'v1beta1', served: false, storage: false, deprecated: true },
    ],
  },
  /** The one that served both. */
  '0.16': {
    chart: '0.16.2',
    versions: [
      { name: 'v1', served: true, storage: true },
      { name: 'v1beta1', served: true, storage: false, deprecated: true },
    ],
  },
  /** The last that knew v1beta1 alone. */
  '0.15': { chart: '0.15.1', versions: [{ name: 'v1beta1', served: true, storage: true }] },
} as const satisfies Record<OperatorRelease, ReleaseOf>;

interface ReleaseOf {
  readonly chart: string;
  readonly versions: readonly {
    readonly name: Version;
    readonly served: boolean;
    readonly storage: boolean;
    readonly deprecated?: boolean;
  }[];
}

/** The operator's definitions. Those of kinds that the sandbox does not simulate say nothing of their fields. */
export function definitions(release: OperatorRelease): Resource[] {
  const { versions } = RELEASES[release] as ReleaseOf;
  const define = (kind: string, scope: 'Namespaced' | 'Cluster', short: string, more?: readonly object[]): Resource => {
    const plural = `${kind.toLowerCase()}s`;
    const schemaOf = (version: Version): OpenApi => {
      const spec = SPEC[kind]?.(version);
      if (!spec) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
      const status = STATUS[kind] ?? STATUS.SecretStore!;
      return object({ apiVersion: text, kind: text, metadata: { type: 'object' }, spec, status });
    };
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${GROUP}`, labels: { 'external-secrets.io/component': 'controller' } },
      spec: {
        group: GROUP,
        names: {
          categories: ['external-secrets'],
          kind,
          listKind: `${kind}List`,
          plural,
          shortNames: [short],
          singular: kind.toLowerCase(),
        },
        scope,
        versions:
          more ??
          versions.map((version) => ({
            ...version,
            schema: { openAPIV3Schema: schemaOf(version.name) },
            subresources: { status: {} },
            ...(COLUMNS[kind] && { additionalPrinterColumns: COLUMNS[kind] }),
          })),
      },
    };
  };
  const open = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return [
    define('SecretStore', 'Namespaced', 'ss'),
    define('ClusterSecretStore', 'Cluster', 'css'),
    define('ExternalSecret', 'Namespaced', 'es'),
    define('ClusterExternalSecret', 'Cluster', 'ces'),
    define('PushSecret', 'Namespaced', 'ps', [
      { name: 'v1alpha1', served: true, storage: true, schema: open, subresources: { status: {} } },
    ]),
  ];
}
