/** As much of DER (ITU-T X.690) as a certificate needs. */
export type Der = Buffer;

const tagged = (tag: number, ...content: readonly Buffer[]): Der => {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), body]);
};

export const sequence = (...items: readonly Der[]) => tagged(0x30, ...items);
export const set = (...items: readonly Der[]) => tagged(0x31, ...items);
export const octets = (content: Buffer) => tagged(0x04, content);
export const utf8 = (text: string) => tagged(0x0c, Buffer.from(text));
export const boolean = (value: boolean) => tagged(0x01, Buffer.from([value ? 0xff : 0]));
/** Whole bytes, or flags with unused bits at the end. */
export const bits = (content: Buffer, unused = 0) => tagged(0x03, Buffer.from([unused]), content);
/** A number that is not negative. */
export const integer = (content: Buffer) =>
  tagged(0x02, content[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), content]) : content);
/** `[n]`, constructed. */
export const context = (number: number, ...content: readonly Buffer[]) => tagged(0xa0 | number, ...content);
/** `[n] IMPLICIT`, primitive. */
export const implicit = (number: number, content: Buffer) => tagged(0x80 | number, content);

/** UTCTime, good until 2049. */
export const utcTime = (date: Date) =>
  tagged(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}
