import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import tls from 'node:tls';
import { createDefaultHttpClient, createPipelineRequest, proxyPolicy } from '@azure/core-rest-pipeline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepTunnels } from '../../src/azure/tunnels.ts';
import { openSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { temporaryFolder } from '../sandbox/harness.ts';

let box: Sandbox;
let tunnels = 0;
/** Counts, and leads on to the sandbox's own proxy. */
const proxy = createServer().on('connect', (request, socket) => {
  tunnels += 1;
  const onward = connect(box.proxyPort, '127.0.0.1', () => {
    onward.write(`CONNECT ${request.url} HTTP/1.1\r\nhost: ${request.url}\r\n\r\n`);
    socket.pipe(onward).pipe(socket);
  });
  for (const each of [socket, onward]) each.on('error', () => each.destroy());
});

const trusted = tls.getCACertificates('default');
beforeAll(async () => {
  box = await openSandbox({ dir: temporaryFolder() });
  // With a proxy's agent the SDK takes no certificates from the request.
  tls.setDefaultCACertificates([...trusted, box.parts.access.ca]);
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
});
afterAll(async () => {
  tls.setDefaultCACertificates(trusted);
  proxy.closeAllConnections();
  proxy.close();
  await box.close();
});

/** Asks as a client of the SDK does: each has its own policy for the proxy, and so its own agent. */
function client(keep: ReturnType<typeof keepTunnels> | undefined) {
  const { port } = proxy.address() as AddressInfo;
  const policy = proxyPolicy({ host: 'http://127.0.0.1', port });
  const http = createDefaultHttpClient();
  return async (path: string) => {
    const request = createPipelineRequest({ url: `https://management.azure.com${path}` });
    const send = (asked: typeof request) => {
      keep?.(asked);
      return http.sendRequest(asked);
    };
    return (await policy.sendRequest(request, send)).status;
  };
}

describe('behind a proxy', () => {
  it('the SDK alone opens a tunnel for each request', async () => {
    tunnels = 0;
    const ask = client(undefined);
    // Without a token each is refused, which is an answer too.
    expect([await ask('/one'), await ask('/two'), await ask('/three')]).toEqual([401, 401, 401]);
    expect(tunnels).toBe(3);
  });

  it('one that is free serves the next request, also of another client', async () => {
    tunnels = 0;
    const keep = keepTunnels();
    const [one, other] = [client(keep), client(keep)];
    expect([await one('/one'), await one('/two'), await other('/three')]).toEqual([401, 401, 401]);
    expect(tunnels).toBe(1);
    expect(await Promise.all([one('/four'), other('/five')])).toEqual([401, 401]);
    expect(tunnels).toBe(2);
  });

  it('an agent that is no proxy’s is left alone', () => {
    const request = createPipelineRequest({ url: 'https://management.azure.com/' });
    const { agent } = box.surroundings;
    request.agent = agent;
    keepTunnels()(request);
    expect(request.agent).toBe(agent);
  });
});
