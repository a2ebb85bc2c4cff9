import { Refusal, type Reply, type Request } from '../parts.ts';
import { type Attempt, authorize, type Caller } from './access.ts';
import type { Cluster } from './cluster.ts';
import { discover } from './discovery.ts';
import { apiVersionOf, type Kind, kindsIn } from './kinds.ts';
import { isRecord, type Pod, type Resource } from './model.ts';
import { jsonPatch, mergePatch, strategicPatch } from './patch.ts';
import { fieldTest, labelTest } from './selectors.ts';
import { badRequest, noSuchPath, notFound, refuse } from './status.ts';
import { check, parseBody } from './strict.ts';
import { checkIdentity } from './validate.ts';
import { listReply, watchReply } from './watch.ts';

/** One authenticated request to the API server. */
export async function serve(cluster: Cluster, request: Request, caller: Caller): Promise<Reply> {
  const path = request.path.replace(/\/+$/, '') || '/';
  if (['/livez', '/readyz', '/healthz'].includes(path)) return { status: 200, body: 'ok' };
  const published = cluster.tokens.published(path.slice(1));
  if (published) return { status: 200, body: published };
  const kinds = kindsIn(cluster.store);
  if (request.method === 'GET') {
    const found = discover(path, kinds, gitVersion(cluster));
    if (found) return { status: 200, body: found };
  }
  const target = targetOf(path, kinds);
  if (!target) throw noSuchPath();
  const verb = verbOf(request, target);
  authorize(caller, attemptOf(target, verb), cluster.state);
  return handle(cluster, request, target, verb);
}

/** A version of ARM may lack the patch level. */
function gitVersion(cluster: Cluster): string {
  const version = cluster.arm().kubernetesVersion;
  return `v${/^\d+\.\d+$/.test(version) ? `${version}.0` : version}`;
}

interface Target {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

function targetOf(path: string, kinds: readonly Kind[]): Target | undefined {
  const match = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))\/(.+)$/.exec(path);
  if (!match) return undefined;
  const [, core, group = '', version = core, rest = ''] = match;
  const parts = rest.split('/').map((part) => decodeURIComponent(part));
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
    const body = parseBody(request.body || '{}').value;
    return { status: 201, body: cluster.tokens.request(namespace ?? '', name ?? '', body) };
  }
  if (subresource !== undefined && !(subresource === 'status' && kind.status)) throw noSuchPath();
  if (kind.namespaced && namespace === undefined && verb !== 'list' && verb !== 'watch') throw noSuchPath();

  switch (verb) {
    case 'get': {
      const object = store.get(kind, namespace, name ?? '');
      if (!object) throw notFound(kind, name ?? '');
      return { status: 200, body: object };
    }
    case 'list':
    case 'watch': {
      const labels = labelTest(query.get('labelSelector'));
      const fields = fieldTest(query.get('fieldSelector'));
      const selection = { kind, namespace, fits: (object: Resource) => labels(object) && fields(object) };
      return verb === 'list' ? listReply(store, selection) : watchReply(store, selection, query);
    }
    case 'delete': {
      const options = request.body ? parseBody(request.body).value : {};
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
      return writeReply(cluster, request, target, verb);
    default:
      throw refuse(501, 'NotImplemented', `the sandbox does not do ${verb}`);
  }
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

function isDryRun(query: URLSearchParams, options: Record<string, unknown> = {}): boolean {
  const wish = query.get('dryRun') ?? (Array.isArray(options.dryRun) ? String(options.dryRun[0] ?? '') : '');
  if (wish !== '' && wish !== 'All') {
    throw refuse(
      422,
      'Invalid',
      `CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "${wish}": supported values: "All"`,
    );
  }
  return wish === 'All';
}

function writeReply(cluster: Cluster, request: Request, target: Target, verb: string): Reply {
  const { kind, namespace, name } = target;
  const { query } = request;
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim();
  const applying = verb === 'patch' && type === 'application/apply-patch+yaml';
  const given = query.get('fieldManager');
  const agent = (request.headers['user-agent'] ?? '').split('/')[0] || 'unknown';
  const write = {
    manager: given ?? agent,
    subresource: target.subresource === 'status' ? ('status' as const) : undefined,
    dryRun: isDryRun(query),
  };
  const warnings: string[] = [];
  const read = (value: Record<string, unknown>, duplicates: readonly string[]): Resource => {
    const object = value as Partial<Resource>;
    checkIdentity(kind, object, namespace, name);
    warnings.push(...strictly(cluster, kind, value, duplicates, query, applying));
    const metadata = { ...object.metadata, name: object.metadata?.name ?? name ?? '' };
    if (kind.namespaced && namespace) metadata.namespace = namespace;
    else delete metadata.namespace;
    return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata } as Resource;
  };
  const reply = (status: number, object: Resource): Reply => ({
    status,
    body: object,
    ...(warnings.length > 0 && {
      headers: { warning: warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(', ') },
    }),
  });
  refuseOperatorKinds(kind);

  if (verb !== 'patch') {
    const { value, duplicates } = parseBody(request.body);
    const object = read(value, duplicates);
    if (verb === 'create') return reply(201, cluster.registry.create(kind, object, write));
    return reply(200, cluster.registry.update(kind, object, write));
  }
  if (applying) {
    if (!given) {
      throw refuse(
        422,
        'Invalid',
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    }
    const { value, duplicates } = parseBody(request.body);
    if (isRecord(value.metadata) && value.metadata.managedFields)
      throw badRequest('metadata.managedFields must be nil');
    if (value.kind === undefined || value.apiVersion === undefined) {
      throw badRequest('invalid object type: /, Kind=');
    }
    const force = query.get('force') === 'true';
    const done = cluster.registry.apply(kind, read(value, duplicates), { ...write, force });
    return reply(done.created ? 201 : 200, done.object);
  }
  const live = cluster.store.get(kind, namespace, name ?? '');
  if (!live) throw notFound(kind, name ?? '');
  const patched = patch(cluster, kind, live, type, request.body);
  return reply(200, cluster.registry.update(kind, read(patched as Record<string, unknown>, []), write));
}

function patch(cluster: Cluster, kind: Kind, live: Resource, type: string | undefined, body: string): unknown {
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(live, body);
    case 'application/merge-patch+json':
      return mergePatch(live, parseBody(body).value);
    case 'application/strategic-merge-patch+json':
      if (kind.model) return strategicPatch(live, parseBody(body).value, cluster.schemas.of(kind));
  }
  throw refuse(
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  );
}

