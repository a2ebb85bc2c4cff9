import type { ArmCluster, Parts } from '../parts.ts';
import type { Note } from './events.ts';
import type { Operator } from './external-secrets/operator.ts';
import type { Kubelet } from './kubelet.ts';
import type { Registry } from './registry.ts';
import type { Schemas } from './schema.ts';
import type { ClusterState, Store } from './store.ts';
import type { Tokens } from './tokens.ts';
import type { WorkQueue } from './work-queue.ts';

/** One running cluster: what its API server, controllers and kubelet share. */
export interface Cluster {
  readonly parts: Parts;
  /** The cluster as Resource Manager has it now. */
  readonly arm: () => ArmCluster;
  readonly state: ClusterState;
  readonly schemas: Schemas;
  readonly store: Store;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly note: Note;
  readonly queue: WorkQueue;
  readonly kubelet: Kubelet;
  readonly operator: Operator;
}
