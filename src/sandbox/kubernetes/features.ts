import type { ArmCluster } from '../parts.ts';
import { CONFIGURATION, SERVICE, WEBHOOK } from './admission/workload-identity.ts';
import { SYNC_RULES } from './csi/chart.ts';
import { DRIVER, GROUP } from './csi/classes.ts';
import { definitionOf } from './custom-schemas.ts';
import type { Resource } from './model.ts';

/*
 * What AKS puts into a cluster, and what comes and goes with its features. Objects as AKS makes them, reduced to what
 * is looked at.
 */
const object = (
  apiVersion: string,
  kind: string,
  name: string,
  more: object,
  namespace?: string,
  labels?: Record<string, string>,
) =>
  ({
    apiVersion,
    kind,
    metadata: { name, ...(namespace && { namespace }), ...(labels && { labels }) },
    ...more,
  }) as Resource;

const SYSTEM = 'kube-system';
const MANAGED = { 'addonmanager.kubernetes.io/mode': 'Reconcile' };

const pods = (app: Record<string, string>, container: string, image: string, serviceAccountName: string) => ({
  selector: { matchLabels: app },
  template: {
    metadata: { labels: app },
    spec: { serviceAccountName, containers: [{ name: container, image }] },
  },
});

/** Version of API server and kubelets; Resource Manager's may lack the patch level. */
export function gitVersion({ kubernetesVersion: version }: ArmCluster): string {
  return `v${/^\d+\.\d+$/.test(version) ? `${version}.0` : version}`;
}

