import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import http from 'node:http';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { begin, type Story } from '../stories/harness.ts';
import { tally } from './tally.ts';

let story: Story;
beforeAll(async () => {
  story = await begin();
});
afterAll(() => story.close());

const right = (what: string, refused: boolean) => {
  tally({ part: 'refusals', what, right: refused });
  expect({ what, refused }).toEqual({ what, refused: true });
};

// Addresses of TEST-NET and .invalid: nobody is there, should it not be refused.
it.each<[string, () => unknown]>([
  ['a connection to an address', () => net.connect(443, '192.0.2.1')],
  ['a connection to a name', () => net.connect({ host: 'outside.invalid', port: 443 })],
  ['a name that only looks local', () => net.connect(80, '127.0.0.1.outside.invalid')],
  ['a connection over IPv6', () => net.connect(443, '2001:db8::1')],
  ['TLS', () => tls.connect({ host: '192.0.2.1', port: 443 })],
  ['HTTP', () => http.get('http://192.0.2.1/')],
  ['a question to a name server', () => dns.resolve4('outside.invalid', () => undefined)],
  ['a look-up of a name', () => dns.lookup('outside.invalid', () => undefined)],
  ['a datagram', () => dgram.createSocket('udp4').send('x', 53, '192.0.2.1')],
])('while it is on, nothing leaves this process: %s', (what, leave) => {
  let refused = false;
  try {
    leave();
  } catch (error) {
    refused = (error as NodeJS.ErrnoException).code === 'ERR_SANDBOX_OUTSIDE';
  }
  right(`out: ${what}`, refused);
});

it('while it is on, nothing leaves this process: fetch', async () => {
  const failed = await fetch('http://192.0.2.1/').catch(({ cause }: Error) => cause as NodeJS.ErrnoException);
  right('out: fetch', (failed as NodeJS.ErrnoException).code === 'ERR_SANDBOX_OUTSIDE');
});

it('nobody comes in by another address of this machine', () => {
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) =>
    all
      .filter(({ internal }) => !internal)
      .map(({ address, family, scopeid }) => (family === 'IPv6' && scopeid ? '' : address)),
  );
  for (const address of addresses.filter(Boolean)) {
    for (const port of [story.sandbox.port, story.sandbox.proxyPort]) {
      // In a process of its own, which no guard holds.
      const script = `require('net').connect(${port}, '${address}').on('connect', () => process.exit(7)).on('error', () => process.exit(0))`;
      right('in: by an address that is not loopback', spawnSync(process.execPath, ['-e', script]).status === 0);
    }
  }
});

it.each(['example.com:443', 'management.azure.com:80', '192.0.2.1:443', 'demo-kv.vault.azure.net.evil.example:443'])(
  'its proxy leads nowhere else: %s',
  async (target) => {
    const status = await new Promise((done, fail) => {
      const request = http.request({
        host: '127.0.0.1',
        port: story.sandbox.proxyPort,
        method: 'CONNECT',
        path: target,
      });
      request.once('connect', ({ statusCode }) => done(statusCode)).once('error', fail);
      request.end();
    });
    right('in: the proxy asked for another host', status === 502);
  },
);
