import { MESSAGES, type Message } from './proto-messages.ts';
import { refuse } from './status.ts';

const MAGIC = 'k8s\0';
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/**
 * An object as kubectl's typed commands send it (`create namespace`, `create token`, `auth can-i`): an envelope with
 * apiVersion and kind, then the message. Kinds and fields that are not in the table are refused, never dropped.
 * @param body one character per byte
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function fromProtobuf(body: string): Record<string, unknown> {
  if (!body.startsWith(MAGIC)) throw unreadable('it does not begin with the four bytes that mark one');
  const envelope = fieldsOf(Buffer.from(body.slice(MAGIC.length), 'latin1'));
  const type = fieldsOf(bytesAt(envelope, 1));
  const [apiVersion, kind] = [1, 2].map((number) => bytesAt(type, number).toString());
  const message = MESSAGES[`${apiVersion} ${kind}`];
  if (!message) throw unreadable(`the sandbox does not read ${kind} (${apiVersion}) in it`);
  return { apiVersion, kind, ...objectOf(bytesAt(envelope, 2), message, kind ?? '') };
}

type Field = readonly [number: number, value: number | Buffer];

/** The fields of a message as they come: a number for a varint, bytes for what has a length. */
function fieldsOf(bytes: Buffer): Field[] {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw unreadable('it ends early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const key = varint();
    if ((key & 7) === 0) fields.push([key >> 3, varint()]);
    else if ((key & 7) === 2) {
      const length = varint();
      if (length < 0 || at + length > bytes.length) throw unreadable('it ends early');
      fields.push([key >> 3, bytes.subarray(at, at + length)]);
      at += length;
    } else throw unreadable(`it has a field of wire type ${key & 7}`);
  }
  return fields;
}

function bytesAt(fields: readonly Field[], number: number): Buffer {
  const value = fields.find(([each]) => each === number)?.[1];
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function objectOf(bytes: Buffer, message: Message, path: string): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [number, value] of fieldsOf(bytes)) {
    const known = message[number];
    if (!known) throw unreadable(`the sandbox does not know field ${number} of ${path}`);
    const [name, type] = known;
    const at = `${path}.${name}`;
    if (type === 'left out') continue;
    if (type === 'list of text') held<unknown[]>(object, name, []).push(value.toString());
    else if (Array.isArray(type))
      held<unknown[]>(object, name, []).push(objectOf(value as Buffer, type[0] as Message, at));
    else if (type === 'map of text' || type === 'map of bytes' || type === 'map of quantities') {
      const entry = fieldsOf(value as Buffer);
      const content = bytesAt(entry, 2);
      const map = held<Record<string, string>>(object, name, {});
      const quantity = () => bytesAt(fieldsOf(content), 1).toString();
      map[bytesAt(entry, 1).toString()] =
        type === 'map of bytes' ? content.toString('base64') : type === 'map of text' ? content.toString() : quantity();
    } else if (type === 'int') object[name] = value;
    else if (type === 'boolean') object[name] = value === 1;
    // A plain field is written also when it is empty, where JSON leaves it out.
    else if (type === 'text') object[name] = value.toString() || undefined;
    else if (type === 'plain int') object[name] = value || undefined;
    else if (type === 'plain boolean') object[name] = value === 1 || undefined;
    else object[name] = objectOf(value as Buffer, type as Message, at);
  }
  return JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
}

/** The list or map of that name, made when it is not there. */
function held<T>(object: Record<string, unknown>, name: string, empty: T): T {
  object[name] ??= empty;
  return object[name] as T;
}

const unreadable = (why: string) =>
  refuse(
    415,
    'UnsupportedMediaType',
    `the body cannot be read as ${PROTOBUF}: ${why}; send JSON or YAML, as kubectl apply and kubectl create -f do`,
  );
