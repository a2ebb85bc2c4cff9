import { parse } from 'yaml';
import { keyOf } from './apply/fieldset.ts';
import { isRecord, type Resource } from './model.ts';
import { fieldSchema, type Schema } from './schema.ts';
import { badRequest, refuse } from './status.ts';

/** JSON Merge Patch, RFC 7386. */
export function mergePatch(value: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(value) ? { ...value } : {};
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) delete result[name];
    else result[name] = mergePatch(result[name], change);
  }
  return result;
}

/**
 * Strategic merge patch: as a merge patch, but lists with keys merge item by item and `$patch: delete` takes one away.
 * `$retainKeys` takes away every field it does not name (a volume's other sources). Other directives are refused.
 */
export function strategicPatch(value: unknown, patch: unknown, schema: Schema): unknown {
  if (Array.isArray(patch) && schema.type === 'list' && schema.keys) {
    // Strategic merge knows one key per list, the first (ports: containerPort).
    const keys = schema.keys.slice(0, 1);
    const result = Array.isArray(value) ? [...value] : [];
    for (const item of patch) {
      const at = result.findIndex((other) => keyOf(other, keys) === keyOf(item, keys));
      if (isRecord(item) && item.$patch === 'delete') {
        if (at >= 0) result.splice(at, 1);
      } else if (at >= 0) result[at] = strategicPatch(result[at], item, schema.items);
      else result.push(strategicPatch(undefined, item, schema.items));
    }
    return result;
  }
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(value) ? { ...value } : {};
  for (const [name, change] of Object.entries(patch)) {
    if (/^\$setElementOrder\//.test(name)) continue;
    if (name === '$retainKeys' && Array.isArray(change)) {
      for (const other of Object.keys(result)) if (!change.includes(other)) delete result[other];
      continue;
    }
    if (name.startsWith('$')) {
      throw refuse(501, 'NotImplemented', `the sandbox does not know the directive ${name} of a strategic merge patch`);
    }
    if (change === null) delete result[name];
    else result[name] = strategicPatch(result[name], change, fieldSchema(schema, name));
  }
  return result;
}

/** JSON Patch, RFC 6902: add, remove, replace, test. */
export function jsonPatch(object: Resource, body: string): Resource {
  const operations: unknown = parse(body);
  if (!Array.isArray(operations)) throw badRequest('cannot unmarshal object into Go value of type jsonpatch.Patch');
  const root = structuredClone(object) as unknown;
  for (const operation of operations as { op?: string; path?: string; value?: unknown }[]) {
    const steps = (operation.path ?? '')
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop();
    if (last === undefined) throw badRequest('the sandbox does not replace a whole object by a JSON patch');
    const parent = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], root);
    const missing = () =>
      refuse(
        422,
        'Invalid',
        `the server rejected our request due to an error in our request: ${operation.op} operation does not apply: doc is missing path: ${operation.path}`,
      );
    if (typeof parent !== 'object' || parent === null) throw missing();
    const fields = parent as Record<string, unknown>;
    const has = Array.isArray(parent) ? Number(last) < parent.length : Object.hasOwn(fields, last);
    if (operation.op !== 'add' && !has) throw missing();
    switch (operation.op) {
      case 'add':
        if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, operation.value);
        else fields[last] = operation.value;
        break;
      case 'replace':
        fields[last] = operation.value;
        break;
      case 'remove':
        if (Array.isArray(parent)) parent.splice(Number(last), 1);
        else delete fields[last];
        break;
      case 'test':
        if (JSON.stringify(fields[last]) !== JSON.stringify(operation.value)) throw missing();
        break;
      default:
        throw refuse(501, 'NotImplemented', `the sandbox does not know the JSON patch operation ${operation.op}`);
    }
  }
  return root as Resource;
}
