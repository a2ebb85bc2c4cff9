import { readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep, win32 } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type ParsedNode,
  type Scalar,
  visit,
} from 'yaml';
import { type Complaint, Complaints } from './complaint.ts';
import { FACTS } from './facts.ts';
import { nearest } from './nearest.ts';
import { type Parsed, parseText, styleFor, write } from './templates/yaml.ts';

/** Everything that a template can name as `${…}`. A new hole is one line here. */
export const HOLES = {
  clusterId: FACTS.clusterId,
  location: FACTS.location,
  oidcIssuer: FACTS.oidcIssuer,
  tenantId: FACTS.tenantId,
  vaultId: FACTS.vaultId,
  vaultUri: FACTS.vaultUri,
  identityId: FACTS.identityId,
  clientId: FACTS.clientId,
  principalId: FACTS.principalId,
  app: 'name of the workload',
  namespace: "the workload's namespace",
  serviceAccount: 'name of the service account that the pod runs as',
  vaultName: 'bare name of the Key Vault',
  vaultScope: 'scope of a token for Key Vault',
  cloudName: 'the cloud as a SecretProviderClass spells it; empty for the public one',
  environmentType: 'the cloud as a SecretStore spells it',
  externalSecretsApi: FACTS.externalSecretsApi,
  refreshInterval: 'how often an ExternalSecret is read anew',
  find: 'regular expression for names in the vault',
  azureEnvironment: 'the cloud as a Dapr component spells it',
  configuration: 'name of the Dapr Configuration of the pod; empty for none',
  objects: 'what a SecretProviderClass fetches, as YAML inside a string',
  syncSecret: 'name of the Kubernetes Secret that is written as well',
  secretNames: 'what the pod gets, as the sample script reads it',
  mountPath: 'folder in the pod where the secrets lie as files',
  image: 'image of the sample workload',
  script: 'text of the sample script',
  probe: 'text of the script that the probe runs first',
  job: "name of the probe's Job and of its ConfigMap",
  jobId: "uid of the probe's Job",
  hosts: 'hosts that the probe looks up and connects to, comma-separated; empty for none',
  providerClass: 'name of the SecretProviderClass that the pod mounts',
  secretStore: 'name of the Dapr component that the application asks',
  appId: 'name by which Dapr knows the application',
  owner: 'mark by which an object is known as ours',
  'secret.name': 'name in Key Vault; its list item is repeated once per secret',
  'secret.as': 'name as the pod sees it',
  'secret.kind': 'secret, key or certificate',
  'secret.objectType': 'the kind as CSI provider and operator spell it: secret, key or cert',
} as const;

export type Hole = keyof typeof HOLES;
export type Value = string | number | boolean;
export type Values = Readonly<Partial<Record<Hole, Value | undefined>>>;

export interface Template {
  readonly text: string;
  /** Where it was found, for messages. */
  readonly file: string;
}

/** What `${secret.…}` says for one secret. */
export interface TemplateSecret {
  readonly name: string;
  readonly as: string;
  readonly kind: string;
  readonly objectType: string;
}

/**
 * Reads the template at `path` (relative, with `/`) below `folder`; a file of the same path in the user's own folder
 * wins. Throws `Complaints` for a path that leads out of the folder, also by a link, and for what cannot be read.
 */
export function readTemplate(folder: string, path: string, own?: string): Template {
  const parts = path.split('/');
  if (
    isAbsolute(path) ||
    win32.isAbsolute(path) ||
    path.includes('\\') ||
    path.includes('\0') ||
    parts.includes('..')
  ) {
    return complain([{ message: `a template's path must stay in its folder: ${JSON.stringify(path)}`, file: path }]);
  }
  return (own === undefined ? undefined : readWithin(own, path)) ?? readWithin(folder, path) ?? missing(folder, path);
}

/** Bytes. */
const LARGEST = 64 * 1024;

const missing = (folder: string, path: string): never =>
  complain([{ message: `there is no template ${path} in ${folder}`, file: join(folder, path) }]);

