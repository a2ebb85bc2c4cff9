import { refusal } from './errors.ts';
import { type Features, type Json, keyOf, type Resource, record, text } from './store.ts';

/** Properties of a managed cluster, 2026-06-01. A body that says anything else is refused, as AKS does since 2024. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  '': [
    'location',
    'tags',
    'properties',
    'identity',
    'sku',
    'extendedLocation',
    'kind',
    'id',
    'name',
    'type',
    'systemData',
    'eTag',
    'zones',
  ],
  properties: [
    'provisioningState',
    'powerState',
    'maxAgentPools',
    'kubernetesVersion',
    'currentKubernetesVersion',
    'dnsPrefix',
    'fqdnSubdomain',
    'fqdn',
    'privateFQDN',
    'azurePortalFQDN',
    'agentPoolProfiles',
    'linuxProfile',
    'windowsProfile',
    'servicePrincipalProfile',
    'addonProfiles',
    'podIdentityProfile',
    'oidcIssuerProfile',
    'nodeResourceGroup',
    'nodeResourceGroupProfile',
    'enableRBAC',
    'supportPlan',
    'networkProfile',
    'aadProfile',
    'autoUpgradeProfile',
    'upgradeSettings',
    'autoScalerProfile',
    'apiServerAccessProfile',
    'diskEncryptionSetID',
    'identityProfile',
    'privateLinkResources',
    'disableLocalAccounts',
    'httpProxyConfig',
    'securityProfile',
    'storageProfile',
    'ingressProfile',
    'publicNetworkAccess',
    'workloadAutoScalerProfile',
    'azureMonitorProfile',
    'serviceMeshProfile',
    'resourceUID',
    'metricsProfile',
    'nodeProvisioningProfile',
    'bootstrapProfile',
    'aiToolchainOperatorProfile',
    'schedulerProfile',
    'hostedSystemProfile',
    'status',
  ],
  'properties.oidcIssuerProfile': ['enabled', 'issuerURL'],
  'properties.securityProfile': [
    'defender',
    'azureKeyVaultKms',
    'workloadIdentity',
    'imageCleaner',
    'customCATrustCertificates',
  ],
  'properties.securityProfile.workloadIdentity': ['enabled'],
};
const ADDON = ['enabled', 'config', 'identity'];

/** What the service alone sets; in a body it is ignored. */
const READ_ONLY = [
  'provisioningState',
  'powerState',
  'maxAgentPools',
  'currentKubernetesVersion',
  'fqdn',
  'privateFQDN',
  'azurePortalFQDN',
  'resourceUID',
  'status',
];
const IMMUTABLE = ['dnsPrefix', 'nodeResourceGroup', 'fqdnSubdomain'];
const VERSIONS = /^1\.3[2-5](\.\d+)?$/;
const NEWEST = '1.34';

const invalid = (parameter: string, why: string) =>
  refusal(400, 'InvalidParameter', `The value of parameter ${parameter} is invalid. Error details: ${why}`);

/** A property is accepted when the model knows it, or the cluster holds it already (what no model knows must survive). */
function refuseUnknown(of: Json, held: Json, path: string): void {
  const known = path.startsWith('properties.addonProfiles.') ? ADDON : KNOWN[path];
  for (const [key, value] of Object.entries(of)) {
    if (known && !known.includes(key) && !(key in held)) {
      throw refusal(400, 'UnmarshalError', `UnmarshalEntity encountered error: json: unknown field "${key}".`);
    }
    const below = path === '' ? key : `${path}.${key}`;
    const more = below in KNOWN || /^properties\.addonProfiles(\.[^.]+)?$/.test(below);
    if (more) refuseUnknown(record(value), record(held[key]), below);
  }
}

