// Reads the secrets as an application with Dapr does: asks the sidecar in its pod. Prints name and byte count. Never a value.
// SECRETS: names in the vault, comma-separated. SECRET_STORE: name of the Dapr component.
// READY_FILE: written once all is read; without one the script ends then. DAPR_HTTP_PORT: set by Dapr's injector.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

const { SECRETS = '', SECRET_STORE = '', READY_FILE = '', DAPR_HTTP_PORT = '3500' } = process.env;
if (process.argv.includes('--ready')) process.exit(existsSync(READY_FILE) ? 0 : 1);

const sidecar = `http://localhost:${DAPR_HTTP_PORT}/v1.0`;
const ask = (path, method = 'GET', seconds = 10) =>
  fetch(`${sidecar}${path}`, { method, signal: AbortSignal.timeout(seconds * 1000) });

// The sidecar starts beside this container, not before it. Outbound: its components are loaded, whatever this side does.
const healthy = () =>
  ask('/healthz/outbound').then(
    ({ ok }) => ok,
    () => false,
  );
for (let tries = 1; !(await healthy()); tries += 1) {
  if (tries === 4) console.log(`waiting for the sidecar at localhost:${DAPR_HTTP_PORT}`);
  if (tries === 120) {
    console.log(`failed sidecar: nothing is well at localhost:${DAPR_HTTP_PORT}; has the pod a container daprd?`);
    process.exit(1);
  }
  await setTimeout(250);
}

// Of an error only codes are shown: Dapr's own, that of Entra or Key Vault within, and what the network says.
const CODES =
  /AADSTS\d+|Forbidden(?:ByRbac|ByPolicy|ByFirewall|ByConnection)|SecretNotFound|SecretDisabled|VaultRequestTypeLimitReached|AKV\d+|lookup [\w.-]+(?: on [\w.:]+)?: no such host|169\.254\.169\.254.*?(?:timeout|refused|deadline exceeded|forbidden)|https:\/\/[\w.-]+[^"]*": (?:dial tcp [\w.:]+ i\/o timeout|context deadline exceeded)/i;
const codeOf = (status, { errorCode, message }) =>
  [errorCode ?? status, CODES.exec(message)?.[0]].filter(Boolean).join(' ');

let failed = false;
for (const name of SECRETS.split(',')) {
  // What cannot be reached the sidecar tries again and again, and says so only then.
  const reply = await ask(`/secrets/${SECRET_STORE}/${name}`, 'GET', 60).catch(() => undefined);
  const answer = (await reply?.json().catch(() => undefined)) ?? {};
  if (!reply) {
    failed = true;
    console.log(`failed ${name} no answer from the sidecar`);
  } else if (reply.status === 200) console.log(`read ${name} ${Buffer.byteLength(answer[name])} bytes`);
  else {
    failed = true;
    console.log(`failed ${name} ${codeOf(reply.status, answer)}`);
  }
}
// A sidecar that is not told to end would keep a Job from ending.
if (!READY_FILE) await ask('/shutdown', 'POST').catch(() => {});
if (failed) process.exit(1);
if (!READY_FILE) process.exit(0);
await writeFile(READY_FILE, '');
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 2 ** 30); // stays, as a server would
