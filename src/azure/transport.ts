import type { Agent } from 'node:https';
import type {
  HttpClient,
  PipelinePolicy,
  PipelineRequest,
  PipelineResponse,
  SendRequest,
} from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import { answerWithin, wholeJson } from '../answer.ts';
import { allowanceOf, type Bucket, createBucket, createGate, type Gate, pauseOf } from '../gate.ts';
import { graceful } from '../grace.ts';
import { Odd } from '../shape.ts';
import { Problem, type Said } from '../trouble.ts';
import type { Clock } from '../world.ts';
import { nameOf, providerOf } from './names.ts';
import { isLost, refusalOf } from './problems.ts';
import { limitsOf } from './rates.ts';
import { keepTunnels } from './tunnels.ts';

export interface TransportOptions {
  readonly agent?: Agent | undefined;
  readonly clock: Clock;
  /** Nothing is sent after it; what is in flight then has five seconds. */
  readonly signal: AbortSignal;
  /** Real milliseconds until what has no answer is asked again; absent: as long as is sensible. */
  readonly answerWithin?: number | undefined;
  /** One line per request for `-v`: method, host, path, status, duration, request id. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** What all clients of Azure share: connections, gates, rates, repetition, time, traces, and the words for refusals. */
export interface Transport {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For the constructor of any client of the SDK. */
  clientOptions(...policies: readonly PipelinePolicy[]): Promise<ClientOptions>;
  /**
   * The innermost policy: waits at the gate, sends, and throws a `Problem` for every answer of 400 and above. What is
   * sent bears the credential's token for `scope`, and goes to `origin` alone; without credential it bears what the
   * request already has.
   */
  policy(options?: PolicyOptions): PipelinePolicy;
}

export interface PolicyOptions {
  readonly authorize?: { readonly credential: TokenCredential; readonly scope: string; readonly origin: string };
  /** The request must not be sent again after a lost connection or 5xx: it has an effect each time. */
  readonly once?: boolean;
}

export interface ClientOptions {
  readonly agent?: Agent;
  /** One for all, so that they share connections. */
  readonly httpClient: HttpClient;
  readonly retryOptions: { readonly maxRetries: 0 };
  readonly additionalPolicies: { policy: PipelinePolicy; position: 'perRetry' }[];
}

export function createTransport({ agent, clock, signal, trace, answerWithin: patience }: TransportOptions): Transport {
  const gates = new Map<string, Gate>();
  const buckets = new Map<string, Bucket>();
  const hard = graceful(signal);
  const keep = keepTunnels();
  let httpClient: HttpClient | undefined;

  const gateOf = (url: URL) =>
    obtain(gates, `${url.host} ${providerOf(url.pathname)}`, () => createGate(clock, signal));

  const once = async (request: PipelineRequest, next: SendRequest, url: URL): Promise<PipelineResponse> => {
    const start = clock.now().getTime();
    const line = (outcome: string) => {
      trace?.(`${request.method} ${url.host} ${url.pathname} ${outcome} ${clock.now().getTime() - start} ms`);
    };
    try {
      const response = await answerWithin(patience, hard, (until) => {
        request.abortSignal = until;
        keep(request);
        return next(request);
      });
      const id = response.headers.get('x-ms-request-id') ?? response.headers.get('request-id');
      trace && line(`${response.status}${id ? ` ${id}` : ''}`);
      if (response.status < 400 && response.bodyAsText && isJson(response)) wholeJson(response.bodyAsText);
      return response;
    } catch (error) {
      signal.throwIfAborted();
      line(error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'failed');
      throw error;
    }
  };

  const send = async (request: PipelineRequest, next: SendRequest, options: PolicyOptions) => {
    const url = new URL(request.url);
    if (url.protocol !== 'https:') throw new Error(`not sent over a connection without TLS: ${url.origin}`);
    const limits = limitsOf(request.method, url).toReversed();
    const places = limits.map(({ key, ...rate }) => obtain(buckets, key, () => createBucket(rate, clock)));
    const response = await gateOf(url).pass({
      allowance: allowanceOf(places, signal),
      send: async () => {
        if (options.authorize) await authorize(request, url, options.authorize);
        return once(request, next, url);
      },
      answer: ({ status, headers }) => ({
        status,
        retryAfter: headers.get('retry-after'),
        fault: status >= 500 && status !== 501,
      }),
      // Every POST that we send (register, credentials, name check, token) may be repeated as well as any PUT.
      again: options.once !== true,
      lost: isLost,
    });
    if (response.status < 300) return readable(response);
    if (response.status < 400) throw elsewhere(url, response.status);
    throw refusalOf(
      {
        by: serviceOf(url),
        status: response.status,
        headers: response.headers.toJSON(),
        body: response.bodyAsText ?? '',
        retryAfter: pauseOf(response.headers.get('retry-after'), clock),
      },
      nameOf(request.url),
    );
  };

  return {
    clock,
    signal,
    async clientOptions(...policies) {
      const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline');
      httpClient ??= createDefaultHttpClient();
      return {
        ...(agent ? { agent } : {}),
        httpClient,
        retryOptions: { maxRetries: 0 },
        additionalPolicies: policies.map((policy) => ({ policy, position: 'perRetry' })),
      };
    },
    policy: (options = {}) => ({
      name: 'aks-secrets',
      sendRequest: (request, next) => send(request, next, options),
    }),
  };
}

/** The token is taken anew for every request: the cache behind the credential knows when it ends. */
async function authorize(
  request: PipelineRequest,
  url: URL,
  { credential, scope, origin }: NonNullable<PolicyOptions['authorize']>,
): Promise<void> {
  // An answer's link (next page, operation) must not lead a token elsewhere.
  if (url.origin !== origin) throw new Error(`a link to another host is not followed: ${url.origin}`);
  const token = await credential.getToken(scope);
  request.headers.set('authorization', `Bearer ${token?.token ?? ''}`);
}

/** No service of ours sends its callers elsewhere; whoever does would get what the request carries. */
function elsewhere(url: URL, status: number): Problem {
  const name = nameOf(url.href);
  const message = `${name}: the answer leads elsewhere (status ${status}), which is not followed.`;
  return new Problem('broken', name, message, { said: { by: serviceOf(url), status, message } });
}

/** All that is asked for is JSON. @throws {Odd} for a page that somebody on the way has put in its place */
function readable(response: PipelineResponse): PipelineResponse {
  const { bodyAsText } = response;
  if (bodyAsText && !isJson(response)) {
    try {
      JSON.parse(bodyAsText);
    } catch {
      throw new Odd('it is no JSON, so a proxy on the way may have answered');
    }
  }
  return response;
}

const isJson = ({ headers }: PipelineResponse) => /\bjson\b/.test(headers.get('content-type') ?? '');

function serviceOf(url: URL): Said['by'] {
  if (/^[^.]+\.vault\./.test(url.hostname)) return 'Key Vault';
  return /\/oauth2\/|\.well-known|\/discovery\//.test(url.pathname) ? 'Entra' : 'Azure';
}

function obtain<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
