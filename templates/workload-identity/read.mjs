// Reads the secrets as an application with Entra Workload ID does: exchanges the token file that the webhook mounted for
// one of the identity's, and asks the vault. Prints name, version and byte count. Never a value.
// SECRETS: paths in the vault (secrets/NAME, keys/NAME, certificates/NAME), comma-separated.
// VAULT_URI, VAULT_SCOPE: the vault and what its tokens are for.
// READY_FILE: written once all is read; without one the script ends then. AZURE_*: set by the webhook.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

const { SECRETS = '', VAULT_URI = '', VAULT_SCOPE = '', READY_FILE = '' } = process.env;
const { AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE } = process.env;
if (process.argv.includes('--ready')) process.exit(existsSync(READY_FILE) ? 0 : 1);

function fail(what) {
  console.log(`failed ${what}`);
  process.exit(1);
}

for (const [name, value] of Object.entries({
  AZURE_AUTHORITY_HOST,
  AZURE_TENANT_ID,
  AZURE_CLIENT_ID,
  AZURE_FEDERATED_TOKEN_FILE,
}))
  if (!value) fail(`${name} is not set: the webhook did not see this pod, or its service account has no client-id`);

/** An answer, or the code of what kept it from coming: the network's own, as of the connection within. */
async function send(url, options) {
  try {
    return await fetch(url, { ...options, signal: AbortSignal.timeout(15_000) });
  } catch (error) {
    return { ok: false, status: error.cause?.code ?? error.name, json: async () => ({}) };
  }
}

const exchange = await send(new URL(`${AZURE_TENANT_ID}/oauth2/v2.0/token`, AZURE_AUTHORITY_HOST), {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: AZURE_CLIENT_ID,
    scope: VAULT_SCOPE,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await readFile(AZURE_FEDERATED_TOKEN_FILE, 'utf8'),
  }),
});
const answer = await exchange.json().catch(() => ({}));
if (!exchange.ok) {
  const [said] = String(answer.error_description ?? answer.error ?? '').split(/\s*Trace ID/);
  fail(`exchange ${exchange.status} ${said}`.trim());
}

let failed = false;
for (const path of SECRETS.split(',')) {
  const [kind, name] = path.split('/');
  const reply = await send(new URL(`${kind}/${name}?api-version=7.4`, VAULT_URI), {
    headers: { authorization: `Bearer ${answer.access_token}` },
  });
  const found = await reply.json().catch(() => ({}));
  if (reply.ok) {
    // Of a certificate and of a key, the public part.
    const content = found.value ?? found.cer ?? JSON.stringify(found.key);
    const version = (found.id ?? found.key.kid).split('/').at(-1);
    console.log(`read ${name} ${Buffer.byteLength(content)} bytes version ${version}`);
  } else {
    failed = true;
    console.log(
      `failed ${name} ${[reply.status, found.error?.innererror?.code ?? found.error?.code].filter(Boolean).join(' ')}`,
    );
  }
}
if (failed) process.exit(1);
if (!READY_FILE) process.exit(0);
await writeFile(READY_FILE, '');
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 2 ** 30); // stays, as a server would
