import type { Break } from './break.ts';
import { csiClass } from './csi-class.ts';
import { csiCluster } from './csi-cluster.ts';
import { csiPods } from './csi-pods.ts';
import { dapr } from './dapr.ts';
import { externalSecrets, secretStores } from './external-secrets.ts';
import { foreignSecret } from './foreign-secret.ts';

/** What fails in the cluster, of the three ways in which it delivers. */
export const inCluster: readonly Break[] = [
  ...csiCluster,
  ...csiClass,
  ...csiPods,
  ...secretStores,
  ...externalSecrets,
  ...dapr,
  ...foreignSecret,
];
