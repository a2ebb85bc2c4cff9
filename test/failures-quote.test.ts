import { describe, expect, it } from 'vitest';
import { filled, find, namesAround, quote } from '../src/failures/index.ts';
import { withoutCredentials } from '../src/failures/quote.ts';

const TOKEN =
  'eyJhbGciOiJSUzI1NiIsImtpZCI6IjFhMmIzYzRkIn0.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuY29tIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg';
const TENANT = '9d5f9c99-2b61-4f3a-a0c7-6e1d8b4f5a20';

/** What is quoted of the first failure. */
const quoted = (text: string): string => quote(text, find(text)[0]!);
/** A line with the names that stand around the first failure. */
const pasted = (text: string, line: string): string => filled(line, namesAround(text, find(text)[0]!));

describe('a quote', () => {
  it.each([
    [
      'is the sentence, without what stands before and behind it',
      'E0211 10:22:31.518022 1 utils.go:79] GRPC error: failed to mount objects, error: failed to get credentials, nodePublishSecretRef secret is not set\nI0211 all well',
      'nodePublishSecretRef secret is not set',
    ],
    [
      'is on one line',
      "AADSTS700213: No matching federated\n  identity record found for presented\n  assertion subject 'system:serviceaccount:shop:orders'. Check your",
      "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:shop:orders'",
    ],
    [
      'is read as it was meant',
      '{\\"error\\":\\"AADSTS700016: Application with identifier \\u0027x\\u0027 was not found in the directory \\u0027Contoso\\u0027.\\\\r\\\\nTrace ID: 1\\"}',
      "AADSTS700016: Application with identifier 'x' was not found in the directory 'Contoso'",
    ],
    [
      'has no colour',
      '\u001b[31mERR_SECRET_STORE_NOT_FOUND\u001b[0m \u001b[1mfailed finding secret store with key\u001b[0m kv',
      'failed finding secret store with key kv',
    ],
    [
      'takes the next sentence with it where the first says little',
      'AKV10032: Invalid issuer. Expected one of https://sts.windows.net/a/, found https://sts.windows.net/b/. Bye',
      'AKV10032: Invalid issuer. Expected one of https://sts.windows.net/a/, found https://sts.windows.net/b/',
    ],
    [
      'is cut off where it is long',
      `AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://${'x'.repeat(300)}'`,
      expect.stringMatching(/^AADSTS700211: .{180,200}\.\.\.$/),
    ],
  ])('%s', (_title, text, expected) => {
    expect(quoted(text)).toEqual(expected);
  });

  it.each([
    ['a token', `AADSTS700027: Client assertion contains an invalid signature ${TOKEN}`],
    ['a token that is cut off', `AADSTS700027: Client assertion contains an invalid signature ${TOKEN.slice(0, 60)}`],
    ['a bearer', `AADSTS700027: Client assertion Authorization: Bearer ${TOKEN}`],
    ['a client secret', 'AADSTS7000215: Invalid client secret provided client_secret=hunter2hunter2 for app'],
    ['a password', 'secretProviderClass is not set password: hunter2hunter2'],
    ['a password in JSON', 'secretProviderClass is not set, "password":"hunter2hunter2"'],
    ['a password in an address', 'secretProviderClass is not set postgres://orders:hunter2hunter2@db:5432/orders'],
    [
      'a key',
      `secretProviderClass is not set AccountKey=${Buffer.from('hunter2hunter2hunter2hunter2hunter2!').toString('base64')}`,
    ],
    ['a key without a name', 'secretProviderClass is not set hUnter2hunter2hUnter2hunter2Hunter2'],
    ['a key in a query', 'secretProviderClass is not set https://x.blob.core.windows.net/?sv=1&sig=hunter2hunter2%3D'],
  ])('never holds %s', (_title, text) => {
    expect(quoted(text)).not.toMatch(/hunter2|eyJ/i);
    expect(quoted(text)).toContain('[removed]');
  });

  it.each([
    'system:serviceaccount:shop:orders',
    `https://westeurope.oic.prod-aks.azure.com/${TENANT}/0c4a2ab1-7b1b-4f5c-8a35-8f2f1dbd8a51/`,
    `/subscriptions/${TENANT}/resourceGroups/MC_shop-rg_shop-aks_westeurope/providers/Microsoft.KeyVault/vaults/shop-kv`,
    'nodePublishSecretRef secret is not set',
    'azure-identity-token: permission denied',
    'serviceaccounts/token: not found in the namespace',
    'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity',
    'azure-workload-identity-reserved-0123456789abcdef',
    'db-password/0c4a2ab17b1b4f5c8a358f2f1dbd8a51',
  ])('keeps what helps: %s', (text) => {
    expect(withoutCredentials(text)).toBe(text);
  });
});

describe('a line to paste', () => {
  it.each([
    [
      'the pod of a mount',
      'failed to mount secrets store objects for pod shop/orders-7d4c8d8f6b-2lq7n, err: nodePublishSecretRef secret is not set',
      'verify --pod <namespace>/<pod>',
      'verify --pod shop/orders-7d4c8d8f6b-2lq7n',
    ],
    [
      'namespace and account of a subject',
      "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:shop:orders'.",
      'kubectl get serviceaccount <service account> --namespace <namespace>',
      'kubectl get serviceaccount orders --namespace shop',
    ],
    [
      'vault and identity of a refusal',
      `Caller is not authorized to perform action on resource.\\r\\nCaller: appid=x;oid=${TENANT};iss=https://sts.windows.net/x/\\r\\nResource: '/subscriptions/${TENANT}/resourcegroups/shop-rg/providers/microsoft.keyvault/vaults/shop-kv/secrets/db'\\r\\nVault: shop-kv;location=x`,
      '--vault <vault> --scope <vault id> --assignee <principal id>',
      `--vault shop-kv --scope /subscriptions/${TENANT}/resourcegroups/shop-rg/providers/microsoft.keyvault/vaults/shop-kv --assignee ${TENANT}`,
    ],
    [
      'the address',
      'Client address is not authorized and caller is not a trusted service.\\r\\nClient address: 20.61.146.97\\r\\n',
      '--ip <address>',
      '--ip 20.61.146.97',
    ],
    [
      'the provider',
      "The subscription is not registered to use namespace 'Microsoft.KeyVault'.",
      '--namespace <provider>',
      '--namespace Microsoft.KeyVault',
    ],
  ])('gets %s', (_title, text, line, expected) => {
    expect(pasted(text, line)).toBe(expected);
  });

  it.each([
    ['what is masked', "presented assertion subject 'system:serviceaccount:***:orders' AADSTS700213", '<namespace>'],
    ['what is no name', "AADSTS700213 subject 'system:serviceaccount:shop$(id):orders'", '<namespace>'],
    [
      'what leaves its quotes',
      'secretproviderclass shop/x;id not found, nodePublishSecretRef secret is not set',
      '<class>',
    ],
    ['what a broken line may have cut', 'GET https://shop-\nkv.vault.azure.net/secrets: SecretDisabled', '<vault>'],
    ['what is said in two ways', 'SecretDisabled https://a-kv.vault.azure.net https://b-kv.vault.azure.net', '<vault>'],
    [
      'what was wrong about the client id',
      `AADSTS700016: Application with identifier '${TENANT}' was not found in the directory 'x'`,
      '<client id>',
    ],
    [
      "what is the operator's",
      "AADSTS700213 subject 'system:serviceaccount:external-secrets:external-secrets'",
      '<namespace>',
    ],
  ])('does not get %s', (_title, text, line) => {
    expect(pasted(text, line)).toBe(line);
  });
});