/** Throws for a body that AKS would not take. */
export function checkCluster(name: string, body: Json, before: Resource | undefined): void {
  refuseUnknown(body, record(before), '');
  if (!/^[a-zA-Z0-9]([\w-]{0,61}[a-zA-Z0-9])?$/.test(name)) {
    throw invalid('resourceName', 'it must be 1 to 63 letters, digits, hyphens and underscores.');
  }
  const properties = record(body.properties);
  const pools = properties.agentPoolProfiles;
  if (!Array.isArray(pools) || !pools.some((pool) => record(pool).mode === 'System')) {
    throw invalid('agentPoolProfiles', 'Must define at least one system pool.');
  }
  if (!before && !text(properties.dnsPrefix) && !text(properties.fqdnSubdomain)) {
    throw invalid('dnsPrefix', 'DNS prefix must not be empty.');
  }
  if (!before && !text(record(body.identity).type)) {
    throw invalid('identity', 'a managed identity is required.');
  }
  const version = properties.kubernetesVersion;
  // The Azure CLI sends an empty one for "the usual".
  if (version !== undefined && version !== '' && !VERSIONS.test(String(version))) {
    throw refusal(
      400,
      'K8sVersionNotSupported',
      `Managed cluster ${name} is on version ${version}, which is not supported in this region.`,
    );
  }
  for (const key of IMMUTABLE) {
    const [is, want] = [before?.properties[key], properties[key]];
    if (before && want !== undefined && want !== is) {
      throw refusal(400, 'PropertyChangeNotAllowed', `Changing property '${key}' is not allowed.`);
    }
  }
  const had = before ? featuresOf(before.properties) : undefined;
  const want = featuresOf(properties);
  if (had?.oidcIssuer && record(properties.oidcIssuerProfile).enabled === false) {
    throw refusal(400, 'OIDCIssuerFeatureCannotBeDisabled', 'OIDC issuer feature cannot be disabled.');
  }
  if (want.workloadIdentity && !want.oidcIssuer && !had?.oidcIssuer) {
    throw invalid('securityProfile.workloadIdentity', 'workload identity requires the OIDC issuer to be enabled.');
  }
  const config = addonOf(properties).config;
  if (addonOf(properties).enabled === true) {
    const wrong = Object.entries(record(config)).find(([, value]) => typeof value !== 'string');
    if (wrong) throw invalid(`addonProfiles.config.${wrong[0]}`, 'values of an add-on are strings.');
    const interval = text(record(config).rotationPollInterval);
    if (interval !== undefined && !/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(interval)) {
      throw invalid(
        'addonProfiles.azureKeyvaultSecretsProvider.config.rotationPollInterval',
        `invalid duration "${interval}".`,
      );
    }
  }
}

/** The resource that a PUT leaves behind: the body, less what only the service sets, and with that as it was. */
export function acceptCluster(body: Json, before: Resource, isNew: boolean): Resource {
  const given = structuredClone(body) as unknown as Resource;
  const properties = record(given.properties);
  const had = before.properties;
  for (const key of READ_ONLY) {
    delete properties[key];
    if (had[key] !== undefined) properties[key] = had[key];
  }
  for (const key of IMMUTABLE) properties[key] ??= had[key];
  for (const key of IMMUTABLE) if (properties[key] === undefined) delete properties[key];
  if (properties.kubernetesVersion === '') delete properties.kubernetesVersion;
  properties.kubernetesVersion ??= isNew ? NEWEST : had.kubernetesVersion;
  if (isNew) {
    properties.enableRBAC ??= true;
    properties.disableLocalAccounts ??= false;
    properties.networkProfile ??= { networkPlugin: 'azure', loadBalancerSku: 'standard', outboundType: 'loadBalancer' };
    // New clusters have the issuer from 1.34 on.
    if (properties.oidcIssuerProfile === undefined && String(properties.kubernetesVersion) >= '1.34') {
      properties.oidcIssuerProfile = { enabled: true };
    }
  }
  // The issuer, once on, stays; its URL is the service's.
  const issuer = record(had.oidcIssuerProfile);
  if (properties.oidcIssuerProfile === undefined && issuer.enabled === true) properties.oidcIssuerProfile = issuer;
  else if (properties.oidcIssuerProfile !== undefined) {
    const { issuerURL: _, ...rest } = record(properties.oidcIssuerProfile);
    properties.oidcIssuerProfile = { ...rest, ...(issuer.issuerURL ? { issuerURL: issuer.issuerURL } : {}) };
  }
  const addons = record(properties.addonProfiles);
  for (const [key, value] of Object.entries(addons)) {
    const addon = record(value);
    const identity = record(record(had.addonProfiles)[key]).identity;
    delete addon.identity;
    if (identity) addon.identity = identity;
  }
  const { id: _id, name: _name, type: _type, systemData: _data, eTag: _tag, ...rest } = given;
  const { principalId, tenantId } = record(before.identity);
  return {
    ...(rest as Resource),
    identity: { ...record(given.identity ?? before.identity), ...(principalId ? { principalId, tenantId } : {}) },
    sku: given.sku ?? before.sku,
    properties,
  };
}

const addonOf = (properties: Json): Json => {
  const addons = record(properties.addonProfiles);
  return record(addons[keyOf(addons, 'azureKeyvaultSecretsProvider') ?? '']);
};

/** The features that matter to the rest of the sandbox. */
export function featuresOf(properties: Json): Features {
  const addon = addonOf(properties);
  const config = record(addon.config);
  return {
    oidcIssuer: record(properties.oidcIssuerProfile).enabled === true,
    workloadIdentity: record(record(properties.securityProfile).workloadIdentity).enabled === true,
    addon: {
      enabled: addon.enabled === true,
      rotation: config.enableSecretRotation === 'true',
      interval: text(config.rotationPollInterval) ?? '2m',
    },
  };
}
