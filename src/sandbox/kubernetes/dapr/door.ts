import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Parts } from '../../parts.ts';
import type { Answer } from './api.ts';

/** Where the containers of one pod find its sidecar: a port of this machine that stands for the pod's own 3500. */
export interface Door {
  readonly port: number;
  /** From now on this answers; nobody: connections are closed as soon as they come. */
  serve(answer: ((method: string, url: URL) => Promise<Answer>) | undefined): void;
  close(): void;
}

/** Opens it before any container starts, which must know where it is. */
export async function openDoor(parts: Pick<Parts, 'busy'>): Promise<Door> {
  let serving: ((method: string, url: URL) => Promise<Answer>) | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void parts.busy(respond(request, response)).catch(() => request.socket.destroy());
  });
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!serving) return void request.socket.destroy();
    request.resume();
    const url = URL.parse(request.url ?? '/', 'http://localhost:3500');
    const reply: Answer = url ? await serving(request.method ?? 'GET', url) : { status: 400 };
    if (reply.body === undefined) return void response.writeHead(reply.status).end();
    const isText = typeof reply.body === 'string';
    response.writeHead(reply.status, { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' });
    response.end(isText ? reply.body : JSON.stringify(reply.body));
  };
  server.on('connection', (socket: Socket) => {
    if (!serving) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.unref();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    serve(answer) {
      serving = answer;
      if (!answer) cut();
    },
    close() {
      serving = undefined;
      server.close();
      cut();
    },
  };
}
