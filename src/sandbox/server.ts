import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Activity } from './activity.ts';
import type { Outcome } from './exchange.ts';
import type { Via } from './log.ts';
import type { Request } from './parts.ts';

export interface Listening {
  readonly port: number;
  readonly proxyPort: number;
  close(): Promise<void>;
}

/** Bodies beyond this are refused: Kubernetes takes 3 MiB, Azure 4. */
const LARGEST = 4 * 1024 * 1024;

/**
 * The TLS server for all names, and beside it a proxy (plain HTTP, CONNECT only) that leads those names to it and
 * refuses every other, for programs that find their way by `HTTPS_PROXY`. Both on 127.0.0.1 only.
 */
export async function listen(of: {
  readonly tls: Pick<ServerOptions, 'cert' | 'key'>;
  readonly port: number;
  readonly answer: (request: Request, via: Via) => Promise<Outcome>;
  readonly knows: (host: string) => boolean;
  readonly refuses: () => boolean;
  readonly activity: Activity;
  readonly now: () => Date;
}): Promise<Listening> {
  const { answer, knows, refuses, activity, now } = of;
  const sockets = new Set<Duplex>();
  const proxied = new Set<number>();
  const handshakes = new Map<number, () => void>();

  const server = createServer(
    { ...of.tls, keepAliveTimeout: 120_000, headersTimeout: 125_000 },
    (request, response) => {
      void respond(request, response).catch(() => request.socket.destroy());
    },
  );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // A handshake is something going on: whoever connects is about to ask.
    const end = activity.begin();
    socket.once('close', () => {
      end();
      sockets.delete(socket);
      if (socket.remotePort !== undefined) proxied.delete(socket.remotePort);
    });
    handshakes.set(socket.remotePort ?? 0, end);
    if (refuses()) socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    const port = socket.remotePort ?? 0;
    handshakes.get(port)?.();
    handshakes.delete(port);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());

  const respond = async (incoming: IncomingMessage, response: ServerResponse) => {
    if (refuses()) return void incoming.socket.destroy();
    activity.touch();
    const body = await bodyOf(incoming);
    if (body === undefined) return void response.writeHead(413).end();
    const via = proxied.has(incoming.socket.remotePort ?? 0) ? 'proxy' : 'direct';
    const outcome = await answer(requestOf(incoming, body), via);
    // Who is never answered leaves by himself.
    if (outcome === 'silence') return;
    if (outcome === 'reset') return void incoming.socket.destroy();
    await send(incoming, response, outcome, now());
  };

  const proxy = createHttp((_request, response) => {
    response.writeHead(405, { 'content-type': 'text/plain' }).end('the sandbox proxy takes CONNECT only\n');
  });
  /** The sandbox under its own address, for a client that sends everything through the proxy (the metadata URL). */
  const own = (target: string) => [`localhost:${port}`, `127.0.0.1:${port}`].includes(target);
  proxy.on('connect', (request, socket: Socket, head) => {
    const target = request.url ?? '';
    const host = target.replace(/:443$/, '').toLowerCase();
    socket.on('error', () => socket.destroy());
    if (refuses()) return void socket.destroy();
    if (!(target.endsWith(':443') && knows(host)) && !own(target)) {
      socket.end(`HTTP/1.1 502 Not a name of the sandbox\r\ncontent-type: text/plain\r\n\r\n${host}\n`);
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    if (socket.remotePort !== undefined) proxied.add(socket.remotePort);
    server.emit('connection', socket);
  });
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  const port = await bind(server, of.port);
  const proxyPort = await bind(proxy, 0);
  return {
    port,
    proxyPort,
    async close() {
      const closed = [server, proxy].map((each) => new Promise((resolve) => each.close(resolve)));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function bodyOf(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST) return undefined;
    chunks.push(chunk);
  }
  // Protobuf is not text: a character per byte keeps it whole.
  const binary = incoming.headers['content-type']?.startsWith('application/vnd.kubernetes.protobuf');
  return Buffer.concat(chunks).toString(binary ? 'latin1' : 'utf8');
}

/** Query keys come percent-encoded from some clients (`api%2Dversion`); URLSearchParams decodes them. */
function requestOf(incoming: IncomingMessage, body: string): Request {
  const host = (incoming.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const url = new URL(incoming.url ?? '/', 'https://sandbox');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  const path = decoded(url.pathname);
  return { method: incoming.method ?? 'GET', host, path, query: url.searchParams, headers, body };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

async function send(
  incoming: IncomingMessage,
  response: ServerResponse,
  { reply, cut }: Exclude<Outcome, string>,
  at: Date,
): Promise<void> {
  response.sendDate = false;
  const headers: Record<string, string> = { date: at.toUTCString(), ...reply.headers };
  if (reply.stream) {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.writeHead(reply.status, headers);
    response.flushHeaders();
    await reply.stream((text) => response.write(text), gone.signal);
    response.end();
    return;
  }
  const whole =
    reply.body === undefined ? '' : typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
  const half = whole.slice(0, whole.length / 2);
  const text = cut === 'half' ? half : whole;
  if (text !== '' && !Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')) {
    headers['content-type'] =
      typeof reply.body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  }
  if (reply.status !== 204 && reply.status !== 304) headers['content-length'] = String(Buffer.byteLength(text));
  if (cut === 'truncated') {
    if (whole === '') return void incoming.socket.destroy();
    response.writeHead(reply.status, headers);
    return void response.write(half, () => incoming.socket.destroy());
  }
  response.writeHead(reply.status, headers);
  response.end(incoming.method === 'HEAD' ? undefined : text);
}
