import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { entryOf } from '../entry.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes.ts';
import type { Flaw, Method } from '../methods/method.ts';
import type { Category } from '../step.ts';
import type { Row } from './row.ts';

/** A file as it was read; `path` as a person writes it. */
export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

export interface Linted {
  readonly rows: readonly Row[];
  /** How many Kubernetes objects were found. */
  readonly objects: number;
  /** What could not be read, one sentence each. */
  readonly notes: readonly string[];
}

interface Placed {
  readonly file: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  /** Where an item of a List stands in its document. */
  readonly prefix: readonly (string | number)[];
}

/** All objects of these files, judged by the rules of every method. Nobody is asked anything. */
export function lint(files: readonly ManifestFile[], methods: readonly Method[]): Linted {
  const placed = new Map<KubernetesObject, Placed>();
  const notes: string[] = [];
  for (const file of files) {
    const read = objectsIn(file);
    for (const [object, place] of read.objects) placed.set(object, place);
    notes.push(...read.notes);
  }
  const objects = [...placed.keys()];
  const flaws = methods.flatMap((method) => method.lint?.(objects) ?? []);
  const seen = new Set<string>();
  const rows = flaws.flatMap((flaw): Row[] => {
    const row = rowOf(flaw, placed.get(flaw.object));
    // A rule that several methods share says it once.
    const key = JSON.stringify([row.id, row.failure, row.title, row.observed, row.at]);
    if (seen.has(key)) return [];
    seen.add(key);
    return [row];
  });
  const order = new Map(files.map(({ path }, index) => [path, index]));
  const rank = ({ at }: Row): number => (order.get(at?.file ?? '') ?? 0) * 1e6 + (at?.line ?? 0);
  const sorted = rows.toSorted((one, other) => rank(one) - rank(other));
  return { rows: sorted.length > 0 ? sorted : [allWell(objects.length)], objects: objects.length, notes };
}

const allWell = (objects: number): Row => ({
  ...{ id: 'AKS-MANIFESTS', category: 'objects', workloads: [], place: 'Manifests', verdict: 'pass', seconds: 0 },
  title: objects === 1 ? 'the object is well in itself' : `all ${objects} objects are well in themselves`,
});

/** What a template or a chart's own file says around its objects is no Kubernetes object, and is passed over. */
function objectsIn({ path, text }: ManifestFile): {
  readonly objects: readonly (readonly [KubernetesObject, Placed])[];
  readonly notes: readonly string[];
} {
  const lines = new LineCounter();
  const documents = parseAllDocuments(withoutTemplates(text), {
    lineCounter: lines,
    logLevel: 'silent',
    uniqueKeys: false,
  });
  const objects: (readonly [KubernetesObject, Placed])[] = [];
  const notes: string[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error) {
      const line = lines.linePos(error.pos[0]).line;
      const why = error.code === 'RESOURCE_EXHAUSTION' ? 'it is nested too deeply' : error.message.split('\n')[0];
      notes.push(`${path}:${line}: not read, since it is no YAML: ${why}`);
      continue;
    }
    const value = contentOf(document);
    if (value instanceof Error) {
      notes.push(`${path}: not read, since its aliases cannot be followed: ${value.message.split('\n')[0]}`);
      continue;
    }
    const place = { file: path, document, lines, prefix: [] };
    if (isObject(value)) objects.push([value, place]);
    else if (isList(value))
      value.items.forEach((item, at) => {
        if (isObject(item)) objects.push([item, { ...place, prefix: ['items', at] }]);
      });
  }
  return { objects, notes };
}

/** What the document says; an error where its aliases lead nowhere, or without end. */
function contentOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 10_000 });
  } catch (error) {
    return error;
  }
}

/**
 * Helm's `{{ ... }}` as text that stays in its place: a line that is nothing but control becomes a comment, anything else
 * a word of the same length.
 */
function withoutTemplates(text: string): string {
  if (!text.includes('{{')) return text;
  return text
    .split('\n')
    .map((line) => {
      if (/^\s*\{\{.*\}\}\s*$/.test(line)) return line.replace('{{', '#{');
      return withoutHoles(line);
    })
    .join('\n');
}

/** One pass, whatever the line opens and does not close. */
function withoutHoles(line: string): string {
  let out = '';
  for (let from = 0; ; ) {
    const open = line.indexOf('{{', from);
    const close = open < 0 ? -1 : line.indexOf('}}', open + 2);
    if (close < 0) return out + line.slice(from);
    out += line.slice(from, open) + 'x'.repeat(close + 2 - open);
    from = close + 2;
  }
}

function isObject(value: unknown): value is KubernetesObject {
  const { apiVersion, kind, metadata } = Object(value) as Record<string, unknown>;
  const { name } = Object(metadata) as Record<string, unknown>;
  // A patch of kustomize says only some of it; its own file has no name of an object.
  return (
    typeof apiVersion === 'string' &&
    typeof kind === 'string' &&
    typeof name === 'string' &&
    !/^(kustomize|config\.k8s)/.test(apiVersion)
  );
}

const isList = (value: unknown): value is { readonly items: readonly unknown[] } => {
  const { kind, items } = Object(value) as Record<string, unknown>;
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items);
};

const CATEGORY: Readonly<Record<string, Category>> = {
  ...{
    Pod: 'pod',
    Deployment: 'pod',
    StatefulSet: 'pod',
    DaemonSet: 'pod',
    Job: 'pod',
    CronJob: 'pod',
    ReplicaSet: 'pod',
  },
};

function rowOf({ object, path, check, ...finding }: Flaw, place: Placed | undefined): Row {
  const { kind, metadata } = object;
  const called = `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`;
  return {
    id: check,
    category: entryOf(CATEGORY, kind) ?? 'objects',
    workloads: [`${metadata.namespace ?? 'default'}/${metadata.name}`],
    place: called,
    ...finding,
    ...(place && { at: { file: place.file, ...positionOf(place, path) } }),
    seconds: 0,
  };
}

/** Line and column of a path like `spec.parameters["a.b"]`, or of what is nearest above it. */
function positionOf(
  { document, lines, prefix }: Placed,
  path = '',
): { readonly line?: number; readonly column?: number } {
  const keys = [...prefix, ...keysOf(path)];
  for (let length = keys.length; length >= 0; length--) {
    const position = offsetOf(document, keys.slice(0, length));
    if (position === undefined) continue;
    const { line, col } = lines.linePos(position);
    return { line, column: col };
  }
  return {};
}

/** Where the key stands, for it is what a person looks for; of the document itself its first character. */
function offsetOf(document: Document.Parsed, keys: readonly (string | number)[]): number | undefined {
  const last = keys.at(-1);
  if (last === undefined) return document.contents?.range?.[0];
  const parent = document.getIn(keys.slice(0, -1), true) ?? document.contents;
  const { items } = Object(parent) as { items?: readonly unknown[] };
  if (typeof last === 'number') return (items?.[last] as { range?: readonly number[] } | undefined)?.range?.[0];
  const pair = items?.find((one) => (one as { key?: { value?: unknown } }).key?.value === last);
  return (pair as { key?: { range?: readonly number[] } } | undefined)?.key?.range?.[0];
}

const keysOf = (path: string): (string | number)[] =>
  [...path.matchAll(/\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]|([^.[\]]+)/g)].map(([, at, one, two, plain]) =>
    at === undefined ? (one ?? two ?? plain ?? '') : Number(at),
  );
