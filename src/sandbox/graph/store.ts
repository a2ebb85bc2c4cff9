import type { Parts } from '../parts.ts';

/** Milliseconds of simulated time, like every `…At` here. */
type Moment = number;

export interface Trust {
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly description?: string;
}
export interface CredentialRecord extends Trust {
  id: string;
  arrivesAt: Moment;
  /** What Entra goes by until then. */
  before?: Trust;
}
export interface ApplicationRecord {
  id: string;
  appId: string;
  displayName: string;
  tags: string[];
  signInAudience: string;
  createdDateTime: string;
  /** Who registered it, and may change it without a right over all. */
  owner: string;
  /** When the rest of the directory knows it. */
  arrivesAt: Moment;
  credentials: CredentialRecord[];
}
export interface ServicePrincipalRecord {
  id: string;
  appId: string;
  displayName: string;
  tags: string[];
  accountEnabled: boolean;
  /** The directory that it is in: that of the application, or one where a multi-tenant application was let in. */
  tenantId: string;
  owner: string;
  arrivesAt: Moment;
}

/**
 * What somebody may do with applications: nothing, look, register and keep one's own (Application.ReadWrite.OwnedBy, and
 * what a tenant lets its people do unless it forbids it), or everything (Application.ReadWrite.All).
 */
export type Right = 'none' | 'read' | 'owned' | 'all';

/** The directory's slice of the state: applications and service principals by object id. */
export interface Directory {
  applications: Record<string, ApplicationRecord>;
  servicePrincipals: Record<string, ServicePrincipalRecord>;
  /** By object id of the caller. Absent: people `owned`, applications `none`. */
  rights: Record<string, Right>;
}

/** The slice, with whatever it lacks. */
export function directoryOf({ state }: Pick<Parts, 'state'>): Directory {
  state.graph ??= {};
  const directory = state.graph as Partial<Directory>;
  directory.applications ??= {};
  directory.servicePrincipals ??= {};
  directory.rights ??= {};
  return directory as Directory;
}

/** The application of that client id. */
export const applicationOf = (directory: Directory, appId: string): ApplicationRecord | undefined =>
  Object.values(directory.applications).find((one) => one.appId === appId.toLowerCase());

/** Its service principal in that tenant. */
export const servicePrincipalOf = (
  directory: Directory,
  appId: string,
  tenantId: string,
): ServicePrincipalRecord | undefined =>
  Object.values(directory.servicePrincipals).find(
    (one) => one.appId === appId.toLowerCase() && one.tenantId.toLowerCase() === tenantId.toLowerCase(),
  );
