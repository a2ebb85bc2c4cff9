import { z } from 'zod';
import { API_VERSION } from '../api-version.ts';
import type { Complaint } from '../complaint.ts';
import { entryOf } from '../entry.ts';
import { nearest } from '../nearest.ts';
import { holds, keyOf, type Path, valueAt, written } from './path.ts';
import type { FileShape } from './schema.ts';
import { variableOf } from './variable.ts';

/** Where a value was given: a line of a file, or the flag or variable that said it. */
export type Place = { readonly file: string; readonly line: number } | { readonly said: string };

export interface Validated {
  /** The tree without what was wrong in it. */
  readonly value: FileShape;
  readonly complaints: readonly Complaint[];
  /** Whether the value at the path, or something around it, was complained of. */
  wrong(path: Path): boolean;
}

type Schema = z.ZodType<FileShape>;
type Issue = z.core.$ZodIssue;

/** Holds a tree to the schema. Everything wrong is said at once; the rest stays usable, so that more can be judged. */
export function validate(tree: unknown, schema: Schema, place: (path: Path) => Place): Validated {
  const complaints: Complaint[] = [];
  const wrong = new Set<string>();
  let rest = structuredClone(tree);
  let shape: JsonNode | undefined;
  const known = (path: Path): readonly string[] => {
    shape ??= z.toJSONSchema(schema) as JsonNode;
    return keysAt(shape, path);
  };
  // Each round takes out at least one thing, so a tree of any size comes to an end at its root.
  for (;;) {
    const parsed = schema.safeParse(rest);
    if (parsed.success) return { value: parsed.data, complaints, wrong: (path) => holds(wrong, path) };
    const issues = parsed.error.issues.flatMap((issue) => narrow(issue, rest));
    const said = new Set(wrong);
    const looked = rest;
    rest = structuredClone(rest);
    // A key that is meant for another says enough: that the other is missing is its echo.
    for (const { issue, path } of issues) {
      if (issue.code !== 'unrecognized_keys') continue;
      for (const key of issue.keys) {
        const like = path.at(-1) === 'value' ? 'env' : nearest(key, known(path));
        if (like && valueAt(looked, [...path, like]) === undefined) wrong.add(keyOf([...path, like]));
        if (!holds(said, path)) complaints.push(at(place([...path, key]), unknownKey([...path, key], known(path))));
        rest = without(rest, [...path, key], wrong);
      }
    }
    for (const { issue, path } of issues) {
      if (issue.code === 'unrecognized_keys') continue;
      const value = valueAt(looked, path);
      const echo = holds(said, path) || (value === undefined && wrong.has(keyOf(path)));
      if (!echo) complaints.push(at(place(path), messageOf(issue, path, value, place(path))));
      rest = without(rest, path, wrong);
    }
  }
}

/** The complaint in its place: file and line, or the flag in front of the sentence. */
export function at(place: Place, said: string | Pick<Complaint, 'message' | 'fix'>): Complaint {
  const complaint = typeof said === 'string' ? { message: said } : said;
  if ('said' in place) return { ...complaint, message: `${place.said}: ${complaint.message}` };
  return { ...complaint, file: place.file, line: place.line };
}

/**
 * Keys that say where to go or what is allowed, as people spell them, with the flag: a file that somebody else wrote
 * must not decide these.
 */
const NOT_OF_A_FILE: ReadonlyMap<string, string> = new Map([
  ...['cloud', 'cloudurl', 'clouduri', 'metadataurl', 'endpoint', 'authority'].map((key) => [key, 'cloud'] as const),
  ...['tenant', 'tenantid'].map((key) => [key, 'tenant'] as const),
  ...['context', 'kubecontext'].map((key) => [key, 'context'] as const),
  ...['allow', 'consent', 'consents'].map((key) => [key, 'allow'] as const),
  ...['kubeconfig', 'templates', 'yes', 'rotate', 'sandbox'].map((key) => [key, key] as const),
  ['grantself', 'grant-self'],
  ['keepgrant', 'keep-grant'],
]);
const CONSENTS = ['yes', 'allow', 'grant-self', 'keep-grant', 'rotate'];

function unknownKey(path: Path, known: readonly string[]): Pick<Complaint, 'message' | 'fix'> {
  const key = String(path.at(-1));
  const inside = path.length > 1 ? ` under ${written(path.slice(0, -1))}` : '';
  const flag = NOT_OF_A_FILE.get(key.toLowerCase().replace(/[-_]/g, ''));
  if (flag !== undefined) {
    const what = CONSENTS.includes(flag) ? 'is a consent' : 'belongs to the surroundings';
    return {
      message: `"${key}"${inside} does not belong in a file: it ${what}, and a file describes only the world to reach.`,
      fix: { say: `Use --${flag} or ${variableOf(flag)}.` },
    };
  }
  if (path.at(-2) === 'value') {
    return {
      message: `"${key}"${inside} is not known: a file names only an environment variable, as { env: NAME }.`,
      fix: { say: 'Give other sources by --secret-value NAME=file:PATH or NAME=stdin.' },
    };
  }
  const like = nearest(key, known);
  return {
    message: `Unknown key "${clip(key)}"${inside}. ${like ? `Did you mean "${like}"?` : `Known here: ${known.join(', ')}.`}`,
  };
}

