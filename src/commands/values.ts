import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Io } from '../io.ts';
import { Secret } from '../secret.ts';
import { sourceText } from '../spec/rules.ts';
import { Problem } from '../trouble.ts';
import type { Spec, ValueSource } from '../workload.ts';
import type { World } from '../world.ts';
import { readUpTo } from './reading.ts';
import { codeOf } from './surroundings.ts';

/** Bytes that are read of a value; Key Vault takes 25 KB. What never ends is not read to its end. */
const LONGEST = 256 * 1024;

/**
 * Reads values from where the Spec says, each place once, however often it is asked.
 * @param typed values that were typed, by the names of their secrets
 */
export function createValues(io: Io, typed: ReadonlyMap<string, Secret> = new Map()): World['value'] {
  const asked = new Map<string, Promise<Secret>>();
  return (source) => {
    const place = JSON.stringify(source);
    const value = asked.get(place) ?? valueIn(source);
    asked.set(place, value);
    return value;
  };

  async function valueIn(source: ValueSource): Promise<Secret> {
    if ('typed' in source) {
      const value = typed.get(source.typed);
      if (!value) throw refused(source, 'was not typed in this run');
      return value;
    }
    const text = await read(source);
    // Editors and echo end a file with a line break that nobody means to be part of a password.
    const value = text.replace(/\r?\n$/, '');
    if (value === '') throw refused(source, 'is empty');
    return new Secret(value);
  }

  async function read(source: Exclude<ValueSource, { typed: string }>): Promise<string> {
    if ('env' in source) {
      const value = Object.hasOwn(io.env, source.env) ? io.env[source.env] : undefined;
      if (value === undefined) throw refused(source, 'is not set');
      return value;
    }
    if ('stdin' in source) {
      const bytes = await readAll(io.stdin, () => refused(source, 'is larger than a secret may be (25 KB)'));
      return textIn(bytes, source);
    }
    try {
      const bytes = await readUpTo(resolve(io.cwd, source.file), LONGEST);
      if (bytes.length > LONGEST) throw refused(source, 'is larger than a secret may be (25 KB)');
      return textIn(bytes, source);
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw refused(source, `cannot be read (${codeOf(error)})`);
    }
  }
}

/**
 * Reads what is given by variables and files, so that it is hidden from the first request on: whatever a service says,
 * it stays in no text. What cannot be read is told where it is needed. Standard input may be a person's.
 */
export async function makeGivenKnown({ workloads }: Spec, value: World['value'], cwd: string): Promise<void> {
  const sources = workloads.flatMap(({ secrets }) => secrets.flatMap((secret) => secret.value ?? []));
  await Promise.allSettled(
    sources.map(async (source) => {
      // A pipe says nothing before somebody writes into it.
      const isReady = 'env' in source || ('file' in source && (await stat(resolve(cwd, source.file))).isFile());
      if (isReady) await value(source);
    }),
  );
}

/** What is no text would be stored as another value. */
function textIn(bytes: Buffer, source: ValueSource): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refused(source, 'is not text (UTF-8)');
  }
}

const refused = (source: ValueSource, why: string) =>
  new Problem('refused', 'value', `The value cannot be taken: ${sourceText(source)} ${why}.`);

async function readAll(stdin: NodeJS.ReadableStream, tooLong: () => Problem): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk as Buffer | string));
    size += chunks.at(-1)!.length;
    if (size > LONGEST) throw tooLong();
  }
  return Buffer.concat(chunks);
}
