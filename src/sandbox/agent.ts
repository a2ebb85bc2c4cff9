import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { serviceOf } from './names.ts';

/** How a look-up fails for a name that does not exist; the code that clients of a deleted vault meet. */
export function notFound(host: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`getaddrinfo ENOTFOUND ${host}`);
  return Object.assign(error, { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: host });
}

/**
 * An agent that leads the production names to the sandbox on loopback, with its certificate authority, and knows no
 * other name. TLS is checked as ever: against the name that was asked for.
 *
 * @param reach the port of the server in this process and whether it has the name (a vault that does not exist has
 *   none), or the proxy of a server in another process
 */
export function createAgent(
  ca: string,
  reach: { readonly port: number; readonly knows: (host: string) => boolean } | { readonly proxyPort: number },
): https.Agent {
  const agent = new https.Agent({ keepAlive: true, ca });
  const open = https.Agent.prototype.createConnection;
  type Callback = Parameters<typeof open>[1];

  agent.createConnection = (options, callback) => {
    const host = String(options.host ?? '').toLowerCase();
    const known = serviceOf(host) !== undefined && Number(options.port ?? 443) === 443;
    const lead = (more: object) => {
      const led = { ...options, servername: options.servername || host, ca, ...more } as typeof options;
      return open.call(agent, led, callback as Callback) as Duplex | null | undefined;
    };
    if ('port' in reach) {
      if (known && reach.knows(host)) return lead({ host: '127.0.0.1', port: reach.port });
      callback?.(notFound(host), undefined as unknown as Duplex);
      return undefined;
    }
    if (!known) {
      callback?.(notFound(host), undefined as unknown as Duplex);
      return undefined;
    }
    tunnel(reach.proxyPort, host).then(
      (socket) => {
        const secured = lead({ socket });
        if (secured) callback?.(null, secured);
      },
      (error) => callback?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  };
  return agent;
}

/** Asks the proxy of a running sandbox for the name; it refuses those that do not exist. */
function tunnel(port: number, host: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    http
      .request({ host: '127.0.0.1', port, method: 'CONNECT', path: `${host}:443`, agent: false })
      .once('connect', (response, socket) => {
        if (response.statusCode === 200) return resolve(socket);
        socket.destroy();
        reject(notFound(host));
      })
      .once('error', reject)
      .end();
  });
}
