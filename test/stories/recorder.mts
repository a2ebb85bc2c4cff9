/**
 * Loaded into a child process (`node --import`): writes down, one JSON line each, every connection that it asks for and
 * reaches, every name it looks up, every program it starts and every path that it hands to the file system. Node
 * processes that it starts are recorded too. The file is named by `AKS_SECRETS_RECORD`.
 */
import childProcess, { ChildProcess } from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

export type Entry =
  | { readonly what: 'connect' | 'reached' | 'lookup' | 'datagram'; readonly host: string }
  | { readonly what: 'spawn'; readonly file: string; readonly env: readonly string[] }
  | { readonly what: 'file'; readonly call: string; readonly path: string };

const { appendFileSync } = fs;
const record = process.env.AKS_SECRETS_RECORD ?? '';
const note = (entry: Entry) => appendFileSync(record, `${JSON.stringify(entry)}\n`);

// biome-ignore lint/suspicious/noExplicitAny: functions of the runtime, wrapped whatever their shape
type Any = any;

function before(owner: object, name: string, look: (self: Any, args: Any[]) => void): void {
  const target = owner as Any;
  const original = target[name];
  const wrapped = function (this: unknown, ...args: Any[]) {
    look(this, args);
    return original.apply(this, args);
  };
  // `realpath.native` and the like.
  target[name] = Object.assign(wrapped, original);
}

before(net.Socket.prototype, 'connect', (socket: net.Socket, args) => {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  const options = typeof first === 'object' ? first : { host: second };
  note({ what: 'connect', host: String(options.path ?? options.host ?? 'localhost') });
  socket.once('connect', () => note({ what: 'reached', host: socket.remoteAddress ?? '' }));
});
before(dgram.Socket.prototype, 'send', (_socket, args) => {
  note({ what: 'datagram', host: args.slice(1).find((arg) => typeof arg === 'string') ?? 'localhost' });
});
for (const owner of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
  for (const name of Object.getOwnPropertyNames(owner).filter((key) => /^(lookup|resolve|reverse)/.test(key))) {
    before(owner, name, (_self, args) => note({ what: 'lookup', host: String(args[0]) }));
  }
}
/** What a child that is kept from the file system needs to be recorded all the same. */
const leave = [`--allow-fs-read=${import.meta.filename}`, `--allow-fs-write=${record}`];
const own = { NODE_OPTIONS: `--import=${import.meta.url}`, AKS_SECRETS_RECORD: record };
before(ChildProcess.prototype, 'spawn', (_child, [options]) => {
  const given: string[] = options.envPairs ?? [];
  note({ what: 'spawn', file: options.file, env: given });
  if (options.args.includes('--permission')) options.args.splice(1, 0, ...leave);
  options.envPairs = [
    ...given.filter((pair) => !Object.keys(own).some((name) => pair.startsWith(`${name}=`))),
    ...Object.entries(own).map(([name, value]) => `${name}=${value}`),
  ];
});
for (const name of ['spawnSync', 'execFileSync', 'execSync']) {
  before(childProcess, name, (_self, args) => {
    const last = args.at(-1);
    const options = typeof last === 'object' && !Array.isArray(last) ? args.pop() : {};
    const env = options.env ?? process.env;
    note({ what: 'spawn', file: args[0], env: Object.entries(env).map(([key, value]) => `${key}=${value}`) });
    args.push({ ...options, env: { ...env, ...own } });
  });
}
for (const owner of [fs, fs.promises]) {
  for (const [name, value] of Object.entries(owner)) {
    if (typeof value !== 'function' || /^[A-Z_]/.test(name)) continue;
    before(owner, name, (_self, [path]) => {
      const text = path instanceof URL ? path.pathname : path;
      if (typeof text === 'string' && text !== record) note({ what: 'file', call: name, path: text });
    });
  }
}
syncBuiltinESMExports();
