import { parse } from 'yaml';
import { isRecord } from '../model.ts';
import { MountError } from '../mount-error.ts';

/** An object to mount, as a SecretProviderClass lists it. */
export interface VaultObject {
  readonly name: string;
  readonly alias: string;
  readonly type: 'secret' | 'key' | 'cert';
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
  readonly objects: readonly VaultObject[];
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
 * pkg/provider/provider.go). Keys are case-sensitive; `tenantId` is the deprecated alias.
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
    throw new MountError('only one identity mode can be enabled at a time');
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
  const objects = text('objects');
  if (objects === '') throw new MountError('objects is not set');
  const mode = podIdentity
    ? 'pod identity'
    : vmIdentity
      ? 'vm identity'
      : clientId
        ? 'workload identity'
        : 'service principal';
  return { vault, tenant, clientId, nodeIdentity: text('userAssignedIdentityID'), mode, objects: readObjects(objects) };
}

function readObjects(text: string): VaultObject[] {
  let list: unknown;
  try {
    list = parse(text);
  } catch (error) {
    throw new MountError(`failed to yaml unmarshal objects, error: yaml: ${firstLine(error)}`);
  }
  const array = isRecord(list) ? list.array : undefined;
  if (!isRecord(list) || (array !== undefined && array !== null && !Array.isArray(array))) {
    throw new MountError(
      'failed to yaml unmarshal objects, error: yaml: unmarshal errors:\n  line 1: cannot unmarshal into types.StringArray',
    );
  }
  return ((array as unknown[] | null | undefined) ?? []).map((entry, index) => {
    if (typeof entry !== 'string') {
      throw new MountError(
        `failed to yaml unmarshal objects, error: yaml: unmarshal errors:\n  line ${index + 2}: cannot unmarshal !!map into string`,
      );
    }
    let fields: unknown;
    try {
      fields = parse(entry);
    } catch (error) {
      throw new MountError(`unmarshal failed for keyVaultObjects at index ${index}, error: yaml: ${firstLine(error)}`);
    }
    if (!isRecord(fields)) {
      throw new MountError(
        `unmarshal failed for keyVaultObjects at index ${index}, error: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str into types.KeyVaultObject`,
      );
    }
    return readObject(fields);
  });
}

const firstLine = (error: unknown) => String((error as Error).message).split('\n')[0];

function readObject(fields: Record<string, unknown>): VaultObject {
  const text = (key: string) => (fields[key] === undefined || fields[key] === null ? '' : String(fields[key]).trim());
  const [name, alias, type, version] = ['objectName', 'objectAlias', 'objectType', 'objectVersion'].map(text) as [
    string,
    string,
    string,
    string,
  ];
  const wrap = (why: string) =>
    new MountError(`failed to get objectType:${type}, objectName:${name}, objectVersion:${version}: ${why}`);
  if (!['secret', 'key', 'cert'].includes(type)) throw wrap('Invalid vaultObjectTypes. Should be secret, key, or cert');
  const format = text('objectFormat');
  if (format !== '' && !/^(pem|pfx)$/i.test(format))
    throw wrap(`invalid objectFormat: ${format}, should be PEM or PFX`);
  if (/^pfx$/i.test(format) && type !== 'secret') throw wrap('PFX format only supported for objectType: secret');
  const encoding = text('objectEncoding');
  if (encoding !== '' && type !== 'secret') throw wrap('objectEncoding only supported for objectType: secret');
  if (encoding !== '' && !/^(hex|base64|utf-8)$/i.test(encoding)) {
    throw wrap(`invalid objectEncoding: ${encoding}, should be hex, base64 or utf-8`);
  }
  if (Number(text('objectVersionHistory')) > 1) throw wrap('the sandbox does not know objectVersionHistory');
  const file = alias || name;
  if (file.startsWith('/') || file.split('/').includes('..')) {
    throw wrap(`file name ${JSON.stringify(file)} must be a relative path and cannot contain '..'`);
  }
  // Checked as the provider does; what lies on this machine is readable by its user alone, whatever it says.
  const permission = text('filePermission');
  if (permission !== '' && !/^[0-7]+$/.test(permission)) {
    throw new MountError(
      `failed to get file permission, error: file permission must be a valid octal number: strconv.ParseInt: parsing ${JSON.stringify(permission)}: invalid syntax`,
    );
  }
  return {
    name,
    alias,
    type: type as VaultObject['type'],
    version,
    format: format.toLowerCase(),
    encoding: encoding.toLowerCase(),
  };
}

/** The vault's host. The provider's own check, which refuses a URL. */
export function vaultHost(name: string): string {
  if (name.length < 3 || name.length > 24 || !/^[-A-Za-z0-9]+$/.test(name)) {
    throw new MountError(
      `failed to get vault: Invalid vault name: ${JSON.stringify(name)}, must match [-a-zA-Z0-9]{3,24}`,
    );
  }
  return `${name.toLowerCase()}.vault.azure.net`;
}
