import { hasEndpoints, reachedWebhooks } from '../admission/webhooks.ts';
import { readySince } from '../controllers/pods.ts';
import { kindNamed } from '../kinds.ts';
import type { Container, EnvVar, Pod, Volume } from '../model.ts';
import { badRequest } from '../status.ts';
import type { Store } from '../store.ts';
import { INJECTOR, SENTRY_SERVICE, WEBHOOK } from './release.ts';

/*
 * The sidecar injector of Dapr: https://github.com/dapr/dapr, pkg/injector. What an annotation does not say is as the
 * chart's values have it, which the injector's own pod bears as its environment.
 */
export const DAPRD = 'daprd';
export const HTTP_PORT = 3500;
const GRPC_PORT = 50_001;

/** Annotations that change what the sandbox simulates, and that it does not simulate. */
const NOT_DONE = [
  'api-token-secret',
  'app-token-secret',
  'component-container',
  'enable-debug',
  'env-from-secret',
  'inject-pluggable-components',
  'pluggable-components',
  'unix-domain-socket-path',
  'volume-mounts',
  'volume-mounts-rw',
];

/** The pod with its sidecar, when it asks for one and an injector is there; the same pod otherwise. Throws a denial. */
export function injectDapr(store: Store, pod: Pod, now: Date): Pod {
  const annotations = annotationsOf(pod);
  if (annotations('enabled')?.toLowerCase() !== 'true') return pod;
  const namespace = reachedWebhooks(store, pod, WEBHOOK, now)[0]?.clientConfig?.service?.namespace;
  if (namespace === undefined) return pod;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  if (containers.some(({ name }) => name === DAPRD)) return pod;
  const appId = appIdOf(pod, annotations);
  const missing = NOT_DONE.find((each) => annotations(each) !== undefined);
  if (missing) throw denied(`the sandbox's sidecar does not do dapr.io/${missing}`);
  if (!hasEndpoints(store, namespace, SENTRY_SERVICE)) {
    const address = `${SENTRY_SERVICE}.${namespace}.svc.cluster.local:443`;
    throw denied(
      `error from sentry SignCertificate: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp: ${address}: connect: connection refused"`,
    );
  }
  const next = structuredClone(pod);
  next.metadata.labels = {
    ...next.metadata.labels,
    'dapr.io/sidecar-injected': 'true',
    'dapr.io/app-id': appId,
    'dapr.io/metrics-enabled': 'true',
  };
  const told = [
    { name: 'DAPR_HTTP_PORT', value: String(HTTP_PORT) },
    { name: 'DAPR_GRPC_PORT', value: String(GRPC_PORT) },
    { name: 'APP_PROTOCOL', value: annotations('app-protocol') ?? 'http' },
  ];
  next.spec.containers = [
    ...next.spec.containers.map((container) => ({ ...container, env: withEnv(container.env, told) })),
    sidecar(pod, annotations, appId, settingsOf(store, namespace), namespace),
  ];
  next.spec.volumes = [...(next.spec.volumes ?? []), identityToken(namespace)];
  return next;
}

type Annotations = (name: string) => string | undefined;

const annotationsOf =
  (pod: Pod): Annotations =>
  (name) =>
    pod.metadata.annotations?.[`dapr.io/${name}`];

