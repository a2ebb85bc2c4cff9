import { entryOf } from '../../entry.ts';
import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { command, word } from '../../shell.ts';
import { milliseconds } from '../../steps/go-duration.ts';
import type { SecretRef } from '../../workload.ts';
import { list, record, text, texts } from '../wiring/shape.ts';

/*
 * The kinds of the External Secrets Operator, as its own code reads them: apis/externalsecrets/v1 and
 * providers/v1/azure/keyvault of https://github.com/external-secrets/external-secrets. Whatever is not what it should be
 * reads as nothing.
 */
export const GROUP = 'external-secrets.io';

/** A key of a Kubernetes Secret that a store takes a part of its sign-in from. */
export interface SecretKey {
  /** `clientId`, `tenantId`, `clientSecret`, `clientCertificate`. */
  readonly field: string;
  readonly name: string;
  readonly namespace?: string;
  readonly key?: string;
}

/** A SecretStore or ClusterSecretStore of Azure Key Vault. */
export interface Store {
  readonly object: KubernetesObject;
  readonly kind: 'SecretStore' | 'ClusterSecretStore';
  readonly name: string;
  /** Absent for a cluster-wide one, and in a file that leaves it to whoever applies it. */
  readonly namespace?: string;
  /** As it is signed in; left out it is `ServicePrincipal`. */
  readonly authType: string;
  readonly isAuthTypeGiven: boolean;
  readonly vaultUrl: string;
  readonly tenantId?: string;
  readonly environment: string;
  readonly account?: { readonly name: string; readonly namespace?: string };
  /** Present when `authSecretRef` is, also when it is empty. */
  readonly secrets?: readonly SecretKey[];
  readonly isCustomCloud: boolean;
  readonly usesSdk: boolean;
  readonly conditions: readonly StoreCondition[];
}

/** Which namespaces may use a cluster-wide store: any of these. */
export interface StoreCondition {
  readonly namespaces: readonly string[];
  readonly regexes: readonly string[];
  readonly selector?: Readonly<Record<string, unknown>>;
}

export interface StoreRef {
  readonly kind: string;
  readonly name: string;
  /** `spec.secretStoreRef`. */
  readonly path: string;
}

/** One thing of the vault that an ExternalSecret asks for by name. */
export interface Wanted {
  readonly key: string;
  readonly kind: 'secret' | 'key' | 'certificate' | undefined;
  /** Name in the vault. */
  readonly name: string;
  /** Key in the Kubernetes Secret; absent for those of `dataFrom`, which bring their own. */
  readonly secretKey?: string;
  readonly extracted: boolean;
  readonly property?: string;
  readonly version?: string;
  readonly path: string;
}

export interface ExternalSecret {
  readonly object: KubernetesObject;
  readonly name: string;
  readonly namespace?: string;
  readonly stores: readonly StoreRef[];
  /** Name of the Kubernetes Secret. */
  readonly target: string;
  readonly creationPolicy: string;
  readonly deletionPolicy: string;
  /** It makes keys of its own. */
  readonly hasTemplate: boolean;
  readonly wanted: readonly Wanted[];
  readonly finds: boolean;
  readonly refreshPolicy: string;
  /** Milliseconds; 0: read once. */
  readonly interval: number;
}

const isOf = (object: KubernetesObject, kinds: readonly string[]): boolean => {
  const { apiVersion, kind } = record(object);
  return text(apiVersion)?.startsWith(`${GROUP}/`) === true && kinds.includes(text(kind) ?? '');
};

const nameIn = (object: KubernetesObject): { readonly name: string; readonly namespace?: string } => {
  const { name, namespace } = record(object.metadata);
  return { name: text(name) ?? '', ...(text(namespace) && { namespace: text(namespace)! }) };
};

/** The store that an object is; `undefined` for another kind, and for a store of another provider. */
export function storeOf(object: KubernetesObject): Store | undefined {
  if (!isOf(object, ['SecretStore', 'ClusterSecretStore'])) return undefined;
  const { provider, conditions } = record(object.spec);
  const given = record(provider).azurekv;
  if (given === undefined) return undefined;
  const azurekv = record(given);
  const account = record(azurekv.serviceAccountRef);
  const tenantId = text(azurekv.tenantId);
  return {
    object,
    kind: object.kind as Store['kind'],
    ...nameIn(object),
    authType: text(azurekv.authType) ?? 'ServicePrincipal',
    isAuthTypeGiven: azurekv.authType !== undefined,
    vaultUrl: text(azurekv.vaultUrl) ?? '',
    ...(tenantId && { tenantId }),
    environment: text(azurekv.environmentType) ?? 'PublicCloud',
    ...(text(account.name) && {
      account: { name: text(account.name)!, ...(text(account.namespace) && { namespace: text(account.namespace)! }) },
    }),
    ...(azurekv.authSecretRef !== undefined && { secrets: secretKeys(record(azurekv.authSecretRef)) }),
    isCustomCloud: azurekv.customCloudConfig !== undefined && azurekv.customCloudConfig !== null,
    usesSdk: azurekv.useAzureSDK === true,
    conditions: list(conditions).map((each) => {
      const { namespaces, namespaceRegexes, namespaceSelector } = record(each);
      return {
        namespaces: list(namespaces).flatMap((one) => text(one) ?? []),
        regexes: list(namespaceRegexes).flatMap((one) => text(one) ?? []),
        ...(namespaceSelector !== undefined && { selector: record(namespaceSelector) }),
      };
    }),
  };
}

