import type { Parts } from '../parts.ts';
import type { Denial, Lock } from './governance.ts';

/** JSON of a resource, as it goes over the wire. */
export interface Resource {
  id: string;
  name: string;
  type: string;
  location?: string;
  tags?: Record<string, string>;
  properties: Json;
  [other: string]: unknown;
}
export type Json = Record<string, unknown>;

/** Milliseconds of simulated time, like every `…At` here. */
type Moment = number;

export interface ClusterRecord {
  resource: Resource;
  /** What the cluster runs with; a running operation changes it only at its end. Absent: not created yet. */
  effective?: Features;
  operation?: string;
  /** Host of the API server, and the last part of the issuer's URL, from the beginning on. */
  fqdn: string;
  issuerId: string;
}
export interface Features {
  oidcIssuer: boolean;
  workloadIdentity: boolean;
  addon: { enabled: boolean; rotation: boolean; interval: string };
}
export interface Operation {
  id: string;
  cluster: string;
  /** Of an extension of that cluster: its id. */
  extension?: string;
  kind: 'Creating' | 'Updating' | 'Deleting';
  startedAt: Moment;
  endsAt: Moment;
  /** Ends with this error instead of success. */
  error?: { code: string; message: string };
  done?: boolean;
}
export interface ExtensionRecord {
  resource: Resource;
  /** What runs in the cluster; absent: nothing was installed, or not with success. */
  installed?: ExtensionRelease;
  operation?: string;
}
/** What an extension puts into a cluster. */
export interface ExtensionRelease {
  version: string;
  namespace: string;
  settings: Record<string, string>;
}
export interface VaultRecord {
  resource: Resource;
  /** Secret reads of others in ten seconds. */
  load?: number;
}
export interface DeletedVaultRecord {
  resource: Resource;
  deletedAt: Moment;
}
export interface IdentityRecord {
  resource: Resource;
  /** When Entra knows it. */
  arrivesAt: Moment;
  credentials: Record<string, CredentialRecord>;
  /** Until then somebody else writes its credentials, one after another. */
  writtenUntil?: Moment;
}
export interface CredentialRecord {
  resource: Resource;
  arrivesAt: Moment;
  /** What Entra goes by until then. */
  before?: Json;
}
export interface AssignmentRecord {
  resource: Resource;
  arrivesAt: Moment;
}
export interface PrincipalRecord {
  kind: 'User' | 'ServicePrincipal' | 'Group';
  name: string;
  arrivesAt: Moment;
  memberOf?: string[];
}

/** Resource Manager's slice of the state. Keys are lower case, since ARM ids are not told apart by case. */
export interface Slice {
  subscription: { displayName: string };
  groups: Record<string, Resource>;
  /** When a provider's registration is done, by namespace; absent: not registered. */
  providers: Record<string, Moment>;
  clusters: Record<string, ClusterRecord>;
  operations: Record<string, Operation>;
  extensions: Record<string, ExtensionRecord>;
  vaults: Record<string, VaultRecord>;
  /** By name: names are taken in the whole cloud. */
  deletedVaults: Record<string, DeletedVaultRecord>;
  identities: Record<string, IdentityRecord>;
  assignments: Record<string, AssignmentRecord>;
  principals: Record<string, PrincipalRecord>;
  locks?: Lock[];
  denials?: Denial[];
  /** How many role assignments the subscription has besides, on what is not simulated. */
  assignmentsElsewhere?: number;
}

/** The slice, with whatever it lacks. */
export function sliceOf(parts: Pick<Parts, 'state'>): Slice {
  const slice = parts.state.arm as Partial<Slice>;
  slice.subscription ??= { displayName: 'Sandbox' };
  slice.groups ??= {};
  slice.providers ??= {};
  slice.clusters ??= {};
  slice.operations ??= {};
  slice.extensions ??= {};
  slice.vaults ??= {};
  slice.deletedVaults ??= {};
  slice.identities ??= {};
  slice.assignments ??= {};
  slice.principals ??= {};
  return slice as Slice;
}

export const record = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** A property of the first level whatever its case: add-on keys come in several (`azurekeyvaultsecretsprovider`). */
export function keyOf(object: Json, name: string): string | undefined {
  return Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
}
