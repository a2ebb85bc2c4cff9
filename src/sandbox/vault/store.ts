import { randomUUID } from 'node:crypto';
import type { Parts } from '../parts.ts';

/** Seconds since 1970 throughout, as on the wire. */
export interface Version {
  readonly id: string;
  enabled: boolean;
  readonly created: number;
  updated: number;
  nbf?: number;
  exp?: number;
  tags?: Record<string, string>;
}
export interface SecretVersion extends Version {
  readonly value: string;
  contentType?: string;
}
export interface KeyVersion extends Version {
  /** Public numbers, base64url. */
  readonly n: string;
  readonly e: string;
}
export interface CertificateVersion extends Version {
  /** DER, base64. */
  readonly cer: string;
  /** SHA-1 of the DER, base64url. */
  readonly x5t: string;
  readonly subject: string;
}

/** Versions are in order of creation: the last one is current. */
export interface Entry<V extends Version> {
  readonly name: string;
  /** Belongs to a certificate: cannot be written by itself. */
  readonly managed?: boolean;
  readonly versions: V[];
  deleted?: { readonly at: number; readonly purgeAt: number };
}

/** By name in lower case: names differ in more than case. */
type Shelf<V extends Version> = Record<string, Entry<V>>;
export interface Contents {
  readonly secrets: Shelf<SecretVersion>;
  readonly keys: Shelf<KeyVersion>;
  readonly certificates: Shelf<CertificateVersion>;
}

/** Days that a deleted secret can be recovered. */
export const RECOVERABLE_DAYS = 90;

/** What lies in the vault of that name, from the state; what was deleted too long ago is dropped on the way. */
export function contentsOf(vaultName: string, parts: Parts): Contents {
  const key = vaultName.toLowerCase();
  if (!Object.hasOwn(parts.state.vaults, key)) parts.state.vaults[key] = { secrets: {}, keys: {}, certificates: {} };
  const contents = parts.state.vaults[key] as Contents;
  const now = secondsOf(parts);
  for (const [name, { deleted }] of Object.entries(contents.secrets)) {
    if (deleted && deleted.purgeAt <= now) delete contents.secrets[name];
  }
  return contents;
}

export const secondsOf = (parts: Parts): number => Math.floor(parts.clock.now().getTime() / 1000);

export const versionId = (): string => randomUUID().replaceAll('-', '');

export function entryOf<V extends Version>(shelf: Shelf<V>, name: string): Entry<V> | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(shelf, key) ? shelf[key] : undefined;
}

/** The version asked for, the current one without an id. */
export const versionOf = <V extends Version>(entry: Entry<V>, id: string | undefined): V | undefined =>
  id ? entry.versions.find((version) => version.id === id.toLowerCase()) : entry.versions.at(-1);

/** Puts a new version on the shelf; the entry is made when there is none. */
export function addVersion<V extends Version>(shelf: Shelf<V>, name: string, version: V, managed = false): Entry<V> {
  const entry = entryOf(shelf, name) ?? { name, versions: [], ...(managed && { managed }) };
  entry.versions.push(version);
  shelf[name.toLowerCase()] = entry;
  return entry;
}

/** The attributes as they stand in every answer. */
export function attributesOf({ enabled, nbf, exp, created, updated }: Version): Record<string, unknown> {
  return {
    enabled,
    ...(nbf !== undefined && { nbf }),
    ...(exp !== undefined && { exp }),
    created,
    updated,
    recoveryLevel: 'Recoverable+Purgeable',
    recoverableDays: RECOVERABLE_DAYS,
  };
}
