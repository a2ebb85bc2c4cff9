import { removeBelow } from './assignments.ts';
import { refusal, resourceNotFound } from './errors.ts';
import { changePolicies, invalid, policiesOf } from './policies.ts';
import { idOf, knownOnly, locationOf, systemData, tagsOf } from './resources.ts';
import { type Call, page, type Route } from './routes.ts';
import { type DeletedVaultRecord, type Json, type Resource, record, type Slice, text } from './store.ts';

const VAULT = 'Microsoft.KeyVault/vaults';
const versions = {
  type: VAULT,
  known: [
    '2019-09-01',
    '2021-10-01',
    '2022-07-01',
    '2022-11-01',
    '2023-02-01',
    '2023-07-01',
    '2024-11-01',
    '2025-05-01',
    '2026-02-01',
  ],
};
/** The first version that makes a new vault with RBAC when nothing is said. */
const RBAC_BY_DEFAULT = '2026-02-01';
const DAY = 86_400_000;

const vaultNamed = (slice: Slice, name: string) =>
  Object.values(slice.vaults).find(({ resource }) => resource.name.toLowerCase() === name.toLowerCase());

const vault = ({ params, slice }: Call): Resource => {
  const found = slice.vaults[idOf(params, VAULT, params.v ?? '').toLowerCase()];
  if (!found) throw resourceNotFound(VAULT, params.v ?? '', params.rg ?? '');
  return found.resource;
};

const deletedVault = ({ slice }: Pick<Call, 'slice'>, name: string): DeletedVaultRecord | undefined =>
  slice.deletedVaults[name.toLowerCase()];

/** When a deleted vault is gone for good, by itself. */
export const purgeDate = ({ resource, deletedAt }: DeletedVaultRecord) =>
  deletedAt + Number(resource.properties.softDeleteRetentionInDays) * DAY;

