import { csi } from './csi/index.ts';
import type { Method } from './method.ts';
import { workloadIdentity } from './workload-identity/index.ts';

/** The ways of delivering secrets. The one place that lists them. */
export const methods: readonly Method[] = [workloadIdentity, csi];
