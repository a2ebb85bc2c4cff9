import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SCRIPT = new URL('../../templates/dapr/read.mjs', import.meta.url).pathname;
const VALUE = 'never-printed-7141';

/** Runs the sample's script beside a sidecar that answers so; it fails at the second secret, so it ends. */
async function read(answers: Readonly<Record<string, readonly [status: number, body?: unknown]>>) {
  const asked: string[] = [];
  const sidecar = createServer(({ url = '' }, response) => {
    asked.push(url);
    const health = asked.length < 3 ? 500 : 204;
    const [status, body] = url.endsWith('/healthz/outbound') ? [health] : (answers[url.split('/').at(-1)!] ?? [204]);
    // It was killed, or is still trying when patience ends.
    if (status === 0) return void response.destroy();
    response.writeHead(status).end(body === undefined ? undefined : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => sidecar.listen(0, '127.0.0.1', resolve));
  const env = {
    DAPR_HTTP_PORT: String((sidecar.address() as AddressInfo).port),
    SECRETS: Object.keys(answers).join(','),
    SECRET_STORE: 'orders',
    READY_FILE: join(tmpdir(), 'never-written'),
  };
  try {
    return await new Promise<{ code: number; out: string; asked: readonly string[] }>((resolve) => {
      execFile(process.execPath, [SCRIPT], { env }, (error, out, err) =>
        resolve({ code: Number(error?.code ?? 0), out: out + err, asked }),
      );
    });
  } finally {
    sidecar.closeAllConnections();
    sidecar.close();
  }
}

it('waits for the sidecar, and prints names, byte counts and codes, never a value or a message', async () => {
  const { code, out, asked } = await read({
    'db-password': [200, { 'db-password': VALUE }],
    denied: [403, { errorCode: 'ERR_PERMISSION_DENIED', message: `access denied by policy ${VALUE}` }],
    refused: [500, { errorCode: 'ERR_SECRET_GET', message: `failed: ${VALUE} {"code":"ForbiddenByRbac"}` }],
    unknown: [500, { errorCode: 'ERR_SECRET_GET', message: 'AADSTS700213: No matching federated identity' }],
    gone: [204],
    torn: [0],
  });
  expect(out.trim().split('\n')).toEqual([
    `read db-password ${VALUE.length} bytes`,
    'failed denied ERR_PERMISSION_DENIED',
    'failed refused ERR_SECRET_GET ForbiddenByRbac',
    'failed unknown ERR_SECRET_GET AADSTS700213',
    'failed gone 204',
    'failed torn no answer from the sidecar',
  ]);
  expect(code).toBe(1);
  expect(asked.slice(0, 4)).toEqual([
    '/v1.0/healthz/outbound',
    '/v1.0/healthz/outbound',
    '/v1.0/healthz/outbound',
    '/v1.0/secrets/orders/db-password',
  ]);
});
