import type { Difference, Finding } from '../step.ts';
import type { World } from '../world.ts';

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
  /** The line that switches it off, of a cluster given as flags. Absent: nothing does. Shown only as what it is. */
  byHandOff?(cluster: string): string;
  /** What of the cluster's raw properties differs; empty when the feature is on. */
  differences(properties: Readonly<Record<string, unknown>>): readonly Difference[];
  /** What `verify` says of it, one thing each. */
  findings?(properties: Readonly<Record<string, unknown>>): readonly Finding[];
  /** Where one of them fails: the same anew, if something else in the cluster does what the feature does. */
  otherwise?(world: World, findings: readonly Finding[]): Promise<readonly Finding[]>;
  /** Changes a copy of the raw properties in place. */
  switchOn(properties: Record<string, unknown>): void;
}
