import { parse } from 'yaml';
import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { nearest } from '../../nearest.ts';
import type { SecretRef } from '../../workload.ts';
import type { Wrong } from '../wiring/finding.ts';
import { isObject, list, record, text, texts } from '../wiring/shape.ts';

/*
 * A SecretProviderClass as the Azure provider reads it (v1.8, pkg/provider/provider.go and types/parameters.go): keys are
 * case-sensitive, values are text, and objects are YAML strings in a YAML list in a string.
 */

/** An object of the vault, as a class lists it. */
export interface VaultObject {
  readonly name: string;
  readonly kind: SecretRef['kind'];
  /** A version that is asked for; empty: the current one. */
  readonly version: string;
  /** The file that it becomes. */
  readonly file: string;
  readonly format: string;
  readonly path: string;
}

/** How the provider signs in, by what the class says. */
export type Mode = 'workload identity' | 'pod identity' | 'node identity' | 'identity binding' | 'service principal';

/** A Kubernetes Secret that the driver writes from mounted files. */
export interface Synced {
  readonly secretName: string;
  readonly type: string;
  readonly files: readonly string[];
}

export interface ProviderClass {
  readonly object: KubernetesObject;
  readonly provider: string;
  readonly mode: Mode;
  readonly clientId: string;
  readonly tenantId: string;
  readonly vault: string;
  readonly cloud: string;
  readonly userAssigned: string;
  readonly objects: readonly VaultObject[];
  readonly synced: readonly Synced[];
  /** What the provider refuses before it asks anybody, by what it is about. */
  readonly wrong: {
    readonly parameters: readonly Wrong[];
    readonly objects: readonly Wrong[];
    readonly secrets: readonly Wrong[];
  };
}

const PARAMETERS = [
  'usePodIdentity',
  'useVMManagedIdentity',
  'useAzureTokenProxy',
  'userAssignedIdentityID',
  'clientID',
  'keyvaultName',
  'cloudName',
  'cloudEnvFileName',
  'tenantID',
  'tenantId',
  'objects',
];
const OBJECT_KINDS: ReadonlyMap<string, SecretRef['kind']> = new Map([
  ['secret', 'secret'],
  ['key', 'key'],
  ['cert', 'certificate'],
]);
/** Names of clouds that the provider knows, in upper case. */
const CLOUDS = [
  ...['AZURECLOUD', 'AZUREPUBLICCLOUD', 'AZUREUSGOVERNMENT', 'AZUREUSGOVERNMENTCLOUD'],
  ...['AZURECHINACLOUD', 'AZUREGERMANCLOUD', 'AZURESTACKCLOUD'],
];
const TRUE = ['true', 'True', 'TRUE', 't', 'T', '1'];

/** Whether an object is a class at all. */
export const isClass = (object: KubernetesObject): boolean =>
  isObject(object) &&
  object.kind === 'SecretProviderClass' &&
  (text(object.apiVersion) ?? '').startsWith('secrets-store.csi.x-k8s.io/');

