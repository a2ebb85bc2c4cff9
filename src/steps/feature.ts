import type { Difference } from '../step.ts';

/** Flags of the commands that do the same. */
export interface ByHand {
  /** Of `az aks update`, and of `az aks create`. */
  readonly update?: string;
  /** Of `az aks enable-addons`: an add-on that is off is not switched on by an update. */
  readonly enable?: string;
}

/** One property of the cluster and how to make it true. Equal features of several workloads fold into one, by name. */
export interface ClusterFeature {
  readonly name: string;
  /** It asks for a setting of its own (an interval), so it says more than another of its name. */
  readonly specific?: boolean;
  /** The same by hand, for whoever runs the cluster; of a cluster to be made without properties. */
  byHand(properties?: Readonly<Record<string, unknown>>): ByHand;
  /** What of the cluster's raw properties differs; empty when the feature is on. */
  differences(properties: Readonly<Record<string, unknown>>): readonly Difference[];
  /** Changes a copy of the raw properties in place. */
  switchOn(properties: Record<string, unknown>): void;
}
