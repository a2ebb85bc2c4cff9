import { describe, expect, it } from 'vitest';
import type { Settings } from '../../src/sandbox/kubernetes/dapr/credentials.ts';
import { keyVault } from '../../src/sandbox/kubernetes/dapr/key-vault.ts';
import type { Request } from '../../src/sandbox/parts.ts';
import { handMade, TENANT } from './hand-made.ts';
import { CLIENT } from './kubernetes-world.ts';

const TOKEN_FILE = '/var/run/secrets/azure/wi/token/azure-identity-token';
/** What the webhook of workload identity gives a pod. */
const INJECTED = {
  AZURE_CLIENT_ID: CLIENT,
  AZURE_TENANT_ID: TENANT,
  AZURE_FEDERATED_TOKEN_FILE: TOKEN_FILE,
  AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
};

/** A store over a vault `demo-kv`, whose Entra gives a token for whatever it is shown. */
function store(properties: Record<string, string>, env: Record<string, string> = INJECTED) {
  const made = handMade();
  const asked: Request[] = [];
  const vault = { id: '/vaults/demo-kv', name: 'demo-kv', location: '', tenantId: TENANT, rbac: true };
  const network = { publicNetworkAccess: 'Enabled', networkAcls: { defaultAction: 'Allow', ipRules: [] } } as const;
  made.vaults.push({ ...vault, accessPolicies: [], ...network });
  const login = `https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/token`;
  const known = `https://login.microsoftonline.com/${TENANT}/v2.0/.well-known/openid-configuration`;
  made.web.set(known, { status: 200, body: {} });
  made.web.set(login, { status: 200, body: { access_token: 'access', expires_in: 86_400 } });
  made.web.set('https://demo-kv.vault.azure.net/secrets/db/', { status: 200, body: { value: 'marker' } });
  const names = new Map(Object.entries(properties).map(([name, value]) => [name.toLowerCase(), value]));
  const settings: Settings = (...all) =>
    all.map((each) => names.get(each.toLowerCase())).find((each) => each !== undefined);
  const open = () =>
    keyVault(settings, {
      env,
      read: (path) => (path === TOKEN_FILE ? 'assertion' : undefined),
      parts: {
        ...made.parts,
        dispatch: async (request) => {
          asked.push(request);
          if (request.host.endsWith('.vault.azure.net') && !request.headers.authorization) return { status: 401 };
          return made.parts.dispatch(request);
        },
      },
    });
  return { open, get: async () => open().get('db', {}), web: made.web, asked, login, known, advance: made.advance };
}
const said = (work: Promise<unknown>) => work.then(JSON.stringify, (error: Error) => error.message);
const none = 'no suitable token provider for Azure AD; errors: ';

describe('a store that does not start', () => {
  it.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['nothing injected', { azureAuthMethods: 'wi' }, {}, `${none}no client ID specified. Check pod configuration`],
    [
      'no client id on the service account',
      { azureAuthMethods: 'workloadIdentity' },
      { ...INJECTED, AZURE_CLIENT_ID: '' },
      `${none}no client ID specified`,
    ],
    [
      'F135 a client id of its own',
      { azureAuthMethods: 'wi', azureClientId: CLIENT, azureTenantId: TENANT },
      {},
      `${none}no client ID specified`,
    ],
    [
      'no token file',
      { azureAuthMethods: 'wi' },
      { AZURE_CLIENT_ID: CLIENT, AZURE_TENANT_ID: TENANT },
      `${none}no token file specified`,
    ],
    [
      'no tenant',
      { azureAuthMethods: 'wi' },
      { AZURE_CLIENT_ID: CLIENT, AZURE_FEDERATED_TOKEN_FILE: TOKEN_FILE },
      `${none}no tenant ID specified`,
    ],
    ['a method that is none', { azureAuthMethods: 'wi, workload' }, INJECTED, 'invalid Azure auth method: workload'],
    [
      'none at all',
      { azureAuthMethods: 'None' },
      INJECTED,
      "all Azure auth methods have been disabled with auth method 'None'",
    ],
    ['a client secret that is not there', { azureAuthMethods: 'creds' }, INJECTED, none],
    ['an unknown cloud', { azureCloud: 'AzureMoon' }, INJECTED, 'invalid Azure cloud: AzureMoon'],
  ])('%s', (_title, properties, env, words) => {
    expect(() => store({ vaultName: 'demo-kv', ...properties }, env).open()).toThrow(words);
  });
});

