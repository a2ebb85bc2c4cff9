import type { Cloud } from '../azure/azure.ts';
import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts';
import type { Check, Finding, Ref, Step } from '../step.ts';
import type { ClusterFeature } from '../steps/feature.ts';
import type { Hole } from '../templates.ts';
import type { SecretRef, Spec, Workload } from '../workload.ts';
import type { Carrier } from './wiring/carrier.ts';

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
  /**
   * Whether the workload takes secrets that it does not name, by looking through the vault: none need be named then, and
   * its identity must be able to list them. Absent: never.
   */
  lists?(options: Options): boolean;
  /** Name of the Kubernetes Secret that is written for it, if one is: it can be written for one workload only. */
  writesSecret?(workload: Workload<Options>): string | undefined;
  /** What the cluster must have switched on; the union over all workloads makes the one cluster step. */
  clusterFeatures(workload: Workload<Options>): readonly ClusterFeature[];
  steps(workload: Workload<Options>, shared: Shared): readonly Step[];
  /** What only running pods show. `steps` are this workload's own, as `steps` made them. */
  checks(workload: Workload<Options>, shared: Shared, steps: readonly Step[]): readonly Check[];
  /**
   * What `verify` asks of the cluster besides the shared links: what delivers, its objects, pods, freshness. Reads only,
   * by the rules of the consumer and under whatever names the objects have; equal reads are shared by the world.
   */
  examine?(workload: Workload<Options>, shared: Shared, scope: Scope): readonly Check[];
  /**
   * What of a pod's secrets comes by this method, as the objects around it say under whatever names they have; nothing
   * where it has no part in the pod. Reads only; equal reads are shared.
   */
  recognise?(pod: PodAround, kubernetes: Kubernetes): Promise<readonly Recognised[]>;
  /**
   * What its probe's Job (`<method>/probe.yaml`) is filled with: the names in the cluster as they were recognised, or, where
   * no pod shows them, those that `steps` makes.
   */
  probe?(workload: Workload<Options>, found: Recognised | undefined): ProbeWish;
  /** What is wrong with these objects in themselves, by the consumer's rules; for files that no cluster has seen. */
  lint?(objects: readonly KubernetesObject[]): readonly Flaw[];
  /** What the application has to do now, as lines for a person. */
  afterwards(
    workload: Workload<Options>,
    facts: { readonly vaultUri?: string; readonly clientId?: string },
  ): readonly string[];
}

/** A pod, or what makes pods, with what tells how it gets its secrets. */
export interface PodAround {
  readonly pod: Carrier;
  readonly namespace: string;
  /** The service account that it runs as; `undefined` when that is not there, or may not be looked at. */
  readonly account: KubernetesObject | undefined;
  readonly cloud: Cloud;
}

/** One way in which a pod gets secrets: as much of a workload as the cluster shows. */
export interface Recognised {
  /** `SecretProviderClass shop/kv`. */
  readonly by: string;
  /** Whose token is exchanged. */
  readonly serviceAccount: string;
  /** Of that service account, where it is another than the pod's. */
  readonly accountNamespace?: string;
  /** What the token is exchanged for, as far as the cluster says it. */
  readonly clientId?: string;
  readonly tenantId?: string;
  /** The vault's bare name. */
  readonly vault?: string;
  /** None: the cluster does not show which. */
  readonly secrets: readonly SecretRef[];
  /** As flags would give them, for `options`. */
  readonly answers: Readonly<Record<string, string>>;
  /** Names of its objects, by the holes of its templates. */
  readonly names: Partial<Record<Hole, string>>;
  /** What of it could not be looked at, in sentences. */
  readonly unseen: readonly string[];
  /** Nothing but what other methods need as well: it counts where none of them was recognised. */
  readonly faint?: true;
}

/** How a probe reads the secrets of a workload. */
export interface ProbeWish {
  readonly values: Partial<Record<Hole, string>>;
  /** The network that the pod itself must reach: `vault` is what only some methods read from within the pod. */
  readonly reaches: boolean;
}

/** Which pods `verify` looks at. */
export interface Scope {
  /** Absent: all pods of the workload's service account. */
  readonly pod?: string;
  /** A label selector, as `kubectl` takes it. */
  readonly selector?: string;
}

/** A finding about one object of a file. */
export interface Flaw extends Finding {
  readonly object: KubernetesObject;
  /** Where in it: `spec.parameters.clientId`. */
  readonly path?: string;
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
  /**
   * As the wizard asks it, what it calls the answer, and what no answer means (`no`). Absent: it is for those who look
   * for the flag.
   */
  readonly wizard?: { readonly ask: string; readonly label: string; readonly otherwise?: string };
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
