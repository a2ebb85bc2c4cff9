import type { Parts, Principal, Reply, Request } from '../parts.ts';
import type { Json, Slice } from './store.ts';

/** A request that a route has accepted. */
export interface Call {
  readonly request: Request;
  /** The holes of the route's path, as the client wrote them. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON of the body, `{}` when there is none. */
  readonly body: Json;
  readonly version: string;
  readonly caller: Principal;
  readonly parts: Parts;
  readonly slice: Slice;
  /** Simulated time, milliseconds. */
  readonly now: number;
}

/** One thing that Resource Manager answers to. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** `{name}` is one segment, `{+scope}` one or more. Letters of any case match. */
  readonly path: string;
  readonly versions: Versions;
  /** What the caller must be allowed; the scope is `scope`, else the resource of the path. */
  readonly action: string;
  readonly scope?: (params: Readonly<Record<string, string>>) => string;
  run(call: Call): Reply | Promise<Reply>;
}

/** The api-versions of a resource type that the sandbox speaks. */
export interface Versions {
  /** `Microsoft.KeyVault/vaults`, for the refusal's text. */
  readonly type: string;
  readonly known: readonly string[];
}

const compiled = new Map<string, RegExp>();

/** The holes of the path when it is this route's. */
export function match(route: Pick<Route, 'path'>, path: string): Readonly<Record<string, string>> | undefined {
  let pattern = compiled.get(route.path);
  if (!pattern) {
    const source = route.path
      .split('/')
      .map((segment) => {
        const hole = /^\{(\+?)(\w+)\}$/.exec(segment);
        if (!hole) return segment.replace(/[.$]/g, '\\$&');
        return hole[1] ? `(?<${hole[2]}>.+?)` : `(?<${hole[2]}>[^/]+)`;
      })
      .join('/');
    pattern = new RegExp(`^${source}/?$`, 'i');
    compiled.set(route.path, pattern);
  }
  const found = pattern.exec(path);
  return found ? { ...found.groups } : undefined;
}

/** One page of a list, with the link to the next in the way of Resource Manager (`nextLink`, `$skiptoken`). */
export function page(call: Pick<Call, 'request' | 'query'>, all: readonly unknown[], size: number): Reply {
  const start = Number(call.query.get('$skiptoken') ?? 0);
  const count = Math.min(Number(call.query.get('$top') ?? size), size);
  const value = all.slice(start, start + count);
  if (start + count >= all.length) return { status: 200, body: { value } };
  const query = new URLSearchParams(call.query);
  query.set('$skiptoken', String(start + count));
  const nextLink = `https://${call.request.host}${encodeURI(call.request.path)}?${query}`;
  return { status: 200, body: { value, nextLink } };
}
