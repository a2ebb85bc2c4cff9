import type { Difference } from '../step.ts';

/** One property of the cluster and how to make it true. Equal features of several workloads fold into one, by name. */
export interface ClusterFeature {
  readonly name: string;
  /** The flags of `az aks update` that do the same, for whoever runs the cluster. */
  readonly byHand: string;
  /** What of the cluster's raw properties differs; empty when the feature is on. */
  differences(properties: Readonly<Record<string, unknown>>): readonly Difference[];
  /** Changes a copy of the raw properties in place. */
  switchOn(properties: Record<string, unknown>): void;
}
