import type { ArmCluster, KubernetesPart } from '../../../../src/sandbox/index.ts';
import type { Lab } from '../lab.ts';

/** What AKS puts into a cluster when a feature is switched on: in the lab a real program, and its manifests. */
export interface Addon {
  readonly name: string;
  /** Whether the cluster is to have it, by what Resource Manager says. */
  wanted(cluster: ArmCluster): boolean;
  /** Applies its manifests and starts its program; done when both serve. Called once. */
  install(lab: Lab): Promise<void>;
  /** The cluster was written again, and the add-on is there: brings it to what its settings are now. */
  changed?(lab: Lab): Promise<void>;
}

/** What the extension `microsoft.dapr` puts into a cluster. */
export type DaprInstaller = (lab: Lab, ...of: Parameters<KubernetesPart['installDapr']>) => Promise<void>;
