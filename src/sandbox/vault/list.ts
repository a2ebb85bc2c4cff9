import type { Reply, Request } from '../parts.ts';
import { pageSize } from './input.ts';
import { badParameter } from './refusals.ts';

/** One page of a list, with the address of the next where there is one. */
export function page<T>(request: Request, all: readonly T[], show: (item: T) => unknown): Reply {
  const size = pageSize(request.query);
  const start = offsetIn(request.query.get('$skiptoken'));
  const value = all.slice(start, start + size).map(show);
  return { status: 200, body: { value, nextLink: start + size < all.length ? next(request, start + size) : null } };
}

function next({ host, path, query }: Request, start: number): string {
  const token = Buffer.from(JSON.stringify({ start })).toString('base64url');
  const url = new URL(`https://${host}${path}`);
  url.search = `?api-version=${query.get('api-version')}&$skiptoken=${token}&maxresults=${pageSize(query)}`;
  return url.href;
}

function offsetIn(token: string | null): number {
  if (token === null) return 0;
  try {
    const { start } = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Number.isInteger(start) && start >= 0) return start;
  } catch {
    // said below
  }
  return badParameter('The $skiptoken parameter is not valid.');
}
