/** What the user wants, as plain data: printable, storable, free of secret values. Made by `spec/`, used by everything. */
export interface Spec {
  readonly subscription: string;
  readonly cluster: ClusterWish;
  readonly workloads: readonly Workload[];
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

export interface IdentityWish {
  readonly resourceGroup: string;
  readonly name: string;
}

/** One pod's need. `Options` are what only its method asks. */
export interface Workload<Options = unknown> {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
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
  /** Where a value comes from when the secret is to be written; the value itself is read at the moment of the write. */
  readonly value?: ValueSource;
  /** Write a new version although one exists (`--rotate`). */
  readonly rotate?: boolean;
}

export type ValueSource = { readonly env: string } | { readonly file: string } | { readonly stdin: true };

/** The ARM id of a resource, from names alone: what the Spec gives is enough to look at everything in one wave. */
export function armId(subscription: string, resourceGroup: string, type: string, name: string): string {
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${type}/${name}`;
}

/** The subject that the cluster's tokens bear for a service account (Kubernetes, "Service account token claims"). */
export function subjectOf(workload: Pick<Workload, 'namespace' | 'serviceAccount'>): string {
  return `system:serviceaccount:${workload.namespace}:${workload.serviceAccount}`;
}
