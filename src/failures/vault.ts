import type { Row } from './row.ts';

const MODE =
  'az keyvault show --name <vault> --query "{rbac:properties.enableRbacAuthorization,policies:length(properties.accessPolicies)}"';

/** Key Vault: who may, from where, and what is there. */
export const VAULT: readonly Row[] = [
  {
    id: 'F086',
    title: 'The caller may not write secrets into the vault',
    match: { codes: ['ForbiddenByRbac'], text: /secrets\/(setSecret|readMetadata|delete)/i },
    cause: 'In an RBAC vault not even an Owner has rights on the secrets themselves.',
    fix: {
      say: 'Run the same with --grant-self, or have Key Vault Secrets Officer granted to whoever writes.',
      run: 'az role assignment create --assignee-object-id <caller> --assignee-principal-type User --role "Key Vault Secrets Officer" --scope <vault id>',
    },
    risk: 'access',
  },
  {
    id: 'F068',
    title: 'The identity may read secrets, but not keys or certificates',
    match: { codes: ['ForbiddenByRbac'], text: /vaults\/(certificates|keys)\/read/i },
    cause: 'The public part of a key or certificate needs another role than a secret.',
    fix: {
      say: 'Grant Key Vault Reader for public parts; run init, which grants what the objects named need.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Reader" --scope <vault id>',
    },
    risk: 'access',
  },
  {
    id: 'F067',
    title: 'The identity has no role that opens this secret',
    match: { codes: ['ForbiddenByRbac'] },
    cause:
      'No role assignment at or above the secret gives this caller the right, or it is younger than ten minutes and has not arrived.',
    fix: {
      say: 'Run init, which grants Key Vault Secrets User, and wait up to ten minutes.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope <vault id>',
    },
    risk: 'access',
  },
  {
    id: 'F072',
    title: 'The access policy is bound to an application besides the identity',
    match: { codes: ['AccessDenied', 'ForbiddenByPolicy'], text: /compound identity|on behalf of/i },
    cause: 'The policy has an applicationId, so it opens the vault only to that application acting for somebody.',
    fix: { say: 'Add a policy for the identity alone; run init.', run: MODE },
    risk: 'access',
  },
  {
    id: 'F069',
    title: 'No access policy opens this to the caller',
    match: { codes: ['AccessDenied', 'ForbiddenByPolicy'] },
    cause:
      "The vault decides by access policies, and none names the caller's object id with this permission. Roles have no effect in such a vault.",
    fix: {
      say: 'Run init, which adds an entry and leaves the others.',
      run: 'az keyvault set-policy --name <vault> --object-id <principal id> --secret-permissions get',
    },
    risk: 'access',
  },
  {
    id: 'F070',
    title: 'A role is assigned, but the vault decides by access policies',
    match: {},
    cause: 'enableRbacAuthorization of the vault is false or null: roles are accepted and ignored.',
    fix: {
      say: 'Run init, which adds an access policy; moving the vault to RBAC is for its owner to decide.',
      run: MODE,
    },
    risk: 'access',
  },
  {
    id: 'F071',
    title: 'An access policy is there, but the vault decides by roles',
    match: {},
    cause: 'enableRbacAuthorization of the vault is true: access policies are accepted and ignored.',
    fix: { say: 'Run init, which assigns the role.', run: MODE },
    risk: 'access',
  },
  {
    id: 'F073',
    title: "The vault's firewall does not let this address in",
    match: { codes: ['ForbiddenByFirewall'] },
    cause:
      'The vault lets in named networks and addresses only, and the one in the message is none of them. Pods of AKS are not "trusted services".',
    fix: {
      say: "Have the vault's owner add the address or the cluster's subnet, or use a private endpoint.",
      run: 'az keyvault network-rule add --name <vault> --ip-address <address>',
    },
    risk: 'access',
  },
  {
    id: 'F074',
    title: 'The vault can be reached by private link only',
    match: { codes: ['ForbiddenByConnection'] },
    cause: 'Public access to the vault is disabled, and the request did not come through a private endpoint.',
    fix: {
      say: "Run from a network with a private endpoint of the vault, and link its private DNS zone to the cluster's network.",
      run: 'az network private-endpoint-connection list --id <vault id> --output table',
    },
    risk: 'none',
  },
  {
    id: 'F075',
    title: "The vault's host does not exist",
    match: { codes: ['ENOTFOUND'], text: /vault/i },
    cause: 'No vault of that name exists in this cloud, or the name cannot be looked up from here.',
    fix: {
      say: "Check the vault's name and the cloud.",
      run: 'az keyvault list --query "[].{name:name,uri:properties.vaultUri}" --output table',
    },
    risk: 'none',
  },
  {
    id: 'F078',
    title: 'The vault has no key or certificate of that name',
    match: { codes: ['KeyNotFound', 'CertificateNotFound'] },
    cause: 'The object is of another type, misspelt, deleted, or in another vault.',
    fix: {
      say: 'Name it with the flag of its type: --secret, --key or --certificate.',
      run: 'az keyvault certificate list --vault-name <vault> --output table',
    },
    risk: 'none',
  },
  {
    id: 'F077',
    title: 'The vault has no secret of that name',
    match: { codes: ['SecretNotFound'] },
    cause: 'The secret is misspelt, deleted, or in another vault.',
    fix: {
      say: 'Write it with --secret-value, or recover it if it was deleted.',
      run: 'az keyvault secret list --vault-name <vault> --include-managed --query "[].name"',
    },
    risk: 'none',
  },
  {
    id: 'F079',
    title: 'The secret is disabled',
    match: { codes: ['SecretDisabled'] },
    cause: 'The current version of the secret is switched off.',
    fix: {
      say: 'Have its owner enable it, or write a new version.',
      run: 'az keyvault secret set-attributes --vault-name <vault> --name <secret> --enabled true',
    },
    risk: 'access',
  },
  {
    id: 'F081',
    title: 'The name of the secret is not allowed',
    match: { codes: ['BadParameter'], text: /invalid name/i },
    cause: 'Names in Key Vault have letters, digits and hyphens only.',
    fix: { say: 'Rename it, and give the name that the pod should see as an alias: --secret db-password=DB_PASSWORD.' },
    risk: 'none',
  },
  {
    id: 'F082',
    title: 'A deleted secret holds the name',
    match: { codes: ['ObjectIsDeletedButRecoverable'] },
    cause: 'A secret of that name was deleted, and keeps its name until its retention ends.',
    fix: {
      say: 'Recover it; then --rotate writes a new version.',
      run: 'az keyvault secret recover --vault-name <vault> --name <secret>',
    },
    risk: 'none',
  },
  {
    id: 'F083',
    title: 'The vault limits the rate of requests',
    match: { codes: ['VaultRequestTypeLimitReached', 'Throttled'] },
    cause: 'A vault answers 4000 reads of secrets in ten seconds.',
    fix: { say: 'Poll less often (--rotation-interval) and mount fewer objects per pod.' },
    risk: 'none',
  },
  {
    id: 'F084',
    title: 'The token is of another tenant than the vault',
    match: { codes: ['AKV10032'] },
    cause: 'A vault trusts the tenant of its subscription only, and the identity or the caller belongs to another.',
    fix: {
      say: "Use an identity of the vault's tenant, and name that tenant with --tenant.",
      run: 'az keyvault show --name <vault> --query properties.tenantId',
    },
    risk: 'none',
  },
  {
    id: 'F143',
    title: 'The token is for another cloud or service than the vault',
    match: { codes: ['AKV10022'] },
    cause: 'The audience of the token is not the one of Key Vault in this cloud.',
    fix: {
      say: 'Name the cloud alike everywhere: --cloud here, cloudName in a SecretProviderClass.',
      run: 'az cloud show --query suffixes.keyvaultDns',
    },
    risk: 'none',
  },
];
