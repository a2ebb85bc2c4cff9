import { apiVersionOf, type Kind } from './kinds.ts';
import type { Schema, Schemas } from './schema.ts';

/** The part of a Schema Object (OpenAPI 3.0) that is filled. */
type Written = Record<string, unknown>;

/**
 * OpenAPI v3: the list of documents, and one document per group and version, with the paths, parameters and fields that
 * are served. kubectl reads it before it applies anything (whether `fieldValidation` is known), and for `explain`;
 * descriptions are not there. `undefined` for a path that is none of it.
 */
export function openApi(path: string, kinds: readonly Kind[], schemas: Schemas): object | undefined {
  const rootOf = (kind: Kind) => (kind.group ? `apis/${apiVersionOf(kind)}` : `api/${apiVersionOf(kind)}`);
  if (path === '/openapi/v3') {
    const roots = [...new Set(kinds.map(rootOf))].sort();
    return { paths: Object.fromEntries(roots.map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }])) };
  }
  const root = /^\/openapi\/v3\/(.+)$/.exec(path)?.[1];
  const served = kinds.filter((kind) => rootOf(kind) === root);
  if (!root || served.length === 0) return undefined;

  const components: Record<string, Written> = {};
  const write = (schema: Schema): Written => {
    switch (schema.type) {
      case 'any':
        return {};
      case 'intOrString':
        return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
      case 'list':
        return { type: 'array', items: write(schema.items), ...listRules(schema) };
      case 'map':
        return { type: 'object', additionalProperties: write(schema.values) };
      case 'object':
        return schema.model ? refer(schema.model, schema) : fields(schema);
      default:
        return { type: schema.type };
    }
  };
  const fields = (schema: Extract<Schema, { type: 'object' }>): Written => ({
    type: 'object',
    properties: Object.fromEntries([...schema.fields()].map(([name, field]) => [name, write(field)])),
    ...(schema.atomic && { 'x-kubernetes-map-type': 'atomic' }),
  });
  const refer = (model: string, schema: Extract<Schema, { type: 'object' }>): Written => {
    if (!components[model]) {
      components[model] = {};
      Object.assign(components[model], fields(schema));
    }
    // Wrapped, as the real document wraps it, so that a description could stand beside it.
    return { allOf: [{ $ref: `#/components/schemas/${model}` }] };
  };

  const paths: Record<string, Written> = {};
  for (const kind of served) {
    const id = { group: kind.group, version: kind.version, kind: kind.kind };
    const schema = schemas.of(kind) as Extract<Schema, { type: 'object' }>;
    const name = kind.model ?? `${kind.group}.${kind.version}.${kind.kind}`;
    components[name] = { ...fields(schema), 'x-kubernetes-group-version-kind': [id] };
    const operation = (action: string, parameters: readonly string[]) => ({
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': id,
      parameters: parameters.map((each) => ({ name: each, in: 'query', schema: { type: 'string' } })),
      responses: {
        200: {
          description: 'OK',
          content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
        },
      },
    });
    const writing = ['dryRun', 'fieldManager', 'fieldValidation'];
    const collection = `/${root}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}`;
    const listing = ['fieldSelector', 'labelSelector', 'resourceVersion', 'timeoutSeconds', 'watch'];
    if (kind.namespaced) paths[`/${root}/${kind.plural}`] = { get: operation('list', listing) };
    paths[collection] = { get: operation('list', listing), post: operation('post', writing) };
    paths[`${collection}/{name}`] = {
      get: operation('get', []),
      put: operation('put', writing),
      patch: operation('patch', [...writing, 'force']),
      delete: operation('delete', ['dryRun', 'propagationPolicy']),
    };
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes, simulated', version: 'unversioned' },
    paths,
    components: { schemas: components },
  };
}

const listRules = ({ keys, set }: Extract<Schema, { type: 'list' }>): Written => {
  if (keys) return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys };
  return { 'x-kubernetes-list-type': set ? 'set' : 'atomic' };
};
