import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pod } from './model.ts';
import type { Node } from './node.ts';

/** What a container says, line by line with the time, as container runtimes keep it. */
export interface Log {
  write(stream: 'stdout' | 'stderr', text: string): void;
  close(): void;
}

const pathOf = (node: Node, { metadata }: Pod, container: string, restarts: number) =>
  join(node.logs, `${metadata.namespace}_${metadata.name}_${metadata.uid}/${container}/${restarts}.log`);

export function openLog(node: Node, pod: Pod, container: string, restarts: number): Log {
  const path = pathOf(node, pod, container, restarts);
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'a');
  const rest = { stdout: '', stderr: '' };
  const line = (stream: string, text: string) => writeSync(file, `${new Date().toISOString()} ${stream} F ${text}\n`);
  return {
    write(stream, text) {
      const lines = `${rest[stream]}${text}`.split('\n');
      rest[stream] = lines.pop() ?? '';
      for (const each of lines) line(stream, each);
    },
    close() {
      for (const stream of ['stdout', 'stderr'] as const) if (rest[stream]) line(stream, rest[stream]);
      closeSync(file);
    },
  };
}

export interface LogQuery {
  readonly timestamps: boolean;
  readonly tail: number | undefined;
  /** Milliseconds since 1970. */
  readonly since: number | undefined;
  readonly limitBytes: number | undefined;
}

/** The text of a log as `kubectl logs` asks for it; undefined where there is none. */
export function readLog(
  node: Node,
  pod: Pod,
  container: string,
  restarts: number,
  query: LogQuery,
): string | undefined {
  const path = pathOf(node, pod, container, restarts);
  if (!existsSync(path)) return undefined;
  const { timestamps, tail, since, limitBytes } = query;
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((each) => /^(\S+) \S+ F (.*)$/s.exec(each) ?? [each, '', each])
    .filter(([, time = '']) => since === undefined || Date.parse(time) >= since)
    .map(([, time, text]) => `${timestamps ? `${time} ` : ''}${text}\n`);
  const text = (tail === undefined ? lines : tail === 0 ? [] : lines.slice(-tail)).join('');
  return limitBytes === undefined ? text : Buffer.from(text).subarray(0, limitBytes).toString();
}

/** What is written to it from now on, until `goesOn` says no. */
export async function* followLog(
  ...[node, pod, container, restarts, { timestamps }, goesOn]: [...Parameters<typeof readLog>, goesOn: () => boolean]
): AsyncGenerator<string> {
  const all = () =>
    readLog(node, pod, container, restarts, { timestamps, tail: undefined, since: undefined, limitBytes: undefined }) ??
    '';
  let said = all().length;
  for (let more = true; more; ) {
    more = goesOn();
    const text = all();
    if (text.length > said) yield text.slice(said);
    said = text.length;
    if (more) await delay(200);
  }
}
