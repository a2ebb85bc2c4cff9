import type { Secret } from '../secret.ts';

/**
 * Azure as the steps see it. Every read answers `undefined` for what is not there and throws a `Problem` for the rest;
 * bodies of ARM resources are the raw JSON of the wire, so that nothing an SDK model does not know is lost.
 * Reads of one `World` are shared; writes are not.
 */
export interface Azure {
  readonly cloud: Cloud;
  readonly subscription: string;
  /** Who is signed in, from the claims of the token for Resource Manager (no request of its own but the token). */
  caller(): Promise<Caller>;
  /** GET the subscription. */
  describe(): Promise<{ readonly name: string; readonly tenantId: string }>;

  /** What a person may pick from, as far as the caller may see it. */
  readonly lists: {
    /** Those that can be used, of the tenant signed in to. */
    subscriptions(): Promise<readonly SubscriptionItem[]>;
    groups(): Promise<readonly Resource[]>;
    vaults(): Promise<readonly Resource[]>;
    /** User-assigned managed identities. */
    identities(): Promise<readonly Resource[]>;
  };
  readonly groups: {
    get(name: string): Promise<Resource | undefined>;
    create(name: string, location: string, tags: Tags): Promise<Resource>;
  };
  readonly providers: {
    /** `Registered`, `NotRegistered`, `Registering`, `Unregistering`: the state, never the exit code. */
    state(namespace: string): Promise<string>;
    register(namespace: string): Promise<void>;
  };
  readonly clusters: {
    get(id: string): Promise<Resource | undefined>;
    /** Those of the subscription that the caller may see. */
    list(): Promise<readonly Resource[]>;
    /**
     * PUTs `body` (what `get` returned, with changes) and follows the operation to its end.
     * `ifMatch` is the eTag that `get` returned. Throws the operation's own error when it fails, `busy` when another runs.
     */
    put(id: string, body: unknown, ifMatch?: string): Promise<Resource>;
    /** The user's kubeconfig (never the admin's), as text. */
    credentials(id: string): Promise<Secret>;
  };
  readonly extensions: {
    /** What is installed in a cluster through Resource Manager. `undefined` when the cluster is absent. */
    list(clusterId: string): Promise<readonly Resource[] | undefined>;
    /** PUTs `body` and follows the operation to its end, which takes minutes. Throws the operation's own error when it fails. */
    put(clusterId: string, name: string, body: unknown): Promise<Resource>;
  };
  readonly vaults: {
    get(id: string): Promise<Resource | undefined>;
    /** Only ever for a vault that does not exist. */
    create(id: string, body: unknown): Promise<Resource>;
    /** Whether the name is free; `reason` is Azure's sentence when it is not. */
    nameFree(name: string): Promise<{ readonly free: boolean; readonly reason?: string }>;
    /** The soft-deleted vault that holds the name, if one does and the caller may see it. */
    deleted(name: string, location: string): Promise<Resource | undefined>;
    /** Merges one entry into the access policies; the others stay (`accessPolicies/add`). */
    addPolicy(id: string, policy: AccessPolicy): Promise<void>;
    removePolicy(id: string, policy: AccessPolicy): Promise<void>;
  };
  readonly identities: {
    get(id: string): Promise<Resource | undefined>;
    /** Those of a resource group, none where there is no such group. */
    list(resourceGroup: string): Promise<readonly Resource[]>;
    create(id: string, location: string, tags: Tags): Promise<Resource>;
    delete(id: string): Promise<void>;
  };
  /** Applications of the directory (app registrations), by Microsoft Graph. */
  readonly applications: {
    /** Those of that display name, which is not unique there, paged; or the one of that client id. */
    find(by: { readonly name: string } | { readonly clientId: string }): Promise<readonly Application[]>;
    /** Not safe to repeat: every call makes one more. */
    create(wish: Pick<Application, 'name' | 'tags' | 'signInAudience'>): Promise<Application>;
    /** Lets other tenants have a service principal of it (`AzureADMultipleOrgs`). */
    open(application: Application): Promise<void>;
    delete(application: Application): Promise<void>;
  };
  /** What an application is in the tenant signed in to: what roles and policies name. */
  readonly servicePrincipals: {
    of(clientId: string): Promise<ServicePrincipal | undefined>;
    /** Throws `not yet` while the directory does not know the application everywhere. */
    create(clientId: string, tags: readonly string[]): Promise<ServicePrincipal>;
    delete(principal: ServicePrincipal): Promise<void>;
  };
  /** What an identity trusts; it is named by its ARM id, or by the object id of its application. */
  readonly federation: {
    /** All credentials of an identity, in one paged list. `undefined` when the identity is absent. */
    list(identityId: string): Promise<readonly FederatedCredential[] | undefined>;
    put(identityId: string, credential: FederatedCredential): Promise<FederatedCredential>;
    delete(identityId: string, name: string): Promise<void>;
  };
  readonly roles: {
    /** Every assignment at, above and below the scope, paged. `undefined` when the scope is absent. */
    list(scope: string): Promise<readonly RoleAssignment[] | undefined>;
    /**
     * What a user or service principal holds at, above and below the scope, also through groups: of such an assignment
     * `principalId` is the group's.
     */
    heldBy(scope: string, principalId: string): Promise<readonly RoleAssignment[]>;
    /** Deterministic GUID, `principalType` ServicePrincipal unless given; an equal assignment under another GUID is success. */
    assign(assignment: NewRoleAssignment): Promise<RoleAssignment>;
    remove(id: string): Promise<void>;
  };
  readonly secrets: Shelf & {
    /** Writes a new version. */
    set(vaultUri: string, name: string, value: Secret): Promise<SecretProperties>;
  };
  /** Looked at and never written. */
  readonly keys: Shelf;
  readonly certificates: Shelf;
  /** What a workload does, done with a token of its own: for the proof. */
  readonly workload: {
    /** Exchanges a service account's token at Entra for one of `clientId`, for Key Vault. Throws with the AADSTS code. */
    exchange(tenantId: string, clientId: string, assertion: Secret): Promise<Secret>;
    /**
     * Asks the vault for a version of the secret that cannot exist (32 zeros). Resolves when the vault answers
     * SecretNotFound, which proves the right to get without a value leaving the vault; throws Azure's refusal otherwise.
     */
    mayGet(vaultUri: string, kind: 'secret' | 'key' | 'certificate', name: string, token: Secret): Promise<void>;
    /** Lists the names of the vault's secrets, one of them at most. Throws Azure's refusal. */
    mayList(vaultUri: string, token: Secret): Promise<void>;
  };
}