/** Nodes of the one pool that the sandbox simulates. */
function nodeNames(cluster: ArmCluster): string[] {
  const hash = [...cluster.id.toLowerCase()].reduce(
    (sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 100_000_000,
    7,
  );
  return [`aks-nodepool1-${String(hash).padStart(8, '0')}-vmss000000`];
}

/** What every cluster has from its first minute. */
export function foundation(cluster: ArmCluster): Resource[] {
  const namespaces = ['default', 'kube-node-lease', 'kube-public', SYSTEM].map((name) =>
    object('v1', 'Namespace', name, {}),
  );
  const nodes = nodeNames(cluster).flatMap((name) => [
    object(
      'v1',
      'Node',
      name,
      {
        spec: { podCIDR: '10.244.0.0/24' },
        status: {
          conditions: [
            { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
          ],
          addresses: [
            { type: 'InternalIP', address: '10.224.0.4' },
            { type: 'Hostname', address: name },
          ],
          capacity: { cpu: '4', memory: '16Gi', 'ephemeral-storage': '128Gi', pods: '250' },
          allocatable: { cpu: '3860m', memory: '14Gi', 'ephemeral-storage': '119Gi', pods: '250' },
          nodeInfo: {
            kubeletVersion: gitVersion(cluster),
            operatingSystem: 'linux',
            architecture: 'amd64',
            osImage: 'Ubuntu 24.04 LTS',
            containerRuntimeVersion: 'containerd://2.0.0',
          },
        },
      },
      undefined,
      {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.azure.com/agentpool': 'nodepool1',
        'topology.kubernetes.io/region': cluster.location,
      },
    ),
    object('storage.k8s.io/v1', 'CSINode', name, { spec: { drivers: [] } }),
  ]);
  return [...namespaces, ...nodes];
}

/** The webhook that injects workload identity. */
export function workloadIdentity(tenantId: string): Resource[] {
  const labels = { 'azure-workload-identity.io/system': 'true', app: 'workload-identity-webhook' };
  const name = 'azure-wi-webhook-controller-manager';
  return [
    object('v1', 'ServiceAccount', 'azure-wi-webhook-admin', {}, SYSTEM, labels),
    object(
      'v1',
      'ConfigMap',
      'azure-wi-webhook-config',
      { data: { AZURE_ENVIRONMENT: 'AzurePublicCloud', AZURE_TENANT_ID: tenantId } },
      SYSTEM,
      labels,
    ),
    object(
      'apps/v1',
      'Deployment',
      name,
      {
        spec: {
          replicas: 2,
          ...pods(
            labels,
            'manager',
            'mcr.microsoft.com/oss/azure/workload-identity/webhook:v1.6.0',
            'azure-wi-webhook-admin',
          ),
        },
      },
      SYSTEM,
      { ...labels, ...MANAGED },
    ),
    object(
      'v1',
      'Service',
      SERVICE,
      { spec: { selector: labels, ports: [{ port: 443, targetPort: 9443 }] } },
      SYSTEM,
      labels,
    ),
    object(
      'admissionregistration.k8s.io/v1',
      'MutatingWebhookConfiguration',
      CONFIGURATION,
      {
        webhooks: [
          {
            name: WEBHOOK,
            admissionReviewVersions: ['v1', 'v1beta1'],
            clientConfig: { service: { name: SERVICE, namespace: SYSTEM, path: '/mutate-v1-pod', port: 443 } },
            failurePolicy: 'Fail',
            matchPolicy: 'Equivalent',
            objectSelector: { matchLabels: { 'azure.workload.identity/use': 'true' } },
            reinvocationPolicy: 'IfNeeded',
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
            sideEffects: 'None',
          },
        ],
      },
      undefined,
      labels,
    ),
  ];
}

/** The add-on `azure-keyvault-secrets-provider`: driver, provider, and the kinds that they read and write. */
export function secretsProvider(cluster: ArmCluster): Resource[] {
  const rotation = cluster.keyVaultAddon.rotation;
  const daemon = (name: string, app: string, container: string, image: string) => {
    const { selector, template } = pods({ app }, container, image, name);
    const spec = { ...template.spec, nodeSelector: { 'kubernetes.io/os': 'linux' } };
    return object('apps/v1', 'DaemonSet', name, { spec: { selector, template: { ...template, spec } } }, SYSTEM, {
      app,
      ...MANAGED,
    });
  };
  const [driver, provider] = ['aks-secrets-store-csi-driver', 'aks-secrets-store-provider-azure'];
  const [rbac, sync] = ['rbac.authorization.k8s.io', 'aks-secretprovidersyncing-role'];
  return [
    definitionOf(GROUP, 'SecretProviderClass', 'secretproviderclasses', ['v1']) as Resource,
    definitionOf(GROUP, 'SecretProviderClassPodStatus', 'secretproviderclasspodstatuses', ['v1']) as Resource,
    object('v1', 'ServiceAccount', driver, {}, SYSTEM),
    object('v1', 'ServiceAccount', provider, {}, SYSTEM),
    object(`${rbac}/v1`, 'ClusterRole', sync, { rules: SYNC_RULES }, undefined, MANAGED),
    object(
      `${rbac}/v1`,
      'ClusterRoleBinding',
      `${sync}binding`,
      {
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: sync },
        subjects: [{ kind: 'ServiceAccount', name: driver, namespace: SYSTEM }],
      },
      undefined,
      MANAGED,
    ),
    daemon(
      driver,
      'secrets-store-csi-driver',
      'secrets-store',
      'mcr.microsoft.com/oss/v2/kubernetes-csi/secrets-store/driver:v1.6.0',
    ),
    daemon(
      provider,
      'secrets-store-provider-azure',
      'provider-azure-installer',
      'mcr.microsoft.com/oss/v2/azure/secrets-store/provider-azure:v1.8.2',
    ),
    object('storage.k8s.io/v1', 'CSIDriver', DRIVER, {
      spec: {
        attachRequired: false,
        podInfoOnMount: true,
        requiresRepublish: rotation,
        tokenRequests: [{ audience: 'api://AzureADTokenExchange' }],
        volumeLifecycleModes: ['Ephemeral'],
      },
    }),
  ];
}
