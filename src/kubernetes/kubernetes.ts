import type { Secret } from '../secret.ts';

/** The name under which we own fields (server-side apply). */
export const FIELD_MANAGER = 'aks-secrets';
/** For what is set once and is no part of what an object should be. */
export const ONCE_MANAGER = 'aks-secrets-once';

/** The cluster as the steps see it: objects as plain JSON, manifests as text. Reads of one `World` are shared. */
export interface Kubernetes {
  /** Where the API server is, for messages. Connects (credentials, and the check that it is the cluster named). */
  server(): Promise<string>;
  /** `undefined` when the object, or its kind, is not there. */
  get(object: ObjectRef): Promise<KubernetesObject | undefined>;
  /** Of one namespace, or of all. */
  list(kind: Kind, namespace: string | undefined, labels?: string): Promise<readonly KubernetesObject[]>;
  /** Whether an answer has shown that the kind is served under that version: then an object that it has not is nowhere. */
  serves(kind: Kind): boolean;
  /** The versions of an API group that are served (`external-secrets.io/v1`), as anybody may ask; none for one that is not there. */
  versions(group: string): Promise<readonly string[]>;
  /**
   * Server-side apply of the text as it is, with strict field validation and our field manager, never forced.
   * Throws `refused` with the other manager's name when a field is somebody else's.
   * @param options.of which object it is, from whoever has read the text; else it is read for that
   */
  apply(manifest: string, options?: { readonly dryRun?: boolean; readonly of?: ObjectRef }): Promise<KubernetesObject>;
  /** Sets annotations as a person would, in a name of their own: no later apply takes them away. */
  annotate(object: ObjectRef, annotations: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Deletes with the uid as precondition; absent is success. `late`: also in the five seconds after an interruption, for what
   * was only there for this run.
   */
  delete(object: ObjectRef, uid: string, options?: { readonly late?: boolean }): Promise<void>;
  /** TokenRequest: a token of the service account for one audience, ten minutes, in memory. */
  token(namespace: string, serviceAccount: string, audience: string): Promise<Secret>;
  /** The log of a pod's container, last `tail` lines; a pod of several containers must be told which. */
  log(namespace: string, pod: string, tail: number, container?: string): Promise<string>;
  /** A kubeconfig of this cluster and this sign-in alone, for a program that is run; it holds a credential. */
  kubeconfig(): Promise<Secret>;
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
