import type { Azure } from './azure/azure.ts';
import type { Helm } from './helm/helm.ts';
import type { Kubernetes } from './kubernetes/kubernetes.ts';
import type { Secret } from './secret.ts';
import type { ValueSource } from './workload.ts';

/** Time, injected: the sandbox and tests give a clock of their own, so ten minutes of replication take no time. */
export interface Clock {
  now(): Date;
  /** Rejects with the signal's reason when it is aborted. Milliseconds. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** All that a step can look at and change. Within one `World` equal reads are made once. */
export interface World {
  readonly azure: Azure;
  readonly kubernetes: Kubernetes;
  readonly helm: Helm;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Reads a value from where the Spec says it comes from (environment, file, standard input). */
  value(source: ValueSource): Promise<Secret>;
  /** The same world with nothing remembered: what is read through it is read anew. */
  fresh(): World;
}
