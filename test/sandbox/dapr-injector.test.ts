import { describe, expect, it } from 'vitest';
import { ANNOTATIONS, component, daprWorld, LABELS, podsOf, RELEASE } from './dapr-world.ts';
import { CLIENT, type ClusterWorld, clusterWorld, deployment, type Json } from './kubernetes-world.ts';

const names = (world: ClusterWorld, path: string) =>
  world.get(path).then(({ items }) => items.map(({ metadata }: Json) => metadata.name));
const IN = '/namespaces/dapr-system';
const DEFINITIONS = ['components', 'configurations', 'httpendpoints', 'resiliencies', 'subscriptions'];
const definitions = async (world: ClusterWorld) =>
  (await names(world, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'))
    .filter((name: string) => name.endsWith('.dapr.io'))
    .map((name: string) => name.replace('.dapr.io', ''));
const sidecar = (pod: Json) => pod.spec.containers.find(({ name }: Json) => name === 'daprd');
const admitted = async (
  world: ClusterWorld,
  annotations: Json = ANNOTATIONS,
  labels: Json = LABELS,
  spec: Json = {},
) => {
  await world.apply(deployment(spec, { annotations, labels }));
  return (await podsOf(world))[0];
};

describe('an installation', () => {
  it('brings kinds, programs, services and the webhook; before that no kind is served', async () => {
    const world = await clusterWorld();
    expect((await world.apply(component())).status).toBe(404);
    await world.kubernetes.installDapr(world.cluster, RELEASE);
    expect(await definitions(world)).toEqual(DEFINITIONS);
    const { items } = await world.get(`/apis/apps/v1${IN}/deployments`);
    expect(items.map(({ metadata, status }: Json) => [metadata.name, status.readyReplicas])).toEqual([
      ['dapr-operator', 1],
      ['dapr-sentry', 1],
      ['dapr-sidecar-injector', 1],
    ]);
    expect(items[0].metadata).toMatchObject({
      labels: {
        app: 'dapr-operator',
        'app.kubernetes.io/name': 'dapr',
        'app.kubernetes.io/part-of': 'dapr',
        'app.kubernetes.io/version': '1.16.4-msft.1',
      },
      annotations: { 'meta.helm.sh/release-name': 'dapr', 'meta.helm.sh/release-namespace': 'dapr-system' },
    });
    expect(await names(world, `/api/v1${IN}/services`)).toEqual([
      'dapr-api',
      'dapr-sentry',
      'dapr-sidecar-injector',
      'dapr-webhook',
    ]);
    expect(await names(world, `/api/v1${IN}/secrets`)).toEqual(['dapr-trust-bundle', 'sh.helm.release.v1.dapr.v1']);
    expect((await world.apply(component())).status).toBe(201);
  });

  it('of high availability has three of each', async () => {
    const world = await clusterWorld();
    await world.kubernetes.installDapr(world.cluster, { ...RELEASE, settings: { 'global.ha.enabled': 'true' } });
    const { items } = await world.get(`/apis/apps/v1${IN}/deployments`);
    expect(items.map(({ status }: Json) => status.readyReplicas)).toEqual([3, 3, 3]);
  });

  it('is changed in place', async () => {
    const world = await daprWorld();
    const settings = { 'dapr_sidecar_injector.sidecarDropALLCapabilities': 'true' };
    await world.kubernetes.installDapr(world.cluster, { ...RELEASE, version: '1.17.1-msft.1', settings });
    const context = sidecar(await admitted(world)).securityContext;
    expect(context.capabilities).toEqual({ drop: ['ALL'] });
    expect(sidecar((await podsOf(world))[0]).image).toBe('mcr.microsoft.com/daprio/daprd:1.17.1-msft.1');
  });

  it('leaves kinds, namespace and components when it goes, and whatever runs with a sidecar', async () => {
    const world = await daprWorld();
    await world.apply(component());
    await admitted(world);
    await world.kubernetes.removeDapr(world.cluster);
    await world.advance(1000);
    expect(await definitions(world)).toEqual(DEFINITIONS);
    expect(await names(world, `/apis/apps/v1${IN}/deployments`)).toEqual([]);
    expect(await names(world, '/apis/dapr.io/v1alpha1/namespaces/shop/components')).toEqual(['kv']);
    expect((await podsOf(world))[0].status.containerStatuses[1].ready).toBe(true);
    expect(await names(world, '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations')).not.toContain(
      'dapr-sidecar-injector',
    );
    expect(await world.kubernetes.installDapr(world.cluster, RELEASE)).toBeUndefined();
  });

  it.each<[string, Json, string]>([
    ['an unknown field', { spec: { ...component().spec, ignoreError: true } }, '.spec.ignoreError: field not declared'],
    ['scopes in the spec', { spec: { ...component().spec, scopes: ['orders'] } }, '.spec.scopes: field not declared'],
    ['no version', { spec: { type: 'x.y', metadata: [] } }, 'spec.version: Required value'],
    [
      'a property without a name',
      { spec: { ...component().spec, metadata: [{ value: 'x' }] } },
      'spec.metadata[0].name: Required value',
    ],
  ])('refuses a component with %s', async (_title, wrong, words) => {
    const world = await daprWorld();
    const { status, body } = await world.apply({ ...component(), ...wrong });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body.message).toContain(words);
  });
});

describe('the injector', () => {
  it('adds a sidecar, which workload identity then sees as well', async () => {
    const world = await daprWorld();
    const pod = await admitted(world);
    expect(pod.metadata.labels).toMatchObject({ 'dapr.io/sidecar-injected': 'true', 'dapr.io/app-id': 'orders' });
    const [app, daprd] = pod.spec.containers;
    expect(app.env).toContainEqual({ name: 'DAPR_HTTP_PORT', value: '3500' });
    expect(daprd.args.slice(0, 3)).toEqual(['/daprd', '--dapr-http-port', '3500']);
    expect(daprd.args.join(' ')).toContain('--app-id orders');
    expect(daprd.env).toContainEqual({ name: 'AZURE_CLIENT_ID', value: CLIENT });
    expect(daprd.volumeMounts.map(({ mountPath }: Json) => mountPath)).toEqual([
      '/var/run/secrets/dapr.io/sentrytoken',
      '/var/run/secrets/azure/wi',
    ]);
    expect(new Set(pod.spec.volumes.map(({ name }: Json) => name)).size).toBe(pod.spec.volumes.length);
  });

  it('F134 without the label the sidecar has no identity', async () => {
    const world = await daprWorld();
    const daprd = sidecar(await admitted(world, ANNOTATIONS, {}));
    expect(daprd.env.map(({ name }: Json) => name)).toEqual(['NAMESPACE', 'POD_NAME']);
  });

  it('gives the sidecar the API token of the account, unless the pod has none', async () => {
    const world = await daprWorld();
    const pod = await admitted(world, ANNOTATIONS, LABELS, { automountServiceAccountToken: true });
    const mounts = pod.spec.containers.map(({ volumeMounts }: Json) =>
      volumeMounts.find(({ mountPath }: Json) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount'),
    );
    expect(mounts[1].name).toBe(mounts[0].name);
  });

  it.each<[string, Json]>([
    ['no annotation', {}],
    ['enabled, but not with "true"', { ...ANNOTATIONS, 'dapr.io/enabled': 'yes please' }],
  ])('F136 leaves a pod alone: %s', async (_title, annotations) => {
    const world = await daprWorld();
    const pod = await admitted(world, annotations);
    expect(pod.spec.containers).toHaveLength(1);
    expect(pod.spec.containers[0].env ?? []).not.toContainEqual(expect.objectContaining({ name: 'DAPR_HTTP_PORT' }));
  });

  it('F136 annotations on the Deployment say nothing', async () => {
    const world = await daprWorld();
    const workload = deployment({}, { labels: LABELS });
    await world.apply({ ...workload, metadata: { ...workload.metadata, annotations: ANNOTATIONS } });
    expect((await podsOf(world))[0].spec.containers).toHaveLength(1);
  });

  it('F136 lets a pod pass without a sidecar when nobody answers: its policy is Ignore', async () => {
    const world = await daprWorld();
    await world.ask('DELETE', `/apis/apps/v1${IN}/deployments/dapr-sidecar-injector`);
    await world.advance(1000);
    expect((await admitted(world)).spec.containers).toHaveLength(1);
  });

  it.each<[string, Json, string]>([
    [
      'no app id, for a pod whose name is not known yet',
      { 'dapr.io/enabled': 'true' },
      'value for the dapr.io/app-id annotation is empty',
    ],
    ['an app id that is no label', { ...ANNOTATIONS, 'dapr.io/app-id': 'My_App' }, 'invalid app id(input: My_App)'],
    [
      'what the sandbox has not',
      { ...ANNOTATIONS, 'dapr.io/api-token-secret': 'x' },
      "the sandbox's sidecar does not do dapr.io/api-token-secret",
    ],
  ])('denies %s', async (_title, annotations, words) => {
    const world = await daprWorld();
    expect(await admitted(world, annotations)).toBeUndefined();
    const [event] = await world.events('FailedCreate');
    expect(event.message).toContain(`admission webhook "sidecar-injector.dapr.io" denied the request: ${words}`);
  });

  it('takes the name of a pod that has one for its app id', async () => {
    const world = await daprWorld();
    const { metadata, spec } = deployment({}, { annotations: { 'dapr.io/enabled': 'true' } }).spec.template;
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'alone', namespace: 'shop' }, spec };
    expect((await world.apply(pod)).body.metadata.labels['dapr.io/app-id']).toBe('alone');
  });

  it('F152 denies all when the sentry is down', async () => {
    const world = await daprWorld();
    await world.ask('DELETE', `/apis/apps/v1${IN}/deployments/dapr-sentry`);
    await world.advance(1000);
    expect(await admitted(world)).toBeUndefined();
    const [event] = await world.events('FailedCreate');
    expect(event.message).toContain('error from sentry SignCertificate: rpc error: code = Unavailable');
  });
});

describe('a namespace that enforces the restricted profile', () => {
  const spec = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'app',
        image: 'x',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  };
  const enforce = (world: ClusterWorld) =>
    world.apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });

  it('refuses the sidecar as the chart has it, which keeps its capabilities', async () => {
    const world = await daprWorld();
    await enforce(world);
    expect(await admitted(world, ANNOTATIONS, LABELS, spec)).toBeUndefined();
    const [event] = await world.events('FailedCreate');
    expect(event.message).toMatch(
      /violates PodSecurity "restricted:latest": unrestricted capabilities \(container "daprd" must set securityContext\.capabilities\.drop=\["ALL"\]\)$/,
    );
  });

  it('takes one that drops them', async () => {
    const world = await daprWorld({ 'dapr_sidecar_injector.sidecarDropALLCapabilities': 'true' });
    await enforce(world);
    expect((await admitted(world, ANNOTATIONS, LABELS, spec)).spec.containers).toHaveLength(2);
  });
});
