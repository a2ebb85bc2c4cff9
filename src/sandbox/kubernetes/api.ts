import { Refusal, type Reply, type Request } from '../parts.ts';
import { type Attempt, authorize, type Caller } from './access.ts';
import { hasEndpoints } from './admission/webhooks.ts';
import { isDryRun, managerOf, readBody, type Target, writeReply } from './api-write.ts';
import type { Cluster } from './cluster.ts';
import { discover } from './discovery.ts';
import { gitVersion } from './features.ts';
import { type Kind, kindNamed, kindsIn, shownAs } from './kinds.ts';
import type { Pod, Resource } from './model.ts';
import { openApi } from './openapi.ts';
import { review, reviewAt } from './reviews.ts';
import { scaleOf, scales, writeScale } from './scale.ts';
import { fieldTest, labelTest } from './selectors.ts';
import { badRequest, noSuchPath, notFound, refuse } from './status.ts';
import type { Store } from './store.ts';
import { asTable, wantsTable } from './table.ts';
import { listReply, watchReply } from './watch.ts';

/** One authenticated request to the API server. */
export async function serve(cluster: Cluster, request: Request, caller: Caller): Promise<Reply> {
  const path = request.path.replace(/\/+$/, '') || '/';
  if (['/livez', '/readyz', '/healthz'].includes(path)) return { status: 200, body: 'ok' };
  const published = cluster.tokens.published(path.slice(1));
  if (published) return { status: 200, body: published };
  const kinds = kindsIn(cluster.store);
  if (request.method === 'GET') {
    const found = discover(path, kinds, gitVersion(cluster.arm())) ?? openApi(path, kinds, cluster.schemas);
    if (found) return { status: 200, body: found };
  }
  const asked = request.method === 'POST' && reviewAt(path);
  if (asked) return { status: 201, body: review(asked.kind, readBody(request).value, caller, cluster.state) };
  const target = targetOf(path, kinds);
  if (!target) throw noSuchPath();
  const verb = verbOf(request, target);
  authorize(caller, attemptOf(target, verb), cluster.state);
  return handle(cluster, request, target, verb);
}

function targetOf(path: string, kinds: readonly Kind[]): Target | undefined {
  const match = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))\/(.+)$/.exec(path);
  if (!match) return undefined;
  const [, core, group = '', version = core, rest = ''] = match;
  const parts = rest.split('/');
  const scoped = parts[0] === 'namespaces' && parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize';
  const namespace = scoped ? parts[1] : undefined;
  const [plural, name, subresource, more] = scoped ? parts.slice(2) : parts;
  const kind = kinds.find((each) => each.plural === plural && each.group === group && each.version === version);
  if (!kind || more !== undefined || (namespace !== undefined && !kind.namespaced)) return undefined;
  return { kind, namespace, name, subresource };
}

