import { createMemory } from '../memory.ts';
import { Secret } from '../secret.ts';
import { listIn, Odd, tableIn, textIn } from '../shape.ts';
import { orAbsent, Problem } from '../trouble.ts';
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts';
import {
  FIELD_MANAGER,
  type Kind,
  type Kubernetes,
  type KubernetesObject,
  type ObjectRef,
  ONCE_MANAGER,
} from './kubernetes.ts';
import { knownPlace, type Place, pathOf, placesOf, rootOf } from './plurals.ts';

/** Items of one page of a list, and more pages than a cluster has objects for. */
const [PAGE, PAGES] = [500, 1000];
/** The least that a TokenRequest may ask for, seconds. */
const TOKEN_LIFE = 600;

/** The cluster, and the same cluster with nothing remembered: the connection stays shared. */
export type Refreshable = Kubernetes & { fresh(): Refreshable };

interface Shared {
  connect(): Promise<Connection>;
  /** What discovery said of a group and version. */
  readonly discovered: Map<string, Promise<ReadonlyMap<string, Place> | undefined>>;
  /** Kinds, each with its version, of which an object was looked for where they are served. */
  readonly served: Set<string>;
}

/** Connects at the first call. */
export function createKubernetes(options: ConnectionOptions): Refreshable {
  return view({ connect: createConnection(options), discovered: new Map(), served: new Set() });
}

