import { describe, expect, it } from 'vitest';
import { ANNOTATIONS, answers, asking, component, daprWorld, LABELS, logOf, podsOf } from './dapr-world.ts';
import { TENANT } from './hand-made.ts';
import { CLIENT, type ClusterWorld, deployment, type Json } from './kubernetes-world.ts';

const without = (object: Json, key: string): Json =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
const metadata = (...items: [string, unknown][]) => ({
  metadata: [['vaultName', 'demo-kv'], ...items].map(([name, value]) => ({ name, value })),
});
const SECRET = '/secrets/kv/db-password';
/** A pod whose application asks nothing. */
const silent = (annotations: Json = ANNOTATIONS, labels: Json = LABELS) => deployment({}, { annotations, labels });
/** What is said of a sidecar that does not start. */
const lastWords = async (world: ClusterWorld): Promise<string> => {
  const [pod] = await podsOf(world);
  const log = await logOf(world, pod, 'daprd');
  const fatal = log.split('\n').find((line) => line.includes('level=fatal'));
  return JSON.parse(/ msg=("(?:[^"\\]|\\.)*")/.exec(fatal ?? '')?.[1] ?? '"it runs"');
};

describe("an application's question to its sidecar", () => {
  it('is answered with the secret, by the identity of the pod', async () => {
    const world = await daprWorld();
    await world.apply(component());
    const paths = [SECRET, '/metadata', '/healthz', '/healthz/outbound', '/secrets/other/x', '/secrets/kv/nope'];
    const said = await answers(world, asking(paths));
    expect(said.slice(0, 5)).toEqual([
      '200 {"db-password":"marker-one"}',
      expect.stringContaining(
        '"components":[{"name":"kv","type":"secretstores.azure.keyvault","version":"v1"}],"extended"',
      ),
      '204 ',
      '204 ',
      '401 {"errorCode":"ERR_SECRET_STORE_NOT_FOUND","message":"failed finding secret store with key other"}',
    ]);
    expect(JSON.parse(said[5]!.slice(4))).toEqual({
      errorCode: 'ERR_SECRET_GET',
      message: expect.stringMatching(
        /^failed getting secret with key nope from secret store kv: GET https:\/\/demo-kv\.vault\.azure\.net\/secrets\/nope\/\n-+\nRESPONSE 404: 404 Not Found\nERROR CODE: SecretNotFound\n/,
      ),
    });
    const token = new URLSearchParams(world.asked.find(({ path }) => path.endsWith('/oauth2/v2.0/token'))!.body);
    const claims = JSON.parse(Buffer.from(token.get('client_assertion')!.split('.')[1]!, 'base64url').toString());
    const [pod] = await podsOf(world);
    expect(claims['kubernetes.io'].pod.name).toBe(pod.metadata.name);
    expect(claims.sub).toBe('system:serviceaccount:shop:orders');
    expect(pod.status.containerStatuses.map(({ name, ready }: Json) => [name, ready])).toEqual([
      ['app', true],
      ['daprd', true],
    ]);
    expect(await logOf(world, pod, 'daprd')).toMatch(
      /^time="2026-11-22T12:00:00.000Z" level=info msg="Starting Dapr Runtime -- version 1\.16\.4-msft\.1 .*\n(?:.*\n)*.*msg="Component loaded: kv \(secretstores\.azure\.keyvault\/v1\)" app_id=orders/,
    );
  });

  it('reads the version that it asks for', async () => {
    const world = await daprWorld();
    await world.apply(component());
    await answers(world, asking([`${SECRET}?metadata.version_id=${'e'.repeat(32)}`]));
    const paths = world.asked.filter(({ host }) => host.startsWith('demo-kv')).map(({ path }) => path);
    expect(paths).toEqual([`/secrets/db-password/${'e'.repeat(32)}`, `/secrets/db-password/${'e'.repeat(32)}`]);
  });

  it('may be that it ends, as that of a Job must', async () => {
    const world = await daprWorld();
    await world.apply(component());
    const text = `
      const ask = (path, method) => fetch('http://localhost:3500/v1.0' + path, { method }).then(({ status }) => status, () => 'nobody');
      while ((await ask('/healthz/outbound', 'GET')) !== 204);
      console.log('shutdown ' + (await ask('/shutdown', 'POST')));
      setInterval(() => {}, 1000);
    `;
    const scripts = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'ending', namespace: 'shop' },
      data: { 'a.mjs': text },
    };
    await world.apply(scripts);
    const pod = {
      ...{ apiVersion: 'v1', kind: 'Pod' },
      metadata: { name: 'ending', namespace: 'shop', labels: LABELS, annotations: ANNOTATIONS },
      spec: {
        ...{ serviceAccountName: 'orders', restartPolicy: 'Never' },
        containers: [
          {
            ...{ name: 'app', image: 'x', command: ['node', '/a/a.mjs'] },
            volumeMounts: [{ name: 'a', mountPath: '/a' }],
          },
        ],
        volumes: [{ name: 'a', configMap: { name: 'ending' } }],
      },
    };
    await world.apply(pod);
    const ended = await world.until(async () => {
      const { status } = await world.get('/api/v1/namespaces/shop/pods/ending');
      return status?.containerStatuses?.find((each: { name: string }) => each.name === 'daprd')?.state?.terminated;
    });
    expect(ended).toMatchObject({ exitCode: 0 });
  });

  it('finds nobody where there is no sidecar, whatever else runs on this machine', async () => {
    const world = await daprWorld();
    await world.apply(component());
    expect(await answers(world, asking([SECRET, 'http://127.0.0.1:50001/'], {}))).toEqual([
      'failed ECONNREFUSED',
      'failed ECONNREFUSED',
    ]);
  });

  it('is refused by name where the sandbox does not know the answer', async () => {
    const world = await daprWorld();
    await world.apply(component());
    const [state, nowhere] = await answers(world, asking(['/state/store/key', 'http://localhost:3500/other']));
    expect(state).toContain('501 {"errorCode":"ERR_SANDBOX_NOT_SIMULATED"');
    expect(nowhere).toBe('404 404 page not found');
  });
});

