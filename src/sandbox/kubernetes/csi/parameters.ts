import { parse } from 'yaml';
import { isRecord } from '../model.ts';
import { MountError } from '../mount-error.ts';

/** An object to mount, as a SecretProviderClass lists it. */
export interface VaultObject {
  readonly name: string;
  readonly alias: string;
  /** `secret`, `key` or `cert`; whatever else stands there is refused when it is read. */
  readonly type: string;
  readonly version: string;
  readonly format: string;
  readonly encoding: string;
}

export interface Parameters {
  readonly vault: string;
  readonly tenant: string;
  readonly clientId: string;
  /** Of the nodes' identity that `useVMManagedIdentity` means; empty: the only one. */
  readonly nodeIdentity: string;
  readonly mode: 'workload identity' | 'pod identity' | 'vm identity' | 'service principal';
}

const CLOUDS = [
  'AZURECLOUD',
  'AZUREPUBLICCLOUD',
  'AZUREUSGOVERNMENT',
  'AZUREUSGOVERNMENTCLOUD',
  'AZURECHINACLOUD',
  'AZUREGERMANCLOUD',
  'AZURESTACKCLOUD',
];

/**
 * The parameters of a SecretProviderClass, checked in the provider's order and refused in its words (v1.8,
 * pkg/provider/provider.go). Keys are case-sensitive; `tenantId` is the deprecated alias. The objects are looked at later,
 * once it is clear how to sign in.
 */
