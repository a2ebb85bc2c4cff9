import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterWorld, closeWorlds, clusterWorld, type Json } from '../sandbox/kubernetes-world.ts';
import { programNamed } from './build/programs.ts';
import { scaleWebhook } from './harness/addons/webhook.ts';
import { withWorkloadIdentity } from './harness/features.ts';
import { type Lab, theLab } from './harness/lab.ts';
import type { ApiError } from './harness/node-agent/api.ts';
import { LAB } from './harness/place.ts';
import { adminOf } from './harness/system-pods.ts';
import { enter } from './harness/table.ts';

const PREFIX = 'azure.workload.identity/';
const LABELS = { [`${PREFIX}use`]: 'true' };
const CLIENT = '44444444-4444-4444-8444-444444444444';
const NAMESPACE = 'shop';

/** A pod and its account, and what makes them worth asking about. */
interface Asked {
  readonly title: string;
  readonly account?: Json;
  readonly metadata?: Json;
  readonly spec?: Json;
  /** The real one does it, and the simulated one says that it cannot. */
  readonly notSimulated?: true;
}

const container = (more: Json = {}) => ({ name: 'app', image: 'registry.example/app:1', ...more });
const annotated = { [`${PREFIX}client-id`]: CLIENT };
const lifetime = `${PREFIX}service-account-token-expiration`;

const ASKED: readonly Asked[] = [
  { title: 'a pod of an annotated account' },
  { title: 'a pod whose name the server makes', metadata: { name: undefined, generateName: 'orders-7d4c-' } },
  { title: 'an account without a client id', account: {} },
  { title: 'an account with an empty client id', account: { [`${PREFIX}client-id`]: '' } },
  { title: 'an account that names the tenant', account: { ...annotated, [`${PREFIX}tenant-id`]: CLIENT } },
  { title: 'an account with an empty tenant', account: { ...annotated, [`${PREFIX}tenant-id`]: '' } },
  { title: 'init containers', spec: { initContainers: [container({ name: 'init' })] } },
  {
    title: 'a container that is left out',
    metadata: { annotations: { [`${PREFIX}skip-containers`]: 'other; app' } },
    spec: { containers: [container(), container({ name: 'second' })] },
  },
  {
    title: 'variables that are set already',
    spec: { containers: [container({ env: [{ name: 'AZURE_CLIENT_ID', value: 'mine' }] })] },
  },
  {
    title: 'variables that come from elsewhere',
    spec: {
      containers: [
        container({ env: [{ name: 'AZURE_TENANT_ID', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
      ],
    },
  },
  {
    title: 'volumes and mounts of its own',
    spec: {
      containers: [container({ volumeMounts: [{ name: 'data', mountPath: '/data' }] })],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  },
  { title: 'no label', metadata: { labels: { app: 'orders' } } },
  { title: 'a label of another value', metadata: { labels: { [`${PREFIX}use`]: 'True' } } },
  { title: 'a lifetime from the pod', metadata: { annotations: { [lifetime]: '7200' } } },
  { title: 'a lifetime from the account', account: { ...annotated, [lifetime]: '86400' } },
  { title: 'a lifetime that is too short', metadata: { annotations: { [lifetime]: '100' } } },
  { title: 'a lifetime that is no number', account: { ...annotated, [lifetime]: '1h' } },
  { title: 'a lifetime with a sign', account: { ...annotated, [lifetime]: '+3600' } },
  { title: 'an empty lifetime', metadata: { annotations: { [lifetime]: '' } } },
  { title: 'an account that is not there', spec: { serviceAccountName: 'nobody' } },
  {
    title: 'the proxy on the network of the node',
    metadata: { annotations: { [`${PREFIX}inject-proxy-sidecar`]: 'true' } },
    spec: { hostNetwork: true },
  },
  {
    title: 'the proxy',
    metadata: { annotations: { [`${PREFIX}inject-proxy-sidecar`]: 'true' } },
    notSimulated: true,
  },
];

const podOf = ({ metadata = {}, spec = {} }: Asked, index: number): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `asked-${index}`, namespace: NAMESPACE, labels: LABELS, ...metadata },
  spec: {
    serviceAccountName: `orders-${index}`,
    automountServiceAccountToken: false,
    containers: [container()],
    ...spec,
  },
});

/** One for each pod: the webhook reads accounts from a cache, and asks the API server for those that it lacks. */
const accountOf = ({ account = annotated }: Asked, index: number): Json => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: `orders-${index}`, namespace: NAMESPACE, annotations: account },
});

