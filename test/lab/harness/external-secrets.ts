import { begin, type Story } from '../../stories/harness.ts';
import type { Lab } from './lab.ts';
import { until } from './processes.ts';

/** What the operator says of an object: its condition, and the newest event that is a warning. */
export interface Told {
  /** `False SecretSyncedError: could not get secret data from provider` */
  readonly condition: string;
  /** `UpdateFailed: …`; empty where there is none. */
  readonly event: string;
  /** Which of its controllers made it. */
  readonly by: string;
}

/** Of both objects. */
export interface Said {
  readonly store: Told;
  readonly external: Told;
}

interface Event {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: string };
  readonly involvedObject: { readonly kind: string; readonly uid: string };
}

interface Ready {
  readonly metadata: { readonly uid: string; readonly generation?: number };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; reason: string; message: string }[];
  };
}

function toldOf(object: Ready | undefined, events: readonly Event[]): Told {
  const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
  const own = events
    .filter(({ involvedObject, type }) => involvedObject.uid === object?.metadata.uid && type === 'Warning')
    .sort((a, b) => a.lastTimestamp.localeCompare(b.lastTimestamp));
  const last = own.at(-1);
  return {
    condition: ready ? `${ready.status} ${ready.reason}: ${ready.message}` : '',
    event: last ? `${last.reason}: ${last.message}` : '',
    by: last?.source.component ?? '',
  };
}

/** What the real operator says of the store and the ExternalSecret of that name. */
export async function saidByReal(lab: Lab, namespace: string, name: string): Promise<Said> {
  const get = <T>(words: string) => lab.object<T>(`${words} -n ${namespace}`);
  const [store, external, events] = await Promise.all([
    get<Ready>(`secretstore/${name}`),
    get<Ready>(`externalsecret/${name}`),
    get<{ items: readonly Event[] }>('events'),
  ]);
  return { store: toldOf(store, events?.items ?? []), external: toldOf(external, events?.items ?? []) };
}

/** A world of the sandbox in which the same `init` was run, and its simulated operator. */
export interface Twin {
  readonly story: Story;
  said(): Promise<Said>;
  /** Makes store and ExternalSecret anew, as `anew` does in the lab. */
  anew(otherwise: Otherwise): Promise<void>;
  ask<T>(method: string, path: string, body?: object, type?: string): Promise<T>;
  close(): Promise<void>;
}

export async function twinOf(of: {
  readonly namespace: string;
  readonly name: string;
  readonly init: string;
  readonly secrets: Readonly<Record<string, string>>;
  /** Also a key `lab-key` and a certificate `lab-cert`. */
  readonly gives?: true;
}): Promise<Twin> {
  const { namespace, name } = of;
  const story = await begin();
  for (const [secret, value] of Object.entries(of.secrets)) await story.sandbox.seed('demo-kv', secret, value);
  if (of.gives) {
    await story.sandbox.give('demo-kv', 'key', 'lab-key');
    await story.sandbox.give('demo-kv', 'certificate', 'lab-cert');
  }
  const { code, out, err } = await story.run(of.init, { noSample: true });
  if (code !== 0) throw new Error(`the twin: ${out}${err}`);
  const ask = async <T>(method: string, path: string, body?: object, type = 'application/json'): Promise<T> => {
    const { clusters, users } = JSON.parse(story.sandbox.kubeconfig());
    const url = new URL(path, clusters[0].cluster.server);
    const { status, body: answer } = await story.sandbox.parts.dispatch({
      ...{ method, host: url.hostname, path: decodeURIComponent(url.pathname), query: url.searchParams },
      headers: { authorization: `Bearer ${users[0].user.token}`, 'content-type': type },
      body: body ? JSON.stringify(body) : '',
    });
    if (status >= 300) throw new Error(`the twin: ${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return structuredClone(answer) as T;
  };
  let made: Manifests | undefined;
  return {
    story,
    ask,
    async said() {
      await story.sandbox.settled();
      const path = `/apis/external-secrets.io/v1/namespaces/${namespace}`;
      const [store, external, events] = await Promise.all([
        ask<Ready>('GET', `${path}/secretstores/${name}`),
        ask<Ready>('GET', `${path}/externalsecrets/${name}`),
        ask<{ items: readonly Event[] }>('GET', `/api/v1/namespaces/${namespace}/events`),
      ]);
      return { store: toldOf(store, events.items), external: toldOf(external, events.items) };
    },
    async anew(otherwise) {
      const path = `/apis/external-secrets.io/v1/namespaces/${namespace}`;
      const kinds = [`${path}/secretstores`, `${path}/externalsecrets`];
      const read = async (kind: string) => bare(await ask<Manifest>('GET', `${kind}/${name}`));
      made ??= [await read(kinds[0]!), await read(kinds[1]!)];
      for (const kind of [...kinds].reverse()) await ask('DELETE', `${kind}/${name}`).catch(() => {});
      await story.sandbox.settled();
      for (const [at, manifest] of changed(made, otherwise).entries()) await ask('POST', kinds[at]!, manifest);
    },
    close: () => story.close(),
  };
}

/** What differs between two worlds and two runs, and says nothing. */
export const withoutChance = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<guid>')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, '<time>')
    .replace(/\b[0-9a-f]{32}\b/g, '<version>')
    .replace(/(?<=-)[0-9a-f]{6}\b/g, '<hash>');

/** What is different in the objects that are made anew. */
export interface Otherwise {
  readonly azurekv?: Readonly<Record<string, unknown>>;
  /** Fields of the ExternalSecret's spec. */
  readonly external?: Readonly<Record<string, unknown>>;
}

/** Makes store and ExternalSecret anew: what is remembered of the old ones, and their events, is gone with them. */
export async function anew(lab: Lab, namespace: string, name: string, otherwise: Otherwise): Promise<void> {
  const key = `${namespace}/${name}`;
  const read = async (kind: string) => bare((await lab.object<Manifest>(`${kind}/${name} -n ${namespace}`))!);
  const asMade = known.get(key) ?? [await read('secretstore'), await read('externalsecret')];
  known.set(key, asMade);
  const words = `externalsecret/${name} secretstore/${name} -n ${namespace}`;
  const { code, err } = await lab.kubectl(`delete ${words} --ignore-not-found`);
  if (code !== 0) throw new Error(err);
  await until('the Secret has gone with its owner', async () => {
    return (await lab.object(`secret/${name} -n ${namespace}`)) === undefined;
  });
  await lab.apply(...changed(asMade, otherwise));
}

// biome-ignore lint/suspicious/noExplicitAny: manifests as init made them, changed by cases
type Manifest = any;
type Manifests = readonly [Manifest, Manifest];

/** Store and ExternalSecret as `init` made them, by namespace and name. */
const known = new Map<string, Manifests>();

const bare = ({ apiVersion, kind, metadata: { name, namespace, labels }, spec }: Manifest): Manifest => ({
  ...{ apiVersion, kind, spec },
  metadata: { name, namespace, labels },
});

function changed(asMade: Manifests, { azurekv, external: spec }: Otherwise): Manifests {
  const [store, external] = structuredClone(asMade);
  Object.assign(store.spec.provider.azurekv, azurekv);
  Object.assign(external.spec, spec);
  return [store, external];
}
