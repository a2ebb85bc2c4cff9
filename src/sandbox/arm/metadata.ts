import type { Reply, Request } from '../parts.ts';

/** What `az cloud register --endpoint-resource-manager`, and our own `--cloud URL`, read: the public cloud's endpoints. */
export function metadata({ query }: Request, tenantId: string): Reply {
  const version = query.get('api-version') ?? '';
  const cloud = {
    portal: 'https://portal.azure.com',
    authentication: {
      loginEndpoint: 'https://login.microsoftonline.com',
      audiences: ['https://management.core.windows.net/', 'https://management.azure.com/'],
      tenant: tenantId,
      identityProvider: 'AAD',
    },
    media: 'https://rest.media.azure.net',
    graphAudience: 'https://graph.windows.net/',
    graph: 'https://graph.windows.net/',
    name: 'AzureCloud',
    suffixes: {
      acrLoginServer: 'azurecr.io',
      keyVaultDns: 'vault.azure.net',
      storage: 'core.windows.net',
      sqlServerHostname: 'database.windows.net',
    },
    batch: 'https://batch.core.windows.net/',
    resourceManager: 'https://management.azure.com/',
    microsoftGraphResourceId: 'https://graph.microsoft.com/',
    activeDirectoryDataLake: 'https://datalake.azure.net/',
  };
  // Up to 2019 one cloud, since then a list.
  return { status: 200, body: version >= '2019-05-01' ? [cloud] : cloud };
}
