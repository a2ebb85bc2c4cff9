import { createHash } from 'node:crypto';
import { kindNamed } from '../kinds.ts';
import type { Container, LabelSelector, Pod, Resource, Volume } from '../model.ts';
import { matches } from '../selectors.ts';
import { badRequest, forbidden, refuse } from '../status.ts';
import type { Store } from '../store.ts';

/*
 * The webhook of Microsoft Entra Workload ID, v1.6.0, as AKS runs it.
 * https://github.com/Azure/azure-workload-identity, pkg/webhook
 */
export const WEBHOOK = 'mutation.azure-workload-identity.io';
export const CONFIGURATION = 'azure-wi-webhook-mutating-webhook-configuration';
export const SERVICE = 'azure-wi-webhook-webhook-service';
const PREFIX = 'azure.workload.identity/';
const VOLUME = 'azure-workload-identity-reserved-';
const MOUNT_PATH = '/var/run/secrets/azure/wi';
const TOKEN_PATH = 'token/azure-identity-token';
const AUDIENCE = 'api://AzureADTokenExchange';
const AUTHORITY = 'https://login.microsoftonline.com/';

interface Webhook {
  name: string;
  failurePolicy?: string;
  objectSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  clientConfig?: { service?: { name: string; namespace: string; path?: string; port?: number } };
}

/** Calls the webhook if one is registered that selects the pod. Throws its denial, or that it cannot be reached. */
export function injectWorkloadIdentity(store: Store, pod: Pod, tenantId: string): Pod {
  const webhook = registered(store, pod);
  if (!webhook) return pod;
  const service = webhook.clientConfig?.service;
  if (service && !hasEndpoints(store, service.namespace, service.name)) {
    if (webhook.failurePolicy === 'Ignore') return pod;
    const url = `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${service.path ?? ''}?timeout=10s`;
    throw refuse(
      500,
      'InternalError',
      `Internal error occurred: failed calling webhook "${webhook.name}": failed to call webhook: Post "${url}": no endpoints available for service "${service.name}"`,
      { causes: [{ reason: '', message: `failed calling webhook "${webhook.name}"` }] },
    );
  }
  return mutate(store, pod, tenantId);
}

/** AKS keeps admission webhooks away from kube-system (admissions enforcer). */
function registered(store: Store, pod: Pod): Webhook | undefined {
  if (pod.metadata.namespace === 'kube-system') return undefined;
  const namespace = store.get(kindNamed('Namespace'), undefined, pod.metadata.namespace ?? '');
  return store
    .list(kindNamed('MutatingWebhookConfiguration'))
    .flatMap((configuration) => (configuration.webhooks as Webhook[] | undefined) ?? [])
    .find(
      (webhook) =>
        webhook.name === WEBHOOK &&
        matches(pod.metadata.labels, webhook.objectSelector) &&
        matches(namespace?.metadata.labels, webhook.namespaceSelector),
    );
}

function hasEndpoints(store: Store, namespace: string, service: string): boolean {
  if (!store.get(kindNamed('Service'), namespace, service)) return false;
  return store
    .list(kindNamed('EndpointSlice'), namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap((slice) => (slice.endpoints as { conditions?: { ready?: boolean } }[] | undefined) ?? [])
    .some((endpoint) => endpoint.conditions?.ready !== false);
}

function mutate(store: Store, pod: Pod, tenantId: string): Pod {
  const next = structuredClone(pod);
  const name = pod.spec.serviceAccountName || 'default';
  const account = store.get(kindNamed('ServiceAccount'), pod.metadata.namespace, name);
  if (!account) throw denied(pod, `ServiceAccount "${name}" not found`);
  const expiration = expirationOf(pod, account);
  const annotations = account.metadata.annotations ?? {};
  const podName = pod.metadata.generateName ? `${pod.metadata.generateName} (prefix)` : pod.metadata.name;
  const volumeName =
    VOLUME +
    createHash('sha256')
      .update(podName)
      .digest('hex')
      .slice(0, 63 - VOLUME.length);
  const wanted = {
    AZURE_CLIENT_ID: annotations[`${PREFIX}client-id`] ?? '',
    AZURE_TENANT_ID: annotations[`${PREFIX}tenant-id`] ?? tenantId,
    AZURE_FEDERATED_TOKEN_FILE: `${MOUNT_PATH}/${TOKEN_PATH}`,
    AZURE_AUTHORITY_HOST: AUTHORITY,
  };
  const skipped = (pod.metadata.annotations?.[`${PREFIX}skip-containers`] ?? '').split(';').map((each) => each.trim());
  const inject = (container: Container): Container => {
    if (skipped.includes(container.name)) return container;
    const present = new Set((container.env ?? []).map((variable) => variable.name));
    const added = Object.entries(wanted)
      .filter(([variable, value]) => !present.has(variable) && value !== '')
      .map(([variable, value]) => ({ name: variable, value }));
    const mount = { name: volumeName, mountPath: MOUNT_PATH, readOnly: true };
    return {
      ...container,
      env: [...(container.env ?? []), ...added],
      volumeMounts: [...(container.volumeMounts ?? []).filter((each) => each.name !== volumeName), mount],
    };
  };
  next.spec.containers = next.spec.containers.map(inject);
  if (next.spec.initContainers) next.spec.initContainers = next.spec.initContainers.map(inject);
  const volume: Volume = {
    name: volumeName,
    projected: {
      defaultMode: 420,
      sources: [{ serviceAccountToken: { path: TOKEN_PATH, expirationSeconds: expiration, audience: AUDIENCE } }],
    },
  };
  next.spec.volumes = [...(next.spec.volumes ?? []).filter((each) => each.name !== volumeName), volume];
  return next;
}

/** The pod's annotation, else the account's, else an hour. */
function expirationOf(pod: Pod, account: Resource): number {
  const key = `${PREFIX}service-account-token-expiration`;
  if (pod.metadata.annotations?.[`${PREFIX}inject-proxy-sidecar`] !== undefined) {
    if (pod.spec.hostNetwork) throw denied(pod, 'hostNetwork is set to true, cannot inject proxy sidecar');
    throw denied(pod, 'the sandbox has no proxy sidecar (azure.workload.identity/inject-proxy-sidecar)');
  }
  const text = pod.metadata.annotations?.[key] || account.metadata.annotations?.[key] || '3600';
  if (!/^[-+]?\d+$/.test(text)) throw denied(pod, `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const seconds = Number(text);
  if (seconds < 3600 || seconds > 86_400) {
    throw denied(pod, `token expiration ${seconds} not valid. Expected value to be between 3600 and 86400`);
  }
  return seconds;
}

function denied(pod: Pod, why: string) {
  if (pod.metadata.name === '' && !pod.metadata.generateName) return forbidden(kindNamed('Pod'), '', why);
  return badRequest(`admission webhook "${WEBHOOK}" denied the request: ${why}`);
}