/** What a vault holds of one kind (secrets, keys, certificates): metadata, never a value. */
export interface Shelf {
  /** All of them, paged. `undefined` when the vault's host does not exist. */
  list(vaultUri: string): Promise<readonly SecretProperties[] | undefined>;
  /** One of them, for who may not list. `undefined` when it has no version. */
  find(vaultUri: string, name: string): Promise<SecretProperties | undefined>;
  /** All versions of one of them, by the same request as `find`; none of one that is not there. */
  versions(vaultUri: string, name: string): Promise<readonly SecretProperties[]>;
}

export type Tags = Readonly<Record<string, string>>;

/** The JSON of an ARM resource as it came over the wire. */
export interface Resource {
  readonly id: string;
  readonly name: string;
  readonly location?: string;
  readonly tags?: Tags;
  readonly eTag?: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [other: string]: unknown;
}

export interface Caller {
  /** `ana@contoso.com`, or the application's id. */
  readonly name: string;
  readonly objectId: string;
  readonly tenantId: string;
  readonly kind: 'User' | 'ServicePrincipal';
}

export interface SubscriptionItem {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
}

export interface Application {
  /** Object id: what Graph's addresses name. */
  readonly id: string;
  readonly clientId: string;
  readonly name: string;
  /** Words, not pairs. */
  readonly tags: readonly string[];
  /** `AzureADMyOrg`: known in its own tenant alone. */
  readonly signInAudience: string;
  /** It has passwords or certificates: whoever holds one signs in as it. */
  readonly hasOwnSecrets: boolean;
  readonly created?: Date;
}

export interface ServicePrincipal {
  /** Object id: what roles and policies name. */
  readonly id: string;
  readonly clientId: string;
  readonly enabled: boolean;
  readonly tags: readonly string[];
}

export interface FederatedCredential {
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

export interface NewRoleAssignment {
  readonly scope: string;
  /** GUID of the role definition. */
  readonly role: string;
  readonly principalId: string;
  readonly principalType?: 'User' | 'ServicePrincipal';
  readonly description: string;
}

export interface RoleAssignment {
  readonly id: string;
  readonly scope: string;
  /** GUID of the role definition, lower case. */
  readonly role: string;
  readonly principalId: string;
  readonly description?: string;
  readonly condition?: string;
  readonly createdOn?: Date;
}

export interface AccessPolicy {
  readonly tenantId: string;
  readonly objectId: string;
  readonly permissions: Readonly<Partial<Record<'secrets' | 'keys' | 'certificates', readonly string[]>>>;
}

export interface SecretProperties {
  readonly name: string;
  /** Its current version, where one version was looked at (`find`, `set`); a list does not say it. */
  readonly version?: string;
  readonly enabled: boolean;
  readonly created?: Date;
  readonly expires?: Date;
  /** Not to be used before. */
  readonly starts?: Date;
  /** Present when a certificate manages the secret. */
  readonly managed?: boolean;
  readonly contentType?: string;
}

/** One row of the table of clouds, or what a metadata URL answers. Every endpoint, suffix and audience comes from here. */
export interface Cloud {
  readonly name: string;
  /** `https://management.azure.com`, without trailing slash. */
  readonly resourceManager: string;
  readonly resourceManagerScope: string;
  /** `https://login.microsoftonline.com`, without trailing slash. */
  readonly authority: string;
  /** `.vault.azure.net`. */
  readonly vaultSuffix: string;
  readonly vaultScope: string;
  readonly graph: string;
  /** What a federated credential's audience must be. */
  readonly federationAudience: string;
  /** Scope of the AKS server application, for clusters that sign in by Entra. */
  readonly aksScope: string;
  /** As a SecretProviderClass spells it (`cloudName`); empty for the public cloud. */
  readonly csiName: string;
  /** As a SecretStore of the External Secrets Operator spells it (`environmentType`). */
  readonly externalSecretsName: string;
  /** As a Dapr component spells it (`azureEnvironment`). */
  readonly daprName: string;
  readonly portal: string;
}
