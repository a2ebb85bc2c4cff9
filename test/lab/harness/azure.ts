import type { Lab } from './lab.ts';

/*
 * What somebody does wrong in Azure, by the calls that the portal makes too. Each change answers what takes it back.
 */
const MSI = 'api-version=2024-11-30';
const ROLES = 'api-version=2022-04-01';

/** Whose Azure: that of the lab, or that of a sandbox beside it. */
export type Azure = Pick<Lab, 'arm' | 'sandbox'>;

export type Undo = () => Promise<void>;

interface Resource {
  readonly id: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

interface Listed {
  readonly value: readonly Resource[];
}

async function asked<T>(lab: Azure, method: string, path: string, body?: object): Promise<T> {
  const reply = await lab.arm<T>(method, path, body);
  if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body;
}

/** A managed identity. */
export interface Identity extends Resource {
  readonly principalId: string;
}

/** The managed identity that has this client id. */
export async function identityOf(lab: Azure, clientId: string): Promise<Identity> {
  const path = `/subscriptions/${lab.sandbox.place.subscriptionId}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
  const { value } = await asked<Listed>(lab, 'GET', `${path}?${MSI}`);
  const found = value.find(({ properties }) => properties.clientId === clientId);
  if (!found) throw new Error(`no identity has the client id ${clientId}`);
  return { ...found, principalId: String(found.properties.principalId) };
}

/** Changes what the federated credentials of an identity say. */
export async function trustOtherwise(
  lab: Azure,
  identity: Resource,
  change: (properties: Readonly<Record<string, unknown>>) => object,
): Promise<Undo> {
  const { value } = await asked<Listed>(lab, 'GET', `${identity.id}/federatedIdentityCredentials?${MSI}`);
  const put = async ({ id }: Resource, properties: object) => {
    await asked(lab, 'PUT', `${id}?${MSI}`, { properties });
  };
  for (const each of value) await put(each, { ...each.properties, ...change(each.properties) });
  return async () => {
    for (const each of value) await put(each, each.properties);
  };
}

/** Takes all roles of a principal away. */
export async function takeRoles(lab: Azure, principalId: string): Promise<Undo> {
  const path = `/subscriptions/${lab.sandbox.place.subscriptionId}/providers/Microsoft.Authorization/roleAssignments`;
  const { value } = await asked<Listed>(
    lab,
    'GET',
    `${path}?${ROLES}&$filter=${encodeURIComponent(`principalId eq '${principalId}'`)}`,
  );
  const own = value.filter(({ properties }) => properties.principalId === principalId);
  if (own.length === 0) throw new Error(`${principalId} has no role`);
  for (const { id } of own) await asked(lab, 'DELETE', `${id}?${ROLES}`);
  return async () => {
    for (const { id, properties } of own) {
      const { roleDefinitionId, principalType, description } = properties;
      await asked(lab, 'PUT', `${id}?${ROLES}`, {
        properties: { roleDefinitionId, principalId, principalType, description },
      });
    }
  };
}

/** Calls a vault as the subscription's owner. */
export async function vault<T>(lab: Azure, name: string, method: string, path: string, body?: object): Promise<T> {
  const credential = await lab.sandbox.surroundings.credential();
  const { token } = await credential.getToken('https://vault.azure.net/.default');
  const host = `${name}.vault.azure.net`;
  const reply = await lab.sandbox.parts.dispatch({
    ...{ method, host, path, query: new URLSearchParams({ 'api-version': '7.5' }) },
    headers: { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body ? JSON.stringify(body) : '',
  });
  if (reply.status >= 300) throw new Error(`${method} ${host}${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body as T;
}

/** Disables a secret, or its version of now. */
export async function disableSecret(lab: Azure, name: string, secret: string): Promise<Undo> {
  const enable = async (enabled: boolean) => {
    const { value } = await vault<{ value: readonly { id: string }[] }>(
      ...([lab, name, 'GET', `/secrets/${secret}/versions`] as const),
    );
    for (const { id } of value) {
      await vault(lab, name, 'PATCH', new URL(id).pathname, { attributes: { enabled } });
    }
  };
  await enable(false);
  return () => enable(true);
}
