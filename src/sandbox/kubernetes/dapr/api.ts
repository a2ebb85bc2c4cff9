import type { Loaded } from './components.ts';
import type { Policy } from './configuration.ts';

/** What a running daprd is asked about. */
export interface Runtime {
  readonly appId: string;
  readonly version: string;
  /** In the order in which they were loaded. */
  readonly components: readonly Loaded[];
  readonly allowed: Policy;
  /** Nothing keeps it from serving the app: no port of the app's that it waits for. */
  readonly ready: boolean;
  /** Ends it, as a Job does that has done its work. */
  shutdown(): void;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/**
 * The HTTP API, v1.0, as far as it is about secrets, metadata and health.
 * https://docs.dapr.io/reference/api/, pkg/api/http and pkg/messages/predefined.go
 */
export async function answer(runtime: Runtime, method: string, url: URL): Promise<Answer> {
  const [api, group, ...rest] = url.pathname.split('/').slice(1).map(decoded);
  if (api !== 'v1.0' || group === undefined) return { status: 404, body: '404 page not found\n' };
  if (group === 'healthz' && method === 'GET') {
    if (rest[0] === 'outbound') return { status: 204 };
    return runtime.ready ? { status: 204 } : error(500, 'ERR_HEALTH_NOT_READY', 'dapr is not ready: [app]');
  }
  if (group === 'shutdown' && method === 'POST') {
    runtime.shutdown();
    return { status: 204 };
  }
  if (group === 'metadata' && method === 'GET' && rest.length === 0) return { status: 200, body: metadata(runtime) };
  if (group === 'secrets' && method === 'GET' && rest.length === 2) {
    return secret(runtime, rest[0] ?? '', rest[1] ?? '', metadataOf(url));
  }
  const message = `the sandbox's sidecar does not do ${method} ${url.pathname}`;
  return error(501, 'ERR_SANDBOX_NOT_SIMULATED', message);
}

async function secret(
  { components, allowed }: Runtime,
  storeName: string,
  key: string,
  wishes: Readonly<Record<string, string>>,
): Promise<Answer> {
  if (components.length === 0) return error(500, 'ERR_SECRET_STORES_NOT_CONFIGURED', 'secret store is not configured');
  const store = components.find(({ name }) => name === storeName)?.store;
  if (!store) {
    return error(401, 'ERR_SECRET_STORE_NOT_FOUND', `failed finding secret store with key ${storeName}`);
  }
  if (key === 'bulk') {
    try {
      const found = Object.entries(await store.bulk(wishes)).filter(([name]) => allowed(storeName, name));
      return { status: 200, body: Object.fromEntries(found) };
    } catch (cause) {
      return error(500, 'ERR_SECRET_GET', `failed getting secrets from secret store ${storeName}: ${said(cause)}`);
    }
  }
  if (!allowed(storeName, key)) {
    const message = `access denied by policy to get ${JSON.stringify(key)} from ${JSON.stringify(storeName)}`;
    return error(403, 'ERR_PERMISSION_DENIED', message);
  }
  try {
    return { status: 200, body: await store.get(key, wishes) };
  } catch (cause) {
    const message = `failed getting secret with key ${key} from secret store ${storeName}: ${said(cause)}`;
    return error(500, 'ERR_SECRET_GET', message);
  }
}

const metadata = ({ appId, version, components }: Runtime) => ({
  id: appId,
  runtimeVersion: version,
  components: components.map(({ name, type, version: of }) => ({ name, type, version: of })),
  extended: { daprRuntimeVersion: version },
  appConnectionProperties: { protocol: 'http', channelAddress: '127.0.0.1' },
  actorRuntime: { runtimeStatus: 'DISABLED', hostReady: false },
});

/** `metadata.version_id=…` of the query. */
const metadataOf = ({ searchParams }: URL): Record<string, string> =>
  Object.fromEntries(
    [...searchParams].flatMap(([name, value]) =>
      name.startsWith('metadata.') ? [[name.slice('metadata.'.length), value] as const] : [],
    ),
  );

const error = (status: number, errorCode: string, message: string): Answer => ({
  status,
  body: { errorCode, message },
});
const said = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
