import { equal, isRecord, type ManagedFieldsEntry, type Resource } from '../model.ts';
import type { Schema } from '../schema.ts';
import { type Cause, refuse } from '../status.ts';
import { below, claimOf, elementsOf, fieldsOf, fromFieldsV1, type Path, toFieldsV1 } from './fieldset.ts';
import { merge, without } from './merge.ts';

export interface Writer {
  readonly manager: string;
  readonly subresource?: string | undefined;
  /** Simulated time, RFC 3339 without fractions. */
  readonly time: string;
}

interface Owned {
  readonly entry: Omit<ManagedFieldsEntry, 'fieldsV1' | 'fieldsType'>;
  fields: Set<Path>;
}

/**
 * Server-side apply: merges, refuses what another manager owns and this one would change, and takes away what this
 * manager applied before and no longer does, unless somebody else owns it too.
 *
 * @throws Refusal 409 with one cause per field, when not forced
 */
export function applyTo(
  live: Resource,
  applied: Resource,
  schema: Schema,
  writer: Writer,
  force: boolean,
): { object: Resource; managedFields: ManagedFieldsEntry[] } {
  const claim = claimOf(applied, schema);
  const owned = readOwned(live);
  const mine = owned.find((each) => isApplier(each, writer));
  const others = owned.filter((each) => each !== mine);
  const merged = merge(strip(live), strip(applied), schema);

  const before = fieldsOf(live, schema);
  const after = fieldsOf(merged, schema);
  const changed = new Set([...after].filter(([path, value]) => before.get(path) !== value).map(([path]) => path));
  const conflicts = others.flatMap((other) =>
    [...other.fields].filter((path) => changed.has(path)).map((path) => ({ other, path })),
  );
  if (conflicts.length > 0 && !force) throw conflict(conflicts);
  for (const { other, path } of conflicts) other.fields.delete(path);

  const dropped = new Set([...(mine?.fields ?? [])].filter((path) => !claim.has(path)));
  const foreign = others.flatMap((other) => [...other.fields]);
  const held = (path: Path) => foreign.some((each) => each === path || below(each, path));
  const claimed = (path: Path) => claim.has(path) || [...claim].some((each) => below(each, path));
  const object =
    dropped.size === 0
      ? merged
      : without(
          merged,
          schema,
          (path) => dropped.has(path) && !held(path) && !claimed(path),
          (path) => !held(path) && !claimed(path),
        );

  const left = fieldsOf(object, schema);
  for (const other of others) other.fields = new Set([...other.fields].filter((path) => left.has(path)));
  const entry = {
    manager: writer.manager,
    operation: 'Apply' as const,
    apiVersion: applied.apiVersion,
    time: mine && sameSet(mine.fields, claim) ? mine.entry.time : writer.time,
    ...(writer.subresource && { subresource: writer.subresource }),
  };
  return {
    object: object as Resource,
    managedFields: writeOwned([{ entry, fields: claim }, ...others]),
  };
}

/** Who owns what after a write that was no apply: whoever changes a field owns it. */
export function afterUpdate(
  live: Resource | undefined,
  next: Resource,
  schema: Schema,
  writer: Writer,
): ManagedFieldsEntry[] {
  const before = live ? fieldsOf(live, schema) : new Map<Path, string>();
  const after = fieldsOf(next, schema);
  const changed = [...after].filter(([path, value]) => before.get(path) !== value).map(([path]) => path);
  const owned = live ? readOwned(live) : [];
  let mine = owned.find(
    ({ entry }) =>
      entry.manager === writer.manager &&
      entry.operation === 'Update' &&
      entry.subresource === writer.subresource &&
      entry.apiVersion === next.apiVersion,
  );
  const taken = new Set(changed);
  for (const each of owned) {
    each.fields = new Set([...each.fields].filter((path) => after.has(path) && (each === mine || !taken.has(path))));
  }
  if (taken.size > 0) {
    const entry = {
      manager: writer.manager,
      operation: 'Update' as const,
      apiVersion: next.apiVersion,
      time: writer.time,
      ...(writer.subresource && { subresource: writer.subresource }),
    };
    const fields = new Set([...(mine?.fields ?? []), ...taken].filter((path) => !isTop(path)));
    if (mine) owned.splice(owned.indexOf(mine), 1);
    mine = { entry, fields };
    owned.push(mine);
  }
  return writeOwned(owned);
}

/** Whether two objects are the same but for what every write touches. */
export function sameObject(a: Resource, b: Resource): boolean {
  const bare = (object: Resource) => ({
    ...object,
    metadata: {
      ...object.metadata,
      resourceVersion: undefined,
      managedFields: object.metadata.managedFields?.map((entry) => ({ ...entry, time: '' })),
    },
  });
  return equal(bare(a), bare(b));
}

const isTop = (path: Path) => ['f:metadata', 'f:spec', 'f:status'].includes(path);

function isApplier({ entry }: Owned, writer: Writer): boolean {
  return entry.operation === 'Apply' && entry.manager === writer.manager && entry.subresource === writer.subresource;
}

function readOwned(object: Resource): Owned[] {
  return (object.metadata.managedFields ?? []).map(({ fieldsV1, fieldsType: _type, ...entry }) => ({
    entry,
    fields: fromFieldsV1(fieldsV1),
  }));
}

function writeOwned(owned: readonly Owned[]): ManagedFieldsEntry[] {
  return owned
    .filter(({ fields }) => fields.size > 0)
    .map(({ entry, fields }) => ({ ...entry, fieldsType: 'FieldsV1' as const, fieldsV1: toFieldsV1(fields) }));
}

/** Nulls stand for absent; the server's own fields are not merged. */
function strip(object: Resource): unknown {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean);
    if (!isRecord(value)) return value;
    const kept = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
    return Object.fromEntries(kept.map(([name, inner]) => [name, clean(inner)]));
  };
  const { managedFields: _managed, ...metadata } = object.metadata;
  return clean({ ...object, metadata });
}

function sameSet(a: ReadonlySet<Path>, b: ReadonlySet<Path>): boolean {
  return a.size === b.size && [...a].every((path) => b.has(path));
}

function conflict(conflicts: readonly { other: Owned; path: Path }[]) {
  const causes: Cause[] = conflicts.map(({ other, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printManager(other)}`,
    field: printPath(path),
  }));
  const byManager = Map.groupBy(conflicts, ({ other }) => printManager(other));
  const parts = [...byManager].map(([manager, each]) =>
    each.length === 1
      ? `conflict with ${manager}: ${printPath(each[0]!.path)}`
      : `conflicts with ${manager}:${each.map(({ path }) => `\n- ${printPath(path)}`).join('')}`,
  );
  const count = `${causes.length} conflict${causes.length === 1 ? '' : 's'}`;
  return refuse(409, 'Conflict', `Apply failed with ${count}: ${parts.join('\n')}`, { causes });
}

/** As `managedfields/internal/conflict.go` prints it: the version only for those who did not apply. */
function printManager({ entry }: Owned): string {
  const subresource = entry.subresource ? ` with subresource ${JSON.stringify(entry.subresource)}` : '';
  const using = entry.operation === 'Update' ? ` using ${entry.apiVersion}` : '';
  return `${JSON.stringify(entry.manager)}${subresource}${using}`;
}

/** `.spec.template.spec.containers[name="app"].image` */
function printPath(path: Path): string {
  return elementsOf(path)
    .map((element) => {
      if (element.startsWith('f:')) return `.${element.slice(2)}`;
      if (element.startsWith('v:')) return `[=${element.slice(2)}]`;
      const keys = JSON.parse(element.slice(2)) as Record<string, unknown>;
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}
