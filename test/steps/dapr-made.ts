import type { Resource } from '../../src/azure/azure.ts';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import type { DaprParts } from '../../src/steps/dapr.ts';
import { dapr } from '../../src/steps/extension.ts';
import { resource, upstream } from './made.ts';

export const WISH = { resourceGroup: 'rg', name: 'aks' };
export const KNOWN = { cluster: 'id', registered: 'Registered' };
export const { registered, installed } = dapr({
  wish: WISH,
  clusterId: 'id',
  cluster: upstream('cluster/aks'),
  workloads: ['w'],
});

export const cluster = (properties: object = {}, more: object = {}): Resource =>
  resource(properties, { name: 'aks', identity: { type: 'SystemAssigned' }, ...more });
export const extension = (provisioningState: string, properties: object = {}, name = 'dapr'): Resource =>
  resource({ extensionType: 'microsoft.dapr', provisioningState, ...properties }, { name });

const object = (kind: string, name: string, more: object = {}): KubernetesObject =>
  ({ apiVersion: 'v1', kind, metadata: { name }, ...more }) as KubernetesObject;
export const deployment = (app: string, { available = 1, replicas = 1, ...metadata }: Record<string, unknown> = {}) =>
  object('Deployment', app, {
    metadata: { name: app, namespace: 'dapr-system', labels: { app }, ...metadata },
    spec: { replicas, template: { spec: { containers: [{ image: 'ghcr.io/dapr/operator:1.15.3' }] } } },
    status: { availableReplicas: available },
  });
export const CRD = object('CustomResourceDefinition', 'components.dapr.io', {
  spec: { versions: [{ name: 'v1alpha1', served: true }] },
});
export const WEBHOOK = object('MutatingWebhookConfiguration', 'dapr-sidecar-injector');
export const owned = (release: string, namespace: string) => ({
  ...WEBHOOK,
  metadata: {
    name: 'dapr-sidecar-injector',
    annotations: { 'meta.helm.sh/release-name': release, 'meta.helm.sh/release-namespace': namespace },
  },
});
export const NOTHING: DaprParts = { components: undefined, injector: undefined, deployments: [] };
export const HELM: DaprParts = {
  components: CRD,
  injector: WEBHOOK,
  deployments: [
    deployment('dapr-operator', { annotations: { 'meta.helm.sh/release-name': 'dapr' } }),
    deployment('dapr-sidecar-injector'),
  ],
};
export const operator = (more: Record<string, unknown>): DaprParts => ({
  ...HELM,
  deployments: [deployment('dapr-operator', more)],
});
export const OWNERSHIP = {
  errorInfo: {
    code: 'ExtensionOperationFailed',
    // As long as it is: what matters comes last.
    message:
      'The extension operation failed with the following error:  Helm installation failed : rendered manifests contain a resource that already exists. Unable to continue with install: ServiceAccount "dapr-operator" in namespace "dapr-system" exists and cannot be imported into the current release: invalid ownership metadata',
  },
};
export const TIMED_OUT = {
  errorInfo: { code: 'ExtensionOperationFailed', message: 'timed out waiting for the condition' },
};
