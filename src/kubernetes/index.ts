import { createMemory } from '../memory.ts';
import { Secret } from '../secret.ts';
import { orAbsent, Problem } from '../trouble.ts';
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts';
import { FIELD_MANAGER, type Kind, type Kubernetes, type KubernetesObject, ONCE_MANAGER } from './kubernetes.ts';
import { discoveredPlace, knownPlace, type Place, pathOf, rootOf } from './plurals.ts';

/** Items of one page of a list. */
const PAGE = 500;
/** The least that a TokenRequest may ask for, seconds. */
const TOKEN_LIFE = 600;

/** The cluster, and the same cluster with nothing remembered: the connection stays shared. */
export type Refreshable = Kubernetes & { fresh(): Refreshable };

interface Shared {
  connect(): Promise<Connection>;
  /** What discovery said of a group and version. */
  readonly discovered: Map<string, Promise<unknown>>;
}

/** Connects at the first call. */
export function createKubernetes(options: ConnectionOptions): Refreshable {
  return view({ connect: createConnection(options), discovered: new Map() });
}

function view(shared: Shared): Refreshable {
  const memory = createMemory();
  const { connect } = shared;

  const read = async (path: string, resource: string) => {
    const connection = await connect();
    return orAbsent(connection.send({ method: 'GET', path, resource }));
  };

  return {
    server: async () => (await connect()).server,

    get: (object) =>
      memory(`get ${[object.apiVersion, object.kind, object.namespace, object.name].join(' ')}`, async () => {
        const place = await placeOf(shared, object);
        if (!place) return undefined;
        const path = pathOf(object, place, object.namespace, object.name);
        return (await read(path, nameOf(object.kind, object.namespace, object.name))) as KubernetesObject | undefined;
      }),

    list: (kind, namespace, labels) =>
      memory(`list ${JSON.stringify([kind, namespace, labels])}`, async () => {
        const place = await placeOf(shared, kind);
        if (!place) return [];
        const items: KubernetesObject[] = [];
        for (let next: string | undefined = ''; next !== undefined; ) {
          const query = new URLSearchParams({ limit: String(PAGE) });
          if (labels) query.set('labelSelector', labels);
          if (next) query.set('continue', next);
          const path = `${pathOf(kind, place, namespace)}?${query}`;
          const page = (await read(path, `${kind.kind} in ${namespace ?? 'all namespaces'}`)) as ListPage | undefined;
          // Items of a list do not say their kind.
          items.push(...(page?.items ?? []).map((each) => ({ ...each, apiVersion: kind.apiVersion, kind: kind.kind })));
          next = page?.metadata?.continue || undefined;
        }
        return items;
      }),

    versions: (group) =>
      memory(`versions ${group}`, async () => {
        const found = (await read(`/apis/${group}`, `API group ${group}`)) as ApiGroup | undefined;
        return (found?.versions ?? []).map(({ groupVersion }) => groupVersion);
      }),

    async apply(manifest, { dryRun = false } = {}) {
      const { apiVersion, kind, metadata } = await headOf(manifest);
      const resource = nameOf(kind, metadata.namespace, metadata.name);
      const place = await placeOf(shared, { apiVersion, kind });
      if (!place) throw noKind({ apiVersion, kind }, resource);
      if (place.namespaced && !metadata.namespace) {
        throw new Problem('refused', resource, `The manifest of ${resource} names no namespace.`);
      }
      const query = new URLSearchParams({ fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' });
      if (dryRun) query.set('dryRun', 'All');
      const path = `${pathOf({ apiVersion, kind }, place, metadata.namespace, metadata.name)}?${query}`;
      const connection = await connect();
      try {
        const contentType = 'application/apply-patch+yaml';
        const applied = await connection.send({ method: 'PATCH', path, body: manifest, contentType, resource });
        return applied as KubernetesObject;
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
      const answer = (await connection.send({
        method: 'POST',
        path,
        body,
        contentType: 'application/json',
        resource,
      })) as {
        status?: { token?: string };
      };
      if (!answer.status?.token) throw new Problem('broken', resource, `The cluster gave no token for ${resource}.`);
      return new Secret(answer.status.token);
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

interface ListPage {
  readonly items?: readonly KubernetesObject[];
  readonly metadata?: { readonly continue?: string };
}

/** The answer of `GET /apis/GROUP`. */
interface ApiGroup {
  readonly versions?: readonly { readonly groupVersion: string }[];
}

/** Known without asking, or by discovery; `undefined` when the cluster does not serve the kind. */
async function placeOf(shared: Shared, kind: Kind): Promise<Place | undefined> {
  const known = knownPlace(kind);
  if (known) return known;
  const path = rootOf(kind.apiVersion);
  let asked = shared.discovered.get(path);
  if (!asked) {
    const connection = await shared.connect();
    asked = orAbsent(connection.send({ method: 'GET', path, resource: kind.apiVersion }));
    shared.discovered.set(path, asked);
    // What is not served yet may be tomorrow, or after the next step.
    const forget = () => shared.discovered.delete(path);
    asked.then((answer) => answer === undefined && forget(), forget);
  }
  const answer = await asked;
  return answer === undefined ? undefined : discoveredPlace(answer, kind.kind);
}

/** What the path of an apply is made of. The text itself is sent as it is. */
async function headOf(manifest: string): Promise<Kind & { metadata: { name: string; namespace?: string } }> {
  const { parse } = await import('yaml');
  const head = parse(manifest) as Partial<KubernetesObject> | null;
  if (!head?.apiVersion || !head.kind || !head.metadata?.name) {
    throw new Problem('refused', 'manifest', 'The manifest lacks apiVersion, kind or metadata.name.');
  }
  return head as KubernetesObject;
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
