import { describe, expect, it } from 'vitest';
import {
  account,
  dataOf,
  eventOf,
  external,
  externalReady,
  FAILED,
  operatorWorld,
  readyOf,
  STORES,
  SYNCED,
  store,
  storeReady,
} from './external-secrets-world.ts';
import { OTHER_TENANT, TENANT } from './hand-made.ts';
import { CLIENT, type ClusterWorld, type Json } from './kubernetes-world.ts';

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
const scale = (world: ClusterWorld, name: string, replicas: number) =>
  world.ask('PATCH', `/apis/apps/v1/namespaces/external-secrets/deployments/${name}`, { spec: { replicas } }, merge);

describe('a store', () => {
  it('is valid once the token of its account was exchanged; nobody asked the vault', async () => {
    const world = await operatorWorld();
    await world.apply(store());
    expect(await storeReady(world)).toEqual(['True', 'Valid', 'store validated']);
    expect((await world.get(`${STORES}/kv`)).status.capabilities).toBe('ReadWrite');
    const [event] = await world.events('Valid');
    expect(event).toMatchObject({ type: 'Normal', message: 'store validated', source: { component: 'secret-store' } });
    expect(world.asked.map(({ method, host, path }) => `${method} ${host}${path}`)).toEqual([
      `GET ${LOGIN}/${TENANT}/v2.0/.well-known/openid-configuration`,
      `POST ${LOGIN}/${TENANT}/oauth2/v2.0/token`,
    ]);
    const form = new URLSearchParams(world.asked[1]!.body);
    const claims = JSON.parse(Buffer.from(form.get('client_assertion')!.split('.')[1]!, 'base64url').toString());
    expect(claims).toMatchObject({ sub: 'system:serviceaccount:shop:orders', aud: ['api://AzureADTokenExchange'] });
    expect(form.get('scope')).toBe('https://vault.azure.net/.default');
  });

  it('is valid for a vault that does not exist: the ExternalSecret alone shows it', async () => {
    const world = await operatorWorld();
    await world.apply(store({ vaultUrl: 'https://no-such-kv.vault.azure.net' }));
    expect((await storeReady(world))[0]).toBe('True');
    await world.apply(external());
    expect(await externalReady(world)).toEqual(FAILED);
    expect(await eventOf(world, 'UpdateFailed')).toBe(
      'error processing spec.data[0] (key: db-password), err: keyvault.BaseClient#GetSecret: Failure sending request: StatusCode=0 -- Original Error: Get "https://no-such-kv.vault.azure.net/secrets/db-password/?api-version=7.0": dial tcp: lookup no-such-kv.vault.azure.net on 10.0.0.10:53: no such host',
    );
  });

  const missingClient = `missing clientID: either serviceAccountRef or service account annotation '${CLIENT_ID}' is missing`;
  it.each<[string, Json, Json, string]>([
    ['F114 no client id', {}, { [CLIENT_ID]: undefined }, missingClient],
    ['F115 no tenant', { tenantId: undefined }, {}, 'missing tenantID in store config'],
    [
      'F116 two tenants',
      {},
      { [TENANT_ID]: TENANT },
      "multiple tenantID found. Check secretRef, 'spec.provider.azurekv.tenantId', and serviceAccountRef",
    ],
    [
      'F116 two clients',
      { authSecretRef: { clientId: { name: 'app', key: 'id' } } },
      {},
      'multiple clientID found. Check secretRef and serviceAccountRef',
    ],
    [
      'F117 no account, and the operator has no identity',
      { serviceAccountRef: undefined },
      {},
      'missing environment variables. AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE must be set',
    ],
    ['F118 no authType is ServicePrincipal', { authType: undefined }, {}, 'missing secretRef in provider config'],
    ['no such account', { serviceAccountRef: { name: 'order' } }, {}, 'ServiceAccount "order" not found'],
    [
      'F150 no such Secret',
      {
        authType: 'ServicePrincipal',
        authSecretRef: { clientId: { name: 'x', key: 'id' }, clientSecret: { name: 'x', key: 'secret' } },
      },
      {},
      'cannot get Kubernetes secret "x" from namespace "shop": secrets "x" not found',
    ],
    [
      'no such key of it',
      {
        authType: 'ServicePrincipal',
        authSecretRef: { clientId: { name: 'app', key: 'ID' }, clientSecret: { name: 'app', key: 'secret' } },
      },
      {},
      'cannot find secret data for key: "ID"',
    ],
    [
      'half of a service principal',
      { authType: 'ServicePrincipal', authSecretRef: { clientId: { name: 'app', key: 'id' } } },
      {},
      'missing accessKeyID/secretAccessKey in store config',
    ],
    [
      'another cloud',
      { environmentType: 'ChinaCloud' },
      {},
      'the sandbox simulates the public cloud only, not ChinaCloud',
    ],
  ])('%s: not ready, and the event alone says why', async (_title, more, annotations, why) => {
    const world = await operatorWorld(annotations);
    await world.apply(opaque('app', { id: CLIENT, secret: 'marker' }));
    await world.apply(store(more));
    expect(await storeReady(world)).toEqual(['False', 'InvalidProviderConfig', 'unable to create client']);
    expect(await eventOf(world, 'InvalidProviderConfig')).toBe(why);
    await world.apply(external());
    expect(await externalReady(world)).toEqual(FAILED);
    expect(await eventOf(world, 'UpdateFailed')).toBe(
      'error processing spec.data[0] (key: db-password), err: SecretStore "kv" is not ready',
    );
  });

  it("has Entra's refusal in its event, and is tried again until the credential is there", async () => {
    const world = await operatorWorld();
    world.trusted.clear();
    await world.apply(store());
    await world.apply(external());
    expect(await eventOf(world, 'InvalidProviderConfig')).toContain(
      `http call(https://${LOGIN}/${TENANT}/oauth2/v2.0/token)(POST) error: reply status code was 401:\n{"error":"invalid_client","error_description":"AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:shop:orders'"`,
    );
    await world.advance(60_000);
    const tries = world.asked.filter(({ method }) => method === 'POST').length;
    // After 1, 2, 4, 8, 16 and 32 seconds.
    expect(tries).toBe(6);
    world.trusted.add('system:serviceaccount:shop:orders');
    await world.advance(120_000);
    expect(await storeReady(world)).toEqual(['True', 'Valid', 'store validated']);
    expect(await externalReady(world)).toEqual(SYNCED);
  });

  it('takes the tenant from the account where it names none', async () => {
    const world = await operatorWorld({ [TENANT_ID]: OTHER_TENANT });
    await world.apply(store({ tenantId: undefined }));
    expect((await storeReady(world))[0]).toBe('True');
    expect(world.asked.map(({ path }) => path)).toEqual([
      `/${OTHER_TENANT}/v2.0/.well-known/openid-configuration`,
      `/${OTHER_TENANT}/oauth2/v2.0/token`,
    ]);
  });

  it('is looked at anew when it changes, and every five minutes', async () => {
    const world = await operatorWorld();
    await world.apply(store({ authType: undefined }));
    expect((await storeReady(world))[0]).toBe('False');
    await world.apply(store());
    expect((await storeReady(world))[0]).toBe('True');
    world.trusted.clear();
    await world.advance(290_000);
    expect((await storeReady(world))[0]).toBe('True');
    await world.advance(20_000);
    expect((await storeReady(world))[0]).toBe('False');
  });

  it('of a tenant that there is not fails where the end points of the tenant are asked for', async () => {
    const world = await operatorWorld();
    const body = { error: 'invalid_tenant', error_description: 'AADSTS90002' };
    world.instead.set('openid-configuration', { status: 400, body });
    await world.apply(store());
    expect(await eventOf(world, 'InvalidProviderConfig')).toBe(
      `unable to resolve an endpoint: http call(https://${LOGIN}/${TENANT}/v2.0/.well-known/openid-configuration?)(GET) error: reply status code was 400:\n${JSON.stringify(body)}`,
    );
  });

  it('of a vault without a scheme cannot be asked', async () => {
    const world = await operatorWorld();
    await world.apply(store({ vaultUrl: 'demo-kv' }));
    await world.apply(external());
    expect(await eventOf(world, 'UpdateFailed')).toContain(
      'keyvault.BaseClient#GetSecret: Failure preparing request: StatusCode=0 -- Original Error: autorest: No scheme detected in URL demo-kv',
    );
  });

  it.each<[string, Json, string]>([
    [
      'a client secret, which nobody has',
      {
        authType: 'ServicePrincipal',
        authSecretRef: { clientId: { name: 'app', key: 'id' }, clientSecret: { name: 'app', key: 'secret' } },
      },
      'Failure sending request: StatusCode=401 -- Original Error: adal: Refresh request failed. Status Code = \'401\'. Response body: {"error":"invalid_client"',
    ],
    ['a managed identity', { authType: 'ManagedIdentity' }, 'the sandbox has no instance metadata service'],
  ])('with %s is valid, and fails at the first secret', async (_title, more, why) => {
    const world = await operatorWorld();
    world.instead.set(LOGIN, { status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000215' } });
    await world.apply(opaque('app', { id: CLIENT, secret: 'marker' }));
    await world.apply(store(more));
    expect((await storeReady(world))[0]).toBe('True');
    await world.apply(external());
    expect(await eventOf(world, 'UpdateFailed')).toContain(why);
  });

  it('F119 needs the right to ask for tokens', async () => {
    const world = await operatorWorld();
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles/external-secrets-controller';
    const { rules } = await world.get(path);
    const trimmed = rules.filter((rule: Json) => !rule.resources.includes('serviceaccounts/token'));
    await world.ask('PATCH', path, { rules: trimmed }, merge);
    await world.apply(store());
    expect(await eventOf(world, 'InvalidProviderConfig')).toBe(
      'serviceaccounts "orders" is forbidden: User "system:serviceaccount:external-secrets:external-secrets" cannot create resource "serviceaccounts/token" in API group "" in the namespace "shop"',
    );
  });

  it("F120 without an account speaks for the operator's own, if its pod has an identity", async () => {
    const world = await operatorWorld();
    await world.apply(account({ [CLIENT_ID]: CLIENT }, 'external-secrets', 'external-secrets'), { force: 'true' });
    const labels = { 'azure.workload.identity/use': 'true' };
    const path = '/apis/apps/v1/namespaces/external-secrets/deployments/external-secrets';
    await world.ask('PATCH', path, { spec: { template: { metadata: { labels } } } }, merge);
    await world.advance(1000);
    await world.apply(store({ serviceAccountRef: undefined }));
    expect(await eventOf(world, 'InvalidProviderConfig')).toContain(
      "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:external-secrets:external-secrets'",
    );
    world.trusted.add('system:serviceaccount:external-secrets:external-secrets');
    await world.advance(5000);
    expect((await storeReady(world))[0]).toBe('True');
  });

  it('of another controller is left alone, and what uses it', async () => {
    const world = await operatorWorld();
    await world.apply(store({}, { controller: 'team-b' }));
    await world.apply(external());
    expect([await storeReady(world), await externalReady(world)]).toEqual(
      [[], []].map(() => [undefined, undefined, undefined]),
    );
  });
});

describe('a cluster-wide store', () => {
  const wide = (more: Json = {}, spec: Json = {}) => ({
    ...store(more, spec),
    kind: 'ClusterSecretStore',
    metadata: { name: 'kv' },
  });
  const ref = { secretStoreRef: { name: 'kv', kind: 'ClusterSecretStore' } };
  const path = '/apis/external-secrets.io/v1/clustersecretstores/kv';

  it('takes the account of the namespace that it names', async () => {
    const world = await operatorWorld();
    await world.apply(wide({ serviceAccountRef: { name: 'orders', namespace: 'shop' } }));
    expect(readyOf(await world.get(path))[0]).toBe('True');
    await world.apply(external(ref));
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
  });

  it('else that of whoever uses it, and cannot be tried beforehand', async () => {
    const world = await operatorWorld({ [CLIENT_ID]: undefined });
    await world.apply(wide());
    expect(readyOf(await world.get(path))[0]).toBe('True');
    expect(world.asked).toEqual([]);
    await world.apply(external(ref));
    expect(await eventOf(world, 'UpdateFailed')).toContain('err: missing clientID');
  });

  it.each<[string, Json, boolean]>([
    ['its name', { namespaces: ['shop'] }, true],
    ['its labels', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }, true],
    ['a pattern', { namespaceRegexes: ['^sh.p$'] }, true],
    ['nothing that fits', { namespaces: ['mail'] }, false],
  ])('admits a namespace by %s', async (_title, condition, allowed) => {
    const world = await operatorWorld();
    await world.apply(wide({}, { conditions: [condition] }));
    await world.apply(external(ref));
    expect(await eventOf(world, 'UpdateFailed')).toEqual(
      allowed
        ? undefined
        : 'error processing spec.data[0] (key: db-password), err: using cluster store "kv" is not allowed from namespace "shop": denied by spec.condition',
    );
  });

  it.each([
    ['SecretStore', 'nope'],
    ['ClusterSecretStore', 'kv2'],
  ])('F122 a %s that is not there', async (kind, name) => {
    const world = await operatorWorld();
    await world.apply(store());
    await world.apply(external({ secretStoreRef: { name, kind } }));
    expect(await eventOf(world, 'UpdateFailed')).toBe(
      `error processing spec.data[0] (key: db-password), err: could not get ${kind} "${name}", ${kind}.external-secrets.io "${name}" not found`,
    );
  });
});

describe('the operator', () => {
  it('does nothing while none of its pods is ready', async () => {
    const world = await operatorWorld();
    await scale(world, 'external-secrets', 0);
    await world.advance(1000);
    await world.apply(store());
    await world.apply(external());
    await world.advance(60_000);
    expect([await storeReady(world), await dataOf(world)]).toEqual([[undefined, undefined, undefined], undefined]);
    await scale(world, 'external-secrets', 1);
    await world.advance(5000);
    expect(await dataOf(world)).toEqual({ password: 'marker-one' });
  });

  it('bears the labels of its chart', async () => {
    const world = await operatorWorld();
    const { items } = await world.get('/apis/apps/v1/namespaces/external-secrets/deployments');
    const label = (name: string) => items.map(({ metadata }: Json) => metadata.labels[`app.kubernetes.io/${name}`]);
    expect(label('name')).toEqual(['external-secrets', 'external-secrets-cert-controller', 'external-secrets-webhook']);
    expect([...label('version'), ...label('managed-by')]).toEqual([
      ...Array(3).fill('v2.9.0'),
      ...Array(3).fill('Helm'),
    ]);
    expect(items.map(({ status }: Json) => status.readyReplicas)).toEqual([1, 1, 1]);
  });

  it('needs its webhook for every write of its kinds', async () => {
    const world = await operatorWorld();
    await scale(world, 'external-secrets-webhook', 0);
    await world.advance(1000);
    const { status, body } = await world.apply(store());
    expect([status, body.message]).toEqual([
      500,
      'Internal error occurred: failed calling webhook "validate.secretstore.external-secrets.io": failed to call webhook: Post "https://external-secrets-webhook.external-secrets.svc:443/validate-external-secrets-io-v1-secretstore?timeout=5s": no endpoints available for service "external-secrets-webhook"',
    ]);
  });
});
