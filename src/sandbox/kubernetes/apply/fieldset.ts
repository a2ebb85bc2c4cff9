import { canonical, type FieldsV1, isRecord } from '../model.ts';
import { fieldSchema, isGranular, type Schema } from '../schema.ts';

/**
 * Paths of fields, as server-side apply names them: elements `f:name`, `k:{"name":"app"}`, `v:"item"`, joined.
 * (sigs.k8s.io/structured-merge-diff, package fieldpath)
 */
export type Path = string;
const JOIN = '\u0001';
export const join = (path: Path, element: string): Path => (path ? `${path}${JOIN}${element}` : element);
export const elementsOf = (path: Path): string[] => path.split(JOIN);

/** Whether `path` lies below `above`. */
export const below = (path: Path, above: Path): boolean => path.startsWith(`${above}${JOIN}`);

export function toFieldsV1(set: ReadonlySet<Path>): FieldsV1 {
  const root: FieldsV1 = {};
  for (const path of [...set].sort()) {
    let at = root;
    for (const element of elementsOf(path)) {
      at[element] ??= {};
      at = at[element];
    }
    at['.'] = {};
  }
  const tidy = (node: FieldsV1): FieldsV1 => {
    const names = Object.keys(node);
    if (names.length === 1 && names[0] === '.') return {};
    return Object.fromEntries(names.map((name) => [name, name === '.' ? {} : tidy(node[name]!)]));
  };
  return tidy(root);
}

export function fromFieldsV1(fields: FieldsV1): Set<Path> {
  const set = new Set<Path>();
  const walk = (node: FieldsV1, path: Path): void => {
    for (const [element, inner] of Object.entries(node)) {
      if (element === '.') set.add(path);
      else if (Object.keys(inner).length === 0) set.add(join(path, element));
      else walk(inner, join(path, element));
    }
  };
  walk(fields, '');
  return set;
}

/** The key of a list item; a port without protocol is TCP, as the API server's default has it. */
export function keyOf(item: unknown, keys: readonly string[]): string {
  const fields = isRecord(item) ? item : {};
  const named = keys
    .map((key) => [key, fields[key] ?? (key === 'protocol' ? 'TCP' : undefined)] as const)
    .filter(([, value]) => value !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `k:${JSON.stringify(Object.fromEntries(named))}`;
}

const never = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'generateName',
]);

/** Fields that nobody owns: identity and the server's own. */
function ownable(path: Path): boolean {
  const [first, second, third] = elementsOf(path);
  if (first === 'f:apiVersion' || first === 'f:kind') return false;
  if (first !== 'f:metadata') return true;
  return second !== undefined && (third !== undefined || !never.has(second.slice(2)));
}

/**
 * Every field of a value with what stands there: leaves and atomic parts with their value, maps and items of keyed
 * lists with `{}`.
 */
export function fieldsOf(value: unknown, schema: Schema): Map<Path, string> {
  const found = new Map<Path, string>();
  const add = (path: Path, content: string) => {
    if (path && ownable(path)) found.set(path, content);
  };
  const walk = (inner: unknown, shape: Schema, path: Path): void => {
    if (inner === undefined) return;
    if (inner === null) {
      add(path, 'null');
      return;
    }
    if (isGranular(shape) && isRecord(inner)) {
      add(path, '{}');
      for (const [name, field] of Object.entries(inner)) walk(field, fieldSchema(shape, name), join(path, `f:${name}`));
      return;
    }
    if (shape.type === 'list' && Array.isArray(inner) && (shape.keys || shape.set)) {
      add(path, '{}');
      for (const item of inner) {
        if (shape.keys) walk(item, shape.items, join(path, keyOf(item, shape.keys)));
        else add(join(path, `v:${JSON.stringify(item)}`), JSON.stringify(item));
      }
      return;
    }
    add(path, canonical(inner));
  };
  walk(value, schema, '');
  return found;
}

/** The fields that an applied object claims: leaves, items of keyed lists, and maps that it leaves empty. */
export function claimOf(value: unknown, schema: Schema): Set<Path> {
  const fields = fieldsOf(value, schema);
  const parents = new Set<Path>();
  for (const path of fields.keys()) {
    const elements = elementsOf(path);
    if (elements.length > 1) parents.add(elements.slice(0, -1).join(JOIN));
  }
  const claimed = [...fields.keys()].filter((path) => {
    const last = elementsOf(path).at(-1) ?? '';
    return !parents.has(path) || last.startsWith('k:');
  });
  return new Set(claimed);
}
