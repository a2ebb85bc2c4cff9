/**
 * Run in every pod process before its script (`--import`). Kept as text, because it is written into the pods' folder:
 * so it is the same from source and from a bundle.
 *
 * - Every TLS connection goes through the sandbox's proxy, which knows only the sandbox's names; all else that would
 *   leave this machine fails as an unknown name does.
 * - The process ends when the sandbox does: its file descriptor 3 is a pipe that only the sandbox holds open.
 * - A name that the proxy knows has an address of a documentation network (RFC 5737): one in the internet, as a vault without
 *   a private end point has. No name server is asked.
 * - What the cluster's DNS does not give has no address here; what its firewall drops times out at once.
 * - Ports of the pod's sidecar are led to where it listens; without one, nobody is there, whatever else runs on this
 *   machine.
 * - Requests say which pod they come from, for the sandbox's log.
 */
export const PRELOAD = String.raw`
import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

const { SANDBOX_PROXY_PORT: port, SANDBOX_POD: pod, SANDBOX_PORTS: ports = '{}', SANDBOX_EGRESS: egress = '{}' } = process.env;
delete process.env.SANDBOX_PROXY_PORT;
delete process.env.SANDBOX_POD;
delete process.env.SANDBOX_PORTS;
delete process.env.SANDBOX_EGRESS;

/** Of the sidecar: HTTP, public HTTP, gRPC. */
const own = { 3500: undefined, 3501: undefined, 50001: undefined, ...JSON.parse(ports) };

/** Names that the cluster's DNS does not give, and hosts that its firewall drops. */
const { dns: unnamed = [], drop = [] } = JSON.parse(egress);
const among = (names, host) => names.some((name) => host === name || String(host).endsWith('.' + name));

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

const refused = (wanted) =>
  Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:' + wanted), {
    code: 'ECONNREFUSED', errno: -111, syscall: 'connect', address: '127.0.0.1', port: Number(wanted),
  });

const dropped = () =>
  Object.assign(new Error('connect ETIMEDOUT 203.0.113.10:443'), {
    code: 'ETIMEDOUT', errno: -110, syscall: 'connect', address: '203.0.113.10', port: 443,
  });

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  const host = typeof first === 'object' && first !== null ? (first.path ?? first.host) : second;
  if (typeof host === 'string' && !isLoopback(host)) {
    process.nextTick(() => this.destroy(unknown(host)));
    return this;
  }
  const wanted = typeof first === 'object' && first !== null ? (first.path ? undefined : first.port) : first;
  if (wanted in own) {
    const led = own[wanted];
    if (led === undefined) {
      process.nextTick(() => this.destroy(refused(wanted)));
      return this;
    }
    const options = typeof first === 'object' ? first : {};
    const callback = (Array.isArray(args[0]) ? args[0] : args).find((each) => typeof each === 'function');
    return connect.call(this, { ...options, host: '127.0.0.1', port: led }, ...(callback ? [callback] : []));
  }
  return connect.apply(this, args);
};

/** A stream through the proxy. Writes wait until it has let us through. */
function tunnel(host, target, looking = false) {
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
  if (among(unnamed, host)) process.nextTick(refused);
  else if (!looking && among(drop, host)) process.nextTick(() => stream.destroy(dropped()));
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

/** Whether the sandbox is there under this name. */
const isKnown = (host) =>
  new Promise((resolve) => {
    // A whole handshake: time stands still for one that is never ended.
    const socket = tunnel(host, 443, true);
    const stream = secure.call(tls, { servername: host, socket }, () => { resolve(true); stream.end(); });
    stream.on('error', () => resolve(false));
    socket.on('error', () => resolve(false));
  });
const lookedUp = async (host, options) => {
  const { all = false } = typeof options === 'object' && options !== null ? options : {};
  const address = isLoopback(host) ? '127.0.0.1' : (await isKnown(host)) ? '203.0.113.10' : undefined;
  if (address === undefined) throw unknown(host);
  const found = { address, family: 4 };
  return all ? [found] : found;
};
dns.promises.lookup = lookedUp;
dns.lookup = (host, ...args) => {
  const done = args.at(-1);
  const options = args.length > 1 ? args[0] : {};
  lookedUp(host, options).then(
    (found) => (Array.isArray(found) ? done(null, found) : done(null, found.address, found.family)),
    (error) => done(error),
  );
};
syncBuiltinESMExports();

const fetch = globalThis.fetch;
globalThis.fetch = (input, init = {}) => {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set('user-agent', 'sandbox-pod/' + pod);
  return fetch(input, { ...init, headers });
};
`;
