import type { Pod } from '../model.ts';
import type { Store } from '../store.ts';
import { enforcePodSecurity } from './pod-security.ts';
import { withServiceAccount } from './service-account.ts';
import { injectWorkloadIdentity } from './workload-identity.ts';

/** What happens to a new pod before it is stored, in the API server's order. Throws the refusal of whoever denies it. */
export function admitPod(store: Store, pod: Pod, tenantId: string): Pod {
  const withAccount = withServiceAccount(store, pod);
  const mutated = injectWorkloadIdentity(store, withAccount, tenantId);
  enforcePodSecurity(store, mutated);
  return mutated;
}