function readWithin(folder: string, path: string): Template | undefined {
  const file = join(folder, path);
  let root = '';
  try {
    root = realpathSync(folder);
  } catch {
    return complain([{ message: 'the folder of templates cannot be read', file: folder }]);
  }
  try {
    const real = realpathSync(file);
    const inside = relative(root, real);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      return complain([{ message: `the template is a link that leads out of ${folder}`, file }]);
    }
    // A pipe would never end, and what is large is no template.
    const found = statSync(real);
    if (!found.isFile()) return complain([{ message: 'the template is not a file', file }]);
    if (found.size > LARGEST) return complain([{ message: 'the template is larger than 64 KiB', file }]);
    return { text: readFileSync(real, 'utf8'), file };
  } catch (error) {
    if (error instanceof Complaints) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return complain([{ message: `the template cannot be read (${code ?? 'unknown error'})`, file }]);
  }
}

/**
 * Fills a template in its parsed tree and writes it again, comments and all; several documents are joined by `---`.
 * Four rules: a scalar that is one hole takes the value with its type; a hole inside text is text; the innermost list
 * item that says `${secret.…}` is repeated once per secret; any hole that is unknown or has no value is an error.
 * `$${` stands for `${`. Throws `Complaints`, all at once, with file and line.
 */
export function fillTemplate(template: Template, values: Values, secrets: readonly TemplateSecret[]): string {
  return filledTemplate(template, values, secrets).text;
}

/** A filled template: the text with its comments, and what it says (of several documents, a list), not read once more. */
export interface Filled {
  readonly text: string;
  readonly object: unknown;
}

/** @param annotations added to what the template says */
export function filledTemplate(
  template: Template,
  values: Values,
  secrets: readonly TemplateSecret[],
  annotations: Readonly<Record<string, string>> = {},
): Filled {
  const { documents: all, ...parsed } = treesOf(template);
  const complaints = all.flatMap((document) => complaintsAbout(document, parsed, template, values));
  if (complaints.length > 0) complain(complaints);
  const filled = all.map((document) => document.clone() as typeof document);
  for (const document of filled) {
    fillNode(document.contents, values, secrets, undefined);
    for (const [name, value] of Object.entries(annotations)) document.setIn(['metadata', 'annotations', name], value);
  }
  const text = filled.map(write).join('---\n');
  const objects = filled.map((document) => document.toJS());
  return { text, object: objects.length > 1 ? objects : objects[0] };
}

/** Trees of the templates that were read, to be copied: hundreds of workloads are made from one. */
const trees = new WeakMap<Template, Parsed>();
function treesOf(template: Template): Parsed {
  const known = trees.get(template) ?? parseText(template);
  trees.set(template, known);
  return known;
}

/** The names of all holes in a template, known or not, in order of appearance. */
export function holesOf(template: Template): readonly string[] {
  const found = new Set<string>();
  for (const document of parseText(template).documents) {
    visit(document, { Scalar: (_, node) => void holesIn(node.value).map(({ name }) => found.add(name)) });
  }
  return [...found];
}

/** The documents of a filled text, each with its comments, as texts of their own. Empty ones are left out. */
export function documents(text: string): readonly string[] {
  return parseText({ text, file: 'manifest' }).documents.map(write);
}

// ---- holes

interface Found {
  /** As it stands in the text: `${app}`. */
  readonly written: string;
  readonly name: string;
}

