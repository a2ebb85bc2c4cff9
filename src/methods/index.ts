import { csi } from './csi/index.ts';
import { dapr } from './dapr/index.ts';
import { externalSecrets } from './external-secrets/index.ts';
import type { Method } from './method.ts';
import { workloadIdentity } from './workload-identity/index.ts';

/** The ways of delivering secrets. The one place that lists them. */
export const methods: readonly Method[] = [workloadIdentity, csi, dapr, externalSecrets];
