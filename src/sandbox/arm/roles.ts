/** A built-in role (Azure built-in roles, "Azure RBAC built-in roles"; the Key Vault ones from the RBAC guide). */
export interface Role {
  readonly id: string;
  readonly name: string;
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
}

const role = (
  id: string,
  name: string,
  actions: readonly string[],
  dataActions: readonly string[] = [],
  notActions: readonly string[] = [],
): Role => ({ id, name, actions, notActions, dataActions });

/** What all Key Vault data roles may do besides. */
const ofVaults = [
  'Microsoft.Authorization/*/read',
  'Microsoft.Resources/deployments/*',
  'Microsoft.Resources/subscriptions/resourceGroups/read',
  'Microsoft.KeyVault/checkNameAvailability/read',
  'Microsoft.KeyVault/deletedVaults/read',
  'Microsoft.KeyVault/locations/*/read',
  'Microsoft.KeyVault/vaults/*/read',
  'Microsoft.KeyVault/operations/read',
];
const V = 'Microsoft.KeyVault/vaults';
const AKS = 'Microsoft.ContainerService/managedClusters';
const general = ['Microsoft.Authorization/*/read', 'Microsoft.Resources/subscriptions/resourceGroups/read'];

export const ROLES: readonly Role[] = [
  role('8e3af657-a8ff-443c-a75c-2fe8c4bcb635', 'Owner', ['*']),
  role(
    'b24988ac-6180-42a0-ab88-20f7382dd24c',
    'Contributor',
    ['*'],
    [],
    [
      'Microsoft.Authorization/*/Delete',
      'Microsoft.Authorization/*/Write',
      'Microsoft.Authorization/elevateAccess/Action',
    ],
  ),
  role('acdd72a7-3385-48ef-bd42-f606fba81ae7', 'Reader', ['*/read']),
  role('18d7d88d-d35e-4fb5-a5c3-7773c20a72d9', 'User Access Administrator', ['*/read', 'Microsoft.Authorization/*']),
  role('f58310d9-a9f6-439a-9e8d-f62e7b41a168', 'Role Based Access Control Administrator', [
    'Microsoft.Authorization/roleAssignments/write',
    'Microsoft.Authorization/roleAssignments/delete',
    '*/read',
  ]),
  role('e40ec5ca-96e0-45a2-b4ff-59039f2c2b59', 'Managed Identity Contributor', [
    'Microsoft.ManagedIdentity/userAssignedIdentities/read',
    'Microsoft.ManagedIdentity/userAssignedIdentities/write',
    'Microsoft.ManagedIdentity/userAssignedIdentities/delete',
    'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*',
    ...general,
  ]),
  role('f1a07417-d97a-45cb-824c-7a7467783830', 'Managed Identity Operator', [
    'Microsoft.ManagedIdentity/userAssignedIdentities/*/read',
    'Microsoft.ManagedIdentity/userAssignedIdentities/read',
    'Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action',
    ...general,
  ]),
  role('ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8', 'Azure Kubernetes Service Contributor Role', [
    `${AKS}/*`,
    'Microsoft.ContainerService/locations/*/read',
    'Microsoft.Resources/deployments/*',
    ...general,
  ]),
  role('4abbcc35-e782-43d8-92c5-2d3f1bd2253f', 'Azure Kubernetes Service Cluster User Role', [
    `${AKS}/listClusterUserCredential/action`,
    `${AKS}/read`,
  ]),
  role('0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8', 'Azure Kubernetes Service Cluster Admin Role', [
    `${AKS}/listClusterAdminCredential/action`,
    `${AKS}/accessProfiles/listCredential/action`,
    `${AKS}/read`,
    `${AKS}/runcommand/action`,
  ]),
  role(
    'b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b',
    'Azure Kubernetes Service RBAC Cluster Admin',
    [...general, `${AKS}/listClusterUserCredential/action`],
    [`${AKS}/*`],
  ),
  role('85cb6faf-e071-4c9b-8136-154b5a04f717', 'Kubernetes Extension Contributor', [
    ...general,
    'Microsoft.Insights/alertRules/*',
    'Microsoft.Resources/deployments/*',
    'Microsoft.KubernetesConfiguration/extensions/write',
    'Microsoft.KubernetesConfiguration/extensions/read',
    'Microsoft.KubernetesConfiguration/extensions/delete',
    'Microsoft.KubernetesConfiguration/extensions/operations/read',
  ]),
  role(
    'f25e0fa2-a7c8-4377-a976-54943a77a395',
    'Key Vault Contributor',
    [...general, 'Microsoft.KeyVault/*'],
    [],
    [
      'Microsoft.KeyVault/locations/deletedVaults/purge/action',
      'Microsoft.KeyVault/hsmPools/*',
      'Microsoft.KeyVault/managedHsms/*',
    ],
  ),
  role('00482a5a-887f-4fb3-b363-3b7fe8e74483', 'Key Vault Administrator', ofVaults, [`${V}/*`]),
  role('b86a8fe4-44ce-4948-aee5-eccb2c155cd7', 'Key Vault Secrets Officer', ofVaults, [`${V}/secrets/*`]),
  role(
    '4633458b-17de-408a-b874-0445c86b69e6',
    'Key Vault Secrets User',
    [],
    [`${V}/secrets/getSecret/action`, `${V}/secrets/readMetadata/action`],
  ),
  role(
    'db79e9a7-68ee-4b58-9aeb-b90e7c24fcba',
    'Key Vault Certificate User',
    [],
    [`${V}/certificates/read`, `${V}/secrets/getSecret/action`, `${V}/secrets/readMetadata/action`, `${V}/keys/read`],
  ),
  role('a4417e6f-fecd-4de8-b567-7b0420556985', 'Key Vault Certificates Officer', ofVaults, [
    `${V}/certificatecas/*`,
    `${V}/certificates/*`,
    `${V}/certificatecontacts/write`,
  ]),
  role(
    '12338af0-0e69-4776-bea7-57ae8d297424',
    'Key Vault Crypto User',
    [],
    [
      `${V}/keys/read`,
      `${V}/keys/update/action`,
      `${V}/keys/backup/action`,
      `${V}/keys/encrypt/action`,
      `${V}/keys/decrypt/action`,
      `${V}/keys/wrap/action`,
      `${V}/keys/unwrap/action`,
      `${V}/keys/sign/action`,
      `${V}/keys/verify/action`,
    ],
  ),
  role('14b46e9e-c2b7-41b4-b07b-48a6ebf60603', 'Key Vault Crypto Officer', ofVaults, [
    `${V}/keys/*`,
    `${V}/keyrotationpolicies/*`,
  ]),
  role('21090545-7ca7-4776-b22c-e363652d74d2', 'Key Vault Reader', ofVaults, [
    `${V}/*/read`,
    `${V}/secrets/readMetadata/action`,
  ]),
  role('8b54135c-b56d-4d72-a534-26097cfdc8d8', 'Key Vault Data Access Administrator', [
    'Microsoft.Authorization/roleAssignments/write',
    'Microsoft.Authorization/roleAssignments/delete',
    `${V}/*/read`,
    ...general,
  ]),
];

export const roleNamed = (name: string): Role => {
  const found = ROLES.find((one) => one.name === name);
  if (!found) throw new Error(`no role ${name}`);
  return found;
};

/** By the GUID at the end of a role definition's id. */
export const roleOf = (definitionId: string): Role | undefined => {
  const guid = definitionId.split('/').at(-1)?.toLowerCase();
  return ROLES.find((one) => one.id === guid);
};

const patterns = new Map<string, RegExp>();
const covers = (pattern: string, action: string): boolean => {
  const known = patterns.get(pattern);
  if (known) return known.test(action);
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  patterns.set(pattern, new RegExp(`^${escaped}$`, 'i'));
  return covers(pattern, action);
};

export function allows(role: Role, action: string, kind: 'action' | 'dataAction'): boolean {
  if (kind === 'dataAction') return role.dataActions.some((pattern) => covers(pattern, action));
  return (
    role.actions.some((pattern) => covers(pattern, action)) &&
    !role.notActions.some((pattern) => covers(pattern, action))
  );
}