/** Something that is put in for a variable later says nothing yet. */
const isOpen = (value: string): boolean => /\$\{|\$\(|\{\{|^<.*>$/.test(value);

const known = new WeakMap<KubernetesObject, ProviderClass>();

/** Reads a class of whatever shape, once: each workload of a namespace looks at all of them. Never throws. */
export function readClass(object: KubernetesObject): ProviderClass {
  const read = isObject(object) ? known.get(object) : undefined;
  if (read) return read;
  const made = classIn(object);
  if (isObject(object)) known.set(object, made);
  return made;
}

function classIn(object: KubernetesObject): ProviderClass {
  const spec = record(object.spec);
  const given = record(spec.parameters);
  const parameters = texts(given);
  const of = (key: string): string => (parameters[key] ?? '').trim();
  const is = (key: string): boolean => TRUE.includes(of(key));
  const [pod, node, proxy] = ['usePodIdentity', 'useVMManagedIdentity', 'useAzureTokenProxy'].map(is);
  const clientId = of('clientID');
  const read = objectsIn(given.objects);
  const files = filesOf(read.objects);
  const synced = list(spec.secretObjects).map((each, at) => syncedIn(each, at, files));
  return {
    object,
    provider: text(spec.provider) ?? '',
    mode: pod
      ? 'pod identity'
      : node
        ? 'node identity'
        : proxy
          ? 'identity binding'
          : clientId
            ? 'workload identity'
            : 'service principal',
    clientId,
    tenantId: of('tenantID') || of('tenantId'),
    vault: of('keyvaultName'),
    cloud: of('cloudName'),
    userAssigned: of('userAssignedIdentityID'),
    objects: read.objects,
    synced: synced.map((each) => each.synced),
    wrong: {
      parameters: [...providerWrong(spec.provider), ...parametersWrong(given, of, is)],
      objects: read.wrong,
      // What cannot be read has no files to compare with.
      secrets: read.wrong.length > 0 ? [] : synced.flatMap(({ wrong }) => wrong),
    },
  };
}

function providerWrong(provider: unknown): readonly Wrong[] {
  if (provider === 'azure') return [];
  return [
    {
      failure: 'F090',
      observed: provider
        ? `the provider is called "${String(text(provider) ?? typeof provider)}"`
        : 'it names no provider',
      expected: 'azure, in lower case',
      path: 'spec.provider',
    },
  ];
}

function parametersWrong(
  given: Readonly<Record<string, unknown>>,
  of: (key: string) => string,
  is: (key: string) => boolean,
): readonly Wrong[] {
  const at = (key: string): string => `spec.parameters.${key}`;
  /** The key that was meant to be this one. */
  const typo = (key: string): string | undefined =>
    Object.keys(given).find((each) => !PARAMETERS.includes(each) && nearest(each, PARAMETERS) === key);
  const missing = (key: string, failure: string, what: string): Wrong => {
    const found = typo(key);
    return {
      failure,
      observed: found ? `the key is spelt ${found}` : given[key] === undefined ? `no ${key}` : `${key} is blank`,
      expected: `${key}: ${what}`,
      path: at(found ?? key),
    };
  };
  const modes = ['usePodIdentity', 'useVMManagedIdentity', 'useAzureTokenProxy'].filter(is);
  const wrong: Wrong[] = [];
  if (modes.length > 1)
    wrong.push({ failure: 'F098', observed: modes.join(' and '), expected: 'one way to sign in', path: at(modes[1]!) });
  if (modes.length === 0 && of('clientID') === '')
    wrong.push(missing('clientID', 'F091', 'the client id of the identity'));
  const vault = of('keyvaultName');
  if (vault === '') wrong.push(missing('keyvaultName', 'F094', 'the name of the vault'));
  else if (!isOpen(vault) && !/^[-A-Za-z0-9]{3,24}$/.test(vault))
    wrong.push({
      failure: 'F097',
      observed: `"${vault}"`,
      expected: `${bareName(vault) ?? 'the bare name'}: 3 to 24 letters, digits and "-", and no address`,
      path: at('keyvaultName'),
    });
  if (of('tenantID') === '' && of('tenantId') === '')
    wrong.push(missing('tenantID', 'F094', 'the tenant of the identity'));
  const cloud = of('cloudName');
  if (cloud !== '' && !isOpen(cloud) && !CLOUDS.includes(cloud.toUpperCase()))
    wrong.push({
      failure: 'F099',
      observed: `"${cloud}"`,
      expected: 'AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud, or nothing',
      path: at('cloudName'),
    });
  if (typeof given.objects !== 'object' && of('objects') === '')
    wrong.push(missing('objects', 'F094', 'what to mount'));
  return wrong;
}

/** The vault's name in its address. */
const bareName = (value: string): string | undefined => /^(?:https?:\/\/)?([-A-Za-z0-9]{3,24})\./.exec(value)?.[1];

function objectsIn(given: unknown): { readonly objects: readonly VaultObject[]; readonly wrong: readonly Wrong[] } {
  const path = 'spec.parameters.objects';
  const unreadable = (observed: string, where = path): Wrong => ({
    failure: 'F095',
    observed,
    expected: 'objects: | and below it "array:", a list of "- |" with one object each',
    path: where,
  });
  if (given !== undefined && typeof given !== 'string')
    return { objects: [], wrong: [unreadable('it is YAML where text is wanted: the "|" is missing')] };
  if (given === undefined || given.trim() === '' || isOpen(given)) return { objects: [], wrong: [] };
  const whole = yamlIn(given);
  if ('why' in whole) return { objects: [], wrong: [unreadable(whole.why)] };
  const { array } = record(whole.value);
  if (!Array.isArray(array)) return { objects: [], wrong: [unreadable('it has no list "array"')] };
  if (array.length === 0)
    return {
      objects: [],
      wrong: [{ failure: 'F094', observed: 'the list is empty', expected: 'one object at least', path }],
    };
  const read = array.map((each: unknown, at) => {
    const where = `${path}.array[${at}]`;
    if (typeof each !== 'string')
      return { wrong: [unreadable('the object is YAML where text is wanted: "- |" is missing', where)] };
    const inner = yamlIn(each);
    if ('why' in inner) return { wrong: [unreadable(inner.why, where)] };
    if (!isRecord(inner.value)) return { wrong: [unreadable('it is no object with objectName and objectType', where)] };
    return objectIn(record(inner.value), where);
  });
  return {
    objects: read.flatMap((each) => ('object' in each && each.object ? [each.object] : [])),
    wrong: read.flatMap(({ wrong }) => wrong),
  };
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

function yamlIn(written: string): { readonly value: unknown } | { readonly why: string } {
  try {
    return { value: parse(written, { logLevel: 'error' }) };
  } catch (error) {
    return { why: `it is no YAML: ${String((error as Error).message).split('\n')[0]}` };
  }
}

function objectIn(
  given: Readonly<Record<string, unknown>>,
  path: string,
): { readonly object?: VaultObject; readonly wrong: readonly Wrong[] } {
  const of = (key: string): string =>
    ['string', 'number'].includes(typeof given[key]) ? String(given[key]).trim() : '';
  const [name, type, format, encoding] = ['objectName', 'objectType', 'objectFormat', 'objectEncoding'].map(of) as [
    string,
    string,
    string,
    string,
  ];
  const [permission, alias] = [of('filePermission'), of('objectAlias')];
  const file = alias || name;
  const who = name ? ` of ${name}` : '';
  const wrong: Wrong[] = [];
  const bad = (failure: string, key: string, observed: string, expected: string) =>
    wrong.push({ failure, observed, expected, path: `${path}.${key}` });
  if (name === '') bad('F094', 'objectName', 'an object without a name', 'objectName: its name in the vault');
  else if (!isOpen(name) && !/^[0-9a-zA-Z-]{1,127}$/.test(name))
    bad(
      'F081',
      'objectName',
      `"${name}"`,
      'letters, digits and "-": Key Vault knows no other names; objectAlias names the file',
    );
  const kind = OBJECT_KINDS.get(type);
  if (!kind) bad('F096', 'objectType', `objectType${who} is "${type}"`, 'secret, key or cert');
  if (format !== '' && !/^(pem|pfx)$/i.test(format))
    bad('F100', 'objectFormat', `objectFormat${who} is "${format}"`, 'pem or pfx');
  else if (/^pfx$/i.test(format) && type !== 'secret')
    bad('F100', 'objectFormat', `objectFormat${who} is pfx`, 'objectType secret, which alone can be pfx');
  if (encoding !== '' && !/^(utf-8|hex|base64)$/i.test(encoding))
    bad('F100', 'objectEncoding', `objectEncoding${who} is "${encoding}"`, 'utf-8, hex or base64');
  else if (encoding !== '' && type !== 'secret')
    bad('F100', 'objectEncoding', `objectEncoding${who} is ${encoding}`, 'objectType secret, which alone is decoded');
  if (permission !== '' && !isOctal(given.filePermission))
    bad('F100', 'filePermission', `filePermission${who} is "${permission}"`, 'an octal number, such as 0644');
  if (file.startsWith('/') || file.split('/').includes('..'))
    bad('F100', 'objectAlias', `the file is called "${file}"`, 'a path below the volume');
  const versions = Number(of('objectVersionHistory') || 0);
  return {
    wrong,
    ...(kind &&
      name && {
        object: {
          name,
          kind,
          version: of('objectVersion'),
          file: versions > 1 ? `${file}/0` : file,
          format: format.toLowerCase(),
          path,
        },
      }),
  };
}

/** YAML has read `0644` as a number by then, in whichever of its versions. */
const isOctal = (value: unknown): boolean =>
  typeof value === 'number' || /^(0o?)?[0-7]{1,4}$/.test(String(value).trim());

const filesOf = (objects: readonly VaultObject[]): ReadonlySet<string> => new Set(objects.map(({ file }) => file));

/** Keys that a type of Secret must have. */
const KEYS_OF: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
]);

function syncedIn(
  given: unknown,
  at: number,
  files: ReadonlySet<string>,
): { readonly synced: Synced; readonly wrong: readonly Wrong[] } {
  const { secretName, type, data } = record(given);
  const path = `spec.secretObjects[${at}]`;
  const items = list(data).map((each) => texts(each));
  const wrong: Wrong[] = [];
  items.forEach(({ objectName = '' }, index) => {
    if (files.has(objectName) || files.size === 0) return;
    // An object with a history has files below its name.
    if (
      [...files].some(
        (file) => file === `${objectName}/0` || (objectName.startsWith(file.replace(/0$/, '')) && file.endsWith('/0')),
      )
    )
      return;
    const meant = nearest(objectName, files);
    wrong.push({
      failure: 'F104',
      observed: `no file is called "${objectName}"`,
      expected: meant ?? `one of ${[...files].join(', ')}: objectAlias where there is one, else objectName`,
      path: `${path}.data[${index}].objectName`,
    });
  });
  const lacking = (KEYS_OF.get(text(type) ?? '') ?? []).filter((key) => !items.some((item) => item.key === key));
  if (lacking.length > 0)
    wrong.push({
      failure: 'F153',
      observed: `a Secret of type ${text(type)} without ${lacking.join(', ')}`,
      expected: 'type: Opaque, or the keys that the type has',
      path: `${path}.type`,
    });
  return {
    synced: {
      secretName: text(secretName) ?? '',
      type: text(type) ?? '',
      files: items.flatMap(({ objectName }) => objectName ?? []),
    },
    wrong,
  };
}
