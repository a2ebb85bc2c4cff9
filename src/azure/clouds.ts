import { entryOf } from '../entry.ts';
import { Problem } from '../trouble.ts';
import type { Cloud } from './azure.ts';

/** Scope of the AKS server application, the same in every cloud (kubelogin's default `--server-id`). */
const AKS_SCOPE = '6dae42f8-4368-4678-94ff-3960e28e3630/.default';

const PUBLIC: Cloud = {
  name: 'AzurePublicCloud',
  resourceManager: 'https://management.azure.com',
  resourceManagerScope: 'https://management.azure.com/.default',
  authority: 'https://login.microsoftonline.com',
  vaultSuffix: '.vault.azure.net',
  vaultScope: 'https://vault.azure.net/.default',
  graph: 'https://graph.microsoft.com',
  federationAudience: 'api://AzureADTokenExchange',
  aksScope: AKS_SCOPE,
  csiName: '',
  externalSecretsName: 'PublicCloud',
  daprName: 'AZUREPUBLICCLOUD',
  portal: 'https://portal.azure.com',
};

/** Every endpoint, suffix and audience of the clouds we know. */
export const CLOUDS: readonly Cloud[] = [
  PUBLIC,
  {
    name: 'AzureUSGovernmentCloud',
    resourceManager: 'https://management.usgovcloudapi.net',
    resourceManagerScope: 'https://management.core.usgovcloudapi.net/.default',
    authority: 'https://login.microsoftonline.us',
    vaultSuffix: '.vault.usgovcloudapi.net',
    vaultScope: 'https://vault.usgovcloudapi.net/.default',
    graph: 'https://graph.microsoft.us',
    federationAudience: 'api://AzureADTokenExchangeUSGov',
    aksScope: AKS_SCOPE,
    csiName: 'AzureUSGovernmentCloud',
    externalSecretsName: 'USGovernmentCloud',
    daprName: 'AZUREUSGOVERNMENTCLOUD',
    portal: 'https://portal.azure.us',
  },
  {
    name: 'AzureChinaCloud',
    resourceManager: 'https://management.chinacloudapi.cn',
    resourceManagerScope: 'https://management.chinacloudapi.cn/.default',
    authority: 'https://login.chinacloudapi.cn',
    vaultSuffix: '.vault.azure.cn',
    vaultScope: 'https://vault.azure.cn/.default',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    federationAudience: 'api://AzureADTokenExchangeChina',
    aksScope: AKS_SCOPE,
    csiName: 'AzureChinaCloud',
    externalSecretsName: 'ChinaCloud',
    daprName: 'AZURECHINACLOUD',
    portal: 'https://portal.azure.cn',
  },
];

/** Whether the sign-in libraries know the authority, so that they need not ask another host whether it is one. */
export const isKnownAuthority = ({ authority }: Cloud): boolean => CLOUDS.some((each) => each.authority === authority);

/** How else the clouds are called: by `az`, and in metadata. */
const ALIASES: Readonly<Record<string, string>> = {
  azurecloud: 'azurepubliccloud',
  azureusgovernment: 'azureusgovernmentcloud',
};

function named(name: string): Cloud | undefined {
  const lower = name.toLowerCase();
  return CLOUDS.find((cloud) => cloud.name.toLowerCase() === (entryOf(ALIASES, lower) ?? lower));
}

/**
 * The cloud of that name (also as `az` spells it), or the one that a metadata URL describes
 * (`https://…/metadata/endpoints?api-version=2022-09-01`, or the Resource Manager's address alone).
 * Throws a `refused` problem for an unknown name and for metadata that lack an endpoint.
 */
export async function cloudOf(nameOrUrl: string, fetchMetadata: (url: string) => Promise<unknown>): Promise<Cloud> {
  if (!nameOrUrl.includes('://')) {
    const cloud = named(nameOrUrl);
    if (cloud) return cloud;
    const known = CLOUDS.map((each) => each.name).join(', ');
    throw new Problem(
      'refused',
      `cloud ${nameOrUrl}`,
      `The cloud "${nameOrUrl}" is not known: ${known}, or a metadata URL.`,
    );
  }
  const url = metadataUrl(nameOrUrl);
  const answer = await fetchMetadata(url.href);
  const entries = (Array.isArray(answer) ? answer : [answer]).filter(isRecord);
  const entry = entries.find((each) => hostOf(text(each.resourceManager)) === url.host) ?? entries[0];
  if (!entry) throw new Problem('refused', url.host, `${url.href} does not describe a cloud.`);
  return fromMetadata(entry, url);
}

function metadataUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Problem('refused', `cloud ${text}`, `"${text}" is not a URL.`);
  }
  if (url.protocol !== 'https:') {
    throw new Problem('refused', url.host, `The metadata URL must begin with https://, and "${text}" does not.`);
  }
  if (url.pathname === '/') url.pathname = '/metadata/endpoints';
  if (!url.searchParams.has('api-version')) url.searchParams.set('api-version', '2022-09-01');
  return url;
}

/** The answer of `/metadata/endpoints`; what it does not say is as in the public cloud. */
function fromMetadata(entry: Record<string, unknown>, url: URL): Cloud {
  const name = text(entry.name) ?? url.host;
  const base = named(name) ?? PUBLIC;
  const authentication = record(entry.authentication);
  const suffixes = record(entry.suffixes);
  const resourceManager = address(text(entry.resourceManager) ?? url.origin, url);
  const authority = address(text(authentication.loginEndpoint), url);
  const keyVaultDns = text(suffixes.keyVaultDns)?.replace(/^\./, '');
  if (!resourceManager || !authority || !keyVaultDns) {
    throw new Problem('refused', url.host, `${url.href} lacks resourceManager, loginEndpoint or keyVaultDns (https).`);
  }
  const audiences = list(authentication.audiences);
  const audience = audiences.find((each) => hostOf(each) === hostOf(resourceManager)) ?? audiences[0];
  return {
    name: base.name === PUBLIC.name && !named(name) ? name : base.name,
    resourceManager,
    // An audience that ends in a slash keeps it: the scope then has two (as `az` sends it).
    resourceManagerScope:
      named(name) && resourceManager === base.resourceManager
        ? base.resourceManagerScope
        : `${hostOf(audience) === hostOf(resourceManager) ? trim(audience) : (audience ?? resourceManager)}/.default`,
    authority,
    vaultSuffix: `.${keyVaultDns}`,
    vaultScope: `https://${keyVaultDns}/.default`,
    graph: address(text(entry.microsoftGraphResourceId), url) ?? base.graph,
    federationAudience: base.federationAudience,
    aksScope: base.aksScope,
    csiName: base.csiName,
    externalSecretsName: base.externalSecretsName,
    daprName: base.daprName,
    portal: trim(text(entry.portal)) ?? base.portal,
  };
}

/** An endpoint as the table has it, without trailing slash; `undefined` unless it is https. */
function address(value: string | undefined, base: URL): string | undefined {
  if (!value) return undefined;
  const url = URL.parse(value, base.origin);
  return url?.protocol === 'https:' ? trim(url.href) : undefined;
}

const trim = <T extends string | undefined>(value: T) => value?.replace(/(?<!\/)\/+$/, '') as T;
const hostOf = (value: string | undefined) => (value ? URL.parse(value)?.host : undefined);
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
const list = (value: unknown) => (Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const record = (value: unknown) => (isRecord(value) ? value : {});
