import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Resource } from './model.ts';

/** The API server refused. The message is that of its Status: `secrets "demo" not found`. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The API server as one caller sees it. All paths are absolute: `/api/v1/nodes`. Throws an ApiError when it refuses. */
export interface Api {
  get<T = Resource>(path: string): Promise<T>;
  create<T = Resource>(path: string, body: object): Promise<T>;
  /** JSON merge patch. */
  patch<T = Resource>(path: string, body: object): Promise<T>;
  remove(path: string, body?: object): Promise<void>;
  /** Follows a list until `stop`: what is there, what changes, what goes. Reconnects by itself. */
  follow<T extends Resource>(path: string, on: Follower<T>): { stop(): void };
}

export interface Follower<T> {
  seen(object: T): void;
  gone(object: T): void;
}

interface Connection {
  readonly server: string;
  /** Where it is: this process is the sandbox's too, whose guard lets nobody connect to a name. */
  readonly address: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

export function apiOf({ server, address, ca, token }: Connection): Api {
  const { host, hostname: servername } = new URL(server);
  const agent = new Agent({ keepAlive: true, ca, servername });

  const open = (method: string, path: string, body?: object, type = 'application/json') =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        host,
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(text !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
      };
      const call = request(new URL(path, `https://${address}:443`), { method, headers, agent }, resolve);
      call.once('error', reject);
      call.end(text);
    });

  async function call<T>(method: string, path: string, body?: object, type?: string): Promise<T> {
    const reply = await open(method, path, body, type);
    const text = await textOf(reply);
    const status = reply.statusCode ?? 0;
    const answer = parsed(text);
    if (status >= 300) throw new ApiError(status, String(answer.message ?? text));
    return answer as T;
  }

  return {
    get: (path) => call('GET', path),
    create: (path, body) => call('POST', path, body),
    patch: (path, body) => call('PATCH', path, body, 'application/merge-patch+json'),
    remove: (path, body) => call('DELETE', path, body),
    follow(path, on) {
      let stream: IncomingMessage | undefined;
      let stopped = false;
      void followLoop();
      return {
        stop() {
          stopped = true;
          stream?.destroy();
        },
      };

      async function followLoop(): Promise<void> {
        type Each = Parameters<typeof on.seen>[0];
        const known = new Map<string, Each>();
        const seen = (object: Each) => {
          known.set(object.metadata.uid ?? '', object);
          on.seen(object);
        };
        const gone = (object: Each) => {
          known.delete(object.metadata.uid ?? '');
          on.gone(object);
        };
        while (!stopped) {
          try {
            const list = await call<{ items: Each[]; metadata: { resourceVersion: string } }>('GET', path);
            const present = new Set(list.items.map(({ metadata }) => metadata.uid));
            for (const each of [...known.values()]) if (!present.has(each.metadata.uid)) gone(each);
            list.items.forEach(seen);
            const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}`;
            stream = await open('GET', `${path}${path.includes('?') ? '&' : '?'}${query}`);
            for await (const line of linesOf(stream)) {
              const { type, object } = JSON.parse(line) as { type: string; object: Each };
              if (type === 'ERROR') break;
              if (type === 'DELETED') gone(object);
              else seen(object);
            }
          } catch {
            // The connection broke: listed again.
          }
          if (!stopped) await delay(200);
        }
      }
    },
  };
}

async function textOf(reply: IncomingMessage): Promise<string> {
  const parts: string[] = [];
  for await (const part of reply.setEncoding('utf8')) parts.push(part as string);
  return parts.join('');
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

async function* linesOf(reply: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const part of reply.setEncoding('utf8')) {
    const lines = `${rest}${part}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
