import type { Cluster } from '../cluster.ts';
import { withCondition } from '../controllers/conditions.ts';
import { kindNamed, kindsIn } from '../kinds.ts';
import { matches } from '../selectors.ts';
import { GROUP, OperatorError, type SecretStore, type StoreRef } from './model.ts';
import { type Client, clientOf } from './provider.ts';

/** `--store-requeue-interval`, milliseconds. */
const REQUEUE = 300_000;
const COMPONENT = { SecretStore: 'secret-store', ClusterSecretStore: 'cluster-secret-store' } as const;

/**
 * Validates a store (pkg/controllers/secretstore): it is valid when a client can be made, so at most a token exchange
 * is proven and nothing of the vault. Why it is not valid stands in the event alone. Answers when to look again.
 */
export async function validateStore(cluster: Cluster, store: SecretStore): Promise<number | 'failed' | undefined> {
  if (unmanaged(store)) return undefined;
  const component = COMPONENT[store.kind as keyof typeof COMPONENT];
  const refused = await clientFor(cluster, store, store.metadata.namespace ?? '').then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof OperatorError) return error.message;
      throw error;
    },
  );
  const live = cluster.registry.current(store);
  if (!live) return undefined;
  const said =
    refused === undefined
      ? ({ status: 'True', reason: 'Valid', message: 'store validated' } as const)
      : ({ status: 'False', reason: 'InvalidProviderConfig', message: 'unable to create client' } as const);
  if (refused === undefined) cluster.note(live, 'Normal', said.reason, said.message, component);
  else cluster.note(live, 'Warning', said.reason, refused, component);
  cluster.registry.edit(
    live,
    'external-secrets',
    (copy) => {
      const conditions = withCondition(copy.status?.conditions, { type: 'Ready', ...said }, cluster.parts.clock.now());
      copy.status = { ...copy.status, ...(refused === undefined && { capabilities: 'ReadWrite' }), conditions };
    },
    'status',
  );
  return refused === undefined ? intervalOf(store) : 'failed';
}

/** Until a valid store is validated again, milliseconds. */
export function intervalOf(store: SecretStore): number {
  const given = store.spec.refreshInterval;
  const milliseconds = typeof given === 'number' ? given * 1000 : goDuration(given);
  return milliseconds || REQUEUE;
}

export const isReady = (store: SecretStore): boolean =>
  store.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** Another instance of the operator answers for it (`spec.controller`). */
export const unmanaged = (store: SecretStore): boolean => !['', 'default'].includes(store.spec.controller ?? '');

/** A cluster-wide store that takes its account from whoever uses it cannot be tried beforehand. */
function clientFor(cluster: Cluster, store: SecretStore, namespace: string): Promise<unknown> {
  const { serviceAccountRef: account, authSecretRef: secret } = store.spec.provider.azurekv;
  const referent =
    (account && account.namespace === undefined) ||
    [secret?.clientId, secret?.clientSecret].some((ref) => ref && ref.namespace === undefined);
  if (store.kind === 'ClusterSecretStore' && referent) return Promise.resolve();
  return clientOf(cluster, store, namespace);
}

export function findStore(cluster: Cluster, ref: StoreRef, namespace: string): SecretStore | undefined {
  const wanted = ref.kind ?? 'SecretStore';
  const kind = kindsIn(cluster.store).find((each) => each.group === GROUP && each.kind === wanted);
  return kind && (cluster.store.get(kind, namespace, ref.name ?? '') as SecretStore | undefined);
}

/** The client for an ExternalSecret of the namespace. Throws an OperatorError for a store that may not be used. */
export async function useStore(cluster: Cluster, ref: StoreRef, namespace: string): Promise<Client> {
  const kind = ref.kind ?? 'SecretStore';
  const name = ref.name ?? '';
  const store = findStore(cluster, ref, namespace);
  const quoted = JSON.stringify(name);
  if (!store) throw new OperatorError(`could not get ${kind} ${quoted}, ${kind}.${GROUP} ${quoted} not found`);
  if (unmanaged(store)) throw new OperatorError('can not reference unmanaged store');
  if (!allows(cluster, store, namespace)) {
    throw new OperatorError(
      `using cluster store ${quoted} is not allowed from namespace ${JSON.stringify(namespace)}: denied by spec.condition`,
    );
  }
  if (!isReady(store)) throw new OperatorError(`${kind} ${quoted} is not ready`);
  return clientOf(cluster, store, namespace);
}

function allows(cluster: Cluster, store: SecretStore, namespace: string): boolean {
  const conditions = store.spec.conditions ?? [];
  if (store.kind !== 'ClusterSecretStore' || conditions.length === 0) return true;
  const labels = cluster.store.get(kindNamed('Namespace'), undefined, namespace)?.metadata.labels;
  return conditions.some(
    ({ namespaceSelector, namespaces, namespaceRegexes }) =>
      (namespaceSelector && matches(labels, namespaceSelector)) ||
      namespaces?.includes(namespace) ||
      namespaceRegexes?.some((source) => new RegExp(source).test(namespace)),
  );
}

/** A span as Go writes it (`1h30m`), milliseconds; zero for none and for what is no span. */
export function goDuration(text: string | undefined): number {
  const units: Readonly<Record<string, number>> = {
    h: 3_600_000,
    m: 60_000,
    s: 1000,
    ms: 1,
    us: 0.001,
    µs: 0.001,
    ns: 0.000_001,
  };
  const parts = [...(text ?? '').matchAll(/(\d+(?:\.\d*)?)(h|ms|m|us|µs|ns|s)/g)];
  return parts.reduce((total, [, count, unit]) => total + Number(count) * (units[unit ?? ''] ?? 0), 0);
}