function verbOf(request: Request, target: Target): string {
  const watching = ['1', 'true'].includes(request.query.get('watch') ?? '');
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return target.name ? 'get' : watching ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return target.name ? 'delete' : 'deletecollection';
    default:
      throw refuse(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
}

const attemptOf = (target: Target, verb: string): Attempt => ({
  verb,
  group: target.kind.group,
  resource: target.subresource ? `${target.kind.plural}/${target.subresource}` : target.kind.plural,
  namespace: target.kind.kind === 'Namespace' ? target.name : target.namespace,
  name: target.name,
});

async function handle(cluster: Cluster, request: Request, target: Target, verb: string): Promise<Reply> {
  const { kind, namespace, name, subresource } = target;
  const { query } = request;
  const { store, registry } = cluster;
  if (kind.kind === 'Pod' && subresource === 'log' && verb === 'get') return podLog(cluster, target, query);
  if (kind.kind === 'ServiceAccount' && subresource === 'token' && verb === 'create') {
    const body = request.body ? readBody(request).value : {};
    return { status: 201, body: cluster.tokens.request(namespace ?? '', name ?? '', body) };
  }
  if (subresource === 'scale' && scales(kind) && name !== undefined) return scaleReply(cluster, request, target, verb);
  if (kind.kind === 'Pod' && subresource !== undefined && NOT_DONE.includes(subresource)) {
    throw refuse(501, 'NotImplemented', `the sandbox does not do pods/${subresource}`);
  }
  if (subresource !== undefined && !(subresource === 'status' && kind.status)) throw noSuchPath();
  if (kind.namespaced && namespace === undefined && verb !== 'list' && verb !== 'watch') throw noSuchPath();

  const shown = (reply: Reply) =>
    wantsTable(request.headers.accept) ? asTable(reply, kind, cluster.parts.clock.now()) : reply;

  switch (verb) {
    case 'get': {
      const object = store.get(kind, namespace, name ?? '');
      if (!object) throw notFound(kind, name ?? '');
      demandConversion(store, kind, kind.stored?.version);
      return shown({ status: 200, body: shownAs(kind, object) });
    }
    case 'list':
    case 'watch': {
      if (kind.converter && store.list(kind, namespace).length > 0) demandConversion(store, kind, kind.stored?.version);
      const labels = labelTest(query.get('labelSelector'));
      const fields = fieldTest(query.get('fieldSelector'));
      const selection = { kind, namespace, fits: (object: Resource) => labels(object) && fields(object) };
      const table = wantsTable(request.headers.accept) ? () => cluster.parts.clock.now() : undefined;
      return verb === 'list' ? shown(listReply(store, selection)) : watchReply(store, selection, query, table);
    }
    case 'delete': {
      const options = request.body ? readBody(request).value : {};
      const preconditions = (options.preconditions ?? {}) as { uid?: string; resourceVersion?: string };
      const policy = options.propagationPolicy ?? query.get('propagationPolicy');
      const object = registry.remove(kind, namespace, name ?? '', {
        ...preconditions,
        orphan: policy === 'Orphan',
        dryRun: isDryRun(query, options),
      });
      return { status: 200, body: deletedReply(kind, object) };
    }
    case 'create':
    case 'update':
    case 'patch':
      if (verb === 'create' && name !== undefined) throw noSuchPath();
      demandConversion(store, kind, kind.version);
      return writeReply(cluster, request, target, verb);
    default:
      throw refuse(501, 'NotImplemented', `the sandbox does not do ${verb}`);
  }
}

/** Objects of another version than they are stored in go by the webhook that converts them, if there is one. */
function demandConversion(store: Store, kind: Kind, from: string | undefined): void {
  const { converter, stored } = kind;
  if (!converter || !stored || stored.version === kind.version) return;
  const { name, namespace, path = '', port = 443 } = converter;
  if (hasEndpoints(store, namespace, name)) return;
  const url = `https://${name}.${namespace}.svc:${port}${path}?timeout=30s`;
  const why = store.get(kindNamed('Service'), namespace, name)
    ? `no endpoints available for service "${name}"`
    : `service "${name}" not found`;
  throw refuse(
    500,
    'InternalError',
    `conversion webhook for ${kind.group}/${from}, Kind=${kind.kind} failed: Post "${url}": ${why}`,
  );
}

/** A real API server has them. */
const NOT_DONE = ['exec', 'attach', 'portforward', 'proxy', 'binding', 'eviction', 'ephemeralcontainers', 'resize'];

function scaleReply(cluster: Cluster, request: Request, target: Target, verb: string): Reply {
  const { kind, namespace, name } = target;
  const live = cluster.store.get(kind, namespace, name ?? '');
  if (!live) throw notFound(kind, name ?? '');
  if (verb === 'get') return { status: 200, body: scaleOf(live) };
  const merges = request.headers['content-type']?.startsWith('application/merge-patch+json');
  if (verb !== 'update' && !(verb === 'patch' && merges)) {
    throw refuse(501, 'NotImplemented', 'the sandbox takes a scale by PUT or JSON merge patch');
  }
  const write = { manager: managerOf(request), dryRun: isDryRun(request.query) };
  return { status: 200, body: writeScale(cluster, kind, live, readBody(request).value, write) };
}

const deletedReply = (kind: Kind, object: Resource) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: {
    name: object.metadata.name,
    ...(kind.group && { group: kind.group }),
    kind: kind.plural,
    uid: object.metadata.uid,
  },
});

async function podLog(cluster: Cluster, target: Target, query: URLSearchParams): Promise<Reply> {
  const { kind, namespace, name } = target;
  const pod = cluster.store.get(kind, namespace, name ?? '') as Pod | undefined;
  if (!pod) throw notFound(kind, name ?? '');
  const names = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((each) => each.name);
  const wanted = query.get('container');
  if (!wanted && pod.spec.containers.length > 1) {
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${pod.spec.containers.map((each) => each.name).join(' ')}]`,
    );
  }
  const container = wanted ?? pod.spec.containers[0]?.name ?? '';
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  const status = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
    (each) => each.name === container,
  );
  const began = status && (status.state.running || status.state.terminated || status.lastState.terminated);
  if (!began) {
    const reason = status?.state.waiting?.reason ?? 'ContainerCreating';
    throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ${reason}`);
  }
  if (query.get('follow') === 'true') throw new Refusal(notFollowed);
  const tail = query.get('tailLines');
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: await cluster.kubelet.log(pod, container, tail === null ? undefined : Number(tail)),
  };
}

const notFollowed = refuse(501, 'NotImplemented', 'the sandbox does not follow logs').reply;