/** What an API server answered: the pod as it would be, or its refusal. */
interface Answer {
  readonly status: number;
  readonly body: Json;
}

describe.skipIf(!LAB)('the workload identity webhook', () => {
  const { version } = programNamed('webhook');
  let lab: Lab;
  let world: ClusterWorld;
  beforeAll(async () => {
    lab = await theLab();
    await withWorkloadIdentity(lab);
    await lab.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    world = await clusterWorld({ kubernetesVersion: '1.36.3' });
    return closeWorlds;
  });
  afterAll(async () => {
    await lab.kubectl(`delete namespace ${NAMESPACE} --wait=false`);
  });

  const real = async (asked: Asked, index: number): Promise<Answer> => {
    const api = adminOf(lab);
    const path = `/api/v1/namespaces/${NAMESPACE}`;
    await api.create(`${path}/serviceaccounts`, accountOf(asked, index));
    return api.create<Json>(`${path}/pods?dryRun=All`, podOf(asked, index)).then(
      (body) => ({ status: 201, body }),
      ({ status, message }: ApiError) => ({ status, body: { message } }),
    );
  };
  const simulated = async (asked: Asked, index: number): Promise<Answer> => {
    const path = `/api/v1/namespaces/${NAMESPACE}`;
    await world.ask('POST', `${path}/serviceaccounts`, accountOf(asked, index));
    return world.ask('POST', `${path}/pods?dryRun=All`, podOf(asked, index));
  };

  it.each(ASKED.map((asked, index) => ({ ...asked, index })))(
    'does with $title what the simulated one does',
    async ({ index, ...asked }) => {
      const [theirs, ours] = [await real(asked, index), await simulated(asked, index)];
      const [seen, expected] = [
        comparable(theirs, lab.sandbox.parts.state.tenantId),
        comparable(ours, world.parts.state.tenantId),
      ];
      enter(
        {
          ...{ program: 'webhook', version, case: `mutates a pod: ${asked.title}` },
          expected: asked.notSimulated ? 'the simulated one refuses by name' : 'field by field as the simulated one',
          seen: said(theirs),
        },
        asked.notSimulated ? ours.status === 400 : true,
      );
      if (!asked.notSimulated) expect(expected).toEqual(seen);
    },
  );

  it('is asked by the API server, which refuses while it has no pod', async () => {
    await scaleWebhook(lab, 0);
    try {
      const asked = { title: '' };
      const theirs = await real(asked, 99);
      const service = 'azure-wi-webhook-webhook-service';
      expect(theirs.body.message).toBe(
        `Internal error occurred: failed calling webhook "mutation.azure-workload-identity.io": failed to call webhook: Post "https://${service}.kube-system.svc:443/mutate-v1-pod?timeout=10s": no endpoints available for service "${service}"`,
      );
      await world.ask(
        'PATCH',
        '/apis/apps/v1/namespaces/kube-system/deployments/azure-wi-webhook-controller-manager',
        { spec: { replicas: 0 } },
        { 'content-type': 'application/merge-patch+json' },
      );
      const ours = await simulated(asked, 99);
      enter(
        {
          program: 'webhook',
          version,
          case: 'no pod of it runs',
          expected: 'failurePolicy Fail refuses the pod, in the words of the simulated one',
          seen: said(theirs),
        },
        theirs.status === ours.status && theirs.body.message === ours.body.message,
      );
    } finally {
      await scaleWebhook(lab, 1);
    }
  });
});

/** Without what every server names and counts for itself. */
function comparable({ status, body }: Answer, tenantId: string): Json {
  if (status >= 400) return { status, message: body.message };
  const { metadata, spec } = structuredClone(body);
  const text = JSON.stringify(spec).replaceAll(tenantId, '<tenant>');
  return { status, labels: metadata.labels, annotations: metadata.annotations, spec: JSON.parse(text) };
}

/** Of a pod what the webhook did, of a refusal its words. */
function said({ status, body }: Answer): string {
  if (status >= 400) return `${status} ${body.message}`;
  const env = body.spec.containers.flatMap((each: Json) => each.env ?? []) as { name: string; value?: string }[];
  const token = env.find(({ name }) => name === 'AZURE_FEDERATED_TOKEN_FILE')?.value;
  const volume = body.spec.volumes?.find((each: Json) => each.projected)?.name;
  if (!token) return 'unchanged';
  return `${[...new Set(env.map(({ name }) => name))].join(', ')}; ${token}; ${volume}`;
}
