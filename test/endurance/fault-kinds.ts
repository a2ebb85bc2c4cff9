import type { Break } from '../../src/sandbox/faults.ts';
import type { LogEntry } from '../../src/sandbox/index.ts';
import type { Reply } from '../../src/sandbox/parts.ts';
import type { Point } from './faults.ts';

/** What goes wrong with one request. */
export interface Fault {
  readonly name: string;
  readonly reply: (at: Point) => Reply | Break;
  /** Kinds of requests that it can happen to; absent: all. */
  readonly only?: readonly LogEntry['kind'][];
  /** Is also tried as one that does not pass. */
  readonly mayStay?: true;
}

/** A refusal in the form of the service that is asked. */
function refusal(status: number, codes: Codes, headers: Readonly<Record<string, string>> = {}) {
  return ({ host, path }: Point): Reply => {
    const said = (service: keyof Codes) => codes[service] ?? codes.azure;
    if (host.startsWith('login.')) {
      const [error, error_description] = said('entra');
      return { status, headers, body: { error, error_description } };
    }
    if (host.endsWith('.azmk8s.io')) {
      const [reason, message] = said('kubernetes');
      return {
        status,
        headers,
        body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message },
      };
    }
    const [code, message] = said(
      host.includes('.vault.') ? 'vault' : /federatedIdentity/i.test(path) ? 'credentials' : 'azure',
    );
    return { status, headers, body: { error: { code, message } } };
  };
}
type Said = readonly [code: string, message: string];
interface Codes {
  readonly azure: Said;
  readonly vault?: Said;
  readonly credentials?: Said;
  readonly entra?: Said;
  readonly kubernetes?: Said;
}

const PASSING: Said = ['temporarily_unavailable', 'AADSTS90033: A transient error has occurred. Please try again.'];

export const FAULTS: readonly Fault[] = [
  { name: 'connection reset', reply: () => 'reset', mayStay: true },
  { name: 'reset after it took effect', reply: () => 'reset after', only: ['write', 'token'] },
  { name: 'no answer', reply: () => 'silence', mayStay: true },
  { name: 'answer broken off', reply: () => 'truncated' },
  { name: 'half an answer', reply: () => 'half' },
  {
    name: '500',
    reply: refusal(500, {
      azure: ['InternalServerError', 'Encountered internal server error.'],
      entra: PASSING,
      kubernetes: ['InternalError', 'Internal error occurred: etcdserver: request timed out'],
    }),
    mayStay: true,
  },
  {
    name: '503',
    reply: refusal(503, {
      azure: ['ServiceUnavailable', 'The service is temporarily unavailable. Please try again later.'],
      entra: PASSING,
      kubernetes: ['ServiceUnavailable', 'apiserver not ready'],
    }),
    mayStay: true,
  },
  {
    name: '429, Retry-After 7',
    reply: refusal(
      429,
      {
        azure: ['TooManyRequests', 'The request is being throttled.'],
        vault: ['Throttled', 'Request was not processed because too many requests were received.'],
        entra: ['temporarily_unavailable', 'AADSTS90055: Server terminated the request since too many were received.'],
        kubernetes: ['TooManyRequests', 'the server is currently unable to handle the request'],
      },
      { 'retry-after': '7' },
    ),
    mayStay: true,
  },
  {
    name: '409, another operation',
    reply: refusal(409, {
      azure: ['AnotherOperationInProgress', 'Another operation on this or dependent resource is in progress.'],
      vault: ['Conflict', 'There is a conflict with another operation.'],
      credentials: [
        'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity',
        'Too many Federated Identity Credentials are written concurrently for the managed identity.',
      ],
      kubernetes: [
        'Conflict',
        'Operation cannot be fulfilled: the object has been modified; please apply your changes',
      ],
    }),
    only: ['write'],
    mayStay: true,
  },
  {
    name: '401, the token has ended',
    reply: refusal(401, {
      azure: ['ExpiredAuthenticationToken', 'The access token expiry time is earlier than the current time.'],
      vault: ['Unauthorized', 'Error validating token: IDX10223: The token is expired.'],
      entra: ['invalid_client', 'AADSTS700024: Client assertion is not within its valid time range.'],
      kubernetes: ['Unauthorized', 'Unauthorized'],
    }),
    mayStay: true,
  },
];
