import type { Reply, Request } from '../parts.ts';
import type { Cluster } from './cluster.ts';
import { refuseOperatorKind } from './external-secrets/not-simulated.ts';
import { apiVersionOf, type Kind, shownAs } from './kinds.ts';
import { isRecord, type Resource } from './model.ts';
import { jsonPatch, mergePatch, strategicPatch } from './patch.ts';
import { fromProtobuf, PROTOBUF } from './protobuf.ts';
import { badRequest, notFound, refuse } from './status.ts';
import { check, parseBody } from './strict.ts';
import { prune } from './structural.ts';
import { checkIdentity } from './validate.ts';

/** Whether nothing is to be stored: by the query, or by the options in a deletion's body. */
export function isDryRun(query: URLSearchParams, options: Record<string, unknown> = {}): boolean {
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

/** Who writes: by name, or as the client calls itself. */
export const managerOf = ({ query, headers }: Request): string =>
  query.get('fieldManager') ?? ((headers['user-agent'] ?? '').split('/')[0] || 'unknown');

/** The body, whichever way it is written. */
export const readBody = ({ headers, body }: Request): ReturnType<typeof parseBody> =>
  headers['content-type']?.startsWith(PROTOBUF) ? { value: fromProtobuf(body), duplicates: [] } : parseBody(body);

export interface Target {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Create, update, patch and apply: reads the body strictly, and hands it to the registry. */
export function writeReply(cluster: Cluster, request: Request, target: Target, verb: string): Reply {
  const { kind, namespace, name } = target;
  const { query } = request;
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim();
  const applying = verb === 'patch' && type === 'application/apply-patch+yaml';
  const given = query.get('fieldManager');
  const write = {
    manager: managerOf(request),
    subresource: target.subresource === 'status' ? ('status' as const) : undefined,
    dryRun: isDryRun(query),
  };
  const warnings: string[] = [];
  const read = (value: Record<string, unknown>, duplicates: readonly string[]): Resource => {
    let object = withoutNulls(value) as Partial<Resource>;
    checkIdentity(kind, object, namespace, name);
    refuseOperatorKind(kind, object);
    warnings.push(...strictly(cluster, kind, value, duplicates, query, applying));
    // Fields of built-in kinds are kept as they came; those of a definition are pruned, as in a real API server.
    if (!kind.model) object = prune(object, cluster.schemas.of(kind)) as Partial<Resource>;
    const metadata = { ...object.metadata, name: object.metadata?.name ?? name ?? '' };
    if (kind.namespaced && namespace) metadata.namespace = namespace;
    else delete metadata.namespace;
    return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata } as Resource;
  };
  const reply = (status: number, object: Resource): Reply => ({
    status,
    body: shownAs(kind, object),
    ...(warnings.length > 0 && {
      headers: { warning: warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(', ') },
    }),
  });

  if (verb !== 'patch') {
    const { value, duplicates } = readBody(request);
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
  const patched = patch(cluster, kind, shownAs(kind, live), type, request.body);
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

/** Null stands for absent: no object is stored with one. Clients in Go write some (`creationTimestamp`). */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (inner === null ? [] : [[name, withoutNulls(inner)]])),
  );
}