/** Falls back to the pod's name, which a pod of a ReplicaSet does not have yet when the webhook sees it. */
function appIdOf(pod: Pod, annotations: Annotations): string {
  const id = annotations('app-id') || (pod.metadata.generateName ? '' : pod.metadata.name);
  if (id === '') throw denied('value for the dapr.io/app-id annotation is empty');
  if (id.length > 63) throw denied(`invalid app id(input: ${id}): must be no more than 63 characters`);
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(id)) return id;
  throw denied(
    `invalid app id(input: ${id}): a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
  );
}

/** The environment of the injector's pod. */
function settingsOf(store: Store, namespace: string): Readonly<Record<string, string>> {
  const pods = store.list(kindNamed('Pod'), namespace) as readonly Pod[];
  const injector = pods.find((pod) => pod.metadata.labels?.app === INJECTOR && readySince(pod));
  const env = injector?.spec.containers[0]?.env ?? [];
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? '']));
}

function sidecar(
  pod: Pod,
  annotations: Annotations,
  appId: string,
  settings: Readonly<Record<string, string>>,
  namespace: string,
): Container {
  const on = (name: string) => settings[name] === 'true';
  const seccomp = annotations('sidecar-seccomp-profile-type');
  const probe = { httpGet: { path: '/v1.0/healthz', port: 3501 }, timeoutSeconds: 3, failureThreshold: 3 };
  const optional = (flag: string, value: string | undefined) => (value ? [flag, value] : []);
  const truthy = (name: string) => /^(y|yes|true|t|on|1)$/i.test(annotations(name) ?? '');
  return {
    name: DAPRD,
    image: annotations('sidecar-image') ?? settings.SIDECAR_IMAGE ?? '',
    imagePullPolicy: settings.SIDECAR_IMAGE_PULL_POLICY ?? 'IfNotPresent',
    args: [
      '/daprd',
      ...['--dapr-http-port', String(HTTP_PORT)],
      ...['--dapr-grpc-port', String(GRPC_PORT)],
      ...['--dapr-internal-grpc-port', '50002'],
      ...['--dapr-listen-addresses', '[::1],127.0.0.1'],
      ...['--dapr-public-port', '3501'],
      ...['--app-id', appId],
      ...['--app-protocol', annotations('app-protocol') ?? 'http'],
      ...['--log-level', annotations('log-level') ?? 'info'],
      ...['--mode', 'kubernetes'],
      ...['--control-plane-address', `dapr-api.${namespace}.svc.cluster.local:443`],
      ...['--sentry-address', `${SENTRY_SERVICE}.${namespace}.svc.cluster.local:443`],
      ...optional('--app-port', annotations('app-port')),
      ...optional('--config', annotations('config')),
      ...(truthy('disable-builtin-k8s-secret-store') ? ['--disable-builtin-k8s-secret-store'] : []),
      '--enable-mtls',
    ],
    env: [
      { name: 'NAMESPACE', value: pod.metadata.namespace ?? '' },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ...envOf(annotations('env')),
    ],
    ports: [
      { containerPort: HTTP_PORT, name: 'dapr-http' },
      { containerPort: GRPC_PORT, name: 'dapr-grpc' },
      { containerPort: 50_002, name: 'dapr-internal' },
      { containerPort: 9090, name: 'dapr-metrics' },
    ],
    securityContext: {
      allowPrivilegeEscalation: false,
      runAsNonRoot: on('SIDECAR_RUN_AS_NON_ROOT'),
      readOnlyRootFilesystem: on('SIDECAR_READ_ONLY_ROOT_FILESYSTEM'),
      ...(seccomp && { seccompProfile: { type: seccomp } }),
      ...(on('SIDECAR_DROP_ALL_CAPABILITIES') && { capabilities: { drop: ['ALL'] } }),
    },
    volumeMounts: [{ name: TOKEN, mountPath: '/var/run/secrets/dapr.io/sentrytoken', readOnly: true }],
    readinessProbe: { ...probe, periodSeconds: 6 },
    livenessProbe: { ...probe, periodSeconds: 6 },
  };
}

const TOKEN = 'dapr-identity-token';

/** By which daprd tells the sentry who it is. */
const identityToken = (namespace: string): Volume => ({
  name: TOKEN,
  projected: {
    defaultMode: 420,
    sources: [
      {
        serviceAccountToken: {
          audience: `spiffe://cluster.local/ns/${namespace}/dapr-sentry`,
          expirationSeconds: 7200,
          path: 'token',
        },
      },
    ],
  },
});

function withEnv(env: readonly EnvVar[] = [], added: readonly EnvVar[]): EnvVar[] {
  return [...env, ...added.filter(({ name }) => !env.some((each) => each.name === name))];
}

/** `A=1, B=2`, the value of `dapr.io/env`. */
function envOf(text: string | undefined): EnvVar[] {
  return (text ?? '').split(/,(?=\s*[a-zA-Z_]\w*=)/).flatMap((pair) => {
    const [name, value, ...more] = pair.trim().split('=');
    return name && value !== undefined && more.length === 0 ? [{ name, value }] : [];
  });
}

const denied = (why: string) => badRequest(`admission webhook "${WEBHOOK}" denied the request: ${why}`);
