import { isRecord } from '../model.ts';
import { fieldSchema, isGranular, type Schema } from '../schema.ts';
import { join, keyOf, type Path } from './fieldset.ts';

/** Lays the applied value over the live one: objects, maps, keyed lists and sets merge, all else is replaced. */
export function merge(live: unknown, applied: unknown, schema: Schema): unknown {
  if (applied === undefined) return live;
  if (live === undefined || live === null || applied === null) return applied;
  if (isGranular(schema) && isRecord(live) && isRecord(applied)) {
    const merged: Record<string, unknown> = { ...live };
    for (const [name, value] of Object.entries(applied)) {
      merged[name] = merge(live[name], value, fieldSchema(schema, name));
    }
    return merged;
  }
  if (schema.type === 'list' && Array.isArray(live) && Array.isArray(applied)) {
    const { keys, set, items } = schema;
    if (keys)
      return mergeItems(
        live,
        applied,
        (item) => keyOf(item, keys),
        (a, b) => merge(a, b, items),
      );
    if (set)
      return mergeItems(
        live,
        applied,
        (item) => JSON.stringify(item),
        (_a, b) => b,
      );
  }
  return applied;
}

/** The applied order holds; what only the live list has comes as early as that allows (structured-merge-diff). */
function mergeItems(
  live: readonly unknown[],
  applied: readonly unknown[],
  key: (item: unknown) => string,
  both: (live: unknown, applied: unknown) => unknown,
): unknown[] {
  const liveByKey = new Map(live.map((item) => [key(item), item]));
  const appliedKeys = new Set(applied.map(key));
  const placed = new Set<string>();
  const merged: unknown[] = [];
  let next = 0;
  const takeLive = () => {
    for (; next < live.length; next += 1) {
      const name = key(live[next]);
      if (appliedKeys.has(name) && !placed.has(name)) return;
      if (!appliedKeys.has(name)) merged.push(live[next]);
    }
  };
  for (const item of applied) {
    takeLive();
    const name = key(item);
    merged.push(liveByKey.has(name) ? both(liveByKey.get(name), item) : item);
    placed.add(name);
  }
  takeLive();
  return merged;
}

/** Takes fields away. Maps and lists that this leaves empty go too when `emptied` says that nobody owns them. */
export function without(
  value: unknown,
  schema: Schema,
  gone: (path: Path) => boolean,
  emptied: (path: Path) => boolean,
): unknown {
  const walk = (inner: unknown, shape: Schema, path: Path): unknown => {
    if (path && gone(path)) return undefined;
    if (isRecord(inner) && isGranular(shape)) {
      const left = Object.entries(inner).flatMap(([name, field]) => {
        const kept = walk(field, fieldSchema(shape, name), join(path, `f:${name}`));
        return kept === undefined ? [] : [[name, kept] as const];
      });
      if (left.length === 0 && Object.keys(inner).length > 0 && emptied(path)) return undefined;
      return Object.fromEntries(left);
    }
    if (shape.type === 'list' && Array.isArray(inner) && (shape.keys || shape.set)) {
      const left = inner.flatMap((item) => {
        const element = shape.keys ? keyOf(item, shape.keys) : `v:${JSON.stringify(item)}`;
        const kept = shape.keys
          ? walk(item, shape.items, join(path, element))
          : gone(join(path, element))
            ? undefined
            : item;
        return kept === undefined ? [] : [kept];
      });
      if (left.length === 0 && inner.length > 0 && emptied(path)) return undefined;
      return left;
    }
    return inner;
  };
  return walk(value, schema, '');
}
