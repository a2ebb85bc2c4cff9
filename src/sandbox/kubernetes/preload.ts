/**
 * Run in every pod process before its script (`--import`). Kept as text, because it is written into the pods' folder:
 * so it is the same from source and from a bundle.
 *
 * - Every TLS connection goes through the sandbox's proxy, which knows only the sandbox's names; all else that would
 *   leave this machine fails as an unknown name does.
 * - The process ends when the sandbox does: its file descriptor 3 is a pipe that only the sandbox holds open.
 * - Requests say which pod they come from, for the sandbox's log.
 */
export const PRELOAD = String.raw`
import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

const { SANDBOX_PROXY_PORT: port, SANDBOX_POD: pod } = process.env;
delete process.env.SANDBOX_PROXY_PORT;
delete process.env.SANDBOX_POD;

const leash = new net.Socket({ fd: 3, readable: true, writable: false });
leash.on('error', () => process.exit(143));
leash.on('end', () => process.exit(143));
leash.resume();
leash.unref();

const isLoopback = (host) => /^(localhost|127(\.\d+){3}|::1|\[::1\])$/i.test(host);
const unknown = (host) =>
  Object.assign(new Error('getaddrinfo ENOTFOUND ' + host), {
    code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: host,
  });

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  const host = typeof first === 'object' && first !== null ? (first.path ?? first.host) : second;
  if (typeof host === 'string' && !isLoopback(host)) {
    process.nextTick(() => this.destroy(unknown(host)));
    return this;
  }
  return connect.apply(this, args);
};

/** A stream through the proxy. Writes wait until it has let us through. */
function tunnel(host, target) {
  const socket = connect.call(new net.Socket(), { host: '127.0.0.1', port: Number(port) });
  let head = Buffer.alloc(0);
  let open = false;
  const waiting = [];
  const stream = new Duplex({
    read() { socket.resume(); },
    write(chunk, encoding, done) {
      if (open) socket.write(chunk, encoding, done);
      else waiting.push(() => socket.write(chunk, encoding, done));
    },
    final(done) {
      if (open) socket.end(done);
      else waiting.push(() => socket.end(done));
    },
    destroy(error, done) { socket.destroy(); done(error); },
  });
  const refused = () => stream.destroy(unknown(host));
  socket.on('connect', () => socket.write('CONNECT ' + host + ':' + target + ' HTTP/1.1\r\nHost: ' + host + ':' + target + '\r\n\r\n'));
  socket.on('data', (chunk) => {
    if (open) {
      if (!stream.push(chunk)) socket.pause();
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!/^HTTP\/1\.[01] 200/.test(head.toString('latin1'))) return refused();
    open = true;
    const rest = head.subarray(end + 4);
    if (rest.length > 0) stream.push(rest);
    for (const write of waiting.splice(0)) write();
  });
  socket.on('error', refused);
  socket.on('close', () => {
    if (open) stream.push(null);
    else refused();
  });
  return stream;
}

const secure = tls.connect;
tls.connect = function (...args) {
  const callback = args.find((each) => typeof each === 'function');
  const given = args.find((each) => typeof each === 'object' && each !== null) ?? {};
  const options = typeof args[0] === 'object'
    ? given
    : { ...given, port: args[0], ...(typeof args[1] === 'string' && { host: args[1] }) };
  if (options.socket || isLoopback(options.host ?? 'localhost')) return secure.apply(tls, args);
  const servername = options.servername || options.host;
  return secure.call(tls, { ...options, servername, socket: tunnel(options.host, options.port ?? 443) }, callback);
};

const refuse = (name) => { throw unknown(String(name)); };
dgram.Socket.prototype.send = () => refuse('(datagram)');
dgram.Socket.prototype.connect = () => refuse('(datagram)');
for (const owner of [dns, dns.promises]) {
  for (const name of Object.keys(owner)) if (/^(resolve|reverse)/.test(name)) owner[name] = refuse;
}
syncBuiltinESMExports();

const fetch = globalThis.fetch;
globalThis.fetch = (input, init = {}) => {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set('user-agent', 'sandbox-pod/' + pod);
  return fetch(input, { ...init, headers });
};
`;
