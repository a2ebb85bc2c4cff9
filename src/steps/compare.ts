import { entryOf } from '../entry.ts';
import type { KubernetesObject, ManagedFields } from '../kubernetes/kubernetes.ts';
import { OWNER } from '../ownership.ts';
import type { Difference } from '../step.ts';
import { asGoWrites } from './go-duration.ts';

type Json = unknown;
type Table = Readonly<Record<string, Json>>;
const isTable = (value: Json): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What of `wanted` is not so in `found`: only the fields that `wanted` sets count, so what the server or others add is
 * no difference. Items of lists are found by their name (or other key), else by place. What the server only writes in
 * another way (amounts, defaults that it leaves out) is none either: it would come back in every run.
 */
export function differencesOf(wanted: Json, found: Json, path = ''): Difference[] {
  // An apply takes null for a field that is not set; `kubectl create --dry-run` writes `creationTimestamp: null`.
  if (wanted === null) return [];
  if (isTable(wanted)) {
    const other = isTable(found) ? found : {};
    return Object.entries(wanted).flatMap(([key, value]) => differencesOf(value, other[key], join(path, key)));
  }
  if (Array.isArray(wanted)) {
    const other = Array.isArray(found) ? found : [];
    if (wanted.length === 0 && other.length > 0) return [{ path, is: show(other), want: show(wanted) }];
    return wanted.flatMap((item, place) => {
      const key = keyOf(item);
      if (!key) return differencesOf(item, other[place], `${path}[${place}]`);
      const alike = (list: readonly Json[]): readonly Json[] =>
        list.filter((one) => isTable(one) && one[key] === (item as Table)[key]);
      // Two of one key keep their order.
      const match = alike(other)[alike(wanted.slice(0, place)).length];
      return differencesOf(item, match, `${path}[${String((item as Table)[key])}]`);
    });
  }
  return same(wanted, found, path) ? [] : [{ path, is: show(found), want: show(wanted) }];
}

/**
 * What lists of the kinds that we write are keyed by (Kubernetes, "x-kubernetes-list-map-keys"). A volume may be mounted
 * at several paths: those are what tells its mounts apart.
 */
const keyOf = (item: Json): string | undefined =>
  isTable(item) ? ['mountPath', 'name', 'objectName', 'secretName'].find((key) => key in item) : undefined;

/** Left out they mean something else than false or 0; the server keeps them as they are written. */
const KEPT =
  /(^|\.)(automountServiceAccountToken|allowPrivilegeEscalation|hostUsers|runAsUser|runAsGroup|fsGroup|replicas)$/;
const AMOUNT = /(^|\.)(requests|limits)\.[\w-]+$|(^|\.)sizeLimit$/;
const SPAN = /(^|\.)refreshInterval$/;

function same(wanted: Json, found: Json, path: string): boolean {
  if (String(wanted ?? '') === String(found ?? '')) return true;
  // The server leaves out what is false or 0 by default.
  if (found === undefined) return (wanted === false || wanted === 0) && !KEPT.test(path);
  if (SPAN.test(path)) return asGoWrites(String(wanted)) === asGoWrites(String(found));
  const [one, other] = [amountOf(wanted), amountOf(found)];
  return AMOUNT.test(path) && one !== undefined && one === other;
}

const POWERS: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

/** A resource quantity as a number; the server writes each in its shortest form (`1000m` as `1`). */
function amountOf(value: Json): number | undefined {
  const [, digits, suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([numkMGTPE]i?|Ki)?$/.exec(String(value)) ?? [];
  const power = entryOf(POWERS, suffix);
  // Rounded: 0.1 and 100m are one, whatever binary fractions make of them.
  return digits === undefined || power === undefined ? undefined : Number((Number(digits) * power).toPrecision(12));
}

function show(value: Json): string {
  if (value === undefined || value === null || value === '') return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // Of a long one the end is not shown; what a pattern makes of millions of blanks takes its time.
  const line = text
    .trim()
    .slice(0, 1000)
    .replaceAll(/\s*\n\s*/g, '; ');
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
      const want = wanted[key];
      // A list without a record of its items is owned whole: what it has beyond ours, it has from an earlier apply.
      if (Array.isArray(want) && Array.isArray(is) && Object.keys(below ?? {}).length === 0 && is.length > want.length)
        return [{ path: place, is: show(is), want: show(want) }];
      return stray(below, want, is, place);
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
