import type { DaprRelease } from '../parts.ts';
import type { Egress } from './egress.ts';
import { type Kind, kindNamed } from './kinds.ts';
import type { Resource } from './model.ts';

/** What a cluster keeps between commands: JSON, a slice of the sandbox's state. */
export interface ClusterState {
  /** The last resource version given. */
  version: number;
  objects: Record<string, Resource>;
  /** Private keys that sign service account tokens, the newest first (JWK). */
  signingKeys: Record<string, unknown>[];
  /** Bearer token of the local cluster user. */
  userToken: string;
  /** What nobody may do, to try the tool with fewer rights. Resources as in RBAC: `serviceaccounts/token`, `*`. */
  denied: { verbs: string[]; resources: string[] }[];
  /** `true` once the namespaces and nodes of a new cluster are there. */
  founded: boolean;
  /** The features that the inside was last brought in line with, as text. */
  features?: string;
  /** What its nodes do not reach; absent: nothing. */
  egress?: Egress;
  /** Key ids that the issuer publishes; absent: all. */
  published?: string[];
  /** Nobody can read what the issuer publishes. */
  issuerDown?: boolean;
  /** The Dapr that was installed, by the extension or with Helm. */
  dapr?: DaprRelease;
}

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly kind: Kind;
  /** As it is now; for a deletion as it last was. Not to be changed. */
  readonly object: Resource;
  readonly version: number;
}

/** Objects by kind, namespace and name. What it returns is not to be changed: clone it first. */
export interface Store {
  get(kind: Kind, namespace: string | undefined, name: string): Resource | undefined;
  /** In every namespace when none is given. */
  list(kind: Kind, namespace?: string): readonly Resource[];
  /** Stores a new or changed object under a new resource version, which it returns in it. */
  put(kind: Kind, object: Resource): Resource;
  remove(kind: Kind, object: Resource): void;
  version(): number;
  /** What changed after a version, as far as it is remembered; `undefined` when it is too long ago. */
  since(version: number): readonly Change[] | undefined;
  subscribe(listener: (change: Change) => void): () => void;
}

const REMEMBERED = 2000;

export function createStore(state: ClusterState): Store {
  const listeners = new Set<(change: Change) => void>();
  const history: Change[] = [];
  let oldest = state.version;

  const prefixOf = (kind: Kind) => `${kind.group}/${kind.plural}/`;
  const keyOf = (kind: Kind, namespace: string | undefined, name: string) =>
    `${prefixOf(kind)}${kind.namespaced ? namespace : ''}/${name}`;
  const tell = (change: Change) => {
    history.push(change);
    if (history.length > REMEMBERED) oldest = history.shift()?.version ?? oldest;
    for (const listener of [...listeners]) listener(change);
  };

  return {
    get: (kind, namespace, name) => state.objects[keyOf(kind, namespace, name)],
    list(kind, namespace) {
      const prefix = namespace === undefined || !kind.namespaced ? prefixOf(kind) : `${prefixOf(kind)}${namespace}/`;
      return Object.keys(state.objects)
        .filter((key) => key.startsWith(prefix))
        .sort()
        .map((key) => state.objects[key]!);
    },
    put(kind, object) {
      const key = keyOf(kind, object.metadata.namespace, object.metadata.name);
      const known = state.objects[key] !== undefined;
      state.version += 1;
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(state.version) } };
      state.objects[key] = stored;
      tell({ type: known ? 'MODIFIED' : 'ADDED', kind, object: stored, version: state.version });
      return stored;
    },
    remove(kind, object) {
      const key = keyOf(kind, object.metadata.namespace, object.metadata.name);
      const last = state.objects[key];
      if (!last) return;
      delete state.objects[key];
      state.version += 1;
      const gone = { ...last, metadata: { ...last.metadata, resourceVersion: String(state.version) } };
      tell({ type: 'DELETED', kind, object: gone, version: state.version });
    },
    version: () => state.version,
    since: (version) => (version < oldest ? undefined : history.filter((change) => change.version > version)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Events older than an hour are gone, as in a real API server (`--event-ttl`). */
export function forgetOldEvents(store: Store, now: Date): void {
  const kind = kindNamed('Event');
  for (const event of store.list(kind)) {
    const seen = (event.lastTimestamp as string | undefined) ?? event.metadata.creationTimestamp ?? '';
    if (now.getTime() - Date.parse(seen) > 3_600_000) store.remove(kind, event);
  }
}
