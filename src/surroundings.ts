import type { Agent } from 'node:https';
import type { TokenCredential } from '@azure/identity';
import type { Cloud } from './azure/azure.ts';
import type { Clock } from './world.ts';

/**
 * All that lies between the program and the world it acts on. Built once from the environment (`usual`), or given whole
 * by the sandbox and by tests; nothing else in the program knows which.
 */
export interface Surroundings {
  /** Said wherever results show ("simulated"). Absent: the real Azure. */
  readonly label?: string;
  readonly cloud: Cloud;
  /** For every HTTPS connection to Azure. Absent: the runtime's own. */
  readonly agent?: Agent;
  /** The sign-in; made when it is first needed. */
  credential(): Promise<TokenCredential>;
  /** A kubeconfig given by the user, instead of the credentials from Resource Manager. */
  readonly kubeconfig?: { readonly text: string; readonly context?: string };
  readonly clock: Clock;
  /** Real milliseconds until what has no answer is asked again. Absent: as long as is sensible. */
  readonly answerWithin?: number;
  /** What stands in for flags that nobody gave (the sandbox's own cluster, vault, workload). */
  readonly defaults: Readonly<Record<string, string | boolean | readonly string[]>>;
  /** Environment of child processes. */
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}
