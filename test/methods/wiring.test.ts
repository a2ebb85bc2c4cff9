import { describe, expect, it } from 'vitest';
import { USE } from '../../src/methods/wiring/keys.ts';
import {
  account,
  CLIENT,
  deployment,
  examined,
  type Json,
  madeBy,
  PRINCIPAL,
  READY,
  TENANT,
  unwell,
  workload,
} from './cluster-of.ts';

const PREFIX = 'azure.workload.identity/';
const TOKEN = '/var/run/secrets/azure/wi/token/azure-identity-token';
const OLD = '/var/run/secrets/azure/tokens/azure-identity-token';
const spec = { serviceAccountName: 'orders', containers: [{ name: 'app' }] };
const yes = { [USE]: 'true' };

const WEBHOOK: readonly Json[] = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'azure-wi-webhook-mutating-webhook-configuration' },
    webhooks: [
      {
        name: 'mutation.azure-workload-identity.io',
        clientConfig: { service: { namespace: 'kube-system', name: 'webhook' } },
      },
    ],
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'webhook-1', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'webhook' } },
    endpoints: [{ conditions: { ready: false } }, { conditions: {} }],
  },
];
const annotated = (more: Json = {}): Json => account({ [`${PREFIX}client-id`]: CLIENT, ...more });
/** What the webhook puts into a pod. */
const injected = (env: Json = {}, file = TOKEN): Json => ({
  spec: {
    containers: [
      {
        name: 'app',
        env: Object.entries({
          AZURE_CLIENT_ID: CLIENT,
          AZURE_TENANT_ID: TENANT,
          AZURE_FEDERATED_TOKEN_FILE: file,
          ...env,
        })
          .filter(([, value]) => value !== null)
          .map(([name, value]) => ({ name, value })),
        volumeMounts: [
          {
            name: 'token',
            mountPath: file.slice(
              0,
              file.lastIndexOf('/token') > 0 && file === TOKEN ? file.lastIndexOf('/token') : file.lastIndexOf('/'),
            ),
          },
        ],
      },
    ],
    volumes: [
      { name: 'token', projected: { sources: [{ serviceAccountToken: { audience: 'api://AzureADTokenExchange' } }] } },
    ],
  },
});
const own = workload('workload-identity');
const template = (more: Json = {}) => ({
  metadata: { labels: yes, ...more.metadata },
  spec: { ...spec, ...more.spec },
});
const well = (objects: readonly Json[]) => ({ objects: [...WEBHOOK, annotated(), ...objects] });
const failing = async (...of: Parameters<typeof unwell>) =>
  (await unwell(...of)).map(({ check, failure, verdict }) => [check, verdict, failure]);

