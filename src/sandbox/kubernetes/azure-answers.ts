import { STATUS_CODES } from 'node:http';
import type { Reply } from '../parts.ts';

/* How programs in Go that ask Azure read its answers, and how they print its errors. */

/** The JSON of an answer; what is none stands under `text`. */
export function bodyOf(reply: Reply): Record<string, unknown> {
  const { body } = reply;
  if (typeof body !== 'string') return (body ?? {}) as Record<string, unknown>;
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return { text: body };
  }
}

/** A header of an answer, by its name in lower case; empty when it is not there. */
export const headerOf = (reply: Reply, name: string): string =>
  Object.entries(reply.headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1] ?? '';

export const LINE = '-'.repeat(80);
export const statusLine = ({ status }: Reply): string => `${status} ${STATUS_CODES[status] ?? ''}`;

/** As azidentity's AuthenticationFailedError prints itself. */
export const authenticationFailed = (credential: string, method: string, url: string, reply: Reply): string =>
  [
    `${credential} authentication failed. `,
    `${method} ${url}`,
    LINE,
    `RESPONSE ${reply.status}: ${statusLine(reply)}`,
    LINE,
    JSON.stringify(bodyOf(reply), undefined, 2),
    LINE,
    '',
  ].join('\n');

/** As azcore's ResponseError prints itself. */
export function responseError(method: string, url: string, reply: Reply): string {
  const answer = bodyOf(reply);
  const code = (answer.error as { code?: string } | undefined)?.code ?? 'UNAVAILABLE';
  return [
    `${method} ${url}`,
    LINE,
    `RESPONSE ${reply.status}: ${statusLine(reply)}`,
    `ERROR CODE: ${code}`,
    LINE,
    JSON.stringify(answer, undefined, 2),
    LINE,
    '',
  ].join('\n');
}