/** `$${` is kept apart first, so that it is never the beginning of a hole. */
const HOLE = /\$\$\{|\$\{([^{}\n]*)\}|\$\{/g;

function holesIn(value: unknown): readonly Found[] {
  if (typeof value !== 'string') return [];
  return [...value.matchAll(HOLE)]
    .filter(([written]) => written !== '$${')
    .map(([written, name = '']) => ({ written, name }));
}

const isSecretHole = ({ name }: Found): boolean => name.startsWith('secret.');

function complaintsAbout(
  document: Document<ParsedNode>,
  { lines }: Pick<Parsed, 'lines'>,
  { text, file }: Template,
  values: Values,
): readonly Complaint[] {
  try {
    // What holds itself is no JSON.
    JSON.stringify(document.toJS({ maxAliasCount: 100 }));
  } catch (error) {
    const why = error instanceof ReferenceError ? `: ${error.message}` : ', or it is nested too deeply';
    return [{ message: `the aliases of this template cannot be followed${why}`, file }];
  }
  const complaints: Complaint[] = [];
  visit(document, {
    Scalar(_, node, path) {
      for (const found of holesIn(node.value)) {
        const trouble = troubleWith(found, values, path.some(isSeq));
        if (!trouble) continue;
        const start = node.range?.[0] ?? 0;
        const line = lines.linePos(Math.max(start, text.indexOf(found.written, start))).line;
        complaints.push({ ...trouble, file, line });
      }
    },
  });
  return complaints;
}

function troubleWith({ written, name }: Found, values: Values, inList: boolean): Complaint | undefined {
  const known = `Known holes: ${Object.keys(HOLES).join(', ')}.`;
  const literally = 'For the text itself write $${.';
  if (written === '${') return { message: 'a hole ${ is not closed', fix: { say: literally } };
  if (!Object.hasOwn(HOLES, name)) {
    const near = nearest(name, Object.keys(HOLES));
    const meant = near ? `; did you mean \${${near}}?` : '';
    return { message: `unknown hole ${written}${meant}`, fix: { say: `${known} ${literally}` } };
  }
  if (isSecretHole({ written, name })) {
    return inList ? undefined : { message: `${written} stands outside a list: it is repeated per list item` };
  }
  if (values[name as Hole] === undefined) return { message: `${written} has no value here`, fix: { say: known } };
  return undefined;
}

// ---- fill

function fillNode(node: unknown, values: Values, secrets: readonly TemplateSecret[], secret?: TemplateSecret): void {
  if (isScalar(node)) fillScalar(node, values, secret, false);
  else if (isSeq(node)) node.items = node.items.flatMap((item) => fillItem(item, values, secrets, secret));
  else if (isMap(node)) {
    for (const { key, value } of node.items) {
      if (isScalar(key)) fillScalar(key, values, secret, true);
      fillNode(value, values, secrets, secret);
    }
  }
}

/** One item, or one for each secret; the comment and the empty line before it are said once. */
function fillItem(
  item: unknown,
  values: Values,
  secrets: readonly TemplateSecret[],
  secret?: TemplateSecret,
): readonly unknown[] {
  if (secret || !saysSecret(item) || !isNode(item) || isAlias(item)) {
    fillNode(item, values, secrets, secret);
    return [item];
  }
  return secrets.map((each, index) => {
    const copy = item.clone() as typeof item;
    if (index > 0) {
      delete copy.commentBefore;
      delete copy.spaceBefore;
    }
    fillNode(copy, values, secrets, each);
    return copy;
  });
}

/** Whether the item itself speaks of a secret; what its inner lists say is their items' affair. */
function saysSecret(node: unknown): boolean {
  if (isScalar(node)) return holesIn(node.value).some(isSecretHole);
  if (isPair(node)) return saysSecret(node.key) || saysSecret(node.value);
  return isMap(node) && node.items.some(saysSecret);
}

function fillScalar(node: Scalar, values: Values, secret: TemplateSecret | undefined, isKey: boolean): void {
  if (typeof node.value !== 'string' || !node.value.includes('${')) return;
  const valueFor = (name: string): Value =>
    (name.startsWith('secret.')
      ? secret?.[name.slice('secret.'.length) as keyof TemplateSecret]
      : values[name as Hole]) as Value;
  const [first] = holesIn(node.value);
  const whole = first?.written === node.value ? valueFor(first.name) : undefined;
  if (whole !== undefined && typeof whole !== 'string' && !isKey) {
    node.value = whole;
    delete node.source;
    node.type = 'PLAIN';
    return;
  }
  const text = node.value.replace(HOLE, (written, name) => (written === '$${' ? '${' : String(valueFor(name))));
  node.value = text;
  delete node.source;
  node.type = styleFor(text, node.type, isKey);
}

function complain(complaints: readonly Complaint[]): never {
  throw new Complaints(complaints);
}
