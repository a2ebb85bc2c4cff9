import { randomUUID } from 'node:crypto';
import type { Reply, Request } from '../parts.ts';

/**
 * OAuth's `error` and the HTTP status that go with each code. Public captures disagree on some (400 `invalid_request`
 * in 2022, 401 `invalid_client` since 2023): a client must key on the number alone.
 */
const KINDS = {
  50027: [400, 'invalid_request'],
  50049: [400, 'invalid_instance'],
  50166: [400, 'invalid_request'],
  53003: [400, 'invalid_grant'],
  70003: [400, 'unsupported_grant_type'],
  70011: [400, 'invalid_scope'],
  70021: [401, 'invalid_client'],
  90002: [400, 'invalid_request'],
  90061: [400, 'invalid_request'],
  500011: [400, 'invalid_resource'],
  700016: [400, 'unauthorized_client'],
  700024: [401, 'invalid_client'],
  700027: [401, 'invalid_client'],
  700211: [401, 'invalid_client'],
  700212: [401, 'invalid_client'],
  700213: [401, 'invalid_client'],
  700222: [401, 'invalid_client'],
  900023: [400, 'invalid_request'],
  900144: [400, 'invalid_request'],
  1002012: [400, 'invalid_scope'],
  7000215: [401, 'invalid_client'],
  7000218: [401, 'invalid_client'],
  7000229: [401, 'unauthorized_client'],
  7002138: [401, 'invalid_client'],
} as const satisfies Record<number, readonly [400 | 401, string]>;

export type Code = keyof typeof KINDS;

/** A refusal with Entra's number; the handler gives it the ids and the time of its request. */
export class Denied extends Error {
  readonly code: Code;
  constructor(code: Code, text: string) {
    super(text);
    this.code = code;
  }
}

export const deny = (code: Code, text: string): never => {
  throw new Denied(code, text);
};

/** The reply as Entra words it: the description ends with the ids and the time, which stand beside it as fields too. */
export function replyOf(denied: Denied, request: Request, now: Date): Reply {
  const [status, usual] = KINDS[denied.code];
  const discovery = request.path.endsWith('/openid-configuration');
  const error = denied.code === 90002 && discovery ? 'invalid_tenant' : usual;
  const timestamp = `${now.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const trace = randomUUID();
  const correlation = request.headers['client-request-id'] ?? randomUUID();
  return {
    status,
    headers: { 'cache-control': 'no-store, no-cache', 'x-ms-request-id': trace },
    body: {
      error,
      error_description:
        `AADSTS${denied.code}: ${denied.message} ` +
        `Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
      error_codes: [denied.code],
      timestamp,
      trace_id: trace,
      correlation_id: correlation,
      error_uri: `https://login.microsoftonline.com/error?code=${denied.code}`,
    },
  };
}
