import { createEntra } from '../../src/sandbox/entra/index.ts';
import type { ArmVault, Parts, Reply } from '../../src/sandbox/parts.ts';
import { createVault, type Vault } from '../../src/sandbox/vault/index.ts';
import { type HandMade, handMade, request, TENANT } from './hand-made.ts';

export const OID = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
export const ID = '/subscriptions/s/resourceGroups/demo-rg/providers/Microsoft.KeyVault/vaults/demo-kv';
export const ZEROS = '0'.repeat(32);
export const MARKER = 'marker-value-that-must-not-be-seen';
export const rbacVault: ArmVault = {
  id: ID,
  name: 'demo-kv',
  location: 'westeurope',
  tenantId: TENANT,
  rbac: true,
  accessPolicies: [],
  publicNetworkAccess: 'Enabled',
  networkAcls: { defaultAction: 'Allow', ipRules: [] },
};

export let world: HandMade;
export let parts: Parts;
export let vault: Vault;
export let token: string;
/** Made by the first test, and used by all: a key takes longer than a test. */
let key: unknown;
/** Before each test (`setup.ts`). */
export async function beginVault(): Promise<void> {
  world = handMade();
  if (key) world.state.entra.key = key;
  const entra = createEntra(world.parts);
  parts = { ...world.parts, entra };
  vault = createVault(parts);
  world.vaults.push(rbacVault);
  token = await entra.sign({ objectId: OID, tenantId: TENANT, appId: 'app' }, 'https://vault.azure.net');
  key = world.state.entra.key;
  await vault.seed('demo-kv', 'db-password', MARKER);
}

export const may = (...actions: string[]) => {
  for (const action of actions)
    world.rights.push({ principal: OID, action: `Microsoft.KeyVault/vaults/${action}`, scope: ID });
};
export const mayAll = () =>
  may(
    ...[
      'getSecret/action',
      'setSecret/action',
      'readMetadata/action',
      'update/action',
      'delete',
      'recover/action',
      'purge/action',
    ].map((action) => `secrets/${action}`),
    'keys/read',
    'certificates/read',
  );
export const change = (changes: Partial<ArmVault>) => {
  world.vaults[0] = { ...rbacVault, ...changes };
};
export const call = (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
) => {
  const versioned = path.includes('?') || path.includes('api-version') ? path : `${path}?api-version=7.4`;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return vault.handler(request(method, `https://demo-kv.vault.azure.net${versioned}`, { headers, body: text }), parts);
};
export type Item = {
  id: string;
  value?: string;
  attributes: Record<string, unknown>;
  tags: object;
  contentType?: string;
};
export const bodyOf = async <T = Item>(reply: Promise<Reply>) => (await reply).body as T;
export const errorOf = async (reply: Promise<Reply>) => {
  const { status, body } = await reply;
  const { error } = body as { error: { code: string; message: string; innererror?: { code: string } } };
  return [status, error.innererror?.code ?? error.code, error.message] as const;
};
export const withoutMessage = async (reply: Promise<Reply>) => (await errorOf(reply)).slice(0, 2);

/** From now on, requests bear this token. */
export const bear = (other: string) => {
  token = other;
};
