import type { Resource } from '../model.ts';

/** A field of an openAPIV3Schema, as the definitions of Dapr write it. */
type Field = Readonly<Record<string, unknown>>;

const text: Field = { type: 'string' };
const flag: Field = { type: 'boolean' };
const any: Field = { 'x-kubernetes-preserve-unknown-fields': true };
const free: Field = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const list = (items: Field): Field => ({ type: 'array', items });
const object = (properties: Readonly<Record<string, Field>>, ...required: string[]): Field => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
});

const metadataItem = object(
  { name: text, value: any, envRef: text, secretKeyRef: object({ name: text, key: text }, 'name') },
  'name',
);
const component: Readonly<Record<string, Field>> = {
  auth: object({ secretStore: text }, 'secretStore'),
  scopes: list(text),
  spec: object(
    { type: text, version: text, ignoreErrors: flag, initTimeout: text, metadata: list(metadataItem) },
    'metadata',
    'type',
    'version',
  ),
};

const pipeline = object(
  {
    handlers: list(
      object(
        {
          name: text,
          type: text,
          selector: object({ fields: list(object({ field: text, value: text }, 'field', 'value')) }, 'fields'),
        },
        'name',
        'type',
      ),
    ),
  },
  'handlers',
);
const apiRules = list(object({ name: text, version: text, protocol: text }, 'name', 'version'));
const configuration: Readonly<Record<string, Field>> = {
  spec: object({
    accessControl: object({
      defaultAction: text,
      trustDomain: text,
      policies: list(
        object(
          {
            appId: text,
            defaultAction: text,
            namespace: text,
            trustDomain: text,
            operations: list(object({ name: text, action: text, httpVerb: list(text) }, 'action', 'name')),
          },
          'appId',
        ),
      ),
    }),
    api: object({ allowed: apiRules, denied: apiRules }),
    appHttpPipeline: pipeline,
    components: object({ deny: list(text) }),
    features: list(object({ name: text, enabled: flag }, 'enabled', 'name')),
    httpPipeline: pipeline,
    logging: free,
    metric: { ...free, required: ['enabled'] },
    metrics: { ...free, required: ['enabled'] },
    mtls: object(
      {
        enabled: flag,
        allowedClockSkew: text,
        workloadCertTTL: text,
        controlPlaneTrustDomain: text,
        sentryAddress: text,
        tokenValidators: list(object({ name: { ...text, enum: ['jwks'] }, options: free }, 'name')),
      },
      'controlPlaneTrustDomain',
      'enabled',
      'sentryAddress',
    ),
    nameResolution: object(
      { component: text, version: text, configuration: free },
      ...['component', 'configuration', 'version'],
    ),
    secrets: object(
      {
        scopes: list(
          object(
            { storeName: text, defaultAccess: text, allowedSecrets: list(text), deniedSecrets: list(text) },
            'storeName',
          ),
        ),
      },
      'scopes',
    ),
    tracing: object({ samplingRate: text, stdout: flag, zipkin: free, otel: free }, 'samplingRate'),
    wasm: free,
    workflow: free,
  }),
};

function definition(
  kind: string,
  plural: string,
  versions: readonly string[],
  fields: Readonly<Record<string, Field>>,
  more: object = {},
) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.dapr.io`, labels: { 'app.kubernetes.io/part-of': 'dapr' } },
    spec: {
      group: 'dapr.io',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === versions.length - 1,
        schema: { openAPIV3Schema: object({ apiVersion: text, kind: text, metadata: { type: 'object' }, ...fields }) },
      })),
      ...more,
    },
  } as Resource;
}

/** As the chart has it: the operator puts its own namespace in. */
const conversion = {
  strategy: 'Webhook',
  webhook: {
    clientConfig: { service: { name: 'dapr-webhook', namespace: 'replaceme', path: '/convert', port: 443 } },
    conversionReviewVersions: ['v1', 'v2alpha1'],
  },
};

/**
 * The kinds of Dapr: https://github.com/dapr/dapr, charts/dapr/crds. Component and Configuration by all their fields (a
 * Configuration's telemetry in short); the others, which nothing here acts on, by their names.
 */
export const DEFINITIONS: readonly Resource[] = [
  definition('Component', 'components', ['v1alpha1'], component),
  definition('Configuration', 'configurations', ['v1alpha1'], configuration),
  definition('HTTPEndpoint', 'httpendpoints', ['v1alpha1'], { spec: free, scopes: list(text), auth: free }),
  definition('Resiliency', 'resiliencies', ['v1alpha1'], { spec: free, scopes: list(text) }),
  definition(
    'Subscription',
    'subscriptions',
    ['v1alpha1', 'v2alpha1'],
    { spec: free, scopes: list(text) },
    { conversion },
  ),
];

export const API = { apiVersion: 'dapr.io/v1alpha1' } as const;