function view(shared: Shared): Refreshable {
  const memory = createMemory();
  const { connect } = shared;

  const read = async <T>(path: string, resource: string, take: (answer: unknown) => T): Promise<T | undefined> => {
    const connection = await connect();
    return orAbsent(connection.ask({ method: 'GET', path, resource }, take));
  };

  return {
    server: async () => (await connect()).server,

    get: (object) =>
      memory(`get ${[object.apiVersion, object.kind, object.namespace, object.name].join(' ')}`, async () => {
        const place = await placeOf(shared, object);
        if (!place) return undefined;
        const path = pathOf(object, place, object.namespace, object.name);
        const connection = await connect();
        const resource = nameOf(object.kind, object.namespace, object.name);
        return orAbsent(
          connection.ask({ method: 'GET', path, resource }, objectOf).catch((error: unknown) => {
            if (isAbsentHere(error, object.name)) shared.served.add(servedAs(object));
            throw error;
          }),
        );
      }),

    serves: (kind) => shared.served.has(servedAs(kind)),

    list: (kind, namespace, labels) =>
      memory(`list ${JSON.stringify([kind, namespace, labels])}`, async () => {
        const place = await placeOf(shared, kind);
        if (!place) return [];
        const items: KubernetesObject[] = [];
        const seen = new Set<string>();
        for (let next: string | undefined = ''; next !== undefined; ) {
          const mark = next;
          const query = new URLSearchParams({ limit: String(PAGE) });
          if (labels) query.set('labelSelector', labels);
          if (next) query.set('continue', next);
          const path = `${pathOf(kind, place, namespace)}?${query}`;
          const page = await read(path, `${kind.kind} in ${namespace ?? 'all namespaces'}`, (answer) => {
            if (seen.has(mark) || seen.size === PAGES) throw new Odd('the list does not end');
            seen.add(mark);
            return pageOf(answer, kind);
          });
          for (const item of page?.items ?? []) items.push(item);
          next = page?.next;
        }
        return items;
      }),

    versions: (group) =>
      memory(`versions ${group}`, async () => {
        const versions = await read(`/apis/${group}`, `API group ${group}`, (answer) =>
          listIn(tableIn(answer).versions).map((version) => textIn(tableIn(version), 'groupVersion')),
        );
        return versions ?? [];
      }),

    async apply(manifest, { dryRun = false, of } = {}) {
      const { apiVersion, kind, name, namespace } = of ?? (await referenceIn(manifest));
      const resource = nameOf(kind, namespace, name);
      const place = await placeOf(shared, { apiVersion, kind });
      if (!place) throw noKind({ apiVersion, kind }, resource);
      if (place.namespaced && !namespace) {
        throw new Problem('refused', resource, `The manifest of ${resource} names no namespace.`);
      }
      const query = new URLSearchParams({ fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' });
      if (dryRun) query.set('dryRun', 'All');
      const path = `${pathOf({ apiVersion, kind }, place, namespace, name)}?${query}`;
      const connection = await connect();
      try {
        const contentType = 'application/apply-patch+yaml';
        return await connection.ask({ method: 'PATCH', path, body: manifest, contentType, resource }, objectOf);
      } catch (error) {
        throw error instanceof Problem ? explained(error, { apiVersion, kind }, resource) : error;
      }
    },

    async annotate(object, annotations) {
      const resource = nameOf(object.kind, object.namespace, object.name);
      const place = await placeOf(shared, object);
      if (!place) throw noKind(object, resource);
      const path = `${pathOf(object, place, object.namespace, object.name)}?fieldManager=${ONCE_MANAGER}`;
      const body = JSON.stringify({ metadata: { annotations } });
      const connection = await connect();
      await connection.send({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json', resource });
    },

    async delete(object, uid, { late = false } = {}) {
      const place = await placeOf(shared, object);
      if (!place) return;
      const resource = nameOf(object.kind, object.namespace, object.name);
      const path = pathOf(object, place, object.namespace, object.name);
      const body = JSON.stringify({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid },
        propagationPolicy: 'Background',
      });
      const connection = await connect();
      await orAbsent(
        connection.send({ method: 'DELETE', path, body, contentType: 'application/json', resource, late }),
      );
    },

    async token(namespace, serviceAccount, audience) {
      const resource = nameOf('ServiceAccount', namespace, serviceAccount);
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(serviceAccount)}/token`;
      const body = JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [audience], expirationSeconds: TOKEN_LIFE },
      });
      const connection = await connect();
      return connection.ask({ method: 'POST', path, body, contentType: 'application/json', resource }, (answer) => {
        const { token } = Object(tableIn(answer).status) as { token?: unknown };
        if (typeof token === 'string' && token !== '') return new Secret(token);
        throw new Problem('broken', resource, `The cluster gave no token for ${resource}.`);
      });
    },

    async log(namespace, pod, tail, container) {
      const which = container === undefined ? '' : `&container=${encodeURIComponent(container)}`;
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log?tailLines=${tail}${which}`;
      const connection = await connect();
      const resource = nameOf('Pod', namespace, pod);
      return (await connection.send({ method: 'GET', path, resource, text: true })) as string;
    },

    kubeconfig: async () => (await connect()).kubeconfig(),

    fresh: () => view(shared),
  };
}

const servedAs = ({ apiVersion, kind }: Kind): string => `${apiVersion} ${kind}`;

/** The API server says of an object by its name that it is not there; of a path that it does not serve, only that. */
const isAbsentHere = (error: unknown, name: string): boolean =>
  error instanceof Problem && error.said?.code === 'NotFound' && error.said.message.endsWith(`"${name}" not found`);

/** Takes an answer for an object if what all objects have is as it should be. @throws {Odd} */
function objectOf(answer: unknown): KubernetesObject {
  const object = tableIn(answer);
  const metadata = tableIn(object.metadata);
  textIn(metadata, 'name');
  for (const texts of ['labels', 'annotations']) {
    const all = Object.values(tableIn(metadata[texts] ?? {}));
    if (all.some((text) => typeof text !== 'string')) throw new Odd(`its ${texts} are no texts`);
  }
  for (const lists of ['managedFields', 'ownerReferences']) listIn(metadata[lists] ?? []).map(tableIn);
  return object as unknown as KubernetesObject;
}

/** A page of a list, and the mark of the next one. Where there is nothing, some API servers say null. @throws {Odd} */
function pageOf(answer: unknown, { apiVersion, kind }: Kind) {
  const { items, metadata } = tableIn(answer);
  const next = tableIn(metadata ?? {}).continue ?? '';
  if (typeof next !== 'string') throw new Odd('the mark of its next page is none');
  return {
    // Items of a list do not say their kind.
    items: (items === null ? [] : listIn(items)).map((item) => ({ ...objectOf(item), apiVersion, kind })),
    next: next === '' ? undefined : next,
  };
}

/** Known without asking, or by discovery; `undefined` when the cluster does not serve the kind. */
async function placeOf(shared: Shared, kind: Kind): Promise<Place | undefined> {
  const known = knownPlace(kind);
  if (known) return known;
  const path = rootOf(kind.apiVersion);
  let asked = shared.discovered.get(path);
  if (!asked) {
    const connection = await shared.connect();
    asked = orAbsent(connection.ask({ method: 'GET', path, resource: kind.apiVersion }, placesOf));
    shared.discovered.set(path, asked);
    // What is not served yet may be tomorrow, or after the next step.
    const forget = () => shared.discovered.delete(path);
    asked.then((answer) => answer === undefined && forget(), forget);
  }
  return (await asked)?.get(kind.kind);
}

/** What the path of an apply is made of. The text itself is sent as it is. */
async function referenceIn(manifest: string): Promise<ObjectRef> {
  const { parse } = await import('yaml');
  const head = parse(manifest) as Partial<KubernetesObject> | null;
  if (!head?.apiVersion || !head.kind || !head.metadata?.name) {
    throw new Problem('refused', 'manifest', 'The manifest lacks apiVersion, kind or metadata.name.');
  }
  const { name, namespace } = head.metadata;
  return { apiVersion: head.apiVersion, kind: head.kind, name, ...(namespace && { namespace }) };
}

/** A 404 for an apply is about the kind or the namespace, never about the object. */
function explained(problem: Problem, kind: Kind, resource: string): Problem {
  if (problem.said?.status !== 404) return problem;
  const namespace = /namespaces "([^"]+)" not found/.exec(problem.said.message)?.[1];
  if (!namespace) return noKind(kind, resource);
  return new Problem('missing', `namespace ${namespace}`, `namespace ${namespace} does not exist.`, {
    said: problem.said,
  });
}

function noKind({ apiVersion, kind }: Kind, resource: string): Problem {
  const message = `no matches for kind "${kind}" in version "${apiVersion}"`;
  return new Problem('missing', resource, `The cluster does not know ${kind} (${apiVersion}).`, {
    said: { by: 'Kubernetes', status: 404, message },
  });
}

const nameOf = (kind: string, namespace: string | undefined, name: string) =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
