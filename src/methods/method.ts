import type { Cloud } from '../azure/azure.ts';
import type { Check, Ref, Step } from '../step.ts';
import type { ClusterFeature } from '../steps/feature.ts';
import type { SecretRef, Spec, Workload } from '../workload.ts';

/** Everything the tool knows about one way of delivering secrets. A fifth way is one folder and one word in the list. */
export interface Method<Options = unknown> {
  /** Its folder's name here and under `templates/`. */
  readonly name: string;
  readonly title: string;
  /** One sentence: when to take it. */
  readonly choose: string;
  readonly traits: Traits;
  /** What of a vault it can bring into a pod; the rest is a complaint about the file. */
  readonly carries: readonly SecretRef['kind'][];
  /** What only this method asks: flags, keys of the file, questions of the wizard. */
  readonly questions: readonly Question[];
  /** The options of a workload, from the answers (flag or file key → text); complaints are thrown as sentences. */
  options(answers: Readonly<Record<string, string | undefined>>): Options;
  /** What the cluster must have switched on; the union over all workloads makes the one cluster step. */
  clusterFeatures(workload: Workload<Options>): readonly ClusterFeature[];
  steps(workload: Workload<Options>, shared: Shared): readonly Step[];
  /** What only running pods show. `steps` are this workload's own, as `steps` made them. */
  checks(workload: Workload<Options>, shared: Shared, steps: readonly Step[]): readonly Check[];
  /** What the application has to do now, as lines for a person. */
  afterwards(
    workload: Workload<Options>,
    facts: { readonly vaultUri?: string; readonly clientId?: string },
  ): readonly string[];
}

/** What tells the methods apart, as data: `compare` prints it, and the recommendation is reasoned from it. */
export interface Traits {
  /** How the application takes the secret. */
  readonly delivers: 'code' | 'files' | 'http' | 'secret';
  /** The same for a person: `files in the pod`. */
  readonly takes: string;
  readonly codeChange: boolean;
  /** Variables of the container can be filled from it. */
  readonly variables: boolean;
  /** What sees a new version, and when. */
  readonly rotation: string;
  /** A new version reaches a running pod without a restart. */
  readonly freshWithoutRestart: boolean;
  /** What must run in the cluster. */
  readonly runs: string;
  /** The value lies in the cluster's own store. */
  readonly valueInCluster: boolean;
  /** Other stores than Key Vault can be read in the same way. */
  readonly otherStores: boolean;
}

export interface Question {
  /** Kebab-case flag without dashes: `sync-secret`. The key in the file is its camel case. */
  readonly flag: string;
  readonly ask: string;
  /** Placeholder of the value in help: `NAME`. Absent: a switch. */
  readonly value?: string;
  /** The answer is a setting of the whole cluster: workloads that answer differently exclude each other. */
  readonly wholeCluster?: boolean;
}

/** The steps that workloads share, one per subject. */
export interface Shared {
  readonly spec: Spec;
  readonly cloud: Cloud;
  readonly cluster: Step;
  vault(workload: Workload): Step;
  identity(workload: Workload): Step;
  namespace(workload: Workload): Step;
  /** The facts after which the workload's identity can read its secrets: a pod that is made sooner only fails. */
  readable(workload: Workload): readonly Ref[];
  /** Text of the template, the user's copy first, and where it was found (for error messages). */
  template(path: string): { readonly text: string; readonly file: string };
}

export const defineMethod = <O>(method: Method<O>): Method => method as unknown as Method;