/**
 * What the body says that the kind does not know. Server-side apply fails on it before it validates strictly, so it has
 * words of its own, and no reason; wrong types fail whatever the validation.
 */
function strictly(
  cluster: Cluster,
  kind: Kind,
  value: Record<string, unknown>,
  duplicates: readonly string[],
  query: URLSearchParams,
  applying: boolean,
): string[] {
  const { unknown, mistyped } = check(value, cluster.schemas.of(kind));
  const metadata = (value.metadata ?? {}) as { name?: string; namespace?: string };
  const id = `${metadata.namespace ?? ''}/${metadata.name ?? ''}; ${apiVersionOf(kind)}, Kind=${kind.kind}`;
  const [wrong] = mistyped;
  if (applying) {
    const faults = [
      ...unknown.map((path) => `.${path}: field not declared in schema`),
      ...mistyped.map(([path, expected, got]) => `.${path}: expected ${expected}, got ${got}`),
    ];
    if (faults.length > 0) {
      const text = faults.length === 1 ? faults[0] : `errors:\n  ${faults.join('\n  ')}`;
      throw refuse(500, '', `failed to create typed patch object (${id}): ${text}`);
    }
  }
  const version = JSON.stringify(kind.version);
  if (wrong) {
    const [path, expected, got] = wrong;
    throw badRequest(
      `${kind.kind} in version ${version} cannot be handled as a ${kind.kind}: json: cannot unmarshal ${got} into Go struct field ${kind.kind}.${path} of type ${expected}`,
    );
  }
  const level = query.get('fieldValidation') ?? 'Warn';
  const said = [
    ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
    ...duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
  ];
  if (said.length === 0 || level === 'Ignore') return [];
  if (level !== 'Strict') return said;
  if (applying) throw badRequest(`error strict decoding YAML: ${said.join(', ')}`);
  throw badRequest(
    `${kind.kind} in version ${version} cannot be handled as a ${kind.kind}: strict decoding error: ${said.join(', ')}`,
  );
}

/** The operator's pods are there, what it does is not: better no object than one that never becomes ready. */
function refuseOperatorKinds(kind: Kind): void {
  if (kind.group !== 'external-secrets.io') return;
  throw refuse(
    501,
    'NotImplemented',
    `the sandbox does not run the External Secrets Operator yet: ${kind.kind} refused`,
  );
}

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
