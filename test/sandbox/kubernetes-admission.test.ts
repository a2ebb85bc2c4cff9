import { describe, expect, it } from 'vitest';
import { type ClusterWorld, clusterWorld, deployment, type Json } from './kubernetes-world.ts';

const LABEL = { 'azure.workload.identity/use': 'true' };
const PREFIX = 'azure.workload.identity/';
const MOUNT = '/var/run/secrets/azure/wi';

const pod = (spec: Json = {}, metadata: Json = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'shop', ...metadata },
  spec: {
    serviceAccountName: 'orders',
    automountServiceAccountToken: false,
    containers: [{ name: 'app', image: 'registry.example/app:1' }],
    ...spec,
  },
});
const annotate = (world: ClusterWorld, annotations: Json) =>
  world.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'orders', namespace: 'shop', annotations },
  });
const create = (world: ClusterWorld, object: Json) =>
  world.ask('POST', `/api/v1/namespaces/${object.metadata.namespace}/pods`, object);
const envOf = (container: Json) =>
  Object.fromEntries((container.env ?? []).map((each: Json) => [each.name, each.value]));

describe('the workload identity webhook', () => {
  it('injects environment, mount and token volume into every container', async () => {
    const world = await clusterWorld();
    await annotate(world, { [`${PREFIX}client-id`]: 'client' });
    const { status, body } = await create(
      world,
      pod({ initContainers: [{ name: 'init', image: 'registry.example/app:1' }] }, { labels: LABEL }),
    );
    expect(status).toBe(201);
    const [volume] = body.spec.volumes;
    expect(volume).toEqual({
      name: expect.stringMatching(/^azure-workload-identity-reserved-[0-9a-f]{30}$/),
      projected: {
        defaultMode: 420,
        sources: [
          {
            serviceAccountToken: {
              audience: 'api://AzureADTokenExchange',
              expirationSeconds: 3600,
              path: 'token/azure-identity-token',
            },
          },
        ],
      },
    });
    for (const container of [...body.spec.containers, ...body.spec.initContainers]) {
      expect(envOf(container)).toEqual({
        AZURE_CLIENT_ID: 'client',
        AZURE_TENANT_ID: world.parts.state.tenantId,
        AZURE_FEDERATED_TOKEN_FILE: `${MOUNT}/token/azure-identity-token`,
        AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
      });
      expect(container.volumeMounts).toEqual([{ name: volume.name, mountPath: MOUNT, readOnly: true }]);
    }
  });

  it.each<[string, { account?: Json; metadata?: Json; spec?: Json }, Json]>([
    [
      'leaves out an empty client id',
      { account: {} },
      { AZURE_CLIENT_ID: undefined, AZURE_AUTHORITY_HOST: expect.any(String) },
    ],
    [
      'takes the tenant of the annotation',
      { account: { [`${PREFIX}tenant-id`]: 'elsewhere' } },
      { AZURE_TENANT_ID: 'elsewhere' },
    ],
    [
      'never overwrites what is set',
      {
        account: { [`${PREFIX}client-id`]: 'client' },
        spec: { containers: [{ name: 'app', image: 'i', env: [{ name: 'AZURE_CLIENT_ID', value: 'mine' }] }] },
      },
      { AZURE_CLIENT_ID: 'mine', AZURE_TENANT_ID: expect.any(String) },
    ],
    [
      'skips containers that are named',
      {
        account: { [`${PREFIX}client-id`]: 'client' },
        metadata: { annotations: { [`${PREFIX}skip-containers`]: 'other; app' } },
      },
      { AZURE_CLIENT_ID: undefined, AZURE_AUTHORITY_HOST: undefined },
    ],
    [
      'does nothing without the label',
      { account: { [`${PREFIX}client-id`]: 'client' }, metadata: { labels: {} } },
      { AZURE_CLIENT_ID: undefined },
    ],
    [
      'does nothing for another value of the label',
      { metadata: { labels: { [`${PREFIX}use`]: 'false' } } },
      { AZURE_AUTHORITY_HOST: undefined },
    ],
  ])('%s', async (_title, { account = {}, metadata = {}, spec = {} }, expected) => {
    const world = await clusterWorld();
    await annotate(world, account);
    const { body } = await create(world, pod(spec, { labels: LABEL, ...metadata }));
    const env = envOf(body.spec.containers[0]);
    for (const [name, value] of Object.entries(expected)) expect(env[name]).toEqual(value);
  });

  it.each<[string, Json, Json, string]>([
    [
      'the pod',
      { [`${PREFIX}service-account-token-expiration`]: '100' },
      {},
      'token expiration 100 not valid. Expected value to be between 3600 and 86400',
    ],
    ['the account', {}, { [`${PREFIX}service-account-token-expiration`]: '86401' }, 'token expiration 86401 not valid'],
  ])('refuses a lifetime out of range, from %s', async (_title, annotations, account, message) => {
    const world = await clusterWorld();
    await annotate(world, account);
    const { status, body } = await create(world, pod({}, { labels: LABEL, annotations }));
    expect(status).toBe(400);
    expect(body.message).toContain(
      `admission webhook "mutation.azure-workload-identity.io" denied the request: ${message}`,
    );
  });

  it("takes the pod's lifetime before the account's", async () => {
    const world = await clusterWorld();
    await annotate(world, { [`${PREFIX}service-account-token-expiration`]: '4000' });
    const annotations = { [`${PREFIX}service-account-token-expiration`]: '7200' };
    const { body } = await create(world, pod({}, { labels: LABEL, annotations }));
    expect(body.spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds).toBe(7200);
  });

  it('does not see kube-system', async () => {
    const world = await clusterWorld();
    const { status, body } = await create(
      world,
      pod({ serviceAccountName: 'default' }, { namespace: 'kube-system', labels: LABEL }),
    );
    expect(status).toBe(201);
    expect(envOf(body.spec.containers[0])).toEqual({});
  });

  it('is not there while the feature is off, or after somebody deleted it', async () => {
    const path =
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/azure-wi-webhook-mutating-webhook-configuration';
    const off = await clusterWorld({ workloadIdentity: false });
    expect((await off.ask('GET', path)).status).toBe(404);
    const deleted = await clusterWorld();
    expect((await deleted.ask('DELETE', path)).status).toBe(200);
    await deleted.reopen();
    for (const world of [off, deleted]) {
      const { body } = await create(world, pod({}, { labels: LABEL }));
      expect(body.spec.volumes).toBeUndefined();
    }
  });

  it('comes after all when the program was killed as the feature had just been switched on', async () => {
    const world = await clusterWorld({ workloadIdentity: false });
    const labelled = () => create(world, pod({}, { labels: LABEL }));
    expect((await labelled()).body.spec.volumes).toBeUndefined();
    world.cluster.workloadIdentity = true;
    await world.reopen();
    await world.ask('DELETE', '/api/v1/namespaces/shop/pods/p');
    await expect.poll(async () => (await labelled()).body.spec?.volumes?.length).toBe(1);
  });

  it('stops labelled pods, and only those, when nothing answers for it', async () => {
    const world = await clusterWorld();
    await world.ask(
      'PATCH',
      '/apis/apps/v1/namespaces/kube-system/deployments/azure-wi-webhook-controller-manager',
      { spec: { replicas: 0 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await world.advance(1000);
    await world.apply(deployment({}, { labels: LABEL }));
    await world.advance(1000);
    const [event] = await world.events('FailedCreate');
    expect(event.message).toBe(
      'Error creating: Internal error occurred: failed calling webhook "mutation.azure-workload-identity.io": failed to call webhook: Post "https://azure-wi-webhook-webhook-service.kube-system.svc:443/mutate-v1-pod?timeout=10s": no endpoints available for service "azure-wi-webhook-webhook-service"',
    );
    expect(event.involvedObject.kind).toBe('ReplicaSet');
    expect((await create(world, pod())).status).toBe(201);
  });
});

describe('service accounts', () => {
  it('one that is missing shows on the ReplicaSet, and mends itself', async () => {
    const world = await clusterWorld();
    await world.apply(deployment({ serviceAccountName: 'late' }));
    const [event] = await world.events('FailedCreate');
    expect(event.message).toMatch(
      /^Error creating: pods "orders-[a-z0-9]+-" is forbidden: error looking up service account shop\/late: serviceaccount "late" not found$/,
    );
    await world.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'late', namespace: 'shop' } });
    await world.advance(120_000);
    expect((await world.get('/api/v1/namespaces/shop/pods')).items).toHaveLength(1);
  });

  it.each<[string, Json, number]>([
    ['a token of the API server is mounted', { automountServiceAccountToken: undefined }, 1],
    ['or not, as the pod says', { automountServiceAccountToken: false }, 0],
  ])('%s', async (_title, spec, count) => {
    const { body } = await create(await clusterWorld(), pod(spec));
    expect((body.spec.volumes ?? []).filter((each: Json) => /^kube-api-access-/.test(each.name))).toHaveLength(count);
  });
});