export function readParameters(given: Readonly<Record<string, string>>): Parameters {
  const text = (key: string) => (given[key] ?? '').trim();
  const flag = (key: string) => {
    const value = text(key);
    if (['', 'false', 'False', 'FALSE', 'f', 'F', '0'].includes(value)) return false;
    if (['true', 'True', 'TRUE', 't', 'T', '1'].includes(value)) return true;
    throw new MountError(
      `failed to parse ${key} flag, error: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
    );
  };
  const vault = text('keyvaultName');
  const tenant = text('tenantID') || text('tenantId');
  const clientId = text('clientID');
  const podIdentity = flag('usePodIdentity');
  const vmIdentity = flag('useVMManagedIdentity');
  const proxy = flag('useAzureTokenProxy');
  if ([podIdentity, vmIdentity, proxy].filter(Boolean).length > 1) {
    throw new MountError(
      'only one identity mode can be enabled at a time: usePodIdentity, useVMManagedIdentity, or useAzureTokenProxy',
    );
  }
  if (vault === '') throw new MountError('keyvaultName is not provided');
  if (tenant === '') throw new MountError('tenantId is not provided');
  const cloud = text('cloudName');
  if (cloud !== '' && !CLOUDS.includes(cloud.toUpperCase())) {
    throw new MountError(
      `cloudName ${cloud} is not valid, error: autorest/azure: There is no cloud environment matching the name ${JSON.stringify(cloud.toUpperCase())}`,
    );
  }
  if (cloud !== '' && !['AZURECLOUD', 'AZUREPUBLICCLOUD'].includes(cloud.toUpperCase())) {
    throw new MountError(`the sandbox simulates the public cloud only, not ${cloud}`);
  }
  if (proxy) throw new MountError('the sandbox has no identity bindings (useAzureTokenProxy)');
  const mode = podIdentity
    ? 'pod identity'
    : vmIdentity
      ? 'vm identity'
      : clientId
        ? 'workload identity'
        : 'service principal';
  return { vault, tenant, clientId, nodeIdentity: text('userAssignedIdentityID'), mode };
}

/** The parameter `objects`: YAML in which each entry is a text that is YAML again. */
export function readObjects({ objects = '' }: Readonly<Record<string, string>>): VaultObject[] {
  const text = objects.trim();
  if (text === '') throw new MountError('objects is not set');
  let list: unknown;
  try {
    list = parse(text);
  } catch (error) {
    throw new MountError(`failed to yaml unmarshal objects, error: yaml: ${firstLine(error)}`);
  }
  const array = isRecord(list) ? list.array : undefined;
  if (!isRecord(list) || (array !== undefined && array !== null && !Array.isArray(array))) {
    const [what, into] = isRecord(list) ? [array, '[]string'] : [list, 'types.StringArray'];
    throw new MountError(
      `failed to yaml unmarshal objects, error: yaml: unmarshal errors:\n  line 1: cannot unmarshal ${tagOf(what)} into ${into}`,
    );
  }
  return ((array as unknown[] | null | undefined) ?? []).map((entry, index) => {
    // Numbers and the like are texts as well there.
    if (typeof entry === 'object') {
      throw new MountError(
        `failed to yaml unmarshal objects, error: yaml: unmarshal errors:\n  line ${index + 2}: cannot unmarshal ${tagOf(entry)} into string`,
      );
    }
    let fields: unknown;
    try {
      fields = parse(String(entry));
    } catch (error) {
      throw new MountError(`unmarshal failed for keyVaultObjects at index ${index}, error: yaml: ${firstLine(error)}`);
    }
    if (!isRecord(fields)) {
      throw new MountError(
        `unmarshal failed for keyVaultObjects at index ${index}, error: yaml: unmarshal errors:\n  line 1: cannot unmarshal ${tagOf(fields)} into types.KeyVaultObject`,
      );
    }
    return readObject(fields);
  });
}

/** As the YAML package of Go names what it found instead. */
const tagOf = (value: unknown): string => {
  if (Array.isArray(value)) return '!!seq';
  if (typeof value !== 'object') {
    const text = String(value);
    const type = { number: '!!int', boolean: '!!bool' }[typeof value as string] ?? '!!str';
    return `${type} \`${text.length > 10 ? `${text.slice(0, 7)}...` : text}\``;
  }
  return value === null ? '!!null' : '!!map';
};

const firstLine = (error: unknown) => String((error as Error).message).split('\n')[0];

function readObject(fields: Record<string, unknown>): VaultObject {
  const text = (key: string) => (fields[key] === undefined || fields[key] === null ? '' : String(fields[key]).trim());
  const [name, alias, type, version] = ['objectName', 'objectAlias', 'objectType', 'objectVersion'].map(text) as [
    string,
    string,
    string,
    string,
  ];
  const wrap = (why: string) => objectError({ type, name, version }, why);
  const format = text('objectFormat');
  if (format !== '' && !/^(pem|pfx)$/i.test(format))
    throw wrap(`invalid objectFormat: ${format}, should be PEM or PFX`);
  if (format === 'pfx' && type !== 'secret') throw wrap('PFX format only supported for objectType: secret');
  const encoding = text('objectEncoding');
  if (encoding !== '' && type !== 'secret') throw wrap('objectEncoding only supported for objectType: secret');
  if (encoding !== '' && !/^(hex|base64|utf-8)$/i.test(encoding)) {
    throw wrap(`invalid objectEncoding: ${encoding}, should be hex, base64 or utf-8`);
  }
  if (Number(text('objectVersionHistory')) > 1) throw wrap('the sandbox does not know objectVersionHistory');
  const file = alias || name;
  if (file === '') throw wrap('file name must not be empty');
  if (file.startsWith('/')) throw wrap('file name must be a relative path');
  if (file.includes('..')) throw wrap("file name must not contain '..'");
  // filePermission is not looked at: the provider takes one that is no octal number for the usual one.
  return { name, alias, type, version, format: format.toLowerCase(), encoding: encoding.toLowerCase() };
}

/** What the provider says of one object. */
export const objectError = ({ type, name, version }: Pick<VaultObject, 'type' | 'name' | 'version'>, why: string) =>
  new MountError(`failed to get objectType:${type}, objectName:${name}, objectVersion:${version}: ${why}`);

/** The vault's host. The provider's own check, which refuses a URL. */
export function vaultHost(name: string): string {
  const refuse = (why: string) =>
    new MountError(`failed to get vault: Invalid vault name: ${JSON.stringify(name)}, ${why}`);
  if (name.length < 3 || name.length > 24) throw refuse('must be between 3 and 24 chars');
  if (!/^[-A-Za-z0-9]+$/.test(name)) throw refuse('must match [-a-zA-Z0-9]{3,24}');
  return `${name.toLowerCase()}.vault.azure.net`;
}