function messageOf(issue: Issue, path: Path, value: unknown, place: Place): string {
  const name = written(path);
  const subject = 'said' in place ? '' : name === '' ? 'The file: ' : `${name}: `;
  // A value belongs to nobody's eyes; whatever stands here may be one.
  const secret = path.includes('value');
  const shown = secret ? 'what stands here' : show(value);
  if (value === undefined && path.length > 0) {
    const begin = name === 'apiVersion' ? `; begin it with apiVersion: ${API_VERSION}` : '';
    return `${written(path.slice(0, -1)) || 'The file'} lacks ${path.at(-1)}${begin}.`;
  }
  if (path.at(-1) === 'value') return `${subject}expected { env: NAME }; a value itself is never written in a file.`;
  switch (issue.code) {
    case 'invalid_type':
      return typeof value === 'number' && issue.expected === 'string'
        ? `${subject}expected text, found the number ${value}; put it in quotes.`
        : `${subject}expected ${entryOf(EXPECTED, issue.expected) ?? issue.expected}, found ${secret ? 'something else' : kindOf(value)}.${
            secret ? ' Values themselves are never written in a file.' : ''
          }`;
    case 'invalid_format':
      return `${subject}${shown} ${issue.message}.${hintFor(issue.message, value)}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const like = typeof value === 'string' && values.length > 1 ? nearest(value, values) : undefined;
      return `${subject}${shown} is not known; expected ${list(values)}.${like ? ` Did you mean "${like}"?` : ''}`;
    }
    case 'too_small':
      return `${subject}expected at least ${issue.minimum}${typeof value === 'number' ? '' : ' character'}.`;
    case 'too_big':
      return `${subject}expected at most ${issue.maximum}.`;
    default:
      return `${subject}expected ${entryOf(FORMS, String(path.at(-1))) ?? 'a name, or { name: …, as: … }'}, found ${kindOf(value)}.`;
  }
}

const FORMS: Readonly<Record<string, string>> = {
  sample: 'true, false or { image: … }',
  create: 'true, false or { location: …, purgeProtection: … }',
};

/** Key Vault allows no underscore, and variables no hyphen: the alias is what people look for. */
function hintFor(message: string, value: unknown): string {
  if (typeof value !== 'string' || !message.includes('secret in Key Vault')) return '';
  if (value.includes(',')) return ' Give one name each time.';
  const name = value.replaceAll('_', '-');
  return value.includes('_') && /^[0-9a-zA-Z-]{1,127}$/.test(name)
    ? ` If it is ${name} there and the pod wants ${value}, say { name: ${name}, as: ${value} } or --secret ${name}=${value}.`
    : '';
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  object: 'keys with values',
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
};

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  return typeof value === 'string' ? 'text' : String(value);
}

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
/** Never what follows `=`: somebody may have written a value there. */
export const show = (value: unknown): string =>
  typeof value === 'string' ? `"${clip(value.replace(/=.*/s, '=…'))}"` : kindOf(value);
export const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** The issues of the branch that the value was meant for, where the schema allows a plain form and one with keys. */
function narrow(issue: Issue, tree: unknown, above: Path = []): { issue: Issue; path: Path }[] {
  const path = [...above, ...(issue.path as Path)];
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const value = valueAt(tree, path);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const branch = issue.errors.find((errors) => {
    const shape = errors.find((error) => error.path.length === 0 && error.code === 'invalid_type');
    return isObject ? shape === undefined : typeof value === 'string' && shape === undefined;
  });
  return branch ? branch.flatMap((inner) => narrow(inner, tree, path)) : [{ issue, path }];
}

/** The tree without the value at the path; a list loses the whole of itself, but workloads keep their places. */
function without(tree: unknown, path: Path, wrong: Set<string>): unknown {
  wrong.add(keyOf(path));
  if (path.length === 0) return {};
  const parent = valueAt(tree, path.slice(0, -1));
  const last = path.at(-1)!;
  if (Array.isArray(parent)) {
    if (path.at(-2) !== 'workloads') return without(tree, path.slice(0, -1), wrong);
    parent[Number(last)] = { name: `unnamed-${last}` };
    return tree;
  }
  if (typeof parent !== 'object' || parent === null) return tree;
  const others = parent as Record<string, unknown>;
  const instead = standIn(path);
  if (instead !== undefined) others[last] = instead;
  else if (Object.hasOwn(parent, last)) delete others[last];
  else return without(tree, path.slice(0, -1), wrong);
  return tree;
}

/** What is put in place of a required key that is missing, so that the rest around it can still be judged. */
function standIn(path: Path): string | undefined {
  const name = written(path);
  if (name === 'apiVersion') return API_VERSION;
  return /^workloads\[\d+\]\.name$/.test(name) ? `unnamed-${path[1]}` : undefined;
}

/** The keys that the schema knows at the path. */
function keysAt(schema: JsonNode, path: Path): readonly string[] {
  let node = schema;
  for (const part of path) {
    node = branchOf(node);
    node = (typeof part === 'number' ? node.items : node.properties?.[part]) ?? {};
  }
  return Object.keys(branchOf(node).properties ?? {}).filter((key) => !key.startsWith('$'));
}

interface JsonNode {
  readonly properties?: Readonly<Record<string, JsonNode>>;
  readonly items?: JsonNode;
  readonly anyOf?: readonly JsonNode[];
}
const branchOf = (node: JsonNode): JsonNode => node.anyOf?.find(({ properties, items }) => properties ?? items) ?? node;