describe('a cluster', () => {
  it('is well, and names the pods', async () => {
    const all = await examined(own, well(madeBy(deployment(template()), injected())));
    expect(all.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(all.find(({ check }) => check === 'AKS-POD')?.observed).toBe('orders-7d4c-abcde');
  });

  it('has no pod yet', async () => {
    const all = await examined(own, well([]));
    expect(all.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(all.find(({ check }) => check === 'AKS-POD')?.observed).toBe('no pod uses it yet');
    expect(await failing(own, well([]), { pod: 'shop/gone' })).toEqual([['AKS-POD', 'unknown', undefined]]);
  });

  it('has the webhook from a chart, in a namespace of its own', async () => {
    const objects = structuredClone(WEBHOOK) as Json[];
    objects[0]!.webhooks[0].clientConfig.service.namespace = 'azure-workload-identity-system';
    objects[1]!.metadata.namespace = 'azure-workload-identity-system';
    const all = await examined(own, { objects: [...objects, annotated()] });
    expect(all[0]).toMatchObject({
      check: 'AKS-WEBHOOK',
      verdict: 'pass',
      observed: 'self-installed in azure-workload-identity-system',
    });
  });

  it.each<[string, Json[], [string, string, string | undefined]]>([
    ['no webhook', [annotated()], ['AKS-WEBHOOK', 'fail', 'F036']],
    ['no account', [...WEBHOOK], ['AKS-SA', 'fail', 'F033']],
    ['an account without identity', [...WEBHOOK, account()], ['AKS-SA-CLIENT-ID', 'fail', 'F028']],
    [
      'an empty annotation',
      [...WEBHOOK, account({ [`${PREFIX}client-id`]: '' })],
      ['AKS-SA-CLIENT-ID', 'fail', 'F028'],
    ],
    [
      'the object id of the identity',
      [...WEBHOOK, account({ [`${PREFIX}client-id`]: PRINCIPAL })],
      ['AKS-SA-CLIENT-ID', 'fail', 'F055'],
    ],
    [
      'a word in place of the id',
      [...WEBHOOK, account({ [`${PREFIX}client-id`]: 'orders-id' })],
      ['AKS-SA-CLIENT-ID', 'fail', 'F055'],
    ],
    [
      'the id of an identity that is gone',
      [...WEBHOOK, account({ [`${PREFIX}client-id`]: TENANT })],
      ['AKS-SA-CLIENT-ID', 'fail', 'F057'],
    ],
    [
      'the id in capitals',
      [...WEBHOOK, account({ [`${PREFIX}client-id`]: CLIENT.toUpperCase() })],
      ['', '', undefined],
    ],
    ['another tenant', [...WEBHOOK, annotated({ [`${PREFIX}tenant-id`]: CLIENT })], ['AKS-SA-TENANT', 'fail', 'F056']],
  ])('with %s', async (_what, objects, expected) => {
    expect(await failing(own, { objects })).toEqual(expected[0] ? [expected] : []);
  });

  it('names another identity of the group, and says which', async () => {
    const [wrong] = await unwell(own, {
      objects: [...WEBHOOK, account({ [`${PREFIX}client-id`]: TENANT })],
      identities: [{ name: 'mailer-id', clientId: TENANT }],
    });
    expect(wrong).toMatchObject({
      failure: 'F057',
      observed: expect.stringContaining('which is the identity mailer-id'),
    });
  });

  it.each<[string, Json, Json, [string, string, string | undefined] | undefined]>([
    ['no label', { metadata: { labels: { app: 'x' } } }, undefined, ['AKS-POD-LABEL', 'fail', 'F025']],
    [
      'the label of AAD Pod Identity',
      { metadata: { labels: { aadpodidbinding: 'x', [USE]: undefined } } },
      undefined,
      ['AKS-POD-LABEL', 'fail', 'F048'],
    ],
    ['no token', {}, { spec }, ['AKS-POD-ENV', 'fail', 'F029']],
    ['no client id', {}, injected({ AZURE_CLIENT_ID: null }), ['AKS-POD-ENV', 'fail', 'F029']],
    ['the client id of before', {}, injected({ AZURE_CLIENT_ID: TENANT }), ['AKS-POD-ENV', 'fail', 'F029']],
    [
      'a client id of its own',
      { spec: { containers: [{ name: 'app', env: [{ name: 'AZURE_CLIENT_ID', value: TENANT }] }] } },
      injected({ AZURE_CLIENT_ID: TENANT }),
      ['AKS-POD-ENV', 'fail', 'F027'],
    ],
    [
      'the same client id by hand',
      { spec: { containers: [{ name: 'app', env: [{ name: 'AZURE_CLIENT_ID', value: CLIENT }] }] } },
      injected(),
      undefined,
    ],
    ['the token where older webhooks put it', {}, injected({}, OLD), undefined],
    [
      'the old path where the token is',
      { spec: { containers: [{ name: 'app', command: ['cat', OLD] }] } },
      injected({}, OLD),
      undefined,
    ],
    [
      'the old path where the token is not',
      { spec: { containers: [{ name: 'app', command: ['cat', OLD] }] } },
      injected(),
      ['AKS-POD-ENV', 'fail', 'F042'],
    ],
    [
      'a copy of the token in another volume',
      { spec: { containers: [{ name: 'app' }] } },
      (() => {
        const made = injected({ AZURE_FEDERATED_TOKEN_FILE: '/copied/token' });
        made.spec.containers[0].volumeMounts.push({ name: 'copied', mountPath: '/copied' });
        return made;
      })(),
      undefined,
    ],
    [
      'a token file of its own',
      {},
      injected({ AZURE_FEDERATED_TOKEN_FILE: '/tmp/token' }),
      ['AKS-POD-ENV', 'fail', 'F042'],
    ],
    [
      'a container that is left out',
      { metadata: { labels: yes, annotations: { [`${PREFIX}skip-containers`]: 'app; other' } } },
      { spec },
      undefined,
    ],
    ['a label that came after it', {}, { metadata: { labels: { app: 'x' } } }, ['AKS-POD-ENV', 'fail', 'F029']],
    [
      'a virtual node',
      {},
      { spec: { ...injected().spec, nodeName: 'virtual-node-aci-linux' } },
      ['AKS-POD-PLACE', 'fail', 'F044'],
    ],
  ])('has pods with %s', async (_what, more, made, expected) => {
    const objects = madeBy(deployment(template(more)), made ?? injected());
    expect(await failing(own, well(objects))).toEqual(expected ? [expected] : []);
  });

  it('has the proxy in a Job of a Kubernetes that has no sidecars', async () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'import', namespace: 'shop', uid: 'j' },
      spec: { template: template() },
    };
    const made = madeBy(deployment(template()), injected())[2];
    made.metadata = {
      ...made.metadata,
      name: 'import-x',
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'import', uid: 'j' }],
    };
    made.spec.containers = [...made.spec.containers, { name: 'azwi-proxy' }];
    expect(await failing(own, well([job, made]))).toEqual([['AKS-POD-PROXY', 'fail', 'F043']]);
    const [proxy] = made.spec.containers.splice(1, 1);
    made.spec.initContainers = [{ ...proxy, restartPolicy: 'Always' }];
    expect(await failing(own, well([job, made]))).toEqual([]);
  });

  it('keeps webhooks away from its own namespace', async () => {
    const inSystem = (object: Json) => ({ ...object, metadata: { ...object.metadata, namespace: 'kube-system' } });
    const objects = [...WEBHOOK, ...[annotated(), ...madeBy(deployment(template()), { spec })].map(inSystem)];
    const system = workload('workload-identity', { namespace: 'kube-system' });
    expect(await failing(system, { objects })).toEqual([['AKS-POD-PLACE', 'fail', 'F040']]);
  });

  it('has a namesake that runs as somebody else', async () => {
    const objects = madeBy(deployment({ ...template(), spec: { containers: [{ name: 'app' }] } }), injected());
    expect(await failing(own, well(objects))).toEqual([['AKS-POD', 'fail', 'F032']]);
  });

  it('has others on the same service account, who want nothing of Azure', async () => {
    const other = deployment(
      { metadata: { labels: { app: 'cleanup' } }, spec },
      { name: 'cleanup', uid: 'uid-Deployment-cleanup' },
    );
    const objects = [...madeBy(deployment(template()), injected()), ...madeBy(other)];
    expect(await failing(own, well(objects))).toEqual([]);
    expect(await failing(own, well(objects), { pod: 'shop/cleanup-7d4c-abcde' })).toEqual([
      ['AKS-POD-LABEL', 'fail', 'F025'],
    ]);
  });

  it.each([
    [
      'admission webhook "mutation.azure-workload-identity.io" denied the request: token expiration 5 not valid. Expected value to be between 3600 and 86400',
      'F038',
    ],
    [
      'Internal error occurred: failed calling webhook "mutation.azure-workload-identity.io": failed to call webhook: Post "https://azure-wi-webhook-webhook-service.kube-system.svc:443/mutate-v1-pod?timeout=10s": context deadline exceeded',
      'F035',
    ],
    ['exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4', undefined],
  ])('refuses its pods: %s', async (message, failure) => {
    const [owner, set] = madeBy(deployment(template()));
    const failed = {
      ...set,
      status: {
        replicas: 0,
        conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }],
      },
    };
    expect(await failing(own, well([owner, failed]))).toEqual([['AKS-POD-CREATED', 'fail', failure]]);
  });

  it('had its pods refused, and has them now', async () => {
    const [owner, set, made] = madeBy(deployment(template()), injected());
    const status = {
      replicas: 1,
      conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'serviceaccount "x" not found' }],
    };
    expect(await failing(own, well([owner, { ...set, status }, made]))).toEqual([]);
  });

  it('has a pod that is not ready, and says by its log why', async () => {
    const status = {
      ...READY,
      conditions: [],
      containerStatuses: [{ name: 'app', ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } }],
    };
    const objects = madeBy(deployment(template()), { ...injected(), status });
    const logs = { 'orders-7d4c-abcde/app': `open ${OLD}: no such file or directory` };
    expect(await failing(own, { ...well(objects), logs })).toEqual([['AKS-POD-READY', 'fail', 'F042']]);
    expect(await failing(own, well(objects))).toEqual([['AKS-POD-READY', 'unknown', undefined]]);
  });

  it('may not be looked at everywhere: unknown, and the rest is asked', async () => {
    const around = {
      ...well(madeBy(deployment(template()), injected())),
      denied: ['MutatingWebhookConfiguration', 'Node', 'Event', 'CronJob'],
    };
    const [only, ...others] = await unwell(own, around);
    expect(only).toMatchObject({
      check: 'AKS-WEBHOOK',
      verdict: 'unknown',
      right: 'list MutatingWebhookConfiguration',
    });
    expect(others).toEqual([]);
  });
});
