/** Every name that the sandbox answers to, in one place: the router, the agent, the proxy and the certificates read it. */
export const NAMES = {
  resourceManager: 'management.azure.com',
  entra: 'login.microsoftonline.com',
  graph: 'graph.microsoft.com',
  vaultSuffix: '.vault.azure.net',
} as const;

/** Where clusters of the sandbox can lie. Each region has an issuer host and API server names, which the CA must permit. */
export const REGIONS = ['westeurope', 'northeurope', 'uksouth', 'germanywestcentral', 'eastus'] as const;

export const issuerHost = (region: string) => `${region}.oic.prod-aks.azure.com`;
export const apiServerDomain = (region: string) => `hcp.${region}.azmk8s.io`;

/** Names of the certificate, `*` as in a certificate. */
export const CERTIFIED: readonly string[] = [
  NAMES.resourceManager,
  NAMES.entra,
  NAMES.graph,
  `*${NAMES.vaultSuffix}`,
  ...REGIONS.flatMap((region) => [issuerHost(region), `*.${apiServerDomain(region)}`]),
  'localhost',
];

export type Service = 'arm' | 'entra' | 'graph' | 'vault' | 'issuer' | 'kubernetes' | 'control';

/** Which service answers to a host name; `undefined` for names that are not the sandbox's. */
export function serviceOf(host: string): Service | undefined {
  if (host === NAMES.resourceManager) return 'arm';
  if (host === NAMES.entra) return 'entra';
  if (host === NAMES.graph) return 'graph';
  if (host === 'localhost') return 'control';
  if (/^[a-z0-9-]+\.vault\.azure\.net$/.test(host)) return 'vault';
  if (REGIONS.some((region) => host === issuerHost(region))) return 'issuer';
  if (REGIONS.some((region) => host.endsWith(`.${apiServerDomain(region)}`))) return 'kubernetes';
  return undefined;
}
