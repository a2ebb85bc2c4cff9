import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { programNamed } from './build/programs.ts';
import { CASES, type Case, ONE, objects } from './csi-cases.ts';
import { type Identity, identityOf } from './harness/azure.ts';
import { realSide, type Side, simulatedSide } from './harness/beside.ts';
import { type Lab, theLab } from './harness/lab.ts';
import { type NodeAgent, startNodeAgent } from './harness/node-agent/index.ts';
import { LAB } from './harness/place.ts';
import { until } from './harness/processes.ts';
import { enter } from './harness/table.ts';
import { brief } from './harness/words.ts';

/*
 * The same SecretProviderClass and the same pod, before the real driver and provider and before the simulated ones: the
 * event by which the mount fails, or what is mounted, must be the same.
 */
const NAMESPACE = 'csi-words';
const APP = 'files';
const CLASSES = `/apis/secrets-store.csi.x-k8s.io/v1/namespaces/${NAMESPACE}`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

type Json = Readonly<Record<string, unknown>>;

/** What became of the pod: what the cluster said of it, or what it was given. */
interface Outcome {
  readonly said?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly status?: Json;
  readonly synced?: unknown;
}

interface Listed<T> {
  readonly metadata: { readonly name: string };
  readonly items: readonly T[];
}
interface Event {
  readonly metadata: { readonly name: string };
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly name: string };
}

