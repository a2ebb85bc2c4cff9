import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

/** A call came back with another status than OK, in the words of grpc-go: `rpc error: code = Unknown desc = …`. */
export class RpcError extends Error {
  readonly code: string;
  constructor(code: string, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`);
    this.code = code;
  }
}

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const CODES = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...['PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented'],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
];

interface Call {
  /** Path of a unix socket here, and as the errors are to name it. */
  readonly socket: string;
  readonly named: string;
  /** `csi.v1.Node/NodePublishVolume` */
  readonly method: string;
  /** The encoded message. */
  readonly request: Buffer;
  /** Milliseconds. */
  readonly deadline?: number;
}

/** One unary call without TLS over a unix socket; the encoded answer. Throws an RpcError. */
export function unary({ socket, named, method, request, deadline = 120_000 }: Call): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
    const end = (how: () => void) => {
      clearTimeout(timer);
      session.destroy();
      how();
    };
    const unavailable = ({ code, message }: NodeJS.ErrnoException) => {
      const why = code === 'ECONNREFUSED' ? 'connection refused' : code === 'ENOENT' ? 'no such file or directory' : '';
      const text = `connection error: desc = "transport: Error while dialing: dial unix ${named}: connect: ${why || message}"`;
      end(() => reject(new RpcError('Unavailable', text)));
    };
    const timer = setTimeout(
      () => end(() => reject(new RpcError('DeadlineExceeded', 'context deadline exceeded'))),
      deadline,
    );
    session.once('error', unavailable);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const parts: Buffer[] = [];
    const done = (headers: Readonly<Record<string, unknown>>) => {
      if (headers['grpc-status'] === undefined) return;
      const code = CODES[Number(headers['grpc-status'])] ?? 'Unknown';
      const description = decodeURIComponent(String(headers['grpc-message'] ?? ''));
      end(() => (code === 'OK' ? resolve(Buffer.concat(parts).subarray(5)) : reject(new RpcError(code, description))));
    };
    // An error without an answer has its status among the headers.
    stream.once('response', done);
    stream.once('trailers', done);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.once('error', unavailable);
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(request.length, 1);
    stream.end(Buffer.concat([frame, request]));
  });
}

/** A field of a protobuf message by its number; empty values are left out, as protobuf does. */
export type Fields = Readonly<Record<number, string | boolean | number | Buffer | Readonly<Record<string, string>>>>;

export function encode(fields: Fields): Buffer {
  return Buffer.concat(
    Object.entries(fields).map(([number, value]) => {
      const key = Number(number) << 3;
      if (typeof value === 'boolean' || typeof value === 'number')
        return value ? Buffer.concat([varint(key), varint(Number(value))]) : Buffer.alloc(0);
      if (typeof value === 'string') return value === '' ? Buffer.alloc(0) : delimited(key, Buffer.from(value));
      if (Buffer.isBuffer(value)) return delimited(key, value);
      return Buffer.concat(Object.entries(value).map(([name, text]) => delimited(key, encode({ 1: name, 2: text }))));
    }),
  );
}

const delimited = (key: number, bytes: Buffer) => Buffer.concat([varint(key | 2), varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

/** The texts of a field of a message: `GetPluginInfoResponse.name` is field 1. */
export function textsAt(message: Buffer, number: number): string[] {
  const found: string[] = [];
  let at = 0;
  const read = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = read();
    if ((key & 7) === 0) read();
    else if ((key & 7) === 2) {
      const length = read();
      if (key >> 3 === number) found.push(message.toString('utf8', at, at + length));
      at += length;
    } else throw new Error(`a protobuf field of wire type ${key & 7}`);
  }
  return found;
}
