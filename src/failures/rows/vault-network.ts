import type { Row } from '../row.ts';

const HOST = 'vault.{azure.net|usgovcloudapi.net|azure.cn|microsoftazure.de}';
const NO_NAME =
  "{no such host|Name or service not known|server misbehaving|Temporary failure in name resolution|nodename nor servname provided|could not be resolved|No address associated|NXDOMAIN|server can't find|could not resolve host|Name does not resolve}";
const LATE =
  '{i/o timeout|context deadline exceeded|context canceled|Client.Timeout|Connection timed out|connect timed out|TLS handshake timeout|connection refused|connection reset by peer|network is unreachable|no route to host|request canceled while waiting|ETIMEDOUT|ECONNREFUSED|ECONNRESET|: EOF|HttpClient.Timeout}';

/** The way to the vault: its name, its firewall, its private link, its limits. */
export const VAULT_NETWORK: readonly Row[] = [
  {
    id: 'F073',
    title: "The vault's firewall does not let this address in",
    layer: 'network',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'ForbiddenByFirewall' },
      { says: 'Client address is not authorized and caller is not a trusted service' },
      { says: 'Client address … is not authorized', with: ['{vault|keyvault}'] },
    ],
    cause:
      'The vault lets in named networks and addresses only, and the address in the message is none of them. Pods of AKS are not "trusted services".',
    fix: {
      say: "Have the vault's owner let in the cluster's subnet (service endpoint), use a private endpoint, or add the address by this line.",
      run: 'az keyvault network-rule add --name <vault> --ip-address <address>',
    },
    risk: 'widens',
  },
  {
    id: 'F074',
    title: 'The vault can be reached by private link only',
    layer: 'network',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'ForbiddenByConnection' },
      {
        says: 'Public network access is disabled and request is not from a trusted service nor via an approved private link',
      },
      { says: 'Public network access is disabled', with: ['{key vault|keyvault|vault.azure}'] },
    ],
    cause:
      'Public access to the vault is disabled, and the request did not come through an approved private endpoint: there is none, or the name leads the cluster to the public address.',
    fix: {
      say: "Give the vault a private endpoint, and link the zone privatelink.vaultcore.azure.net to the cluster's network: in a pod the vault's name must lead to a private address.",
      run: 'az keyvault show --name <vault> --query "{access:properties.publicNetworkAccess,endpoints:properties.privateEndpointConnections[].privateLinkServiceConnectionState.status}"',
    },
    risk: 'none',
    insteadOf: ['F073'],
  },
  {
    id: 'F075',
    title: "The vault's host does not exist",
    layer: 'network',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'ENOTFOUND', with: ['vault.'] },
      { says: `${HOST}… ${NO_NAME}` },
      {
        says: `{getaddrinfo|ENOTFOUND|EAI_AGAIN|UnknownHostException|Could not resolve host|Failed to resolve|Name or service not known|No such host is known|server can't find}… ${HOST}`,
      },
      { says: `No such host is known. … ${HOST}` },
    ],
    cause:
      "No vault of that name exists in this cloud (misspelt, deleted, other suffix), or the cluster's DNS has a private zone for vaults without a record for this one.",
    fix: {
      say: "Check the vault's name and the cloud. If the vault is there, the private DNS zone lacks its record.",
      run: 'az keyvault list --query "[].{name:name,uri:properties.vaultUri}" --output table',
    },
    risk: 'none',
  },
  {
    id: 'F083',
    title: 'The vault limits the rate of requests',
    layer: 'network',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'VaultRequestTypeLimitReached' },
      { code: 'Throttled', with: ['{vault|keyvault}'] },
      { says: 'Request was not processed because too many requests were received' },
      {
        says: '{Status: 429|StatusCode=429|status code 429|code: 429|code 429|429 Too|Too Many Requests|TooManyRequests|throttling}',
        with: ['{key vault|keyvault|vault.azure|vault.usgovcloudapi|secrets-store|azurekv}'],
        without: ['management.azure', 'ThrottlingException', 'docker'],
      },
    ],
    cause:
      'A vault answers 4000 reads of secrets in ten seconds, for all its callers together. Many pods, many objects and a short interval add up.',
    fix: {
      say: 'Poll less often (--rotation-interval), mount fewer objects per pod, and name secrets instead of finding them by a pattern. It passes by itself.',
    },
    risk: 'none',
  },
  {
    id: 'F076',
    title: 'The vault or Entra does not answer in time',
    layer: 'network',
    seenBy: ['verify', 'explain'],
    match: [
      { says: `${HOST}… ${LATE}`, without: ['AADSTS', 'Forbidden'] },
      {
        says: 'keyvault.BaseClient#Get{Secret|Key|Certificate}: Failure sending request… {context deadline exceeded|context canceled|i/o timeout}',
      },
      {
        says: '{MountVolume.SetUp failed|FailedMount}… code = {DeadlineExceeded|Canceled}',
        with: ['{secrets-store|secret-store|secretprovider|keyvault|key-vault}'],
      },
      {
        says: 'failed to mount {secrets store objects|objects}… {context deadline exceeded|context canceled|i/o timeout}',
        without: ['AADSTS', 'Forbidden'],
      },
      {
        says: '{MountVolume.SetUp failed|FailedMount}… {context deadline exceeded|context canceled|timed out waiting for the condition}',
        with: ['{secrets-store|secret-store|secretprovider|keyvault|key-vault}'],
        vague: true,
      },
    ],
    cause:
      'The way out of the cluster is blocked or slow (a firewall, a route, a network policy), or the class asks for so many objects that the mount runs out of time.',
    fix: {
      say: "Allow the vault's host and login.microsoftonline.com on port 443 from the cluster's nodes, and mount fewer objects per class. The line tries it from inside.",
      run: 'aks-secrets verify --pod <namespace>/<pod> --probe',
    },
    risk: 'none',
  },
];
