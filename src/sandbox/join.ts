import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createAgent } from './agent.ts';
import { createEntra } from './entra/index.ts';
import { guard } from './guard.ts';
import type { Parts } from './parts.ts';
import type { Running } from './running.ts';
import { againOf, type Sandbox, type SandboxOptions } from './sandbox.ts';
import { readState } from './state.ts';
import { accessOf, addresses, surroundingsOf } from './surroundings.ts';
import { CALLER } from './world/demo.ts';

/**
 * The surroundings of a server that runs in another process. Time is that server's, and real: it serves several. The
 * caller's tokens are signed with the key that lies in the folder's state.
 */
export async function joinSandbox(folder: string, running: Running, options: SandboxOptions): Promise<Sandbox> {
  const guarded = guard();
  const caFile = join(folder, 'ca.pem');
  const ca = readFileSync(caFile, 'utf8');
  const control = async (path: string, body: object) => {
    await request(running, ca, 'POST', path, body);
  };
  // Held open while we are here: the server waits for it before it ends.
  const stay = await request(running, ca, 'GET', '/stay');
  if (options.anew) await control('/reset', againOf(options));
  else if (options.existing) await control('/existing', { existing: options.existing });

  const { clockOffset, subscriptionId, tenantId } = readState(folder);
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
  const sign = (audience: string) =>
    createEntra({ state: readState(folder), clock, save: () => {} } as unknown as Parts).sign(
      { ...CALLER, tenantId },
      audience,
    );

  const agent = createAgent(ca, { proxyPort: running.proxyPort });
  const access = accessOf(folder, { ca, caFile }, running.proxyPort);
  const close = async () => {
    stay.leave();
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
    errors: [],
    advance: () => elsewhere('clock'),
    settled: async () => elsewhere('activity'),
    reset: (again = {}) => control('/reset', again),
    close,
  };
}

/** A control request. `leave` ends one whose answer stays open. */
function request(
  running: Running,
  ca: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<{ leave(): void }> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-sandbox-key': running.key, 'content-type': 'application/json' };
    const sent = https.request({
      host: '127.0.0.1',
      port: running.port,
      servername: 'localhost',
      ca,
      method,
      path,
      headers: { ...headers, host: 'localhost' },
      agent: false,
    });
    sent
      .once('response', (response) => {
        response.resume();
        response.socket.unref();
        if ((response.statusCode ?? 500) < 300) resolve({ leave: () => sent.destroy() });
        else reject(new Error(`the running sandbox answered ${response.statusCode} to ${path}`));
      })
      .on('error', reject)
      .end(body && JSON.stringify(body));
  });
}
