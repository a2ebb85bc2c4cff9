import type { KubeConfig } from '@kubernetes/client-node';
import { answerWithin, wholeJson } from '../answer.ts';
import { createGate, pauseOf } from '../gate.ts';
import { graceful } from '../grace.ts';
import { once } from '../memory.ts';
import type { Secret } from '../secret.ts';
import { Odd, tableIn } from '../shape.ts';
import { Problem } from '../trouble.ts';
import type { Clock } from '../world.ts';
import { handOver } from './hand-over.ts';
import { isLost, isVerdict, problemOf, refusalOf } from './problems.ts';
import { authenticate, signsInByEntra } from './sign-in.ts';

export interface ConnectionOptions {
  /**
   * The kubeconfig and the context in it (absent: its current one). `entraToken` signs in to clusters whose users do so
   * by kubelogin.
   */
  readonly kubeconfig: () => Promise<{
    /** From Azure it comes as a secret: it holds a credential. */
    readonly text: string | Secret;
    readonly context?: string | undefined;
    readonly entraToken?: (() => Promise<Secret>) | undefined;
  }>;
  /** The cluster that the user named, as Resource Manager knows it: hosts of its API server, and its OIDC issuer. */
  readonly named: () => Promise<{ readonly fqdns: readonly string[]; readonly issuer?: string | undefined }>;
  /** Environment of sign-in plugins. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** After it nothing more is sent; what is in flight has five seconds. */
  readonly signal: AbortSignal;
  /** Real milliseconds until what has no answer is asked again; absent: as long as is sensible. */
  readonly answerWithin?: number | undefined;
  /** One line per request: method, host, path, status, duration, audit id. */
  readonly trace?: ((line: string) => void) | undefined;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  /** As a person names it, for messages. */
  readonly resource: string;
  /** The answer is text, not JSON. */
  readonly text?: boolean;
  /** Sent also in the five seconds after an interruption. */
  readonly late?: boolean;
}

export interface Connection {
  /** Address of the API server. */
  readonly server: string;
  /** The answer's JSON (or text). Throws a `Problem` for 400 and above. */
  send(call: Call): Promise<unknown>;
  /** The answer's JSON as `read` takes it. What it refuses as odd is a `Problem` too. */
  ask<T>(call: Call, read: (answer: unknown) => T): Promise<T>;
  /** This cluster and this sign-in as a kubeconfig of their own. */
  kubeconfig(): Promise<Secret>;
}

/** Connects at the first call: parses the kubeconfig, and makes sure that it leads to the cluster named. */
export function createConnection(options: ConnectionOptions): () => Promise<Connection> {
  return once(() => connect(options));
}

async function connect(options: ConnectionOptions): Promise<Connection> {
  const [client, { text, context, entraToken }, { fqdns, issuer }] = await Promise.all([
    import('./client.ts'),
    options.kubeconfig(),
    options.named(),
  ]);
  const config = parse(new client.KubeConfig(), typeof text === 'string' ? text : text.reveal(), context);
  const server = config.getCurrentCluster()!.server;
  const host = new URL(server).hostname.toLowerCase();
  const hosts = fqdns.map((each) => each.toLowerCase());
  const byEntra = signsInByEntra(config.getCurrentUser()) && entraToken !== undefined;
  // Our own token opens every cluster of the tenant that trusts Entra: it goes to the host that Azure names, only.
  if (byEntra && !hosts.includes(host)) throw another(server, hosts);
  const kubeconfig = handOver(config, byEntra ? entraToken : undefined);
  authenticate(config, { ...options, entraToken });
  const connection = { ...connected(client, config, server, options), kubeconfig };
  if (!hosts.includes(host) && !(await bearsIssuer(connection, issuer, hosts))) throw another(server, hosts);
  return connection;
}

/**
 * The address of the API server to which a kubeconfig leads, by the context or else by its current one.
 * @throws {Problem} for one that cannot be read
 */
export async function serverOf(text: string, context?: string): Promise<string> {
  const { KubeConfig } = await import('./client.ts');
  return parse(new KubeConfig(), text, context).getCurrentCluster()!.server;
}

/** Never the text itself, which the parser quotes: tokens and keys stand there. */
function whyUnread(error: unknown): string {
  const { reason, mark } = Object(error) as { reason?: unknown; mark?: { line?: unknown } };
  if (typeof reason !== 'string') return 'it is no kubeconfig';
  return typeof mark?.line === 'number' ? `${reason}, in line ${mark.line + 1}` : reason;
}

function parse(config: KubeConfig, text: string, context: string | undefined): KubeConfig {
  try {
    config.loadFromString(text);
  } catch (error) {
    throw new Problem('refused', 'kubeconfig', `The kubeconfig cannot be read: ${whyUnread(error)}.`);
  }
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() && URL.canParse(config.getCurrentCluster()!.server)) return config;
  const known = config.getContexts().map(({ name }) => name);
  const wanted = config.getCurrentContext();
  const message = wanted
    ? `The kubeconfig has no context "${wanted}" with a cluster: it has ${known.join(', ') || 'none'}.`
    : 'The kubeconfig has no current context.';
  throw new Problem('refused', 'kubeconfig', message);
}