const validName = (name: string) => /^[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/.test(name);
const alreadyExists = (name: string) =>
  `The vault name '${name}' is already in use. Vault names are globally unique so it is possible that the name is ` +
  'already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same ' +
  'name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a ' +
  'recoverable state then the vault will need to be purged before reusing the name. For more information about VM ' +
  'and soft delete, see https://go.microsoft.com/fwlink/?linkid=2147740';

const PROPERTIES = [
  'tenantId',
  'sku',
  'accessPolicies',
  'vaultUri',
  'hsmPoolResourceId',
  'enabledForDeployment',
  'enabledForDiskEncryption',
  'enabledForTemplateDeployment',
  'enableSoftDelete',
  'softDeleteRetentionInDays',
  'enableRbacAuthorization',
  'createMode',
  'enablePurgeProtection',
  'networkAcls',
  'provisioningState',
  'publicNetworkAccess',
  'privateEndpointConnections',
];

/** Makes a vault, or replaces the one that is there, access policies and all, as Azure does. */
function put(call: Call) {
  const { body, params, slice, parts } = call;
  const name = params.v ?? '';
  const id = idOf(params, VAULT, name);
  const before = slice.vaults[id.toLowerCase()];
  knownOnly(body, ['location', 'tags', 'properties', 'id', 'name', 'type', 'systemData'], 'Vault');
  const given = record(body.properties);
  knownOnly(given, PROPERTIES, 'VaultProperties', before?.resource.properties);
  if (!validName(name)) {
    throw refusal(
      400,
      'VaultNameNotValid',
      `The vault name '${name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must ` +
        'begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for ' +
        'more information: https://go.microsoft.com/fwlink/?linkid=2147742',
    );
  }
  const location = locationOf(body);
  const deleted = deletedVault(call, name);
  const elsewhere = vaultNamed(slice, name);
  if (given.createMode === 'recover') return recover(call, deleted, location);
  if (deleted || (elsewhere && elsewhere !== before)) throw refusal(409, 'VaultAlreadyExists', alreadyExists(name));
  if (before && before.resource.location !== location) {
    throw refusal(
      409,
      'InvalidResourceLocation',
      `The resource '${name}' already exists in location '${before.resource.location}'.`,
    );
  }
  const made: Resource = {
    id: before?.resource.id ?? id,
    name: before?.resource.name ?? name,
    type: VAULT,
    location,
    tags: tagsOf(body) ?? {},
    systemData: systemData(call, before && record(before.resource.systemData)),
    properties: propertiesOf(call, given, before?.resource.properties),
  };
  slice.vaults[id.toLowerCase()] = { resource: made };
  parts.save();
  return { status: before ? 200 : 201, body: made };
}

function propertiesOf(call: Call, given: Json, before: Json | undefined): Json {
  const sku = record(given.sku);
  if (sku.family !== 'A' || !['standard', 'premium'].includes(String(sku.name).toLowerCase())) {
    throw invalid(`The sku of the vault is invalid.`);
  }
  if (!text(given.tenantId)) throw invalid('The tenantId of the vault is missing.');
  if (given.createMode !== 'recover' && !before && given.enableRbacAuthorization !== true && !given.accessPolicies) {
    const byDefault = given.enableRbacAuthorization === undefined && call.version >= RBAC_BY_DEFAULT;
    if (!byDefault) throw invalid(`The parameter accessPolicies is not specified.`);
  }
  if (given.enableSoftDelete === false) {
    throw invalid(
      'The property "enableSoftDelete" can be set to false only for creating new vault. Enabling the ' +
        "'soft delete' functionality is an irreversible action.",
    );
  }
  if (given.enablePurgeProtection === false) {
    throw invalid(
      'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.',
    );
  }
  const days = given.softDeleteRetentionInDays ?? before?.softDeleteRetentionInDays ?? 90;
  if (typeof days !== 'number' || days < 7 || days > 90) {
    throw invalid(`The property "softDeleteRetentionInDays" must be between 7 and 90.`);
  }
  if (before && days !== before.softDeleteRetentionInDays) {
    throw invalid('The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.');
  }
  const rbac = given.enableRbacAuthorization ?? before?.enableRbacAuthorization ?? call.version >= RBAC_BY_DEFAULT;
  const { createMode: _, ...rest } = given;
  return {
    ...rest,
    sku: { family: 'A', name: String(sku.name).toLowerCase() },
    tenantId: given.tenantId,
    accessPolicies: policiesOf(given.accessPolicies ?? []),
    networkAcls: given.networkAcls ?? {
      bypass: 'AzureServices',
      defaultAction: 'Allow',
      ipRules: [],
      virtualNetworkRules: [],
    },
    enabledForDeployment: given.enabledForDeployment ?? false,
    enableSoftDelete: true,
    softDeleteRetentionInDays: days,
    enableRbacAuthorization: rbac,
    ...(given.enablePurgeProtection || before?.enablePurgeProtection ? { enablePurgeProtection: true } : {}),
    vaultUri: `https://${(call.params.v ?? '').toLowerCase()}.vault.azure.net/`,
    provisioningState: 'Succeeded',
    publicNetworkAccess: given.publicNetworkAccess ?? 'Enabled',
  };
}

function recover(call: Call, deleted: DeletedVaultRecord | undefined, location: string) {
  if (!deleted || deleted.resource.location !== location) {
    throw refusal(404, 'VaultNotFound', `A soft deleted vault with the given name '${call.params.v}' does not exist.`);
  }
  const { resource } = deleted;
  delete call.slice.deletedVaults[resource.name.toLowerCase()];
  resource.systemData = systemData(call, record(resource.systemData));
  call.slice.vaults[resource.id.toLowerCase()] = { resource };
  return { status: 200, body: resource };
}

function remove(call: Call) {
  const id = idOf(call.params, VAULT, call.params.v ?? '');
  const found = call.slice.vaults[id.toLowerCase()];
  if (!found) return { status: 204 };
  delete call.slice.vaults[id.toLowerCase()];
  call.slice.deletedVaults[found.resource.name.toLowerCase()] = { resource: found.resource, deletedAt: call.now };
  removeBelow(call.slice, found.resource.id);
  return { status: 200 };
}

/** Its retention ends now, so it is gone with the next look at what time has brought. */
function purge(call: Call) {
  const found = deletedVault(call, call.params.v ?? '');
  if (!found || found.resource.location !== call.params.l?.toLowerCase()) {
    throw refusal(404, 'DeletedVaultNotFound', `The specified deleted vault '${call.params.v}' does not exist.`);
  }
  if (found.resource.properties.enablePurgeProtection) {
    throw refusal(
      403,
      'DeletedVaultPurge',
      `Operation 'DeletedVaultPurge' is not allowed because purge protection is enabled for vault '${call.params.v}'.`,
    );
  }
  found.deletedAt -= purgeDate(found) - call.now;
  return { status: 200 };
}

const shownDeleted = (call: Call, one: DeletedVaultRecord) => ({
  id: `/subscriptions/${call.parts.state.subscriptionId}/providers/Microsoft.KeyVault/locations/${one.resource.location}/deletedVaults/${one.resource.name}`,
  name: one.resource.name,
  type: 'Microsoft.KeyVault/deletedVaults',
  properties: {
    vaultId: one.resource.id,
    location: one.resource.location,
    tags: one.resource.tags ?? {},
    deletionDate: new Date(one.deletedAt).toISOString(),
    scheduledPurgeDate: new Date(purgeDate(one)).toISOString(),
    ...(one.resource.properties.enablePurgeProtection ? { purgeProtectionEnabled: true } : {}),
  },
});

function nameAvailable(call: Call) {
  const name = text(call.body.name) ?? '';
  knownOnly(call.body, ['name', 'type'], 'VaultCheckNameAvailabilityParameters');
  if (!validName(name)) {
    const message =
      "The vault name is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens.";
    return { status: 200, body: { nameAvailable: false, reason: 'AccountNameInvalid', message } };
  }
  if (vaultNamed(call.slice, name) || deletedVault(call, name)) {
    return { status: 200, body: { nameAvailable: false, reason: 'AlreadyExists', message: alreadyExists(name) } };
  }
  return { status: 200, body: { nameAvailable: true } };
}

const listIn = (call: Call, below: string): Resource[] =>
  Object.values(call.slice.vaults)
    .map(({ resource }) => resource)
    .filter(({ id }) => id.toLowerCase().startsWith(`${below.toLowerCase()}/`));

const S = '/subscriptions/{s}';
const one = `${S}/resourceGroups/{rg}/providers/Microsoft.KeyVault/vaults/{v}`;
const inSubscription = ({ s }: Readonly<Record<string, string>>) => `/subscriptions/${s}`;
const deleted = `${S}/providers/Microsoft.KeyVault/locations/{l}/deletedVaults/{v}`;

export const vaultRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: `${S}/providers/Microsoft.KeyVault/checkNameAvailability`,
    versions,
    action: 'Microsoft.KeyVault/checkNameAvailability/read',
    scope: inSubscription,
    run: nameAvailable,
  },
  {
    method: 'GET',
    path: `${S}/providers/Microsoft.KeyVault/vaults`,
    versions,
    action: `${VAULT}/read`,
    scope: inSubscription,
    run: (call) => page(call, listIn(call, `/subscriptions/${call.params.s}`), 50),
  },
  {
    method: 'GET',
    path: one.replace(/\/\{v\}$/, ''),
    versions,
    action: `${VAULT}/read`,
    scope: ({ s, rg }) => `/subscriptions/${s}/resourceGroups/${rg}`,
    run: (call) => page(call, listIn(call, `/subscriptions/${call.params.s}/resourceGroups/${call.params.rg}`), 50),
  },
  { method: 'GET', path: one, versions, action: `${VAULT}/read`, run: (call) => ({ status: 200, body: vault(call) }) },
  { method: 'PUT', path: one, versions, action: `${VAULT}/write`, run: put },
  { method: 'DELETE', path: one, versions, action: `${VAULT}/delete`, run: remove },
  {
    method: 'PUT',
    path: `${one}/accessPolicies/{kind}`,
    versions,
    action: `${VAULT}/accessPolicies/write`,
    scope: (params) => idOf(params, VAULT, params.v ?? ''),
    run: (call) => changePolicies(call, vault(call)),
  },
  {
    method: 'GET',
    path: `${S}/providers/Microsoft.KeyVault/deletedVaults`,
    versions,
    action: 'Microsoft.KeyVault/deletedVaults/read',
    scope: inSubscription,
    run: (call) =>
      page(
        call,
        Object.values(call.slice.deletedVaults).map((each) => shownDeleted(call, each)),
        50,
      ),
  },
  {
    method: 'GET',
    path: deleted,
    versions,
    action: 'Microsoft.KeyVault/locations/deletedVaults/read',
    scope: inSubscription,
    run: (call) => {
      const found = deletedVault(call, call.params.v ?? '');
      if (!found || found.resource.location !== call.params.l?.toLowerCase()) {
        throw refusal(404, 'DeletedVaultNotFound', `The specified deleted vault '${call.params.v}' does not exist.`);
      }
      return { status: 200, body: shownDeleted(call, found) };
    },
  },
  {
    method: 'POST',
    path: `${deleted}/purge`,
    versions,
    action: 'Microsoft.KeyVault/locations/deletedVaults/purge/action',
    scope: inSubscription,
    run: purge,
  },
  // Nobody has one here; the Azure CLI asks for them wherever it lists vaults.
  ...[
    [`${S}/resourceGroups/{rg}/providers/Microsoft.KeyVault/managedHSMs`, 'Microsoft.KeyVault/managedHSMs/read'],
    [`${S}/providers/Microsoft.KeyVault/managedHSMs`, 'Microsoft.KeyVault/managedHSMs/read'],
    [`${S}/providers/Microsoft.KeyVault/deletedManagedHSMs`, 'Microsoft.KeyVault/deletedManagedHsms/read'],
  ].map(
    ([path = '', action = '']): Route => ({
      method: 'GET',
      path,
      versions,
      action,
      scope: ({ s, rg }) => (rg ? `/subscriptions/${s}/resourceGroups/${rg}` : `/subscriptions/${s}`),
      run: () => ({ status: 200, body: { value: [] } }),
    }),
  ),
];
