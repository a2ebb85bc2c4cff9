#!/usr/bin/env node
/**
 * The program: arguments, streams, signals and exit code of the process, which no other file touches. What it imports
 * before the check of the version must run on any Node that knows modules.
 */
import * as nodeModule from 'node:module';
import { directly } from './direct.ts';
import type { Output } from './io.ts';

const LEAST = [22, 19] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
  process.stderr.write(`aks-secrets needs Node ${LEAST.join('.')} or newer; this is Node ${process.versions.node}.\n`);
  process.exit(2);
}

const fs = process.getBuiltinModule('node:fs');

// Compiled code is kept between runs; where there is no place for it, it is compiled anew.
nodeModule.enableCompileCache?.();

// The logs of the SDKs show requests with all that hangs on them, tokens too. Ours is `-v`.
for (const name of ['AZURE_LOG_LEVEL', 'TYPESPEC_RUNTIME_LOG_LEVEL', 'DEBUG']) delete process.env[name];

const interrupt = new AbortController();
const onSignal = (): void => {
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort(new DOMException('interrupted', 'AbortError'));
};
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
// The last net: a trace could carry data, so only the kind of error is said.
process.on('uncaughtException', (error: unknown) => {
  process.stderr.write(`aks-secrets ended unexpectedly (${error instanceof Error ? error.name : typeof error}).\n`);
  process.exit(1);
});

/** Streams that were opened: a terminal is one, a pipe or a file needs none. */
const opened: NodeJS.WriteStream[] = [];
function streamOf(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const stream = process[name].on('error', (error: NodeJS.ErrnoException) => {
    // Who reads no further (`| head`) has what he wants.
    if (error.code !== 'EPIPE') throw error;
  });
  opened.push(stream);
  return stream;
}

const outputs: { stdout?: Output; stderr?: Output } = {};
function output(name: 'stdout' | 'stderr', descriptor: 1 | 2): Output {
  outputs[name] ??= isPlain(descriptor)
    ? directly(
        (bytes) => fs.writeSync(descriptor, bytes),
        () => streamOf(name),
      )
    : streamOf(name);
  return outputs[name];
}

/** A pipe or a file. Windows knows pipes of more kinds, and what is closed is Node's to judge. */
function isPlain(descriptor: number): boolean {
  try {
    const what = fs.fstatSync(descriptor);
    return process.platform !== 'win32' && (what.isFIFO() || what.isFile() || what.isSocket());
  } catch {
    return false;
  }
}

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((done) => {
    if (stream.destroyed || stream.writableEnded) done();
    else stream.write('', () => done());
  });

const { main } = await import('./main.ts');
const code = await main(process.argv.slice(2), {
  // Made when somebody reads: a stream that is looked at holds the process.
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return output('stdout', 1);
  },
  get stderr() {
    return output('stderr', 2);
  },
  env: process.env,
  cwd: process.cwd(),
  spare: async () => (await import('./sparing.ts')).spareMemory(major),
  signal: interrupt.signal,
});
await Promise.all(opened.map(flushed));
process.exit(code);
