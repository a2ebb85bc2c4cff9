import type { OperatorRelease } from '../../parts.ts';
import type { Resource } from '../model.ts';
import { definitions, RELEASES } from './definitions.ts';
import { GROUP } from './model.ts';

const NAMESPACE = 'external-secrets';
const APP = 'external-secrets';

/** What `helm install external-secrets` with the chart's own values makes, reduced to what is looked at. */
export function chart(release: OperatorRelease): Resource[] {
  const { chart: version } = RELEASES[release];
  const served = RELEASES[release].versions.filter((each) => each.served).map((each) => each.name);
  const labelsOf = (app: string) => ({
    'app.kubernetes.io/name': app,
    'app.kubernetes.io/instance': APP,
    'app.kubernetes.io/version': `v${version}`,
    'app.kubernetes.io/managed-by': 'Helm',
    'helm.sh/chart': `${APP}-${version}`,
  });
  const object = (apiVersion: string, kind: string, name: string, app: string, more: object, wide = false) =>
    ({
      apiVersion,
      kind,
      metadata: {
        name,
        ...(!wide && { namespace: NAMESPACE }),
        labels: labelsOf(app),
        annotations: { 'meta.helm.sh/release-name': APP, 'meta.helm.sh/release-namespace': NAMESPACE },
      },
      ...more,
    }) as Resource;
  const account = (app: string) => object('v1', 'ServiceAccount', app, app, {});
  const deployment = (app: string, container: string, args: string[]) => {
    const labels = { 'app.kubernetes.io/name': app, 'app.kubernetes.io/instance': APP };
    const image = `ghcr.io/external-secrets/external-secrets:v${version}`;
    return object('apps/v1', 'Deployment', app, app, {
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { serviceAccountName: app, containers: [{ name: container, image, args }] },
        },
      },
    });
  };
  const [webhook, certificates] = [`${APP}-webhook`, `${APP}-cert-controller`];
  const validating = (configuration: string, kinds: readonly string[]) =>
    object(
      'admissionregistration.k8s.io/v1',
      'ValidatingWebhookConfiguration',
      configuration,
      webhook,
      {
        webhooks: kinds.map((kind) => ({
          name: `validate.${kind}.${GROUP}`,
          admissionReviewVersions: ['v1', 'v1beta1'],
          clientConfig: {
            service: {
              name: webhook,
              namespace: NAMESPACE,
              path: `/validate-external-secrets-io-${served[0]}-${kind}`,
              port: 443,
            },
          },
          failurePolicy: 'Fail',
          rules: [
            {
              apiGroups: [GROUP],
              apiVersions: served,
              operations: ['CREATE', 'UPDATE', 'DELETE'],
              resources: [`${kind}s`],
              scope: kind.startsWith('cluster') ? 'Cluster' : 'Namespaced',
            },
          ],
          sideEffects: 'None',
          timeoutSeconds: 5,
        })),
      },
      true,
    );
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    ...definitions(release),
    ...[APP, webhook, certificates].map(account),
    object(
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      `${APP}-controller`,
      APP,
      {
        rules: [
          {
            apiGroups: [GROUP],
            resources: [
              'secretstores',
              'clustersecretstores',
              'externalsecrets',
              'clusterexternalsecrets',
              'pushsecrets',
            ],
            verbs: ['get', 'list', 'watch', 'update', 'patch'],
          },
          { apiGroups: [''], resources: ['serviceaccounts', 'namespaces'], verbs: ['get', 'list', 'watch'] },
          {
            apiGroups: [''],
            resources: ['secrets'],
            verbs: ['get', 'list', 'watch', 'create', 'update', 'delete', 'patch'],
          },
          { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
          { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
        ],
      },
      true,
    ),
    object(
      'rbac.authorization.k8s.io/v1',
      'ClusterRoleBinding',
      `${APP}-controller`,
      APP,
      {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `${APP}-controller` },
        subjects: [{ kind: 'ServiceAccount', name: APP, namespace: NAMESPACE }],
      },
      true,
    ),
    object('v1', 'Service', webhook, webhook, {
      spec: {
        selector: { 'app.kubernetes.io/name': webhook, 'app.kubernetes.io/instance': APP },
        ports: [{ name: 'webhook', port: 443, targetPort: 10_250 }],
      },
    }),
    validating('secretstore-validate', ['secretstore', 'clustersecretstore']),
    validating('externalsecret-validate', ['externalsecret']),
    deployment(APP, 'external-secrets', ['--concurrent=1']),
    deployment(webhook, 'webhook', ['webhook', '--port=10250']),
    deployment(certificates, 'cert-controller', ['certcontroller', '--crd-requeue-interval=5m']),
  ];
}
