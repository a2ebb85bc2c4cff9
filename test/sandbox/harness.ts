import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts';

const opened: Sandbox[] = [];
const folders: string[] = [];

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
  folders.push(folder);
  return folder;
}

/** A new sandbox, closed: keys are made once for all files that a worker runs, and copied. */
const pristine = (async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  await (await openSandbox({ dir: folder })).close();
  return folder;
})();

/** A new sandbox in a folder of its own, closed after the test. */
export async function sandbox(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const dir = options.dir ?? temporaryFolder();
  if (!options.dir) cpSync(await pristine, dir, { recursive: true });
  const made = await openSandbox({ ...options, dir });
  opened.push(made);
  return made;
}

/** After each test (`setup.ts`). */
export async function closeSandboxes(): Promise<void> {
  for (const one of opened.splice(0)) await one.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked into by tests
  readonly body: any;
}

/** One request over TLS, to a production name. */
export function ask(
  one: Sandbox,
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    https
      .request(url, {
        method,
        agent: one.surroundings.agent,
        headers: { 'content-type': 'application/json', ...headers },
      })
      .once('response', (response) => resolve(answerOf(response)))
      .once('error', reject)
      .end(text);
  });
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  let received = '';
  for await (const chunk of response) received += chunk;
  const json = String(response.headers['content-type']).includes('json') && received !== '';
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: json ? JSON.parse(received) : received,
  };
}

const VERSIONS: readonly [RegExp, string][] = [
  [/providers\/[^/]+(\/register)?(\?.*)?$|Microsoft\.Resources\/tags/i, '2021-04-01'],
  [/roleAssignments|roleDefinitions/i, '2022-04-01'],
  [/Microsoft\.ManagedIdentity\/./i, '2024-11-30'],
  [/Microsoft\.KeyVault\/./i, '2026-02-01'],
  [/Microsoft\.ContainerService\/./i, '2026-06-01'],
  [/./, '2021-04-01'],
];

/** One request to Resource Manager as the sandbox's caller; a path may begin below the subscription. */
export async function arm(
  one: Sandbox,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const credential = await one.surroundings.credential();
  const { token } = await credential.getToken('https://management.azure.com/.default');
  const full = path.startsWith('/') ? path : `/subscriptions/${one.surroundings.defaults.subscription}/${path}`;
  const version = VERSIONS.find(([pattern]) => pattern.test(full))![1];
  const url = `https://management.azure.com${full}${full.includes('?') ? '&' : '?'}api-version=${version}`;
  return ask(one, method, url, body, { authorization: `Bearer ${token}`, ...headers });
}

export const CLUSTER = 'resourceGroups/demo-rg/providers/Microsoft.ContainerService/managedClusters/demo-aks';
export const VAULT = 'resourceGroups/demo-rg/providers/Microsoft.KeyVault/vaults/demo-kv';
export const IDENTITY = 'resourceGroups/demo-rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/demo-id';
export const SECRETS_USER = '4633458b-17de-408a-b874-0445c86b69e6';
export const roleDefinition = (one: Sandbox, role: string) =>
  `/subscriptions/${one.place.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
