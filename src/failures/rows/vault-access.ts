import type { Row } from '../row.ts';

const RBAC = 'Caller is not authorized to perform action on resource';
const WRITES = 'vaults/secrets/{setSecret|readMetadata|delete|recover|backup|restore|purge}';
const PUBLIC = 'vaults/{certificates|keys}/';
const NO_POLICY =
  'does not have {secrets|keys|certificates|secret|key|certificate} {get|list|set|delete|recover|backup|restore|purge|wrapKey|unwrapKey|sign|decrypt|encrypt} permission';
/** First-party clients of people: the Azure CLI, PowerShell and the portal. */
const PERSON =
  '{04b07795-8ddb-461a-bbee-02f9e1bf7b46|1950a258-227b-4e31-a9cf-717495945fc2|c44b4083-3bb0-49c1-b47d-974e53cbdf3c|unique_name=|/objectidentifier|live.com#|az keyvault secret set|az keyvault secret list|az keyvault secret show}';

/** Who may read what in a vault. Key Vault looks at the network first, then at rights, then whether the object is there. */
export const VAULT_ACCESS: readonly Row[] = [
  {
    id: 'F143',
    title: 'The token is for another cloud or service than the vault',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'AKV10022' }, { says: 'Invalid audience. Expected https://vault.' }],
    cause:
      'The audience of the token is not Key Vault of this cloud: the public scope against a government vault, or a token of Resource Manager against a vault.',
    fix: {
      say: 'Name the cloud alike everywhere: --cloud here, cloudName in a class, environmentType in a store, azureEnvironment in a component.',
      run: 'az cloud show --query suffixes.keyvaultDns',
    },
    risk: 'none',
  },
  {
    id: 'F084',
    title: 'The token is of another tenant than the vault',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AKV10032' },
      { says: 'Invalid issuer. Expected one of https://sts.' },
      // A client that asks for the tenant of the vault's challenge, which is not its own.
      { says: "isn't configured to acquire tokens for tenant" },
    ],
    cause: 'A vault trusts the tenant of its subscription only, and the identity or the caller belongs to another.',
    fix: {
      say: "Use an identity of the vault's tenant, and name that tenant: tenantID of the class, tenantId of the store, the annotation, or --tenant.",
      run: 'az keyvault show --name <vault> --query properties.tenantId',
    },
    risk: 'none',
  },
  {
    id: 'F144',
    title: 'Key Vault cannot check the signature of the token',
    layer: 'vault',
    seenBy: ['explain'],
    match: [{ code: 'AKV10046' }, { says: 'Unable to resolve the key used for signature validation' }],
    cause:
      'A fault of the service: it does not know the key that Entra signed with. It has nothing to do with your rights.',
    fix: {
      say: 'Try again after some minutes. If it stays, look at the status page of Azure, and open a support request with the request id.',
    },
    risk: 'none',
  },
  {
    id: 'F086',
    title: 'The caller may not write or list secrets in the vault',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'ForbiddenByRbac', with: [WRITES] },
      { says: `${RBAC}… ${WRITES}` },
      { says: RBAC, with: [PERSON] },
      { code: 'ForbiddenByRbac', with: [PERSON] },
      { says: 'The operation is not allowed by RBAC. If role assignments were recently changed' },
      { says: 'You are unauthorized to view these contents', vague: true },
    ],
    cause:
      'The vault decides by roles, and there not even an Owner or the one who made the vault has rights on the secrets themselves.',
    fix: {
      say: 'Grant Key Vault Secrets Officer to whoever writes (init --grant-self does it for one run), and wait some minutes.',
      run: 'az role assignment create --assignee-object-id <caller> --assignee-principal-type User --role "Key Vault Secrets Officer" --scope <vault id>',
    },
    risk: 'widens',
    insteadOf: ['F067'],
  },
  {
    id: 'F127',
    title: 'The identity may get secrets, but not list them',
    layer: 'vault',
    methods: ['dapr', 'external-secrets'],
    seenBy: ['verify', 'explain'],
    match: [
      {
        code: 'ForbiddenByRbac',
        with: [
          '{dataFrom|find|GetAllSecrets|ListSecrets|GetSecrets|BaseClient#GetSecrets|NewListSecret}',
          'vaults/secrets/readMetadata',
        ],
      },
      { says: 'does not have secrets list permission', with: ['{ExternalSecret|external-secrets|dapr|secretstore}'] },
      {
        says: '{could not get all secrets|keyvault.BaseClient#GetSecrets:|error listing secrets|unable to list secrets}',
        with: ['Forbidden', '{vault|azure}'],
      },
    ],
    cause:
      'dataFrom.find (and the bulk call of Dapr) lists the vault before it reads, and a custom role or an access policy gives "get" alone.',
    fix: {
      say: 'Name the secrets one by one, or grant listing too: Key Vault Secrets User has it, and a policy by this line.',
      run: 'az keyvault set-policy --name <vault> --object-id <principal id> --secret-permissions get list',
    },
    risk: 'widens',
    insteadOf: ['F086', 'F067', 'F069'],
  },
  {
    id: 'F068',
    title: 'The identity may read secrets, but not keys or certificates',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'ForbiddenByRbac', with: [PUBLIC], without: ['vaults/secrets/getSecret'] },
      { says: `${RBAC}… ${PUBLIC}` },
    ],
    cause:
      'The role Key Vault Secrets User opens secrets. The public part of a key or a certificate needs another role.',
    fix: {
      say: 'Grant Key Vault Reader for public parts (init grants what the objects named need). A certificate with its private key is read as a secret.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Reader" --scope <vault id>',
    },
    risk: 'widens',
    insteadOf: ['F067', 'F086'],
  },
  {
    id: 'F085',
    title: 'The roles went with the vault when it was deleted',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{recovered|re-created|recreated|restored|undeleted|purged and} … {vault|key vault}',
        with: ['{Forbidden|not authorized}'],
        vague: true,
      },
      {
        says: '{vault|key vault} … {was recovered|been recovered|was recreated|was re-created|been recreated|soft-delete recovery|after recovery|was deleted and}',
        with: ['{Forbidden|not authorized}'],
        vague: true,
      },
    ],
    cause: 'Role assignments on a vault are deleted with it, and recovering the vault does not bring them back.',
    fix: {
      say: 'Run init, which grants anew, or this line; and look which other workloads read the same vault.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope <vault id>',
    },
    risk: 'widens',
    sameWorldAs: ['F067'],
  },
  {
    id: 'F071',
    title: 'An access policy is there, but the vault decides by roles',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{access policy|access policies|set-policy}',
        with: ['{ForbiddenByRbac|DeniedWithNoValidRBAC|Caller is not authorized to perform action on resource}'],
        vague: true,
      },
      { says: 'Cannot set policies to a vault with --enable-rbac-authorization specified' },
      { says: 'Cannot set policies to a vault with … rbac' },
    ],
    cause:
      'enableRbacAuthorization of the vault is true (the default for new vaults since 2026): access policies are accepted and ignored.',
    fix: {
      say: 'Give the identity a role: run init, or this line. It takes up to ten minutes to arrive.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope <vault id>',
    },
    risk: 'widens',
  },
  {
    id: 'F067',
    title: 'The identity has no role that opens this secret',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'ForbiddenByRbac' }, { says: 'DeniedWithNoValidRBAC' }, { says: RBAC }],
    cause:
      'The vault decides by roles, and no assignment at or above the secret gives this caller the right; or it is younger than ten minutes and has not arrived. The appid and oid in the message say who asked.',
    fix: {
      say: 'Compare the oid in the message with the identity you granted to. Then run init, which grants Key Vault Secrets User, or this line, and wait up to ten minutes.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope <vault id>',
    },
    risk: 'widens',
    sameWorldAs: ['F085'],
  },
  {
    id: 'F072',
    title: 'The access policy is bound to an application besides the identity',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AccessDenied', with: ['{compound identity|on behalf of|on-behalf-of}', 'vault'] },
      { code: 'ForbiddenByPolicy', with: ['{compound identity|on behalf of|on-behalf-of}'] },
      { says: 'The policy requires the caller … to use on-behalf-of' },
      { says: '{compound identity|Authorized application|applicationId}', with: [NO_POLICY] },
      { says: 'accessPolicies… applicationId: {0|1|2|3|4|5|6|7|8|9|a|b|c|d|e|f}', with: [NO_POLICY] },
    ],
    cause: 'The policy has an applicationId, so it opens the vault only to that application when it acts for somebody.',
    fix: {
      say: 'Add a policy for the identity alone: run init, or this line. Leave "authorized application" empty in the portal.',
      run: 'az keyvault set-policy --name <vault> --object-id <principal id> --secret-permissions get',
    },
    risk: 'widens',
    insteadOf: ['F069'],
  },
  {
    id: 'F070',
    title: 'A role is assigned, but the vault decides by access policies',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{Key Vault Secrets User|Key Vault Secrets Officer|Key Vault Administrator|Key Vault Reader}',
        with: [NO_POLICY],
      },
      {
        says: '{role is assigned|role assigned|assigned the role|RBAC role|role assignment}',
        with: [NO_POLICY],
        vague: true,
      },
    ],
    cause: 'enableRbacAuthorization of the vault is false or not set: roles are accepted and ignored.',
    fix: {
      say: 'Run init, which adds an access policy, or this line. Moving the vault to roles is for its owner to decide: it switches all policies off.',
      run: 'az keyvault set-policy --name <vault> --object-id <principal id> --secret-permissions get',
    },
    risk: 'widens',
    insteadOf: ['F069'],
  },
  {
    id: 'F069',
    title: 'No access policy opens this to the caller',
    layer: 'vault',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AccessDenied', with: ['vault'], without: ['AccessDeniedException', 'amazonaws', 'hashicorp'] },
      { code: 'ForbiddenByPolicy' },
      { says: NO_POLICY, with: ['vault'] },
    ],
    cause:
      "The vault decides by access policies, and none names the caller's object id with this permission. Roles have no effect in such a vault.",
    fix: {
      say: 'Run init, which adds an entry and leaves the others, or this line. It takes the object id (oid), not the client id.',
      run: 'az keyvault set-policy --name <vault> --object-id <principal id> --secret-permissions get',
    },
    risk: 'widens',
  },
];