describe.skipIf(!LAB)('the CSI driver and the simulated one', () => {
  const { version } = programNamed('csi-provider-azure');
  let lab: Lab;
  let agent: NodeAgent;
  let real: Side;
  let simulated: Awaited<ReturnType<typeof simulatedSide>>;
  const identities = new Map<Side, Identity>();

  beforeAll(async () => {
    lab = await theLab();
    agent = await startNodeAgent(lab);
    real = realSide(lab);
    simulated = await simulatedSide();
    for (const side of [real, simulated]) {
      const { sandbox } = side.azure;
      await sandbox.seed('demo-kv', 'words-password', 'a value of the lab');
      await sandbox.seed('demo-kv', 'words-two', 'another');
      await sandbox.seed('demo-kv', 'words-base64', 'aGk=');
      await sandbox.seed('demo-kv', 'words-hex', '6869');
      await sandbox.seed('demo-kv', 'words-odd', '686');
      await sandbox.seed('demo-kv', 'words-short', 'aGk');
      await sandbox.give('demo-kv', 'key', 'words-key');
      await sandbox.give('demo-kv', 'certificate', 'words-cert');
      const words = `init --method csi --vault demo-kv --workload ${APP} --namespace ${NAMESPACE} --secret words-password --key words-key --certificate words-cert`;
      await side.run(`${words} --yes --allow cluster,irreversible`);
      const { spec } = await side.api.get<{ metadata: { name: string }; spec: { parameters: { clientID: string } } }>(
        `${CLASSES}/secretproviderclasses/${APP}`,
      );
      identities.set(side, await identityOf(side.azure, spec.parameters.clientID));
    }
    await simulated.story.sandbox.settled();
  });
  afterAll(async () => {
    await lab?.kubectl(`delete namespace ${NAMESPACE} --wait=false`);
    await simulated?.story.close();
  });

  it.each(CASES.map((each, index) => ({ ...each, name: `w${index}` })))('$title', async ({ name, ...each }) => {
    const [theirs, ours] = [await outcome(real, name, each), await outcome(simulated, name, each)];
    const seen = comparable(theirs);
    const same = isDeepStrictEqual(seen, comparable(ours));
    enter(
      {
        ...{ program: 'csi-provider-azure', version, case: `mounts: ${each.title}` },
        expected: 'as the simulated one, word by word',
        seen: same ? shown(theirs) : `${JSON.stringify(seen)} and not ${JSON.stringify(comparable(ours))}`,
      },
      same,
    );
  });

  async function outcome(side: Side, name: string, of: Case): Promise<Outcome> {
    const identity = identities.get(side)!;
    const undo = await of.breaks?.(side, identity);
    try {
      if (!of.noClass) await side.api.create(`${CLASSES}/secretproviderclasses`, classOf(name, of, identity));
      const { metadata } = await side.api.create(PODS, podOf(name, of));
      if (side === simulated) {
        simulated.story.sandbox.advance(100);
        await simulated.story.sandbox.settled();
      }
      return await until(
        `${name} is mounted, or not`,
        () => seenOf(side, name, metadata.uid ?? '', of),
        () => '',
        15_000,
      );
    } finally {
      await side.api.remove(`${PODS}/${name}`, { gracePeriodSeconds: 0 });
      await undo?.();
    }
  }

  async function seenOf(side: Side, name: string, uid: string, of: Case): Promise<Outcome | undefined> {
    const { items } = await side.api.get<Listed<Event>>(`/api/v1/namespaces/${NAMESPACE}/events`);
    const events = items.filter(({ involvedObject }) => involvedObject.name === name);
    const failed = events.find(({ reason }) => reason === 'FailedMount');
    if (failed) return { said: failed.message };
    const pod = await side.api.get<{ metadata: { name: string }; status?: { phase?: string } }>(`${PODS}/${name}`);
    if (pod.status?.phase !== 'Running') return undefined;
    const folder =
      side === real
        ? agent.host(`/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~csi/secrets/mount`)
        : join(dirname(side.azure.sandbox.caFile), 'pods', uid, 'volumes/secrets');
    const { status } = await side.api.get<{ metadata: { name: string }; status: Json }>(
      `${CLASSES}/secretproviderclasspodstatuses/${name}-${NAMESPACE}-${name}`,
    );
    const wanted = of.spec?.secretObjects as readonly { secretName: string }[] | undefined;
    const found = { files: filesIn(folder), status };
    if (!wanted) return found;
    const refused = events.find(({ reason }) => reason === 'FailedToCreateSecret');
    if (refused) return { said: refused.message };
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets/${wanted[0]?.secretName}`;
    const secretFound = await side.api
      .get<{ metadata: { name: string; labels: Json; ownerReferences?: readonly Json[] }; data: Json; type: string }>(
        path,
      )
      .catch(() => undefined);
    if (!secretFound?.metadata.ownerReferences) return undefined;
    const { labels, ownerReferences } = secretFound.metadata;
    return { ...found, synced: { labels, ownerReferences, data: secretFound.data, type: secretFound.type } };
  }

  const classOf = (name: string, { parameters = {}, spec = {}, objects: list = ONE }: Case, identity: Identity) => ({
    apiVersion: 'secrets-store.csi.x-k8s.io/v1',
    kind: 'SecretProviderClass',
    metadata: { name, namespace: NAMESPACE },
    spec: without({
      provider: 'azure',
      parameters: without({
        keyvaultName: 'demo-kv',
        clientID: String(identity.properties.clientId),
        tenantID: String(identity.properties.tenantId),
        objects: objects(list),
        ...parameters,
      }),
      ...spec,
    }),
  });

  const podOf = (name: string, { csi = {} }: Case) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      serviceAccountName: APP,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'app',
          image: 'mcr.microsoft.com/azurelinux/base/nodejs:24',
          command: ['node', '-e', 'setInterval(() => {}, 1000)'],
          volumeMounts: [{ name: 'secrets', mountPath: '/mnt/secrets', readOnly: true }],
        },
      ],
      volumes: [
        {
          name: 'secrets',
          csi: without({
            driver: 'secrets-store.csi.k8s.io',
            readOnly: true,
            volumeAttributes: { secretProviderClass: name },
            ...csi,
          }),
        },
      ],
    },
  });
});

const shown = ({ said, files = {} }: Outcome): string =>
  said === undefined ? `mounted: ${Object.keys(files).join(', ')}` : brief(said);

const without = (object: Json): Json =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

/** Below a volume, each with the hash of its bytes; links followed, what is hidden left out. */
function filesIn(folder: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(folder, below)).filter((each) => !each.startsWith('..'))) {
    const path = join(below, name);
    if (statSync(join(folder, path)).isDirectory()) Object.assign(found, filesIn(folder, path));
    else found[path] = readFileSync(join(folder, path), 'utf8');
  }
  return found;
}

const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Without what chance and time make. */
function comparable(outcome: Outcome): unknown {
  const { said, files, status, synced } = outcome;
  const plain = (text: string) =>
    text
      .replaceAll(GUID, '<id>')
      .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>')
      .replaceAll(/\b[0-9a-f]{32}\b/g, '<version>')
      // What a parser of YAML says of a text that is none is its own.
      .replaceAll(/(error: yaml: )(?!unmarshal errors)[^"]*$/g, '$1<why>')
      .replaceAll(/aks-nodepool1-\d+-vmss\d+/g, '<node>');
  if (said !== undefined) return plain(said);
  const hashed = Object.fromEntries(
    Object.entries(files ?? {}).map(([path, text]) => [
      path,
      /-----BEGIN/.test(text)
        ? text.replaceAll(/[\w+/=]{20,}/g, '<pem>').replaceAll(/\n[\w+/=]+\n/g, '\n<pem>\n')
        : createHash('sha256').update(text).digest('hex'),
    ]),
  );
  return JSON.parse(plain(JSON.stringify({ hashed, status, synced })));
}