describe('a component that is not loaded', () => {
  const none = '500 {"errorCode":"ERR_SECRET_STORES_NOT_CONFIGURED","message":"secret store is not configured"}';
  it.each<[string, Json, Json?]>([
    ['lies in another namespace', component({}, { metadata: { namespace: 'other' } })],
    ['is scoped to another app', component({}, { scopes: ['billing'] })],
  ])('F130 %s', async (_title, wrong) => {
    const world = await daprWorld();
    await world.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } });
    await world.apply(wrong);
    expect(await answers(world, asking([SECRET]))).toEqual([none]);
  });

  it('F138 came after the sidecar, which must be restarted', async () => {
    const world = await daprWorld();
    expect(await answers(world, asking([SECRET]))).toEqual([none]);
    await world.apply(component({}, { scopes: ['orders'] }));
    const [pod] = await podsOf(world);
    await world.ask('DELETE', `/api/v1/namespaces/shop/pods/${pod.metadata.name}`);
    await world.advance(1000);
    expect(await answers(world, asking([SECRET]))).toEqual(['200 {"db-password":"marker-one"}']);
  });

  it('leaves the store of Kubernetes, which no service account may read, unless it is switched off', async () => {
    const world = await daprWorld();
    const workload = asking(
      [SECRET, '/secrets/kubernetes/x'],
      without(ANNOTATIONS, 'dapr.io/disable-builtin-k8s-secret-store'),
    );
    workload.spec.template.spec.automountServiceAccountToken = true;
    expect(await answers(world, workload)).toEqual([
      '401 {"errorCode":"ERR_SECRET_STORE_NOT_FOUND","message":"failed finding secret store with key kv"}',
      expect.stringContaining(
        'secrets \\"x\\" is forbidden: User \\"system:serviceaccount:shop:orders\\" cannot get resource',
      ),
    ]);
  });
});

