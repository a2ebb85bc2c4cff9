import { definitionOf } from '../custom-schemas.ts';
import type { Resource } from '../model.ts';
import { DRIVER, GROUP } from './classes.ts';

/** Values of the chart that people set, or forget to. */
export interface DriverValues {
  /** `tokenRequests` of the CSIDriver, by audience; the chart has none of its own. */
  readonly audiences?: readonly string[];
  /** `syncSecret.enabled` */
  readonly syncSecret?: boolean;
  /** `enableSecretRotation` */
  readonly rotation?: boolean;
  /** `linux.driver.resources.limits.memory` */
  readonly memory?: string;
}

const NAMESPACE = 'kube-system';
const RELEASE = 'csi';
const DRIVER_NAME = `${RELEASE}-secrets-store-csi-driver`;
const PROVIDER_NAME = `${RELEASE}-csi-secrets-store-provider-azure`;

/** May make Secrets of mounted objects, in every namespace. */
export const SYNC_RULES = [
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  },
];

/**
 * What `helm install csi csi-secrets-store-provider-azure` makes beside the add-on of AKS, reduced to what is looked at.
 * https://github.com/Azure/secrets-store-csi-driver-provider-azure, charts/
 */
export function driverChart(values: DriverValues): Resource[] {
  const annotations = { 'meta.helm.sh/release-name': RELEASE, 'meta.helm.sh/release-namespace': NAMESPACE };
  const object = (apiVersion: string, kind: string, name: string, app: string, more: object, wide = true) =>
    ({
      apiVersion,
      kind,
      metadata: {
        name,
        ...(!wide && { namespace: NAMESPACE }),
        labels: { app, 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/instance': RELEASE },
        annotations,
      },
      ...more,
    }) as Resource;
  const daemon = (name: string, app: string, container: string, image: string, more: object) =>
    object(
      'apps/v1',
      'DaemonSet',
      name,
      app,
      {
        spec: {
          selector: { matchLabels: { app } },
          template: {
            metadata: { labels: { app } },
            spec: {
              serviceAccountName: name,
              nodeSelector: { 'kubernetes.io/os': 'linux' },
              containers: [{ name: container, image, ...more }],
            },
          },
        },
      },
      false,
    );
  const [driver, provider] = ['secrets-store-csi-driver', 'csi-secrets-store-provider-azure'];
  const sync = 'secretprovidersyncing-role';
  const rotation = `--enable-secret-rotation=${values.rotation ?? false}`;
  return [
    definitionOf(GROUP, 'SecretProviderClass', 'secretproviderclasses', ['v1']) as Resource,
    definitionOf(GROUP, 'SecretProviderClassPodStatus', 'secretproviderclasspodstatuses', ['v1']) as Resource,
    object('v1', 'ServiceAccount', DRIVER_NAME, driver, {}, false),
    object('v1', 'ServiceAccount', PROVIDER_NAME, provider, {}, false),
    ...(values.syncSecret
      ? [
          object('rbac.authorization.k8s.io/v1', 'ClusterRole', sync, driver, { rules: SYNC_RULES }),
          object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', `${sync}binding`, driver, {
            roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: sync },
            subjects: [{ kind: 'ServiceAccount', name: DRIVER_NAME, namespace: NAMESPACE }],
          }),
        ]
      : []),
    daemon(DRIVER_NAME, driver, 'secrets-store', 'registry.k8s.io/csi-secrets-store/driver:v1.6.0', {
      args: ['--provider-volume=/var/run/secrets-store-csi-providers', rotation, '--rotation-poll-interval=2m'],
      ...(values.memory && { resources: { limits: { memory: values.memory } } }),
    }),
    daemon(
      PROVIDER_NAME,
      provider,
      'provider-azure-installer',
      'mcr.microsoft.com/oss/v2/azure/secrets-store/provider-azure:v1.8.2',
      {},
    ),
    object('storage.k8s.io/v1', 'CSIDriver', DRIVER, driver, {
      spec: {
        attachRequired: false,
        podInfoOnMount: true,
        requiresRepublish: values.rotation ?? false,
        ...(values.audiences && { tokenRequests: values.audiences.map((audience) => ({ audience })) }),
        volumeLifecycleModes: ['Ephemeral'],
      },
    }),
  ];
}
