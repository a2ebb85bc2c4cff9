import { X509Certificate } from 'node:crypto';
import { selfSigned } from '../../tls.ts';
import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import type { Resource, Secret } from '../model.ts';
import type { Store } from '../store.ts';
import { INJECTOR } from './release.ts';

/** Where Sentry keeps its root and issuer certificates; the ConfigMap of that name has the root alone. */
export const BUNDLE = 'dapr-trust-bundle';
const ROOT = 'ca.crt';
/** A root that Sentry makes for itself is good for a year, and nobody renews it. */
const YEAR = 365 * 86_400_000;

/** What Sentry and the injector write at their first start: a root for the whole of Dapr, and whom the webhook trusts. */
export function trust(cluster: Cluster, namespace: string): void {
  const { store } = cluster;
  const known = store.get(kindNamed('Secret'), namespace, BUNDLE) as Secret | undefined;
  if (!known?.data?.[ROOT]) putRoot(cluster, namespace, cluster.parts.clock.now());
  const root = (store.get(kindNamed('Secret'), namespace, BUNDLE) as Secret | undefined)?.data?.[ROOT] ?? '';
  const configuration = store.get(kindNamed('MutatingWebhookConfiguration'), undefined, INJECTOR);
  if (!configuration) return;
  cluster.registry.edit(configuration, INJECTOR, (copy) => {
    for (const { clientConfig } of copy.webhooks as { clientConfig: { caBundle?: string } }[]) {
      clientConfig.caBundle = root;
    }
  });
}

function putRoot(cluster: Cluster, namespace: string, from: Date): void {
  const { certificate, key } = selfSigned('cluster.local', { from, to: new Date(from.getTime() + YEAR) });
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  const data = { [ROOT]: encoded(certificate), 'issuer.crt': encoded(certificate), 'issuer.key': encoded(key) };
  const put = (kind: 'Secret' | 'ConfigMap', more: object) => {
    const metadata = { name: BUNDLE, namespace };
    const wanted = { apiVersion: 'v1', kind, metadata, ...more } as Resource;
    const write = { manager: 'sentry' };
    if (cluster.store.get(kindNamed(kind), namespace, BUNDLE)) cluster.registry.update(kindNamed(kind), wanted, write);
    else cluster.registry.create(kindNamed(kind), wanted, write);
  };
  put('Secret', { data });
  put('ConfigMap', { data: { [ROOT]: certificate } });
}

export function distrust({ store, registry }: Cluster, namespace: string): void {
  for (const kind of [kindNamed('Secret'), kindNamed('ConfigMap')]) {
    if (store.get(kind, namespace, BUNDLE)) registry.remove(kind, namespace, BUNDLE);
  }
}

/** Until when Dapr's root is good; `undefined` for an installation that is older than this knowledge. */
export function rootEnds(store: Store, namespace: string): Date | undefined {
  const bundle = store.get(kindNamed('ConfigMap'), namespace, BUNDLE);
  const root = (bundle?.data as Record<string, string> | undefined)?.[ROOT];
  return root === undefined ? undefined : new X509Certificate(root).validToDate;
}
