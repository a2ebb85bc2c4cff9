import type { Kind } from './kinds.ts';
import type { Schema } from './schema.ts';
import { type OpenApi, schemaFrom } from './structural.ts';

/** A schema as a CustomResourceDefinition writes it, reduced to what it says about fields and types. */
type Written =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'any'
  | { readonly map: Written }
  | { readonly list: Written }
  | { readonly fields: Readonly<Record<string, Written>> };

const object = (fields: Readonly<Record<string, Written>>): Written => ({ fields });
const text: Written = { map: 'string' };

/**
 * Secrets Store CSI driver v1.6.0, `config/crd/bases`. Lists without a list type are atomic.
 * https://github.com/kubernetes-sigs/secrets-store-csi-driver
 */
const CUSTOM: Readonly<Record<string, Readonly<Record<string, Written>>>> = {
  SecretProviderClass: {
    spec: object({
      provider: 'string',
      parameters: text,
      secretObjects: {
        list: object({
          secretName: 'string',
          type: 'string',
          labels: text,
          annotations: text,
          data: { list: object({ key: 'string', objectName: 'string' }) },
        }),
      },
    }),
    status: object({ byPod: { list: object({ id: 'string', namespace: 'string' }) } }),
  },
  SecretProviderClassPodStatus: {
    status: object({
      mounted: 'boolean',
      objects: { list: object({ id: 'string', version: 'string' }) },
      podName: 'string',
      secretProviderClassName: 'string',
      targetPath: 'string',
    }),
  },
};

const known = new WeakMap<OpenApi, Schema>();

/**
 * The schema of a kind that a CustomResourceDefinition defines: the definition's own, or what is transcribed here. One
 * that says nothing of its fields takes any.
 */
export function customSchema(kind: Kind, metadata: Schema): Schema {
  const own = kind.openApi;
  if (own?.properties) {
    const found = known.get(own) ?? fromDefinition(own, metadata);
    known.set(own, found);
    return found;
  }
  const written = CUSTOM[kind.kind];
  const fields = new Map<string, Schema>([
    ['apiVersion', { type: 'string' }],
    ['kind', { type: 'string' }],
    ['metadata', metadata],
  ]);
  for (const [name, shape] of Object.entries(written ?? { spec: 'any', status: 'any' })) {
    fields.set(name, schemaOf(shape));
  }
  return { type: 'object', atomic: false, fields: () => fields };
}

function fromDefinition(open: OpenApi, metadata: Schema): Schema {
  const fields = new Map<string, Schema>([
    ...Object.entries(open.properties ?? {}).map(([name, each]) => [name, schemaFrom(each)] as const),
    ['apiVersion', { type: 'string' }],
    ['kind', { type: 'string' }],
    ['metadata', metadata],
  ]);
  return { type: 'object', atomic: false, fields: () => fields };
}

function schemaOf(written: Written): Schema {
  if (typeof written === 'string') return { type: written };
  if ('map' in written) return { type: 'map', values: schemaOf(written.map), atomic: false };
  if ('list' in written) return { type: 'list', items: schemaOf(written.list) };
  const fields = new Map(Object.entries(written.fields).map(([name, shape]) => [name, schemaOf(shape)] as const));
  return { type: 'object', atomic: false, fields: () => fields };
}

/** The definition as the add-on installs it, in short: names and versions, not the schema's text. */
export function definitionOf(group: string, kind: string, plural: string, versions: readonly string[]): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      })),
    },
  };
}
