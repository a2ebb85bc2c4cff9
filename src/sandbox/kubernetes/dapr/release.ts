import type { DaprRelease } from '../../parts.ts';
import type { EnvVar, Resource } from '../model.ts';
import { API } from './definitions.ts';

/** Of the injector: webhook, its configuration, its Deployment and Service. */
export const WEBHOOK = 'sidecar-injector.dapr.io';
export const INJECTOR = 'dapr-sidecar-injector';
/** What daprd asks at its start: components and Configuration, and who it is. */
export const OPERATOR_SERVICE = 'dapr-api';
export const SENTRY_SERVICE = 'dapr-sentry';
export const OPERATOR = 'dapr-operator';

const IMAGES = { extension: 'mcr.microsoft.com/daprio', helm: 'docker.io/daprio' } as const;

/**
 * What the chart puts into a cluster (https://github.com/dapr/dapr, charts/dapr), reduced to what is looked at. The
 * placement and scheduler services are StatefulSets, which the sandbox has not, and are left out.
 */
export function objectsOf(release: DaprRelease): Resource[] {
  const { namespace, version, settings } = release;
  const registry = settings['global.registry'] ?? IMAGES[release.by];
  const tag = settings['global.tag'] ?? version;
  const image = (name: string) => `${registry}/${name}:${tag}`;
  const common = {
    'app.kubernetes.io/name': release.name,
    'app.kubernetes.io/version': tag,
    'app.kubernetes.io/part-of': 'dapr',
  };
  const owned = {
    annotations: { 'meta.helm.sh/release-name': release.name, 'meta.helm.sh/release-namespace': namespace },
  };
  const object = (apiVersion: string, kind: string, name: string, app: string, more: object, wide = false) =>
    ({
      apiVersion,
      kind,
      metadata: {
        name,
        ...(wide ? {} : { namespace }),
        labels: { app, ...common, 'app.kubernetes.io/managed-by': 'Helm' },
        ...owned,
      },
      ...more,
    }) as Resource;
  const replicas = (component: string) => {
    if (settings['global.ha.enabled'] === 'true') return Number(settings['global.ha.replicaCount'] ?? 3);
    return Number(settings[`dapr_${component}.replicaCount`] ?? 1);
  };
  const service = (app: string, component: string, program: string, account: string, env: readonly EnvVar[] = []) => [
    object('v1', 'ServiceAccount', account, app, {}),
    object('apps/v1', 'Deployment', app, app, {
      spec: {
        replicas: replicas(component),
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels: { app, ...common, 'app.kubernetes.io/managed-by': 'helm' } },
          spec: { serviceAccountName: account, containers: [{ name: app, image: image(program), env }] },
        },
      },
    }),
  ];
  const reachable = (name: string, app: string, port: number) =>
    object('v1', 'Service', name, app, { spec: { selector: { app }, ports: [{ port: 443, targetPort: port }] } });

  const option = (key: string, usual: string) => settings[`dapr_sidecar_injector.${key}`] ?? usual;
  const injector: readonly EnvVar[] = [
    { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    { name: 'SIDECAR_IMAGE', value: image('daprd') },
    { name: 'SIDECAR_IMAGE_PULL_POLICY', value: option('sidecarImagePullPolicy', 'IfNotPresent') },
    { name: 'SIDECAR_RUN_AS_NON_ROOT', value: option('sidecarRunAsNonRoot', 'true') },
    { name: 'SIDECAR_READ_ONLY_ROOT_FILESYSTEM', value: option('sidecarReadOnlyRootFilesystem', 'true') },
    { name: 'SIDECAR_DROP_ALL_CAPABILITIES', value: option('sidecarDropALLCapabilities', 'false') },
  ];
  return [
    ...service(OPERATOR, 'operator', 'operator', OPERATOR),
    ...service('dapr-sentry', 'sentry', 'sentry', 'dapr-sentry'),
    ...service(INJECTOR, 'sidecar_injector', 'injector', 'dapr-injector', injector),
    reachable(OPERATOR_SERVICE, OPERATOR, 6500),
    reachable('dapr-webhook', OPERATOR, 19443),
    reachable(SENTRY_SERVICE, 'dapr-sentry', 50001),
    reachable(INJECTOR, INJECTOR, 4000),
    object('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', INJECTOR, INJECTOR, webhook(), true),
    object(API.apiVersion, 'Configuration', 'daprsystem', release.name, {
      spec: {
        mtls: {
          ...{
            enabled: true,
            workloadCertTTL: '24h',
            allowedClockSkew: '15m',
            controlPlaneTrustDomain: 'cluster.local',
          },
          sentryAddress: `${SENTRY_SERVICE}.${namespace}.svc.cluster.local:443`,
        },
      },
    }),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: `sh.helm.release.v1.${release.name}.v1`,
        namespace,
        labels: { owner: 'helm', name: release.name, status: 'deployed', version: '1' },
      },
      type: 'helm.sh/release.v1',
      // The chart's objects, in Helm's own form, which nobody here reads.
      data: { release: Buffer.from('sandbox').toString('base64') },
    },
  ];

  function webhook() {
    return {
      webhooks: [
        {
          name: WEBHOOK,
          admissionReviewVersions: ['v1', 'v1beta1'],
          clientConfig: { service: { name: INJECTOR, namespace, path: '/mutate', port: 443 } },
          failurePolicy: option('webhookFailurePolicy', 'Ignore'),
          reinvocationPolicy: 'IfNeeded',
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          sideEffects: 'None',
        },
      ],
    };
  }
}
