import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml';
import type { Complaint } from '../complaint.ts';
import { keyOf, nearestAbove, type Path } from './path.ts';

/** A file of YAML as plain data, and where each part of it stands. */
export interface Tree {
  readonly root: unknown;
  /** The line of the key or item at the path, or of the nearest thing around it. Counted from 1. */
  line(path: Path): number;
  readonly complaints: readonly Complaint[];
}

/** Characters; nobody needs to read more of a file than this and one more. */
export const LARGEST = 2 * 1024 * 1024;
const DEEPEST = 24;
/** Far more than hundreds of workloads need; stops aliases of aliases of aliases. */
const MOST = 60_000;

/** Reads YAML 1.2, one document, without tags. Never throws; what is wrong stands in `complaints`, free of values. */
export function readTree(text: string, file: string): Tree {
  const refuse = (message: string, line = 1): Tree => ({
    root: {},
    line: () => 1,
    complaints: [{ message, file, line }],
  });
  if (text.length > LARGEST) return refuse('The file is larger than 2 MiB.');
  const lines = new LineCounter();
  let document: Document;
  try {
    document = parseDocument(text, {
      ...{ lineCounter: lines, prettyErrors: false, logLevel: 'error' },
      // Found below: the parser compares each key with all before it.
      uniqueKeys: false,
      // What is tagged as bytes or a set would become some.
      resolveKnownTags: false,
    });
  } catch {
    return refuse('This is not YAML, or it is nested too deeply.');
  }
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const complaints = complaintsOf(document, file, lineAt);
  if (complaints.some(({ fatal }) => fatal)) {
    return { root: {}, line: () => 1, complaints: complaints.map(({ complaint }) => complaint) };
  }

  const places = new Map<string, number>();
  const said: Complaint[] = complaints.map(({ complaint }) => complaint);
  let nodes = 0;
  const open = new Set<Node>();
  /** An alias means the last anchor of its name before it. */
  const anchored = new Map<string, Node>();
  let copies = 0;
  const plain = (node: unknown, path: Path, place: number): unknown => {
    places.set(keyOf(path), place);
    if (++nodes > MOST || path.length > DEEPEST) throw new TooMuch(place);
    if (isAlias(node)) {
      const target = anchored.get(node.source);
      if (!target || open.has(target)) throw new TooMuch(place);
      copies += 1;
      const copy = plain(target, path, place);
      copies -= 1;
      return copy;
    }
    if (copies === 0 && isNode(node) && node.anchor !== undefined) anchored.set(node.anchor, node);
    if (isScalar(node)) return node.value;
    if (isSeq(node)) {
      open.add(node);
      const items = node.items.map((item, index) => plain(item, [...path, index], placeOf(item, place, lineAt)));
      open.delete(node);
      return items;
    }
    if (!isMap(node)) return undefined;
    open.add(node);
    const result: Record<string, unknown> = {};
    for (const pair of node.items) {
      const line = placeOf(pair.key, place, lineAt);
      if (!isScalar(pair.key)) {
        said.push({ message: 'A key must be a single word.', file, line });
        continue;
      }
      const key = String(pair.key.value);
      if (Object.hasOwn(result, key))
        said.push({ message: 'This key is given twice in one place; keep one.', file, line });
      // Not an assignment: a key named __proto__ must stay a key.
      const value = plain(pair.value, [...path, key], line);
      Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
    }
    open.delete(node);
    return result;
  };
  let root: unknown;
  try {
    root = plain(document.contents, [], 1);
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    return refuse('Anchors and nesting make this larger than any file of workloads; write it out.', error.line);
  }
  const line = (path: Path) => nearestAbove(path, (key) => places.get(key)) ?? 1;
  return { root: root ?? {}, line, complaints: said };
}

class TooMuch extends Error {
  readonly line: number;
  constructor(line: number) {
    super('too much');
    this.line = line;
  }
}

function placeOf(node: unknown, otherwise: number, lineAt: (offset: number) => number): number {
  const range = (node as { range?: readonly number[] } | null)?.range;
  return range ? lineAt(range[0]!) : otherwise;
}

/** Sentences for what the parser found. Those of a broken shape hide the rest, since nothing after them is certain. */
function complaintsOf(document: Document, file: string, lineAt: (offset: number) => number) {
  const found = [...document.errors, ...document.warnings].map((error) => ({
    error,
    fatal: error.code !== 'TAG_RESOLVE_FAILED',
    complaint: { message: sentenceOf(error), file, line: lineAt(error.pos[0]) },
  }));
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    const message = 'Expected YAML 1.2, where no and on are words; take the %YAML line away.';
    found.push({ error: undefined as never, fatal: true, complaint: { message, file, line: 1 } });
  }
  const tabs = found.filter(({ error }) => error?.code === 'TAB_AS_INDENT');
  const shape = found.filter(({ fatal }) => fatal);
  // What follows a tab or a broken bracket is its echo.
  return tabs.length > 0 ? tabs : shape.length > 0 ? shape.slice(0, 3) : found;
}

function sentenceOf(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'A tab is used to indent; YAML takes spaces only.';
    case 'MULTIPLE_DOCS':
      return 'A second document begins here (---); a file holds one, with all its workloads in it.';
    case 'TAG_RESOLVE_FAILED':
      return 'Tags (!...) have no meaning here.';
    case 'RESOURCE_EXHAUSTION':
      return 'The brackets are nested too deeply.';
    default:
      return `This is not YAML: ${error.message.split('\n')[0]}.`;
  }
}
