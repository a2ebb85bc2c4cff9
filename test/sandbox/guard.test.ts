import dgram from 'node:dgram';
import dns, { lookup } from 'node:dns';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { guard, isLoopback, OutsideRefused } from '../../src/sandbox/guard.ts';

let held: ReturnType<typeof guard>[] = [];
const on = () => held.push(guard());
afterEach(() => {
  for (const one of held.splice(0)) one.release();
  held = [];
});

// Addresses of TEST-NET and .invalid: nobody is there, should the guard fail.
describe('while the guard is on', () => {
  it.each<[string, () => unknown]>([
    ['net.connect by port and host', () => net.connect(443, '192.0.2.1')],
    ['net.connect by options', () => net.connect({ host: 'outside.invalid', port: 443 })],
    ['a socket of its own', () => new net.Socket().connect({ host: '192.0.2.1', port: 80 })],
    ['tls.connect', () => tls.connect({ host: '192.0.2.1', port: 443 })],
    ['http.get', () => http.get('http://192.0.2.1/')],
    ['dns.lookup', () => lookup('outside.invalid', () => {})],
    ['dns.resolve', () => dns.resolve4('outside.invalid', () => {})],
    ['dns.promises', () => dns.promises.lookup('outside.invalid')],
    ['a resolver', () => new dns.Resolver().resolve('outside.invalid', () => {})],
    ['a datagram', () => dgram.createSocket('udp4').send('x', 53, '192.0.2.1')],
    ['a connected datagram socket', () => dgram.createSocket('udp4').connect(53, '192.0.2.1')],
    ['an address that only looks local', () => net.connect(80, '127.0.0.1.outside.invalid')],
  ])('%s throws', (_title, leave) => {
    on();
    expect(leave).toThrow(OutsideRefused);
  });

  it('fetch fails with the refusal as cause', async () => {
    on();
    const failed = await fetch('http://192.0.2.1/').catch((error: unknown) => error as Error);
    expect((failed as Error).cause).toBeInstanceOf(OutsideRefused);
  });

  it('loopback is free', async () => {
    const server = net.createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    on();
    await new Promise((done) => server.once('listening', done));
    const { port } = server.address() as net.AddressInfo;
    for (const host of ['127.0.0.1', 'localhost']) {
      const socket = net.connect(port, host);
      const text = await new Promise((done) => socket.once('data', (data) => done(data.toString())));
      expect(text).toBe('hello');
    }
    server.close();
  });

  it('nests, and gives everything back', () => {
    const original = net.Socket.prototype.connect;
    on();
    on();
    held[1]?.release();
    held[1]?.release(); // a second release of one guard does not open the other
    expect(() => net.connect(80, '192.0.2.1')).toThrow(OutsideRefused);
    held[0]?.release();
    expect(net.Socket.prototype.connect).toBe(original);
    expect(Object.hasOwn(dgram.Socket.prototype, 'send')).toBe(true);
  });
});

it.each([
  ['localhost', true],
  ['LOCALHOST.', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['[::1]', true],
  ['::ffff:127.0.0.1', true],
  ['128.0.0.1', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['::2', false],
  ['0.0.0.0', false],
])('%s is loopback: %s', (host, expected) => expect(isLoopback(host)).toBe(expected));
