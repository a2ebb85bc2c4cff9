import type { Kubernetes, KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { SecretRef } from '../../workload.ts';
import type { PodAround, Recognised } from '../method.ts';
import type { PodSpec } from '../wiring/carrier.ts';
import { CLIENT_ID, TENANT_ID, USE } from '../wiring/keys.ts';
import { list, record, text } from '../wiring/shape.ts';

const API = 'dapr.io/v1alpha1';
const STORE = 'secretstores.azure.keyvault';
const DENY = 'deny';

/** What a sidecar brings: by the stores of its namespace that it loads. */
export async function recognise(
  { pod, namespace, account }: PodAround,
  kubernetes: Kubernetes,
): Promise<readonly Recognised[]> {
  if (!Object.keys(pod.annotations).some((key) => key.startsWith('dapr.io/'))) return [];
  const configuration = pod.annotations['dapr.io/config'];
  const [components, settings] = await Promise.all([
    kubernetes.list({ apiVersion: API, kind: 'Component' }, namespace),
    configuration
      ? kubernetes
          .get({ apiVersion: API, kind: 'Configuration', namespace, name: configuration })
          .catch(() => undefined)
      : undefined,
  ]);
  const appId = pod.annotations['dapr.io/app-id'] || pod.object.metadata.name;
  const stores = components.filter((each) => specOf(each).type === STORE);
  const loaded = stores.filter(isFor(appId));
  // One that is kept from this application was meant for somebody; that it was meant for this one, its identity shows.
  const isMeant = pod.labels[USE] !== undefined || account?.metadata.annotations?.[CLIENT_ID] !== undefined;
  const clientId = account?.metadata.annotations?.[CLIENT_ID];
  return (loaded.length > 0 ? loaded : isMeant ? stores : []).map((store): Recognised => {
    const { name } = store.metadata;
    const vault = metadataOf(store, 'vaultName')?.split('.')[0];
    const tenantId = account?.metadata.annotations?.[TENANT_ID];
    const allowed = allowedBy(settings, name);
    const named = allowed ?? [
      ...components.filter(isFor(appId)).flatMap((each) => takenFrom(each, name)),
      ...saidIn(pod.spec, name),
    ];
    return {
      by: `Component ${namespace}/${name}`,
      serviceAccount: pod.spec.serviceAccountName,
      ...(clientId && { clientId }),
      ...(tenantId && { tenantId }),
      ...(vault && { vault }),
      secrets: [...new Set(named)].map((each): SecretRef => ({ kind: 'secret', name: each, as: each })),
      answers: allowed ? { 'secret-scopes': 'true' } : {},
      names: { secretStore: name, appId, configuration: configuration ?? '' },
      unseen: [],
    };
  });
}

const specOf = (found: KubernetesObject | undefined) => record(found?.spec);

const isFor =
  (appId: string) =>
  ({ scopes }: KubernetesObject): boolean =>
    list(scopes).length === 0 || list(scopes).includes(appId);

const metadataOf = (component: KubernetesObject, key: string): string | undefined =>
  list(specOf(component).metadata)
    .map(record)
    .flatMap(({ name, value }) => (text(name)?.toLowerCase() === key.toLowerCase() ? [text(value)] : []))[0];

/** What the pod's Configuration lets out of the store, where it lets out some only. */
function allowedBy(configuration: KubernetesObject | undefined, store: string): readonly string[] | undefined {
  const scopes = list(record(specOf(configuration).secrets).scopes).map(record);
  const scope = scopes.find(({ storeName }) => storeName === store);
  if (text(scope?.defaultAccess)?.toLowerCase() !== DENY) return undefined;
  return list(scope?.allowedSecrets).filter((each) => typeof each === 'string');
}

/** What the sample asks for, in its variables. */
const saidIn = ({ containers }: PodSpec, store: string): readonly string[] =>
  containers.flatMap(({ env }) => {
    const said = (wanted: string): string | undefined => env.find(({ name }) => name === wanted)?.value;
    return said('SECRET_STORE') === store ? (said('SECRETS') ?? '').split(',').filter(Boolean) : [];
  });

/** What another component of the application takes from the store (`auth.secretStore`). */
function takenFrom(component: KubernetesObject, store: string): readonly string[] {
  if (record(component.auth).secretStore !== store) return [];
  return list(specOf(component).metadata).flatMap((each) => text(record(record(each).secretKeyRef).name) ?? []);
}
