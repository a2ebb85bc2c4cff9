import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

/** Thrown where a program would leave this machine while a sandbox is open. */
export class OutsideRefused extends Error {
  readonly code = 'ERR_SANDBOX_OUTSIDE';
  readonly host: string;
  constructor(host: string, what: string) {
    super(`the sandbox is on: ${what} ${host} refused, nothing leaves this machine`);
    this.name = 'OutsideRefused';
    this.host = host;
  }
}

let depth = 0;
let restore: (() => void) | undefined;

/**
 * From now on, in this whole process, a socket to anything but loopback throws, and so does asking a name server.
 * Guards nest; the last release restores. Child processes are not held by it.
 */
export function guard(): { release(): void } {
  if (depth++ === 0) restore = close();
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      if (--depth === 0) restore?.();
    },
  };
}

/** localhost, 127.0.0.0/8, ::1, and IPv4 loopback written as IPv6. */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/\.$/, '');
  if (name === 'localhost' || name === '::1' || name === '0:0:0:0:0:0:0:1') return true;
  const address = name.replace(/^::ffff:/, '');
  return net.isIPv4(address) && address.startsWith('127.');
}

function refuseOutside(host: unknown, what: string): void {
  const name = typeof host === 'string' && host !== '' ? host : 'localhost';
  if (!isLoopback(name)) throw new OutsideRefused(name, what);
}

// biome-ignore lint/suspicious/noExplicitAny: functions of the runtime, wrapped whatever their shape
type Wrapped = Record<string, any>;

function close(): () => void {
  const undo: (() => void)[] = [];
  const wrap = (owner: object, name: string, check: (args: readonly unknown[], self: unknown) => void) => {
    const target = owner as Wrapped;
    const original = target[name];
    if (typeof original !== 'function') return;
    const own = Object.hasOwn(target, name);
    target[name] = function (this: unknown, ...args: unknown[]) {
      check(args, this);
      return original.apply(this, args);
    };
    undo.push(() => {
      if (own) target[name] = original;
      else delete target[name];
    });
  };

  wrap(net.Socket.prototype, 'connect', (args) => {
    const target = connectTarget(args);
    if (target !== undefined) refuseOutside(target, 'a connection to');
  });
  wrap(dgram.Socket.prototype, 'connect', ([, address]) => {
    if (typeof address !== 'function') refuseOutside(address, 'a datagram to');
  });
  // send(msg, [offset, length,] [port,] [address,] [callback]): the address is the only text after the message.
  wrap(dgram.Socket.prototype, 'send', (args) => {
    refuseOutside(
      args.slice(1).find((arg) => typeof arg === 'string'),
      'a datagram to',
    );
  });
  const asksName = ([name]: readonly unknown[]) => {
    if (typeof name === 'string' && !net.isIP(name)) refuseOutside(name, 'a look-up of');
  };
  const asksServer = ([name]: readonly unknown[]) => refuseOutside(name, 'a look-up of');
  wrap(dns, 'lookup', asksName);
  wrap(dns.promises, 'lookup', asksName);
  for (const owner of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      if (/^(resolve|reverse|lookupService)/.test(name)) wrap(owner, name, asksServer);
    }
  }
  syncBuiltinESMExports();
  return () => {
    for (const step of undo.reverse()) step();
    syncBuiltinESMExports();
  };
}

/** The host of `connect(options | port, host | path)`; `undefined` for a local socket file. `net` passes it as a list. */
function connectTarget(args: readonly unknown[]): unknown {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const options = first as { path?: unknown; host?: unknown };
    return options.path === undefined || options.path === null ? (options.host ?? 'localhost') : undefined;
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) return undefined;
  return typeof second === 'string' ? second : 'localhost';
}
