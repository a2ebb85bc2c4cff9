#!/usr/bin/env node
/**
 * The program: arguments, streams, signals and exit code of the process, which no other file touches. What it imports
 * before the check of the version must run on any Node that knows modules.
 */
import * as nodeModule from 'node:module';

const LEAST = [22, 19] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
  process.stderr.write(`aks-secrets needs Node ${LEAST.join('.')} or newer; this is Node ${process.versions.node}.\n`);
  process.exit(2);
}

// Compiled code is kept between runs; where there is no place for it, it is compiled anew.
nodeModule.enableCompileCache?.();

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

/** Opening a stream takes a millisecond or more: each is opened when it is first written to. */
const opened = new Set<NodeJS.WriteStream>();
function output(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const stream = process[name];
  if (opened.has(stream)) return stream;
  opened.add(stream);
  // Who reads no further (`| head`) has what he wants.
  return stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
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
    return output('stdout');
  },
  get stderr() {
    return output('stderr');
  },
  env: process.env,
  cwd: process.cwd(),
  signal: interrupt.signal,
});
await Promise.all([...opened].map(flushed));
process.exit(code);
