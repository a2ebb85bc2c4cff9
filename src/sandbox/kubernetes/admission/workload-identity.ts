import { createHash } from 'node:crypto';
import { kindNamed } from '../kinds.ts';
import type { Container, Pod, Resource, Volume } from '../model.ts';
import { matches } from '../selectors.ts';
import { badRequest, forbidden } from '../status.ts';
import type { Store } from '../store.ts';
import { reachedWebhooks, type Webhook } from './webhooks.ts';

/*
 * The webhook of Microsoft Entra Workload ID, v1.6.0 as AKS runs it, and before as somebody installed it with Helm.
 * https://github.com/Azure/azure-workload-identity, pkg/webhook
 */
export const WEBHOOK = 'mutation.azure-workload-identity.io';
export const CONFIGURATION = 'azure-wi-webhook-mutating-webhook-configuration';
export const SERVICE = 'azure-wi-webhook-webhook-service';
const PREFIX = 'azure.workload.identity/';
const VOLUME = 'azure-workload-identity-reserved-';
const AUDIENCE = 'api://AzureADTokenExchange';
const AUTHORITY = 'https://login.microsoftonline.com/';

/** Calls each webhook that is registered and selects the pod. Throws its denial, or that it cannot be reached. */
export function injectWorkloadIdentity(store: Store, pod: Pod, tenantId: string, now: Date): Pod {
  const webhooks = reachedWebhooks(store, pod, WEBHOOK, now);
  return webhooks.reduce((next, webhook) => mutate(store, next, tenantId, placeFor(store, webhook, next)), pod);
}

/** Where the token lies in the pod. */
interface TokenPlace {
  readonly volume: string;
  readonly mountPath: string;
  /** Below it. */
  readonly path: string;
}

/** Since v1.6.0 in a volume of a name of its own; by the image of the pods behind the webhook's service. */
function placeFor(store: Store, { clientConfig }: Webhook, pod: Pod): TokenPlace {
  const { name = '', namespace = '' } = clientConfig?.service ?? {};
  const service = store.get(kindNamed('Service'), namespace, name)?.spec as { selector?: Record<string, string> };
  const [server] = (store.list(kindNamed('Pod'), namespace) as readonly Pod[]).filter(({ metadata }) =>
    matches(metadata.labels, { matchLabels: service?.selector ?? {} }),
  );
  const [, minor] = /:v1\.(\d+)\.\d+$/.exec(server?.spec.containers[0]?.image ?? '') ?? [];
  if (minor !== undefined && Number(minor) < 6) {
    const path = 'azure-identity-token';
    return { volume: path, mountPath: '/var/run/secrets/azure/tokens', path };
  }
  const podName = pod.metadata.generateName ? `${pod.metadata.generateName} (prefix)` : pod.metadata.name;
  const hash = createHash('sha256').update(podName).digest('hex');
  return {
    volume: VOLUME + hash.slice(0, 63 - VOLUME.length),
    mountPath: '/var/run/secrets/azure/wi',
    path: 'token/azure-identity-token',
  };
}

function mutate(store: Store, pod: Pod, tenantId: string, place: TokenPlace): Pod {
  const next = structuredClone(pod);
  const name = pod.spec.serviceAccountName || 'default';
  const account = store.get(kindNamed('ServiceAccount'), pod.metadata.namespace, name);
  if (!account) throw denied(pod, `ServiceAccount "${name}" not found`);
  const expiration = expirationOf(pod, account);
  const annotations = account.metadata.annotations ?? {};
  const { volume: volumeName, mountPath } = place;
  const wanted = {
    AZURE_CLIENT_ID: annotations[`${PREFIX}client-id`] ?? '',
    AZURE_TENANT_ID: annotations[`${PREFIX}tenant-id`] ?? tenantId,
    AZURE_FEDERATED_TOKEN_FILE: `${mountPath}/${place.path}`,
    AZURE_AUTHORITY_HOST: AUTHORITY,
  };
  const skipped = (pod.metadata.annotations?.[`${PREFIX}skip-containers`] ?? '').split(';').map((each) => each.trim());
  const inject = (container: Container): Container => {
    if (skipped.includes(container.name)) return container;
    const present = new Set((container.env ?? []).map((variable) => variable.name));
    const added = Object.entries(wanted)
      .filter(([variable, value]) => !present.has(variable) && value !== '')
      .map(([variable, value]) => ({ name: variable, value }));
    const mount = { name: volumeName, mountPath, readOnly: true };
    return {
      ...container,
      env: [...(container.env ?? []), ...added],
      volumeMounts: [...(container.volumeMounts ?? []).filter((each) => each.name !== volumeName), mount],
    };
  };
  if (wantsProxy(pod)) next.spec = withProxy(store, pod, next.spec);
  next.spec.containers = next.spec.containers.map(inject);
  if (next.spec.initContainers) next.spec.initContainers = next.spec.initContainers.map(inject);
  const volume: Volume = {
    name: volumeName,
    projected: {
      defaultMode: 420,
      sources: [{ serviceAccountToken: { path: place.path, expirationSeconds: expiration, audience: AUDIENCE } }],
    },
  };
  next.spec.volumes = [...(next.spec.volumes ?? []).filter((each) => each.name !== volumeName), volume];
  return next;
}

/** The annotation alone counts, whatever it says. */
const wantsProxy = ({ metadata }: Pod) => metadata.annotations?.[`${PREFIX}inject-proxy-sidecar`] !== undefined;
const PROXY = 'azwi-proxy';

/** The proxy that stands in for the instance metadata service: a container like any other before Kubernetes 1.32. */
function withProxy(store: Store, pod: Pod, spec: Pod['spec']): Pod['spec'] {
  if (spec.hostNetwork) throw denied(pod, 'hostNetwork is set to true, cannot inject proxy sidecar');
  if (spec.containers.some(({ name }) => name === PROXY)) return spec;
  const [node] = store.list(kindNamed('Node'));
  const { kubeletVersion = '' } = (node?.status as { nodeInfo?: { kubeletVersion?: string } })?.nodeInfo ?? {};
  if (Number(/^v1\.(\d+)/.exec(kubeletVersion)?.[1] ?? 99) >= 32) {
    throw denied(pod, 'the sandbox has no native proxy sidecar (azure.workload.identity/inject-proxy-sidecar)');
  }
  const image = (name: string) => `mcr.microsoft.com/oss/azure/workload-identity/${name}:v1.6.0`;
  const port = pod.metadata.annotations?.[`${PREFIX}proxy-sidecar-port`] ?? '8000';
  const init = {
    name: 'azwi-proxy-init',
    image: image('proxy-init'),
    env: [{ name: 'PROXY_PORT', value: port }],
    securityContext: { privileged: true, runAsNonRoot: false, runAsUser: 0 },
  };
  const args = [`--proxy-port=${port}`, '--log-level=info'];
  return {
    ...spec,
    initContainers: [...(spec.initContainers ?? []), init],
    containers: [...spec.containers, { name: PROXY, image: image('proxy'), args }],
  };
}

/** The pod's annotation, else the account's, else an hour. */
function expirationOf(pod: Pod, account: Resource): number {
  const key = `${PREFIX}service-account-token-expiration`;
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