const secretKeys = (refs: Readonly<Record<string, unknown>>): readonly SecretKey[] =>
  Object.entries(refs).map(([field, ref]) => {
    const { name, namespace, key } = record(ref);
    return {
      field,
      name: text(name) ?? '',
      ...(text(namespace) && { namespace: text(namespace)! }),
      ...(text(key) && { key: text(key)! }),
    };
  });

export function externalSecretOf(object: KubernetesObject): ExternalSecret | undefined {
  if (!isOf(object, ['ExternalSecret'])) return undefined;
  const spec = record(object.spec);
  const target = record(spec.target);
  const own = nameIn(object);
  const named = [
    { ref: spec.secretStoreRef, path: 'spec.secretStoreRef' },
    ...(['data', 'dataFrom'] as const).flatMap((part) =>
      list(spec[part]).map((each, at) => ({
        ref: record(record(each).sourceRef).storeRef,
        path: `spec.${part}[${at}].sourceRef.storeRef`,
      })),
    ),
  ];
  return {
    object,
    ...own,
    stores: named.flatMap(({ ref, path }) => {
      const { kind, name } = record(ref);
      return text(name) ? [{ kind: text(kind) ?? 'SecretStore', name: text(name)!, path }] : [];
    }),
    target: text(target.name) ?? own.name,
    creationPolicy: text(target.creationPolicy) ?? 'Owner',
    deletionPolicy: text(target.deletionPolicy) ?? 'Retain',
    hasTemplate: target.template !== undefined && target.template !== null,
    wanted: [
      ...list(spec.data).map((each, at) => wantedOf(record(each).remoteRef, `spec.data[${at}].remoteRef`, each)),
      ...list(spec.dataFrom).flatMap((each, at) => {
        const { extract } = record(each);
        return extract === undefined ? [] : [wantedOf(extract, `spec.dataFrom[${at}].extract`)];
      }),
    ],
    finds: list(spec.dataFrom).some((each) => record(each).find !== undefined),
    refreshPolicy: text(spec.refreshPolicy) ?? 'Periodic',
    interval: milliseconds(text(spec.refreshInterval) ?? '1h'),
  };
}

/** Kinds as a key's prefix spells them. */
export const KINDS: Readonly<Record<string, SecretRef['kind']>> = { secret: 'secret', key: 'key', cert: 'certificate' };

/** `key/orders` is a key, `cert/tls` a certificate, `db-password` and `secret/db-password` are secrets. */
function wantedOf(ref: unknown, path: string, entry?: unknown): Wanted {
  const { key, property, version } = record(ref);
  const asked = text(key) ?? '';
  const [first = '', second] = asked.split('/');
  const secretKey = text(record(entry).secretKey);
  return {
    key: asked,
    kind: second === undefined ? 'secret' : entryOf(KINDS, first),
    name: second ?? first,
    ...(secretKey && { secretKey }),
    extracted: entry === undefined,
    ...(text(property) && { property: text(property)! }),
    ...(text(version) && { version: text(version)! }),
    path,
  };
}

/** What an object's own status says (`Ready`), and since when. */
export interface Ready {
  /** `True`, `False`; absent where the operator has not looked at it yet. */
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}
export function readyOf(object: KubernetesObject): Ready {
  const conditions = list(record(object.status).conditions).map(record);
  return texts(conditions.find(({ type }) => type === 'Ready'));
}

/** `SecretStore shop/kv`, `ClusterSecretStore kv`. */
export const calledStore = ({ kind, namespace, name }: Pick<Store, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${[kind === 'SecretStore' ? namespace : undefined, name].filter(Boolean).join('/')}`;

/** The host of the vault that a store reads; `undefined` for what is no address. */
export const hostOf = (address: string): string | undefined => URL.parse(address)?.hostname.toLowerCase();

/** A line that changes fields of an object. */
export function merge({ kind, metadata }: KubernetesObject, change: object): string {
  const { name, namespace } = record(metadata);
  const options = { namespace: text(namespace), type: 'merge', patch: JSON.stringify(change) };
  return command(`kubectl patch ${kind.toLowerCase()} ${word(text(name) ?? '')}`, options);
}
