import type { Secret } from '../secret.ts';

/** The name under which we own fields (server-side apply). */
export const FIELD_MANAGER = 'aks-secrets';

/** The cluster as the steps see it: objects as plain JSON, manifests as text. Reads of one `World` are shared. */
export interface Kubernetes {
  /** Where the API server is, for messages. Connects (credentials, and the check that it is the cluster named). */
  server(): Promise<string>;
  /** `undefined` when the object, or its kind, is not there. */
  get(object: ObjectRef): Promise<KubernetesObject | undefined>;
  list(kind: Kind, namespace: string, labels?: string): Promise<readonly KubernetesObject[]>;
  /**
   * Server-side apply of the text as it is, with strict field validation and our field manager, never forced.
   * Throws `refused` with the other manager's name when a field is somebody else's.
   */
  apply(manifest: string, options?: { readonly dryRun?: boolean }): Promise<KubernetesObject>;
  /** Deletes with the uid as precondition; absent is success. */
  delete(object: ObjectRef, uid: string): Promise<void>;
  /** TokenRequest: a token of the service account for one audience, ten minutes, in memory. */
  token(namespace: string, serviceAccount: string, audience: string): Promise<Secret>;
  /** The log of a pod's container, last `tail` lines; a pod of several containers must be told which. */
  log(namespace: string, pod: string, tail: number, container?: string): Promise<string>;
}

export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
}
export interface ObjectRef extends Kind {
  /** Absent for cluster-wide kinds. */
  readonly namespace?: string;
  readonly name: string;
}

export interface KubernetesObject extends Kind {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly ManagedFields[];
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
  };
  readonly [field: string]: unknown;
}
export interface ManagedFields {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly fieldsV1?: unknown;
  readonly time?: string;
  readonly subresource?: string;
}
