import type { KubernetesObject, ManagedFields } from '../kubernetes/kubernetes.ts';
import { OWNER } from '../ownership.ts';
import type { Difference } from '../step.ts';

type Json = unknown;
type Table = Readonly<Record<string, Json>>;
const isTable = (value: Json): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What of `wanted` is not so in `found`: only the fields that `wanted` sets count, so what the server or others add is
 * no difference. Items of lists are found by their name (or other key), else by place.
 */
export function differencesOf(wanted: Json, found: Json, path = ''): Difference[] {
  if (isTable(wanted)) {
    const other = isTable(found) ? found : {};
    return Object.entries(wanted).flatMap(([key, value]) => differencesOf(value, other[key], join(path, key)));
  }
  if (Array.isArray(wanted)) {
    const other = Array.isArray(found) ? found : [];
    if (wanted.length === 0 && other.length > 0) return [{ path, is: show(other), want: show(wanted) }];
    return wanted.flatMap((item, place) => {
      const key = keyOf(item);
      const match = key
        ? other.find((candidate) => isTable(candidate) && candidate[key] === (item as Table)[key])
        : other[place];
      return differencesOf(item, match, `${path}[${key ? String((item as Table)[key]) : place}]`);
    });
  }
  return same(wanted, found) ? [] : [{ path, is: show(found), want: show(wanted) }];
}

/** What lists of the kinds that we write are keyed by (Kubernetes, "x-kubernetes-list-map-keys"). */
const keyOf = (item: Json): string | undefined =>
  isTable(item) ? ['name', 'mountPath', 'objectName', 'secretName'].find((key) => key in item) : undefined;

// An empty string and an absent field are one to the servers that read these objects.
const same = (a: Json, b: Json): boolean => a === b || String(a ?? '') === String(b ?? '');

function show(value: Json): string {
  if (value === undefined || value === null || value === '') return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.trim().replaceAll(/\s*\n\s*/g, '; ');
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}

const join = (path: string, key: string): string =>
  /^[\w-]+$/.test(key) ? (path ? `${path}.${key}` : key) : `${path}["${key}"]`;

interface Fields {
  readonly [name: string]: Fields;
}

/** Fields that we set once and set no more: the next apply takes them away, so they are a difference. */
export function leftovers(wanted: Json, found: KubernetesObject): Difference[] {
  const entry = found.metadata.managedFields?.find(isOurs);
  return entry ? stray(entry.fieldsV1 as Fields, wanted, found, '') : [];
}
const isOurs = ({ manager, operation, subresource }: ManagedFields): boolean =>
  manager === OWNER && operation === 'Apply' && !subresource;

function stray(fields: Fields, wanted: Json, found: Json, path: string): Difference[] {
  return Object.entries(fields ?? {}).flatMap(([name, below]) => {
    if (name === '.') return [];
    const [kind, key] = [name.slice(0, 2), name.slice(2)];
    if (kind === 'f:') {
      const place = join(path, key);
      const is = isTable(found) ? found[key] : undefined;
      if (!isTable(wanted) || !(key in wanted))
        return is === undefined ? [] : [{ path: place, is: show(is), want: '-' }];
      return stray(below, wanted[key], is, place);
    }
    if (kind === 'k:') {
      const keys = Object.entries(JSON.parse(key) as Table);
      const fits = (item: Json): boolean =>
        isTable(item) && keys.every(([k, v]) => item[k] === v || (k === 'protocol' && !(k in item)));
      const want = Array.isArray(wanted) ? wanted.find(fits) : undefined;
      const is = Array.isArray(found) ? found.find(fits) : undefined;
      const place = `${path}[${keys.map(([, v]) => String(v)).join(',')}]`;
      return want === undefined ? [{ path: place, is: 'set', want: '-' }] : stray(below, want, is, place);
    }
    return [];
  });
}

/**
 * Who else sets the field at a path such as `metadata.annotations["a/b"]`, by the server's own record. Undefined when
 * nobody does, or only we.
 */
export function otherManagerOf(found: KubernetesObject, path: string): string | undefined {
  const keys = [...path.matchAll(/\["([^"]+)"\]|([\w-]+)/g)].map(([, quoted, plain]) => `f:${quoted ?? plain}`);
  const sets = (fields: Fields | undefined, [key, ...rest]: readonly string[]): boolean =>
    key === undefined || (fields?.[key] !== undefined && sets(fields[key], rest));
  const holders =
    found.metadata.managedFields?.filter((entry) => sets(entry.fieldsV1 as Fields | undefined, keys)) ?? [];
  return holders.some(isOurs) ? undefined : holders.find((entry) => entry.manager !== OWNER)?.manager;
}
