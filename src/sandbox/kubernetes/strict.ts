import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { isRecord } from './model.ts';
import type { Schema } from './schema.ts';
import { badRequest } from './status.ts';

/** What a body says that its schema does not know, with paths as the API server writes them. */
export interface Complaints {
  readonly unknown: readonly string[];
  /** `[path, expected, got]` */
  readonly mistyped: readonly (readonly [string, string, string])[];
}

/** Reads a body that is JSON or YAML, and names keys that stand twice in one object. */
export function parseBody(body: string): { readonly value: Record<string, unknown>; readonly duplicates: string[] } {
  const document = parseDocument(body, { uniqueKeys: false });
  const fault = document.errors[0];
  if (fault) throw badRequest(`error decoding YAML: ${fault.message.split('\n')[0]}`);
  const value: unknown = document.toJS();
  if (!isRecord(value)) throw badRequest('the object provided is unrecognized (must be of type object)');
  const duplicates: string[] = [];
  visit(document, {
    Map(_key, node, path) {
      const seen = new Set<string>();
      for (const pair of node.items) {
        const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
        if (seen.has(name)) duplicates.push([...namesOf(path), name].join('.'));
        seen.add(name);
      }
    },
  });
  return { value, duplicates };
}

function namesOf(path: readonly unknown[]): string[] {
  return path.flatMap((step) => {
    if (typeof step !== 'object' || step === null || !('key' in step)) return [];
    const key = (step as { key: unknown }).key;
    return isScalar(key) && !isMap(key) ? [String(key.value)] : [];
  });
}

/** Compares a value with its schema. Null stands for absent, as in the API. */
export function check(value: unknown, schema: Schema): Complaints {
  const unknown: string[] = [];
  const mistyped: [string, string, string][] = [];

  const walk = (inner: unknown, shape: Schema, path: string): void => {
    if (inner === null || inner === undefined || shape.type === 'any') return;
    const got = Array.isArray(inner) ? 'list' : isRecord(inner) ? 'map' : typeof inner;
    const expect = (fits: boolean, expected: string) => {
      if (!fits) mistyped.push([path, expected, got]);
      return fits;
    };
    switch (shape.type) {
      case 'object':
        if (!expect(isRecord(inner), 'map')) return;
        for (const [name, field] of Object.entries(inner as object)) {
          const known = shape.fields().get(name);
          const at = path ? `${path}.${name}` : name;
          if (known) walk(field, known, at);
          else unknown.push(at);
        }
        return;
      case 'map':
        if (!expect(isRecord(inner), 'map')) return;
        for (const [name, field] of Object.entries(inner as object)) walk(field, shape.values, `${path}.${name}`);
        return;
      case 'list':
        if (!expect(Array.isArray(inner), 'list')) return;
        for (const [index, item] of (inner as unknown[]).entries()) walk(item, shape.items, `${path}[${index}]`);
        return;
      case 'integer':
        expect(typeof inner === 'number' && Number.isInteger(inner), 'numeric (int or float)');
        return;
      case 'number':
        expect(typeof inner === 'number', 'numeric (int or float)');
        return;
      case 'intOrString':
        expect(typeof inner === 'number' || typeof inner === 'string', 'string or number');
        return;
      default:
        expect(typeof inner === shape.type, shape.type);
    }
  };
  walk(value, schema, '');
  return { unknown, mistyped };
}
