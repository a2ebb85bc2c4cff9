import { isRecord } from './model.ts';
import type { Schema } from './schema.ts';
import type { Cause } from './status.ts';

/** A structural schema as a CustomResourceDefinition holds it: the part of OpenAPI v3 that the sandbox obeys. */
export interface OpenApi {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly properties?: Readonly<Record<string, OpenApi>>;
  readonly additionalProperties?: OpenApi | boolean;
  readonly items?: OpenApi;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly default?: unknown;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly [other: string]: unknown;
}

/** What field names and types say, as server-side apply and strict decoding need it. */
export function schemaFrom(open: OpenApi): Schema {
  if (open['x-kubernetes-int-or-string']) return { type: 'intOrString' };
  switch (open.type) {
    case 'object': {
      const atomic = open['x-kubernetes-map-type'] === 'atomic';
      if (open.properties && !open['x-kubernetes-preserve-unknown-fields']) {
        const fields = new Map(
          Object.entries(open.properties).map(([name, each]) => [name, schemaFrom(each)] as const),
        );
        return { type: 'object', atomic, fields: () => fields };
      }
      const values = open.additionalProperties;
      return typeof values === 'object' ? { type: 'map', values: schemaFrom(values), atomic } : { type: 'any' };
    }
    case 'array': {
      const items = open.items ? schemaFrom(open.items) : ({ type: 'any' } as const);
      const kind = open['x-kubernetes-list-type'];
      if (kind === 'map') return { type: 'list', items, keys: open['x-kubernetes-list-map-keys'] ?? [] };
      return kind === 'set' ? { type: 'list', items, set: true } : { type: 'list', items };
    }
    case undefined:
      return { type: 'any' };
    default:
      return { type: open.type };
  }
}

/** The value without the fields that its schema does not know: a definition's objects are stored so (pruning). */
export function prune(value: unknown, schema: Schema): unknown {
  if (schema.type === 'list' && Array.isArray(value)) return value.map((item) => prune(item, schema.items));
  if (!isRecord(value) || (schema.type !== 'object' && schema.type !== 'map')) return value;
  const fields = Object.entries(value).flatMap(([name, inner]) => {
    const known = schema.type === 'map' ? schema.values : schema.fields().get(name);
    return known ? [[name, prune(inner, known)] as const] : [];
  });
  return Object.fromEntries(fields);
}

/** The value with the defaults that its schema gives for what is absent. */
export function defaulted(value: unknown, open: OpenApi): unknown {
  if (Array.isArray(value)) return open.items ? value.map((item) => defaulted(item, open.items as OpenApi)) : value;
  if (!isRecord(value)) return value;
  const filled = { ...value };
  for (const [name, inner] of Object.entries(open.properties ?? {})) {
    if (filled[name] === undefined && inner.default !== undefined) filled[name] = structuredClone(inner.default);
    if (filled[name] !== undefined) filled[name] = defaulted(filled[name], inner);
  }
  return filled;
}

/** What the schema forbids beyond types, in the words of the API server's validation of custom resources. */
export function faultsOf(value: unknown, open: OpenApi, path = ''): Cause[] {
  const causes: Cause[] = [];
  const invalid = (why: string, given: unknown = value) =>
    causes.push({
      reason: 'FieldValueInvalid',
      field: path,
      message: `Invalid value: ${JSON.stringify(given)}: ${path} in body ${why}`,
    });
  if (open.enum && !open.enum.includes(value)) {
    const supported = open.enum.map((each) => JSON.stringify(each)).join(', ');
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
    causes.push({ reason: 'FieldValueNotSupported', field: path, message });
  }
  if (typeof value === 'string') {
    const { minLength, maxLength, pattern } = open;
    if (minLength !== undefined && value.length < minLength) invalid(`should be at least ${minLength} chars long`);
    if (maxLength !== undefined && value.length > maxLength) {
      const message = `Too long: may not be more than ${maxLength} bytes`;
      causes.push({ reason: 'FieldValueTooLong', field: path, message });
    }
    if (pattern !== undefined && !new RegExp(pattern).test(value)) invalid(`should match '${pattern}'`);
  }
  if (Array.isArray(value)) {
    if (open.minItems !== undefined && value.length < open.minItems) {
      invalid(`should have at least ${open.minItems} items`, value.length);
    }
    const { items } = open;
    if (items) causes.push(...value.flatMap((item, index) => faultsOf(item, items, `${path}[${index}]`)));
  } else if (isRecord(value)) {
    const count = Object.keys(value).length;
    const { minProperties = 0, maxProperties = count } = open;
    if (count < minProperties) invalid(`should have at least ${minProperties} properties`);
    if (count > maxProperties) invalid(`should have at most ${maxProperties} properties`);
    const at = (name: string) => (path ? `${path}.${name}` : name);
    for (const name of open.required ?? []) {
      if (value[name] === undefined) {
        causes.push({ reason: 'FieldValueRequired', field: at(name), message: 'Required value' });
      }
    }
    for (const [name, inner] of Object.entries(value)) {
      const known =
        open.properties?.[name] ??
        (typeof open.additionalProperties === 'object' ? open.additionalProperties : undefined);
      if (known && inner !== undefined) causes.push(...faultsOf(inner, known, at(name)));
    }
  }
  return causes;
}
