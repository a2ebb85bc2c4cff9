/** What the user wants, as plain data: printable, storable, free of secret values. Made by `spec/`, used by everything. */
export interface Spec {
  readonly subscription: string;
  readonly cluster: ClusterWish;
  readonly workloads: readonly Workload[];
  /** Those of the same file that were not chosen: what is shared with them is theirs too. */
  readonly others?: readonly Workload[];
}

export interface ClusterWish {
  readonly resourceGroup: string;
  readonly name: string;
  /** Present: make the cluster when it is absent (`--create-cluster`). */
  readonly create?: { readonly location: string; readonly nodeCount: number; readonly nodeSize: string };
}

export interface VaultWish {
  readonly resourceGroup: string;
  readonly name: string;
  /** Present: make the vault when it is absent (`--create-vault`); its region is the cluster's unless given. */
  readonly create?: { readonly location?: string; readonly purgeProtection: boolean };
}

/** What the pod becomes at Entra. */
export type IdentityWish = ManagedIdentityWish | AppRegistrationWish;

export interface ManagedIdentityWish {
  readonly kind?: undefined;
  readonly resourceGroup: string;
  readonly name: string;
}

/** An application of the directory (`--app-registration`), by its display name or client id. It lies in no group. */
export interface AppRegistrationWish {
  readonly kind: 'app registration';
  readonly name: string;
  readonly resourceGroup?: undefined;
}

/** One pod's need. `Options` are what only its method asks. */
export interface Workload<Options = unknown> {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Where that service account is, when it is not the namespace of the pods (a store of the whole cluster may say so). */
  readonly accountNamespace?: string;
  /** The name of a folder under `methods/`. */
  readonly method: string;
  readonly vault: VaultWish;
  readonly identity: IdentityWish;
  readonly secrets: readonly SecretRef[];
  readonly roleScope: 'vault' | 'secret';
  /** Present: deploy the sample workload. */
  readonly sample?: { readonly image: string };
  readonly options: Options;
}

export interface SecretRef {
  readonly kind: 'secret' | 'key' | 'certificate';
  /** Its name in Key Vault. */
  readonly name: string;
  /** As the pod sees it: file name, variable or key. */
  readonly as: string;
  /** Where a value comes from when the secret is to be written; what is piped is read at the moment of the write. */
  readonly value?: ValueSource;
  /** Write a new version although one exists (`--rotate`). */
  readonly rotate?: boolean;
  /** Stands for secrets whose names nobody knows: there is none of this name, and the right to read it is theirs. */
  readonly standIn?: true;
}

export type ValueSource =
  | { readonly env: string }
  | { readonly file: string }
  | { readonly stdin: true }
  /** Typed at a prompt for the secret of this name; held by the run that asked, and by nothing else. */
  | { readonly typed: string };

/**
 * What is asked for where no name is known. No secret need have this name: who may read it is told so, and who may not is
 * refused before.
 */
export const ANY_SECRET: SecretRef = {
  kind: 'secret',
  name: 'aks-secrets-proof',
  as: 'aks-secrets-proof',
  standIn: true,
};

/** The variable that a typed value is looked for in the next time: `DB_PASSWORD` for `db-password`. */
export const variableFor = (secret: string): string =>
  secret
    .toUpperCase()
    .replaceAll('-', '_')
    .replace(/^(?=\d)/, '_');

/** The ARM id of a resource, from names alone: what the Spec gives is enough to look at everything in one wave. */
export function armId(subscription: string, resourceGroup: string, type: string, name: string): string {
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${type}/${name}`;
}

/** The subject that the cluster's tokens bear for a service account (Kubernetes, "Service account token claims"). */
export function subjectOf(workload: Pick<Workload, 'namespace' | 'serviceAccount' | 'accountNamespace'>): string {
  return `system:serviceaccount:${workload.accountNamespace ?? workload.namespace}:${workload.serviceAccount}`;
}