describe('pod security', () => {
  const hardened = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'app',
        image: 'registry.example/app:1',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  };
  const [container] = hardened.containers;
  const change = (more: Json) => ({
    ...hardened,
    containers: [{ ...container, securityContext: { ...container!.securityContext, ...more } }],
  });

  it.each<[string, Json, string | undefined]>([
    ['a hardened pod', hardened, undefined],
    [
      'a plain pod',
      {},
      'allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [
      'privileged',
      change({ privileged: true }),
      'privileged (container "app" must not set securityContext.privileged=true)',
    ],
    ['more capabilities', change({ capabilities: { drop: ['ALL'], add: ['SYS_TIME'] } }), 'non-default capabilities'],
    [
      'a path of the host',
      { ...hardened, volumes: [{ name: 'h', hostPath: { path: '/' } }] },
      'hostPath volumes (volume "h")',
    ],
    [
      'another volume',
      { ...hardened, volumes: [{ name: 'n', nfs: { server: 's', path: '/' } }] },
      'restricted volume types (volumes "n" use restricted volume types "nfs")',
    ],
    ['user zero', { ...hardened, securityContext: { ...hardened.securityContext, runAsUser: 0 } }, 'runAsUser=0'],
    ['the network of the host', { ...hardened, hostNetwork: true }, 'host namespaces (hostNetwork=true)'],
  ])('restricted: %s', async (_title, spec, violation) => {
    const world = await clusterWorld();
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await world.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } });
    const { status, body } = await create(world, pod(spec, { labels: LABEL }));
    expect(status).toBe(violation ? 403 : 201);
    if (violation) expect(body.message).toContain(`pods "p" is forbidden: violates PodSecurity "restricted:latest": `);
    if (violation) expect(body.message).toContain(violation);
  });
});