describe('a store that starts', () => {
  it('asks nobody before its first secret, and then the vault, Entra and the vault', async () => {
    const { open, asked, login, known } = store({ vaultName: 'demo-kv', azureAuthMethods: 'wi' });
    const opened = open();
    expect(asked).toEqual([]);
    expect(await opened.get('db', {})).toEqual({ db: 'marker' });
    await opened.get('db', {});
    const vault = 'https://demo-kv.vault.azure.net/secrets/db/';
    expect(asked.map(({ host, path }) => `https://${host}${path}`)).toEqual([vault, known, login, vault, vault]);
    expect(Object.fromEntries(new URLSearchParams(asked[2]!.body))).toMatchObject({
      client_id: CLIENT,
      client_assertion: 'assertion',
      scope: 'https://vault.azure.net/.default',
    });
  });

  it('takes a new token when the old one is near its end', async () => {
    const { open, asked, advance } = store({ vaultName: 'demo-kv', azureAuthMethods: 'wi' });
    const opened = open();
    await opened.get('db', {});
    advance(86_400_000);
    await opened.get('db', {});
    expect(asked.filter(({ path }) => path.endsWith('/token'))).toHaveLength(2);
  });

  it('F135 signs in as the service account says, whatever client id it has of its own', async () => {
    const { get, asked } = store({ vaultName: 'demo-kv', azureClientId: '99999999-9999-4999-8999-999999999999' });
    expect(await get()).toEqual({ db: 'marker' });
    expect(new URLSearchParams(asked[2]!.body).get('client_id')).toBe(CLIENT);
  });

  it('F134 falls through to the managed identity where nothing else is there and no way was named', async () => {
    expect(await said(store({ vaultName: 'demo-kv' }, {}).get())).toBe(
      'ChainedTokenCredential: failed to acquire a token.\nAttempted credentials:\n\tManagedIdentityCredential: failed to authenticate a system assigned identity. The endpoint responded with {"error":"invalid_request","error_description":"Identity not found"}\n\tAzureCLICredential: Azure CLI not found on path',
    );
  });

  it('asks the managed identity for the client id of the component, and stops there', async () => {
    const answer = await said(store({ vaultName: 'demo-kv', azureClientId: CLIENT }, {}).get());
    expect(answer).toContain(
      "\tManagedIdentityCredential authentication failed. the requested identity isn't assigned to this resource\nGET http://169.254.169.254",
    );
    expect(answer).not.toContain('AzureCLICredential');
  });

  it('uses a client secret before the workload identity, unless told otherwise', async () => {
    const secret = { vaultName: 'demo-kv', azureClientId: CLIENT, azureTenantId: TENANT, azureClientSecret: 'x' };
    const usual = store(secret);
    await usual.get();
    expect(new URLSearchParams(usual.asked[2]!.body).get('client_secret')).toBe('x');
    const named = store({ ...secret, azureAuthMethods: 'wi,creds' });
    await named.get();
    expect(new URLSearchParams(named.asked[2]!.body).get('client_assertion')).toBe('assertion');
  });

  it("F133 quotes Entra's own words, and tries no other credential", async () => {
    const { get, web, login } = store({ vaultName: 'demo-kv' });
    const body = { error: 'invalid_client', error_description: 'AADSTS700213: No matching federated identity record' };
    web.set(login, { status: 401, body });
    const answer = await said(get());
    // As daprd 1.18.3 says it, to the letter: Entra's answer three times.
    const line = '-'.repeat(80);
    const text = JSON.stringify(body, undefined, 2);
    const response = `POST ${login}\n${line}\nRESPONSE 401 Unauthorized\n${line}\n${text}\n${line}\n`;
    const help = 'To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#workload';
    expect(answer).toBe(
      `ChainedTokenCredential authentication failed. failed to acquire a token.\nAttempted credentials:\n\tWorkloadIdentityCredential authentication failed. FromAssertion(): http call(${login})(POST) error: reply status code was 401:\n${JSON.stringify(body)}\n${response}${help}\n${response}`,
    );
  });

  it('F056 looks for its tenant first, and says so where there is none', async () => {
    const { get, web, known } = store({ vaultName: 'demo-kv' });
    const body = { error: 'invalid_tenant', error_description: 'AADSTS90002: Tenant not found.' };
    web.set(known, { status: 400, body });
    expect(await said(get())).toBe(
      `ChainedTokenCredential: failed to acquire a token.\nAttempted credentials:\n\tWorkloadIdentityCredential: unable to resolve an endpoint: http call(${known})(GET) error: reply status code was 400:\n${JSON.stringify(body)}`,
    );
  });

  it('says where the token was to be, when it is not there', async () => {
    const env = { ...INJECTED, AZURE_FEDERATED_TOKEN_FILE: '/elsewhere' };
    expect(await said(store({ vaultName: 'demo-kv' }, env).get())).toContain(
      'open /elsewhere: no such file or directory',
    );
  });

  it.each<[string, Record<string, string>, string]>([
    ['F075 a vault that is not there', { vaultName: 'other-kv' }, 'lookup other-kv.vault.azure.net on'],
    ['no vault', {}, 'lookup .vault.azure.net on'],
    ['an address with a slash', { vaultName: 'https://demo-kv.vault.azure.net/' }, 'no such host'],
    [
      'another cloud',
      { vaultName: 'demo-kv', azureEnvironment: 'AzureChinaCloud' },
      'lookup demo-kv.vault.azure.cn on',
    ],
  ])('cannot read %s', async (_title, properties, words) => {
    expect(await said(store(properties).get())).toContain(words);
  });

  it('takes the address of a vault for its name', async () => {
    expect(await store({ vaultName: 'https://demo-kv.vault.azure.net' }).get()).toEqual({ db: 'marker' });
  });
});
