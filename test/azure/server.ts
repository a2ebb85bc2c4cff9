import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TokenCredential } from '@azure/identity';
import { afterEach, expect } from 'vitest';
import { CLOUDS } from '../../src/azure/clouds.ts';
import { type AzureOptions, createAzure, type Refreshable } from '../../src/azure/index.ts';
import { createAgent } from '../../src/sandbox/agent.ts';
import { makeIdentity } from '../../src/sandbox/tls.ts';
import { Problem } from '../../src/trouble.ts';
import type { Clock } from '../../src/world.ts';

export const SUBSCRIPTION = '11111111-1111-4111-8111-111111111111';
export const PUBLIC = CLOUDS[0]!;

export interface Asked {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** The client's: the same one is the same connection. */
  readonly port: number | undefined;
}
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of an answer. */
  readonly cut?: true;
  /** The answer begins, and does not go on. */
  readonly stalled?: true;
}

/** A clock on which every sleep is over at once and time has moved on by it. */
export function jumpingClock(): Clock & { readonly slept: number[] } {
  let now = Date.parse('2026-11-22T12:00:00Z');
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(now),
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

export const unsignedJwt = (claims: object) =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

export function credentialOf(token = unsignedJwt({ oid: 'o', tid: 't', upn: 'ana@contoso.com' })) {
  const scopes: string[] = [];
  const credential: TokenCredential = {
    async getToken(scope) {
      scopes.push(String(scope));
      return { token, expiresOnTimestamp: Number.MAX_SAFE_INTEGER };
    },
  };
  return { credential, scopes };
}

const identity = makeIdentity(new Date());

/** A TLS server on loopback that answers under the production names, and an agent that leads there. */
export async function serve(answer: (asked: Asked, nth: number) => Answer | Promise<Answer>) {
  const asked: Asked[] = [];
  const server: Server = createServer({ cert: identity.certificate, key: identity.key }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one: Asked = {
      method: request.method!,
      host: request.headers.host!.replace(/:443$/, ''),
      path: request.url!,
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(chunks).toString(),
      port: request.socket.remotePort,
    };
    const nth = asked.push(one) - 1;
    const { status = 200, headers = {}, body, cut, stalled } = await answer(one, nth);
    if (cut) return void request.socket.destroy();
    if (stalled) return void response.writeHead(status, { 'content-length': '1000' }).write('{');
    response.writeHead(status, { 'content-type': 'application/json', 'x-ms-request-id': `req-${nth}`, ...headers });
    response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = createAgent(identity.ca, { port, knows: (host) => !host.startsWith('absent-') });
  return {
    asked,
    agent,
    url: `https://127.0.0.1:${port}`,
    ca: identity.ca,
    calls: () => asked.map(({ method, host, path }) => `${method} ${host}${path.split('?')[0]}`),
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function azureOn(agent: AzureOptions['agent'], more: Partial<AzureOptions> = {}): Refreshable {
  return createAzure({
    cloud: PUBLIC,
    subscription: SUBSCRIPTION,
    agent,
    credential: credentialOf().credential,
    clock: jumpingClock(),
    signal: new AbortController().signal,
    ...more,
  });
}

export const idOf = (type: string, name: string) =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/demo-rg/providers/${type}/${name}`;
export const CLUSTER = idOf('Microsoft.ContainerService/managedClusters', 'demo-aks');
export const VAULT = idOf('Microsoft.KeyVault/vaults', 'demo-kv');
export const IDENTITY = idOf('Microsoft.ManagedIdentity/userAssignedIdentities', 'orders-id');

/** Starts servers that end with the test. Call once per file. */
export function servers() {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });
  return async (answer: (asked: Asked, nth: number) => Answer | Promise<Answer>) => {
    const server = await serve(answer);
    open.push(server);
    return server;
  };
}

/** The problem that the work fails with. */
export async function problem(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Problem);
  return error as Problem;
}

/** A cluster with what no SDK models. */
export const cluster = (more: object = {}) => ({
  id: CLUSTER,
  name: 'demo-aks',
  location: 'westeurope',
  eTag: 'etag-1',
  unknownTop: { kept: true },
  properties: { provisioningState: 'Succeeded', futureProfile: { a: [1, { b: null }] }, ...more },
});
