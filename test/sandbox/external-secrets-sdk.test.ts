import { describe, expect, it } from 'vitest';
import {
  eventOf,
  external,
  externalReady,
  operatorWorld,
  SYNCED,
  store,
  storeReady,
} from './external-secrets-world.ts';
import { OTHER_TENANT, TENANT } from './hand-made.ts';
import { CLIENT, type Json } from './kubernetes-world.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const CLIENT_ID = 'azure.workload.identity/client-id';
const TENANT_ID = 'azure.workload.identity/tenant-id';
const LOGIN = 'login.microsoftonline.com';
const opaque = (name: string, data: Json, metadata: Json = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'shop', ...metadata },
  stringData: data,
});

/** As release 0.20.4 has it, run against the sandbox's Azure (test/lab). */
describe('a store with useAzureSDK', () => {
  it('proves nothing at all: the exchange waits for the first secret', async () => {
    const world = await operatorWorld();
    world.trusted.clear();
    await world.apply(store({ useAzureSDK: true }));
    expect((await storeReady(world))[0]).toBe('True');
    expect(world.asked).toEqual([]);
    await world.apply(external());
    const said = await eventOf(world, 'UpdateFailed');
    const line = '-'.repeat(80);
    expect(said).toContain(
      `err: ClientAssertionCredential authentication failed. \nPOST https://${LOGIN}/${TENANT}/oauth2/v2.0/token\n${line}\nRESPONSE 401: 401 Unauthorized\n${line}\n{\n  "error": "invalid_client",\n  "error_description": "AADSTS700213: `,
    );
    expect(said).toMatch(new RegExp(`\n}\n${line}\n$`));
  });

  it.each<[string, Json, Json, string]>([
    [
      'an account that is not there',
      { serviceAccountRef: { name: 'nobody' } },
      {},
      'failed to get service account: ServiceAccount "nobody" not found',
    ],
    [
      'an account without a client id, whatever else names one',
      { authSecretRef: { clientId: { name: 'app', key: 'id' } } },
      { [CLIENT_ID]: undefined },
      "missing clientID: either serviceAccountRef or service account annotation 'azure.workload.identity/client-id' is missing",
    ],
    ['no tenant', { tenantId: undefined }, {}, 'missing tenantID in store config'],
    [
      'no account, and an operator without an identity',
      { serviceAccountRef: undefined },
      {},
      'no client ID specified. Check pod configuration or set ClientID in the options',
    ],
  ])('with %s is not ready', async (_title, more, annotations, why) => {
    const world = await operatorWorld(annotations);
    await world.apply(opaque('app', { id: CLIENT }));
    await world.apply(store({ useAzureSDK: true, ...more }));
    expect(await storeReady(world)).toEqual(['False', 'InvalidProviderConfig', 'unable to create client']);
    expect(await eventOf(world, 'InvalidProviderConfig')).toBe(why);
  });

  it('takes its own tenant before that of the account, and may have both', async () => {
    const world = await operatorWorld({ [TENANT_ID]: OTHER_TENANT });
    await world.apply(store({ useAzureSDK: true }));
    await world.apply(external());
    expect(await externalReady(world)).toEqual(SYNCED);
    expect(world.asked.some(({ path }) => path === `/${TENANT}/oauth2/v2.0/token`)).toBe(true);
  });

  it("asks nobody for a token of another tenant than the vault's", async () => {
    const world = await operatorWorld();
    await world.apply(store({ useAzureSDK: true, tenantId: OTHER_TENANT }));
    await world.apply(external());
    expect(await eventOf(world, 'UpdateFailed')).toBe(
      `error processing spec.data[0] (key: db-password), err: ClientAssertionCredential isn't configured to acquire tokens for tenant "${TENANT}". To enable acquiring tokens for this tenant add it to the AdditionallyAllowedTenants on the credential options, or add "*" to allow acquiring tokens for any tenant`,
    );
    expect(world.asked).toEqual([]);
  });

  it('quotes the vault in the words of that library', async () => {
    const world = await operatorWorld();
    const error = { code: 'Forbidden', message: 'no', innererror: { code: 'ForbiddenByRbac' } };
    world.instead.set('demo-kv.vault.azure.net', { status: 403, body: { error } });
    await world.apply(store({ useAzureSDK: true }));
    await world.apply(external());
    const said = await eventOf(world, 'UpdateFailed');
    expect(said).toContain('err: GET https://demo-kv.vault.azure.net/secrets/db-password/\n');
    expect(said).toContain('RESPONSE 403: 403 Forbidden\nERROR CODE: Forbidden\n');
  });

  it('F119 shows at the first secret alone', async () => {
    const world = await operatorWorld();
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles/external-secrets-controller';
    const { rules } = await world.get(path);
    const trimmed = rules.filter((rule: Json) => !rule.resources.includes('serviceaccounts/token'));
    await world.ask('PATCH', path, { rules: trimmed }, merge);
    await world.apply(store({ useAzureSDK: true }));
    expect((await storeReady(world))[0]).toBe('True');
    await world.apply(external());
    expect(await eventOf(world, 'UpdateFailed')).toBe(
      'error processing spec.data[0] (key: db-password), err: ClientAssertionCredential: failed to fetch service account token: serviceaccounts "orders" is forbidden: User "system:serviceaccount:external-secrets:external-secrets" cannot create resource "serviceaccounts/token" in API group "" in the namespace "shop"',
    );
  });
});