describe('what a pod gets for its place', () => {
  const minutes = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  const [NOT_READY, UNREACHABLE] = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;

  it('is what kube-apiserver 1.36 gives it', async () => {
    const { body } = await create(await clusterWorld(), pod());
    expect(body.spec).toMatchObject({
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      tolerations: [minutes(NOT_READY), minutes(UNREACHABLE)],
    });
  });

  it.each<[string, Json[], Json[]]>([
    ['beside another', [{ key: 'gpu', operator: 'Exists' }], [minutes(NOT_READY), minutes(UNREACHABLE)]],
    ['not where all is tolerated', [{ operator: 'Exists' }], []],
    ['not twice', [{ key: NOT_READY, operator: 'Exists', effect: 'NoExecute' }], [minutes(UNREACHABLE)]],
    [
      'where another effect is tolerated',
      [{ key: NOT_READY, operator: 'Exists', effect: 'NoSchedule' }],
      [minutes(NOT_READY), minutes(UNREACHABLE)],
    ],
  ])('is tolerated %s', async (_title, tolerations, added) => {
    const { body } = await create(await clusterWorld(), pod({ tolerations }));
    expect(body.spec.tolerations).toEqual([...tolerations, ...added]);
  });

  it('is the priority of its class', async () => {
    const { body } = await create(await clusterWorld(), pod({ priorityClassName: 'system-node-critical' }));
    expect(body.spec.priority).toBe(2_000_001_000);
  });
});
