import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from './container.ts';
import { ConfigError } from './environment.ts';
import type { Container, Probe } from './model.ts';

/** What a probe found; the message as an event tells it. */
export type Outcome = { readonly well: true } | { readonly well: false; readonly message: string };

/** Asks once. Throws a ConfigError for a kind of probe that the agent does not know. */
export async function ask(
  container: Container,
  { exec, httpGet, tcpSocket, timeoutSeconds = 1 }: Probe,
  running: Running,
): Promise<Outcome> {
  const late = delay(timeoutSeconds * 1000, undefined, { ref: false }).then(
    (): Outcome => ({ well: false, message: `command timed out: context deadline exceeded after ${timeoutSeconds}s` }),
  );
  const port = (named: number | string) =>
    typeof named === 'number'
      ? named
      : (container.ports?.find(({ name }) => name === named)?.containerPort ?? Number(named));
  if (exec) return Promise.race([late, askExec(exec.command, running)]);
  if (httpGet) return Promise.race([late, askHttp(httpGet, port(httpGet.port))]);
  if (tcpSocket) return Promise.race([late, askTcp(tcpSocket.host ?? '127.0.0.1', port(tcpSocket.port))]);
  throw new ConfigError("the lab's node has probes by exec, httpGet and tcpSocket only");
}

async function askExec(command: readonly string[], running: Running): Promise<Outcome> {
  const { code, out, err } = await running.exec(command);
  return code === 0 ? { well: true } : { well: false, message: `${out}${err}`.slice(0, 10_000) };
}

const askHttp = (of: NonNullable<Probe['httpGet']>, port: number) =>
  new Promise<Outcome>((resolve) => {
    const { path = '/', scheme = 'HTTP', host = '127.0.0.1' } = of;
    const headers = Object.fromEntries((of.httpHeaders ?? []).map(({ name, value }) => [name, value]));
    const options = { host, port, path, headers, rejectUnauthorized: false };
    const call = (scheme === 'HTTPS' ? requestHttps : requestHttp)(options, (reply) => {
      reply.resume();
      const { statusCode = 0 } = reply;
      const well = statusCode >= 200 && statusCode < 400;
      resolve(well ? { well } : { well, message: `HTTP probe failed with statuscode: ${statusCode}` });
    });
    const url = `${scheme.toLowerCase()}://${host}:${port}${path}`;
    call.once('error', ({ message }) => resolve({ well: false, message: `Get "${url}": ${message}` }));
    call.end();
  });

const askTcp = (host: string, port: number) =>
  new Promise<Outcome>((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve({ well: true }));
    socket.once('error', ({ message }) => resolve({ well: false, message }));
    socket.once('close', () => socket.destroy());
  });

interface On {
  /** After as many in a row as the probe asks for. */
  turned(well: boolean): void;
  failed(message: string): void;
  readonly signal: AbortSignal;
}

/** Asks again and again until the signal. What is not well yet is asked every second: the lab waits for it. */
export async function keepAsking(container: Container, probe: Probe, running: Running, on: On): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  const pause = (seconds: number) =>
    delay(seconds * 1000, undefined, { signal: on.signal, ref: false }).catch(() => {});
  await pause(initialDelaySeconds);
  let [row, last, turned] = [0, undefined as boolean | undefined, false];
  while (!on.signal.aborted) {
    const outcome = await ask(container, probe, running);
    if (on.signal.aborted) return;
    row = outcome.well === last ? row + 1 : 1;
    last = outcome.well;
    if (!outcome.well) on.failed(outcome.message);
    const enough = outcome.well ? successThreshold : failureThreshold;
    if (row === enough) {
      on.turned(outcome.well);
      turned = outcome.well;
    }
    await pause(turned ? periodSeconds : Math.min(periodSeconds, 1));
  }
}