describe('a sidecar does not start', () => {
  const init = 'initialization error occurred for kv (secretstores.azure.keyvault/v1): ';
  it.each<[string, Json, Json, Json, string]>([
    [
      'F134 the pod lacks the label',
      component(),
      ANNOTATIONS,
      {},
      `process component kv error: [INIT_COMPONENT_FAILURE]: ${init}no suitable token provider for Azure AD; errors: no client ID specified. Check pod configuration or set ClientID in the options`,
    ],
    [
      'F135 what the component says of a client id is not read',
      component(metadata(['azureAuthMethods', 'wi'], ['azureClientId', CLIENT], ['azureTenantId', TENANT])),
      ANNOTATIONS,
      {},
      `process component kv error: [INIT_COMPONENT_FAILURE]: ${init}no suitable token provider for Azure AD; errors: no client ID specified. Check pod configuration or set ClientID in the options`,
    ],
    [
      'F137 an unknown way to sign in',
      component(metadata(['azureAuthMethods', 'workload-identity'])),
      ANNOTATIONS,
      LABELS,
      `process component kv error: [INIT_COMPONENT_FAILURE]: ${init}invalid Azure auth method: workload-identity`,
    ],
    [
      'F137 an unknown cloud',
      component(metadata(['azureEnvironment', 'AzureMoon'])),
      ANNOTATIONS,
      LABELS,
      `process component kv error: [INIT_COMPONENT_FAILURE]: ${init}invalid Azure cloud: AzureMoon`,
    ],
    [
      'a misspelt type',
      component({ type: 'secretstores.azure.keyvaults' }),
      ANNOTATIONS,
      LABELS,
      "process component kv error: [CREATE_COMPONENT_FAILURE]: initialization error occurred for kv (secretstores.azure.keyvaults/v1): couldn't find secret store secretstores.azure.keyvaults/v1",
    ],
    [
      'a version that is not there',
      component({ version: 'v2' }),
      ANNOTATIONS,
      LABELS,
      "process component kv error: [CREATE_COMPONENT_FAILURE]: initialization error occurred for kv (secretstores.azure.keyvault/v2): couldn't find secret store secretstores.azure.keyvault/v2",
    ],
    [
      'a Configuration that is not there',
      component(),
      { ...ANNOTATIONS, 'dapr.io/config': 'scopes' },
      LABELS,
      'error loading configuration: rpc error: code = Unknown desc = error getting configuration: Configuration.dapr.io "scopes" not found',
    ],
    [
      'no API token for the store of Kubernetes',
      component(),
      without(ANNOTATIONS, 'dapr.io/disable-builtin-k8s-secret-store'),
      LABELS,
      'process component kubernetes error: [INIT_COMPONENT_FAILURE]: initialization error occurred for kubernetes (secretstores.kubernetes/v1): stat /home/nonroot/.kube/config: no such file or directory',
    ],
  ])('%s', async (_title, wrong, annotations, labels, words) => {
    const world = await daprWorld();
    await world.apply(wrong);
    await world.apply(silent(annotations, labels));
    expect(await lastWords(world)).toBe(`Fatal error from runtime: ${words}`);
    await world.advance(30_000);
    const [pod] = await podsOf(world);
    expect(pod.status.containerStatuses[1].state.waiting.reason).toBe('CrashLoopBackOff');
    expect(pod.status.containerStatuses[1].lastState.terminated.exitCode).toBe(1);
    expect(pod.status.conditions.find(({ type }: Json) => type === 'Ready').status).toBe('False');
    expect(await world.events('BackOff')).not.toEqual([]);
  });

  it('without the annotation of its service account', async () => {
    const world = await daprWorld();
    await world.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'orders', namespace: 'shop' } });
    await world.apply(component());
    const [said] = await answers(world, asking([SECRET]));
    expect(said).toMatch(/^failed (UND_ERR_SOCKET|ECONNRESET)$/);
    expect(await lastWords(world)).toContain('no client ID specified');
  });

  it('and does once the component is right: the kubelet tries again', async () => {
    const world = await daprWorld();
    await world.apply(component({ type: 'secretstores.azure.keyvaults' }));
    await world.apply(silent());
    expect(await lastWords(world)).toContain('CREATE_COMPONENT_FAILURE');
    await world.apply(component());
    await world.advance(60_000);
    const [pod] = await podsOf(world);
    expect(pod.status.containerStatuses[1]).toMatchObject({ ready: true, state: { running: expect.anything() } });
  });

  it('but does where the component says that its errors do not matter', async () => {
    const world = await daprWorld();
    await world.apply(component({ ignoreErrors: true }));
    const [said] = await answers(world, asking([SECRET], ANNOTATIONS, {}));
    expect(said).toContain('ERR_SECRET_STORES_NOT_CONFIGURED');
    const [pod] = await podsOf(world);
    expect(await logOf(world, pod, 'daprd')).toContain('Ignoring error processing component: process component kv');
  });

  it('where the operator is gone', async () => {
    const world = await daprWorld();
    await world.ask('DELETE', '/apis/apps/v1/namespaces/dapr-system/deployments/dapr-operator');
    await world.apply(component());
    await world.apply(silent());
    expect(await lastWords(world)).toMatch(
      /^Fatal error from runtime: failed to load components: rpc error: code = Unavail/,
    );
  });
});

