import { injectDapr } from '../dapr/injector.ts';
import type { Pod } from '../model.ts';
import type { Store } from '../store.ts';
import { enforcePodSecurity } from './pod-security.ts';
import { withPriority, withTolerations } from './scheduling.ts';
import { withServiceAccount } from './service-account.ts';
import { injectWorkloadIdentity } from './workload-identity.ts';

/** What happens to a new pod before it is stored, in the API server's order. Throws the refusal of whoever denies it. */
export function admitPod(store: Store, pod: Pod, tenantId: string, now: Date): Pod {
  // Built-in mutation first, then the webhooks by the names of their configurations: azure-wi-… before dapr-….
  const builtIn = (next: Pod) => withTolerations(withPriority(withServiceAccount(store, next)));
  const mutate = (next: Pod) => injectWorkloadIdentity(store, builtIn(next), tenantId, now);
  const mutated = mutate(pod);
  const sidecar = injectDapr(store, mutated, now);
  // What a later webhook changed is seen again by the earlier ones (`reinvocationPolicy: IfNeeded`), here a new container.
  const admitted = sidecar === mutated ? mutated : mutate(sidecar);
  enforcePodSecurity(store, admitted);
  return admitted;
}
