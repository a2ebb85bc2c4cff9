import type { Row } from '../row.ts';

const OURS =
  '{Microsoft.KeyVault|Microsoft.ManagedIdentity|Microsoft.ContainerService|Microsoft.KubernetesConfiguration|Microsoft.Resources|Microsoft.Authorization|Microsoft.Features|/register/action}';

/** Resource Manager: who may, and what stands in the way of a role. */
export const AZURE_RIGHTS: readonly Row[] = [
  {
    id: 'F003',
    title: 'The caller may not assign roles',
    layer: 'azure',
    seenBy: ['init', 'verify', 'explain'],
    match: [
      { code: 'AuthorizationFailed', with: ['Microsoft.Authorization/roleAssignments/{write|delete}'] },
      { says: 'does not have {authorization|permission}… Microsoft.Authorization/roleAssignments/{write|delete}' },
    ],
    cause:
      'Contributor does not include Microsoft.Authorization/roleAssignments/write. Owner, User Access Administrator, Role Based Access Control Administrator and Key Vault Data Access Administrator do.',
    fix: {
      say: 'Let somebody who has one of these roles on the scope run this line, and run the same again.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope <scope>',
    },
    risk: 'widens',
    insteadOf: ['F154'],
  },
  {
    id: 'F154',
    title: 'The caller lacks a right',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'AuthorizationFailed', with: [OURS] },
      { says: `does not have authorization to perform action… ${OURS}` },
    ],
    cause:
      'The caller has no role with the action named, on the scope named. A role that was given some minutes ago may not have arrived; signing in again fetches it.',
    fix: {
      say: 'Let somebody who administers the scope grant a role that has the action: Key Vault Contributor for vaults, Managed Identity Contributor for identities, Azure Kubernetes Service Contributor Role for clusters.',
      run: 'az role assignment create --assignee-object-id <caller> --assignee-principal-type User --role "<role>" --scope <scope>',
    },
    risk: 'widens',
  },
  {
    id: 'F004',
    title: 'The caller lacks a right on a resource that the change refers to',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'LinkedAuthorizationFailed' },
      { says: 'does not have permission to perform action… on the linked scope' },
    ],
    cause: 'The change names another resource (an identity, a subnet), and the caller may not use that one.',
    fix: {
      say: 'Grant the caller a role on the linked resource: Managed Identity Operator for an identity, Network Contributor for a subnet.',
      run: 'az role assignment create --assignee-object-id <caller> --assignee-principal-type User --role "Managed Identity Operator" --scope <linked scope>',
    },
    risk: 'widens',
    insteadOf: ['F154'],
  },
  {
    id: 'F009',
    title: 'A lock forbids the change',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'ScopeLocked' },
      { says: 'cannot perform {write|delete} operation because following scope(s) are locked' },
    ],
    cause:
      'A lock lies on the resource, its group or the subscription: ReadOnly forbids every change, CanNotDelete every removal.',
    fix: {
      say: 'Ask the owner of the lock to lift it for the change. The line lists the locks.',
      run: 'az lock list --resource-group <resource group> --output table',
    },
    risk: 'none',
  },
  {
    id: 'F010',
    title: 'An Azure Policy forbids the change',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'RequestDisallowedByPolicy' },
      { code: 'RequestDisallowedByAzure' },
      { says: 'was disallowed by policy. {Reasons|Policy identifiers|Error Type|See error details}' },
    ],
    cause:
      'A policy of the subscription or its management group denies the resource as it was asked for: its network access, region, tags, or the issuer of a credential. The message names the policy.',
    fix: {
      say: 'Change what the policy objects to, or ask its owner for an exemption.',
      run: 'az policy assignment list --disable-scope-strict-match --output table',
    },
    risk: 'none',
  },
  {
    id: 'F005',
    title: 'Entra does not know the identity yet',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'PrincipalNotFound' },
      { says: 'Principal … does not exist in the directory' },
      { says: 'Cannot find user or service principal in graph database for' },
    ],
    cause:
      'A new identity takes some seconds to arrive everywhere in Entra. If it is older, the id is not an object id of this tenant.',
    fix: {
      say: 'Try again in a minute. Name the principal by its object id and type, so that nobody has to look it up.',
      run: 'az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role "Key Vault Secrets User" --scope <vault id>',
    },
    risk: 'widens',
  },
  {
    id: 'F006',
    title: 'The same role assignment exists under another name',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [{ code: 'RoleAssignmentExists' }, { says: 'The role assignment already exists' }],
    cause: 'Somebody has given this role to this identity at this scope already. Azure keeps one such assignment.',
    fix: { say: 'Nothing is to be done: the access is there. Templates and Terraform can import the assignment.' },
    risk: 'none',
  },
  {
    id: 'F007',
    title: 'A role assignment of that name belongs to another identity',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'RoleAssignmentUpdateNotPermitted' },
      { says: 'Tenant ID, application ID, principal ID, and scope are not allowed to be updated' },
    ],
    cause:
      'The name (a GUID) was used for an identity that has been deleted and made again since; an assignment cannot change its principal.',
    fix: {
      say: 'List the assignments of the scope, and have its owner remove the one whose principal no longer exists. In a template, derive the name from the principal id as well.',
      run: 'az role assignment list --scope <scope> --query "[?principalName==\'\']" --output table',
    },
    risk: 'none',
  },
  {
    id: 'F008',
    title: 'The subscription has no room for more role assignments',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'RoleAssignmentLimitExceeded' },
      { says: 'No more role assignments can be created' },
      { says: 'role assignment limit {has been|is|was} {exceeded|reached}' },
    ],
    cause: 'A subscription holds 4000 role assignments; those of deleted identities count too.',
    fix: {
      say: 'Have assignments of deleted identities removed, or grant a group once and put identities into it.',
      run: 'az role assignment list --all --query "length(@)"',
    },
    risk: 'none',
  },
];