/** The tokens of an API server bear its issuer: the same one as in Azure is the same cluster. */
async function bearsIssuer(
  connection: Pick<Connection, 'ask' | 'server'>,
  issuer: string | undefined,
  hosts: readonly string[],
): Promise<boolean> {
  const path = '/.well-known/openid-configuration';
  try {
    const document = await connection.ask({ method: 'GET', path, resource: connection.server }, tableIn);
    const theirs = typeof document.issuer === 'string' ? document.issuer : '';
    // Without an OIDC issuer of its own, a cluster's is the address of its API server.
    return theirs !== '' && (theirs === issuer || hosts.includes(URL.parse(theirs)?.hostname ?? ''));
  } catch (error) {
    if (error instanceof Problem && (error.trouble === 'denied' || error.trouble === 'missing')) return false;
    throw error;
  }
}

const another = (server: string, hosts: readonly string[]) =>
  new Problem(
    'refused',
    'kubeconfig',
    `The kubeconfig leads to another cluster: ${new URL(server).host}, and the cluster named is ${hosts.join(' or ') || 'without an address'}.`,
  );

function connected(
  { RequestContext, HttpMethod, IsomorphicFetchHttpLibrary }: typeof import('./client.ts'),
  config: KubeConfig,
  server: string,
  { clock, signal, trace, answerWithin: patience }: ConnectionOptions,
): Omit<Connection, 'kubeconfig'> {
  const library = new IsomorphicFetchHttpLibrary();
  const gate = createGate(clock, signal);
  const late = graceful(signal);
  const lateGate = createGate(clock, late);
  const { host } = new URL(server);
  let dispatcher: Dispatcher | undefined;

  const sendOnce = async (call: Call) => {
    const { method, path, body, contentType, text } = call;
    const request = new RequestContext(server + path, HttpMethod[method]);
    request.setHeaderParam('Accept', text ? '*/*' : 'application/json');
    if (contentType) request.setHeaderParam('Content-Type', contentType);
    if (body !== undefined) request.setBody(body);
    await config.applySecurityAuthentication(request);
    // client-node makes a dispatcher, and with it a connection, for every request: the first one serves all. To make one
    // only to throw it away would cost more than the request, so it is told to make no other.
    if (!dispatcher) {
      dispatcher = stayingAt(server, request.getDispatcher() ?? plainDispatcher(config));
      // biome-ignore lint/complexity/useLiteralKeys: not declared, as it is for the library's own use
      config['createDispatcher'] = () => undefined;
    }
    request.setDispatcher(dispatcher);
    const start = clock.now().getTime();
    const line = (outcome: string) => {
      const { pathname } = new URL(path, server);
      trace?.(`${method} ${host} ${pathname} ${outcome} ${clock.now().getTime() - start} ms`);
    };
    try {
      const answer = await answerWithin(patience, late, async (until) => {
        request.setSignal(until);
        const { httpStatusCode: status, headers, body: read } = await library.send(request).toPromise();
        return { status, headers, body: await read.text() };
      });
      line(`${answer.status} ${answer.headers['audit-id'] ?? ''}`.trim());
      return { ...answer, json: answer.status >= 400 || text ? undefined : wholeJson(answer.body || 'null') };
    } catch (error) {
      (call.late ? late : signal).throwIfAborted();
      line('failed');
      throw error;
    }
  };

  return {
    server,
    async ask(call, read) {
      const answer = await this.send(call);
      try {
        return read(answer);
      } catch (error) {
        throw problemOf(error, `cluster ${host}`, call.resource);
      }
    },
    async send(call) {
      try {
        const answer = await (call.late ? lateGate : gate).pass({
          send: () => sendOnce(call),
          answer: ({ status, headers, body }) => ({
            status,
            retryAfter: headers['retry-after'],
            fault: status >= 500 && status !== 501 && !isVerdict(body),
          }),
          // An apply says what is wanted, a delete names the uid, and a second token does no harm.
          again: true,
          lost: isLost,
        });
        if (answer.status >= 400) {
          throw refusalOf(answer.status, answer.body, call.resource, {
            auditId: answer.headers['audit-id'],
            retryAfter: pauseOf(answer.headers['retry-after'], clock),
          });
        }
        return call.text ? answer.body : answer.json;
      } catch (error) {
        if (!(error instanceof Problem)) signal.throwIfAborted();
        throw problemOf(error, `cluster ${host}`, call.resource);
      }
    },
  };
}

type Dispatcher = NonNullable<ReturnType<import('@kubernetes/client-node').RequestContext['getDispatcher']>>;

/** `fetch` follows redirects, with the body and the client's certificate; an API server has no reason to send anyone away. */
const stayingAt = (server: string, dispatcher: Dispatcher): Dispatcher =>
  dispatcher.compose((dispatch) => (options, handler) => {
    if (String(options.origin) !== new URL(server).origin)
      throw new Odd('it leads to another host, which is not followed');
    return dispatch(options, handler);
  });

/** client-node makes none for a cluster with a public certificate. */
const plainDispatcher = (config: KubeConfig): Dispatcher =>
  // biome-ignore lint/complexity/useLiteralKeys: it is private, and makes what its own requests get
  config['createDispatcher'](config.getCurrentCluster(), { rejectUnauthorized: true }) as Dispatcher;
