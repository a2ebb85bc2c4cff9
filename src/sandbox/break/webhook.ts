import { SERVICE, WEBHOOK } from '../kubernetes/admission/workload-identity.ts';
import type { Break, BreakWorld, Method } from './break.ts';
import { CannotBreak } from './break.ts';

const METHODS: readonly Method[] = ['workload-identity', 'dapr'];

/** The Service of the webhook that AKS runs. */
async function service({ kubectl }: BreakWorld) {
  const found = await kubectl.get('Service', SERVICE, 'kube-system');
  if (!found) throw new CannotBreak('the cluster has no webhook of workload identity');
  return found;
}

/** The same webhook as its Helm chart installs it, an older release, called before the one of AKS. */
function helmRelease(): readonly object[] {
  const namespace = 'azure-workload-identity-system';
  const labels = {
    'app.kubernetes.io/managed-by': 'Helm',
    'app.kubernetes.io/instance': 'workload-identity-webhook',
    'azure-workload-identity.io/system': 'true',
    app: 'workload-identity-webhook',
  };
  const annotations = {
    'meta.helm.sh/release-name': 'workload-identity-webhook',
    'meta.helm.sh/release-namespace': namespace,
  };
  const selector = { 'azure-workload-identity.io/system': 'true', app: 'workload-identity-webhook' };
  const named = (name: string) => ({ name, namespace, labels, annotations });
  const image = 'mcr.microsoft.com/oss/azure/workload-identity/webhook:v1.3.0';
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named('azure-wi-webhook-admin') },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: named('azure-wi-webhook-controller-manager'),
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        template: {
          metadata: { labels: selector },
          spec: { serviceAccountName: 'azure-wi-webhook-admin', containers: [{ name: 'manager', image }] },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: named(SERVICE),
      spec: { selector, ports: [{ port: 443, targetPort: 9443 }] },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'azure-wi-helm-mutating-webhook-configuration', labels, annotations },
      webhooks: [
        {
          name: WEBHOOK,
          admissionReviewVersions: ['v1', 'v1beta1'],
          clientConfig: { service: { name: SERVICE, namespace, path: '/mutate-v1-pod', port: 443 } },
          failurePolicy: 'Fail',
          objectSelector: { matchLabels: { 'azure.workload.identity/use': 'true' } },
          reinvocationPolicy: 'IfNeeded',
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          sideEffects: 'None',
        },
      ],
    },
  ];
}

/** The webhook that gives pods their identity. */
export const webhook: readonly Break[] = [
  {
    id: 'F034',
    says: "No pod of workload identity's webhook runs.",
    methods: METHODS,
    async broken(world) {
      const workload = await world.workload();
      const { selector } = (await service(world)).spec;
      for (const { metadata, spec } of await world.kubectl.list('Deployment', 'kube-system')) {
        if (spec.template.metadata.labels?.app !== selector.app) continue;
        await world.kubectl.patch('Deployment', metadata.name, metadata.namespace, { spec: { replicas: 0 } });
      }
      await world.settled();
      await workload.restart();
    },
  },
  {
    id: 'F035',
    says: "A network policy keeps the API server from workload identity's webhook.",
    methods: METHODS,
    async broken(world) {
      const workload = await world.workload();
      await service(world);
      await world.kubectl.create({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'deny-all', namespace: 'kube-system' },
        spec: { podSelector: {}, policyTypes: ['Ingress'] },
      });
      await workload.restart();
    },
  },
  {
    id: 'F037',
    says: "Workload identity's webhook is there twice: that of AKS, and an older one from Helm.",
    methods: METHODS,
    async broken(world) {
      const workload = await world.workload();
      await service(world);
      for (const object of helmRelease()) await world.kubectl.create(object);
      await world.settled();
      await workload.restart();
    },
  },
];
