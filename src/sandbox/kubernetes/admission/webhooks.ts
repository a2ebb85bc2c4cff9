import { X509Certificate } from 'node:crypto';
import { kindNamed } from '../kinds.ts';
import type { LabelSelector, Pod } from '../model.ts';
import { closedToAll } from '../network-policies.ts';
import { matches } from '../selectors.ts';
import { refuse } from '../status.ts';
import type { Store } from '../store.ts';

/** One webhook of a configuration. */
export interface Webhook {
  readonly name: string;
  readonly failurePolicy?: string;
  readonly reinvocationPolicy?: string;
  readonly objectSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly clientConfig?: {
    service?: { name: string; namespace: string; path?: string; port?: number };
    /** Whom the API server trusts when it asks: PEM, in base64. Absent: not simulated for this webhook. */
    caBundle?: string;
  };
}

/**
 * The webhooks of that name that are registered, select the pod and can be reached, in the order in which they are called.
 * AKS keeps admission webhooks away from kube-system (admissions enforcer).
 * @throws that one cannot be reached, unless its failure policy lets the pod pass
 */
export function reachedWebhooks(store: Store, pod: Pod, name: string, now: Date): readonly Webhook[] {
  if (pod.metadata.namespace === 'kube-system') return [];
  const namespace = store.get(kindNamed('Namespace'), undefined, pod.metadata.namespace ?? '');
  return [...store.list(kindNamed('MutatingWebhookConfiguration'))]
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((configuration) => (configuration.webhooks as Webhook[] | undefined) ?? [])
    .filter(
      (each) =>
        each.name === name &&
        matches(pod.metadata.labels, each.objectSelector) &&
        matches(namespace?.metadata.labels, each.namespaceSelector) &&
        reaches(store, each, 10, now),
    );
}

/**
 * Whether the webhook is asked: `false` for one that cannot be reached and whose failure policy lets things pass.
 * @param timeout its own, seconds
 * @param now simulated time
 * @throws that it cannot be reached
 */
export function reaches(
  store: Store,
  webhook: Pick<Webhook, 'name' | 'failurePolicy' | 'clientConfig'>,
  timeout: number,
  now: Date,
): boolean {
  const { service, caBundle } = webhook.clientConfig ?? {};
  const why = service && (unreachable(store, service) ?? (caBundle ? expired(caBundle, now) : undefined));
  if (!service || why === undefined) return true;
  if (webhook.failurePolicy === 'Ignore') return false;
  const url = `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${service.path ?? ''}?timeout=${timeout}s`;
  throw refuse(
    500,
    'InternalError',
    `Internal error occurred: failed calling webhook "${webhook.name}": failed to call webhook: Post "${url}": ${why}`,
    { causes: [{ reason: '', message: `failed calling webhook "${webhook.name}"` }] },
  );
}

function unreachable(store: Store, { name, namespace }: { readonly name: string; readonly namespace: string }) {
  if (!hasEndpoints(store, namespace, name)) return `no endpoints available for service "${name}"`;
  return closedToAll(store, namespace, name) ? 'context deadline exceeded' : undefined;
}

function expired(caBundle: string, now: Date): string | undefined {
  const { validToDate } = new X509Certificate(Buffer.from(caBundle, 'base64'));
  const time = (date: Date) => date.toISOString().replace(/\.\d+Z$/, 'Z');
  return validToDate < now
    ? `tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time ${time(now)} is after ${time(validToDate)}`
    : undefined;
}

/** Whether a pod behind the service is ready. */
export function hasEndpoints(store: Store, namespace: string, service: string): boolean {
  if (!store.get(kindNamed('Service'), namespace, service)) return false;
  return store
    .list(kindNamed('EndpointSlice'), namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap((slice) => (slice.endpoints as { conditions?: { ready?: boolean } }[] | undefined) ?? [])
    .some((endpoint) => endpoint.conditions?.ready !== false);
}
