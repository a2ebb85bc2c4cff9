import { open } from 'node:fs/promises';

/**
 * A file's bytes, at most so many and one more, by which a longer one is known. Also of what has no size: a pipe, or what
 * a shell puts in place of a command (`<(kubectl logs ...)`). What never ends is not read to its end.
 */
export async function readUpTo(path: string, most: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const chunks: Buffer[] = [];
    for (let left = most + 1; left > 0; ) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(left, 64 * 1024)));
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      left -= bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

/** UTF-8, or what PowerShell writes into a file; without a byte-order mark. @throws {TypeError} where it must be `fatal` */
export function textOfBytes(bytes: Buffer, { fatal = false }: { readonly fatal?: boolean } = {}): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding, { fatal }).decode(bytes);
}
