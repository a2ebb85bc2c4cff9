import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createAgent } from './agent.ts';
import { CannotBreak } from './break/break.ts';
import type { Broken } from './break/perform.ts';
import { callerToken } from './caller.ts';
import { createEntra } from './entra/index.ts';
import { guard } from './guard.ts';
import type { Parts } from './parts.ts';
import type { Running } from './running.ts';
import { againOf, type Sandbox, type SandboxOptions } from './sandbox.ts';
import { readState } from './state.ts';
import { accessOf, addresses, surroundingsOf } from './surroundings.ts';

/**
 * The surroundings of a server that runs in another process. Time is that server's, and real: it serves several. The
 * caller's tokens are signed with the key that lies in the folder's state.
 */
export async function joinSandbox(folder: string, running: Running, options: SandboxOptions): Promise<Sandbox> {
  const guarded = guard();
  const caFile = join(folder, 'ca.pem');
  const ca = readFileSync(caFile, 'utf8');
  const control = (path: string, body: object) => ask(running, ca, path, body);
  // Held open while we are here: the server waits for it before it ends.
  const leave = await stayWith(running, ca);
  if (options.anew) await control('/reset', againOf(options));
  else if (options.existing) await control('/existing', { existing: options.existing });

  const { clockOffset, subscriptionId } = readState(folder);
  const now = () => new Date(Date.now() + clockOffset);
  const clock = {
    now,
    sleep: async (milliseconds: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      await delay(milliseconds, undefined, { ...(signal && { signal }) }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      });
    },
  };
  // Entra here only signs: with the key of the state as it is now, which `reset` may have changed.
  const sign = (audience: string) => {
    const parts = { state: readState(folder), clock, save: () => {} } as unknown as Parts;
    return callerToken({ ...parts, entra: createEntra(parts) }, audience);
  };

  const agent = createAgent(ca, { proxyPort: running.proxyPort });
  const access = accessOf(folder, { ca, caFile }, running.proxyPort);
  const close = async () => {
    leave();
    agent.destroy();
    guarded.release();
  };
  const elsewhere = (what: string): never => {
    throw new Error(`the sandbox runs in another process (${running.pid}): its ${what} is not reachable here`);
  };
  return {
    surroundings: surroundingsOf({
      ...{ agent, sign, clock, subscriptionId, close },
      withFile: options.existing !== undefined,
      env: access.env,
    }),
    ...addresses({ caFile }, running),
    joined: true,
    kubeconfig: () => readFileSync(join(folder, 'kubeconfig'), 'utf8'),
    get log() {
      return elsewhere('log');
    },
    get faults() {
      return elsewhere('faults');
    },
    get world() {
      return elsewhere('world');
    },
    get parts() {
      return elsewhere('parts');
    },
    get settings() {
      return elsewhere('settings');
    },
    get place() {
      return elsewhere('world');
    },
    seed: async () => elsewhere('world'),
    give: async () => elsewhere('world'),
    errors: [],
    advance: () => elsewhere('clock'),
    settled: async () => elsewhere('activity'),
    reset: async (again = {}) => void (await control('/reset', again)),
    break: async (id, on = {}) => (await control('/break', { id, ...on })) as Broken,
    mend: async () => (await control('/mend', {})) as readonly Broken[],
    close,
  };
}

/** Sends a control request; its answer has begun, and may stay open. */
function request(
  running: Running,
  ca: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-sandbox-key': running.key, 'content-type': 'application/json' };
    https
      .request({
        host: '127.0.0.1',
        port: running.port,
        servername: 'localhost',
        ca,
        method,
        path,
        headers: { ...headers, host: 'localhost' },
        agent: false,
      })
      .once('response', resolve)
      .on('error', reject)
      .end(body && JSON.stringify(body));
  });
}

/** Asks for something to be done, and answers what came of it. Throws `CannotBreak` with the server's reason. */
async function ask(running: Running, ca: string, path: string, body: object): Promise<unknown> {
  const response = await request(running, ca, 'POST', path, body);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const { statusCode = 500 } = response;
  if (statusCode === 409) {
    const { message, run } = JSON.parse(text) as { message: string; run?: string };
    throw new CannotBreak(message, run);
  }
  if (statusCode >= 300) throw new Error(`the running sandbox answered ${statusCode} to ${path}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** Tells the server that somebody is here, until it is called. */
async function stayWith(running: Running, ca: string): Promise<() => void> {
  const response = await request(running, ca, 'GET', '/stay');
  if (response.statusCode !== 200) throw new Error(`the running sandbox answered ${response.statusCode} to /stay`);
  response.resume();
  response.socket.unref();
  return () => response.destroy();
}
