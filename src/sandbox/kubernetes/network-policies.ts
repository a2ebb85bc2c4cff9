import { kindNamed } from './kinds.ts';
import type { LabelSelector, Pod, Resource } from './model.ts';
import { matches } from './selectors.ts';
import type { Store } from './store.ts';

interface NetworkPolicy extends Resource {
  spec: { podSelector?: LabelSelector; policyTypes?: string[]; ingress?: unknown[] };
}

/**
 * Whether the network policies of a service's namespace let nothing in to the pods behind it. One that has a rule is
 * taken to let everything in: what rules say is not evaluated.
 */
export function closedToAll(store: Store, namespace: string, service: string): boolean {
  const selector = store.get(kindNamed('Service'), namespace, service)?.spec as { selector?: Record<string, string> };
  const pods = (store.list(kindNamed('Pod'), namespace) as readonly Pod[]).filter(({ metadata }) =>
    matches(metadata.labels, { matchLabels: selector?.selector ?? {} }),
  );
  const policies = (store.list(kindNamed('NetworkPolicy'), namespace) as readonly NetworkPolicy[]).filter(
    ({ spec }) => spec.policyTypes?.includes('Ingress') ?? true,
  );
  return (
    pods.length > 0 &&
    pods.every(({ metadata }) => {
      const selecting = policies.filter(({ spec }) => matches(metadata.labels, spec.podSelector));
      return selecting.length > 0 && selecting.every(({ spec }) => (spec.ingress ?? []).length === 0);
    })
  );
}