describe('secret scopes of a Configuration', () => {
  const configuration = (...scopes: Json[]) => ({
    apiVersion: 'dapr.io/v1alpha1',
    kind: 'Configuration',
    metadata: { name: 'scopes', namespace: 'shop' },
    spec: { secrets: { scopes } },
  });
  const annotations = { ...ANNOTATIONS, 'dapr.io/config': 'scopes' };

  it('say for each store which secrets an app may have (F132)', async () => {
    const world = await daprWorld();
    const stores: [string, Json][] = [
      ['listed', { allowedSecrets: ['api-key'], defaultAccess: 'allow' }],
      ['unlisted', { deniedSecrets: ['api-key'] }],
      ['closed', { defaultAccess: 'Deny' }],
    ];
    for (const name of [...stores.map(([each]) => each), 'unsaid']) {
      await world.apply(component({}, { metadata: { name } }));
    }
    const { status } = await world.apply(configuration(...stores.map(([storeName, more]) => ({ storeName, ...more }))));
    expect(status).toBe(201);
    const names = ['listed', 'unlisted', 'closed', 'unsaid'];
    const said = await answers(
      world,
      asking(
        names.flatMap((name) => [`/secrets/${name}/db-password`, `/secrets/${name}/api-key`]),
        annotations,
      ),
    );
    expect(said.map((line) => line.slice(0, 3))).toEqual(['403', '200', '200', '403', '403', '403', '200', '200']);
    expect(JSON.parse(said[0]!.slice(4))).toEqual({
      errorCode: 'ERR_PERMISSION_DENIED',
      message: 'access denied by policy to get "db-password" from "listed"',
    });
  });

  it.each<[string, Json[], string]>([
    [
      'a store twice',
      [{ storeName: 'kv' }, { storeName: 'kv' }],
      '"kv" storeName is repeated in secrets configuration',
    ],
    [
      'an unknown default',
      [{ storeName: 'kv', defaultAccess: 'none' }],
      'defaultAccess "none" can be either allow or deny',
    ],
  ])('keep the sidecar from starting: %s', async (_title, scopes, words) => {
    const world = await daprWorld();
    await world.apply(configuration(...scopes));
    await world.apply(silent(annotations));
    expect(await lastWords(world)).toBe(`Fatal error from runtime: error loading configuration: ${words}`);
  });
});

it('a sidecar that waits for a port of the app serves secrets, but is not ready', async () => {
  const world = await daprWorld();
  await world.apply(component());
  const said = await answers(world, asking([SECRET, '/healthz'], { ...ANNOTATIONS, 'dapr.io/app-port': '8080' }));
  expect(said[0]).toBe('200 {"db-password":"marker-one"}');
  expect(said[1]).toContain('500 {"errorCode":"ERR_HEALTH_NOT_READY"');
  const [pod] = await podsOf(world);
  expect(pod.status.containerStatuses[1].ready).toBe(false);
});

it('a sidecar ends with the sandbox, and starts anew with it', async () => {
  const world = await daprWorld();
  await world.apply(component());
  await answers(world, asking([SECRET]));
  await world.reopen();
  const [pod] = await podsOf(world);
  expect(pod.status.containerStatuses[1].restartCount).toBe(1);
  const again = await world.until(async () => {
    const log = await logOf(world, pod, 'app');
    return log.split('end\n').length > 2 && log;
  });
  expect(again.split('\n').at(-3)).toBe('200 {"db-password":"marker-one"}');
});

// The definitions of the real release are compared with these in the lab.
describe('the definitions', () => {
  const system = (mtls: Json) => ({
    ...{ apiVersion: 'dapr.io/v1alpha1', kind: 'Configuration' },
    metadata: { name: 'daprsystem', namespace: 'dapr-system' },
    spec: { mtls: { enabled: true, ...mtls } },
  });

  it("take the chart's own Configuration as it is, and none that lacks what must be there", async () => {
    const world = await daprWorld();
    const path = '/apis/dapr.io/v1alpha1/namespaces/dapr-system/configurations/daprsystem';
    const { body } = await world.ask('GET', path);
    expect((await world.apply(system(body.spec.mtls), { force: 'true' })).status).toBe(200);
    const lacking = await world.apply({ ...system({}), metadata: { name: 'other', namespace: 'shop' } });
    expect({ status: lacking.status, said: lacking.body.message }).toMatchObject({
      status: 422,
      said: expect.stringContaining('spec.mtls.sentryAddress: Required value'),
    });
  });

  it.each([
    ['an environment variable for a value', { name: 'vaultName', envRef: 'VAULT' }, 201],
    ['a Secret without a key', { name: 'vaultName', secretKeyRef: { name: 'vault' } }, 201],
    ['an item without a name', { value: 'demo-kv' }, 422],
  ])('know %s', async (_title, item, status) => {
    const world = await daprWorld();
    expect((await world.apply(component({ metadata: [item] }))).status).toBe(status);
  });
});
