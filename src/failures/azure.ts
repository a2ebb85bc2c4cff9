import type { Row } from './row.ts';

/** Resource Manager: what init meets when it writes. */
export const AZURE: readonly Row[] = [
  {
    id: 'F001',
    title: 'The subscription is not registered for a resource provider',
    match: { codes: ['MissingSubscriptionRegistration', 'NoRegisteredProviderFound'] },
    cause: 'A subscription must be registered for a resource provider before it can hold its resources.',
    fix: {
      say: 'Register the provider named in the message, and run the same again when its state is Registered.',
      run: 'az provider register --namespace <namespace> --wait',
    },
    risk: 'shared',
  },
  {
    id: 'F003',
    title: 'The caller may not assign roles',
    match: { codes: ['AuthorizationFailed'], text: /Microsoft\.Authorization\/roleAssignments\/(write|delete)/i },
    cause:
      'Contributor does not include Microsoft.Authorization/roleAssignments/write; Owner, User Access Administrator, Role Based Access Control Administrator and Key Vault Data Access Administrator do.',
    fix: {
      say: 'Somebody who has one of these roles on the scope runs the line that the step gives; then run the same again.',
    },
    risk: 'access',
  },
  {
    id: 'F004',
    title: 'The caller lacks a right on a resource that the change refers to',
    match: { codes: ['LinkedAuthorizationFailed'] },
    cause: 'The change names another resource (an identity, a subnet), and the caller may not use that one.',
    fix: {
      say: 'Grant the caller a role on the linked resource: Managed Identity Operator for an identity, Network Contributor for a subnet.',
      run: 'az role assignment create --assignee-object-id <caller> --assignee-principal-type User --role "Managed Identity Operator" --scope <linked scope>',
    },
    risk: 'access',
  },
  {
    id: 'F005',
    title: 'Entra does not know the identity yet',
    match: { codes: ['PrincipalNotFound'] },
    cause: 'A new identity takes some seconds to arrive everywhere in Entra.',
    fix: { say: 'Run the same again in a minute.' },
    risk: 'none',
  },
  {
    id: 'F006',
    title: 'The same role assignment exists under another name',
    match: { codes: ['RoleAssignmentExists'] },
    cause: 'Somebody has given this role to this identity at this scope already.',
    fix: { say: 'Nothing is to be done: the access is there.' },
    risk: 'none',
  },
  {
    id: 'F007',
    title: 'A role assignment of that name belongs to another identity',
    match: { codes: ['RoleAssignmentUpdateNotPermitted'] },
    cause:
      'The name (a GUID) was used for an identity that has been deleted and made again since; an assignment cannot change its principal.',
    fix: {
      say: 'List the assignments of the scope, and have its owner remove the one whose principal no longer exists.',
      run: 'az role assignment list --scope <scope> --query "[?principalName==\'\']" --output table',
    },
    risk: 'access',
  },
  {
    id: 'F008',
    title: 'The subscription has no room for more role assignments',
    match: { codes: ['RoleAssignmentLimitExceeded'] },
    cause: 'A subscription holds 4000 role assignments.',
    fix: {
      say: 'Have assignments of deleted identities removed, or grant a group once and put identities into it.',
      run: 'az role assignment list --all --query "length(@)"',
    },
    risk: 'access',
  },
  {
    id: 'F009',
    title: 'A lock forbids the change',
    match: { codes: ['ScopeLocked'] },
    cause: 'A ReadOnly lock lies on the resource, its group or the subscription.',
    fix: {
      say: 'Ask the owner of the lock to lift it for the change.',
      run: 'az lock list --resource-group <resource group> --output table',
    },
    risk: 'shared',
  },
  {
    id: 'F010',
    title: 'An Azure Policy forbids the change',
    match: { codes: ['RequestDisallowedByPolicy', 'RequestDisallowedByAzure'] },
    cause:
      'A policy of the subscription or its management group denies this resource as it was asked for (its network access, region, tags, or the issuer of a credential).',
    fix: {
      say: 'Change what the policy named in the message objects to, or ask its owner for an exemption.',
      run: 'az policy assignment list --disable-scope-strict-match --output table',
    },
    risk: 'shared',
  },
  {
    id: 'F011',
    title: 'The name of the Key Vault is taken',
    match: { codes: ['VaultAlreadyExists', 'AlreadyExists'], text: /vault/i },
    cause:
      'Names of vaults are unique in the whole cloud, and a deleted vault keeps its name until its retention ends.',
    fix: {
      say: 'Choose another name with --vault, or recover the deleted vault if it is yours.',
      run: 'az keyvault list-deleted --output table',
    },
    risk: 'none',
  },
  {
    id: 'F012',
    title: 'The name of the Key Vault is not allowed',
    match: { codes: ['VaultNameNotValid', 'AccountNameInvalid'] },
    cause:
      "A vault's name has 3 to 24 letters, digits and single hyphens, begins with a letter and does not end with a hyphen.",
    fix: { say: 'Choose another name with --vault.' },
    risk: 'none',
  },
  {
    id: 'F013',
    title: 'Two federated credentials of one identity were written at once',
    match: { codes: ['ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity'] },
    cause: "Azure takes one write of an identity's credentials at a time, and somebody else was writing.",
    fix: { say: 'Run the same again.' },
    risk: 'none',
  },
  {
    id: 'F014',
    title: 'The identity has no room for another federated credential',
    match: {
      text: /(too many|maximum|limit)[^.]*federated identity credential|federated identity credential[^.]*(limit|maximum|exceed)/i,
    },
    cause: 'An identity holds 20 federated credentials.',
    fix: {
      say: 'Give this workload an identity of its own with --identity, or destroy workloads that no longer exist.',
    },
    risk: 'none',
  },
  {
    id: 'F015',
    title: 'The credential exists under another name',
    match: { text: /issuer and subject combination already exists/i },
    cause: 'An identity trusts a pair of issuer and subject once, and it does so already under another name.',
    fix: {
      say: 'Run the same again: a credential with the same issuer, subject and audience is used whatever its name. If it differs in the audience, correct that one.',
      run: 'az identity federated-credential list --identity-name <identity> --resource-group <resource group> --output table',
    },
    risk: 'none',
  },
  {
    id: 'F016',
    title: 'The identity lies in a region without federated credentials',
    match: { text: /support for federated identity credentials not enabled/i },
    cause:
      'Some regions (Malaysia South, New Zealand North) do not support federated credentials of managed identities.',
    fix: {
      say: "Make the identity in another region and name it with --identity; its region has nothing to do with the cluster's.",
      run: 'az identity create --name <identity> --resource-group <resource group> --location <other region>',
    },
    risk: 'none',
  },
  {
    id: 'F017',
    title: 'Another operation of the cluster is running',
    match: {
      codes: ['OperationNotAllowed', 'AnotherOperationInProgress', 'EtagMismatch'],
      text: /progress|in-progress|another operation|updating|upgrading|etag|precondition/i,
    },
    cause: "A cluster takes one change at a time, and somebody else's is not finished.",
    fix: {
      say: 'Wait until its state is Succeeded, and run the same again.',
      run: 'az aks wait --updated --name <cluster> --resource-group <resource group>',
    },
    risk: 'none',
  },
  {
    id: 'F018',
    title: 'The add-on cannot be switched off while its classes exist',
    match: { text: /addon cannot be disabled due to more than \d+ Secret Provider Class/i },
    cause: 'SecretProviderClasses are left in the cluster.',
    fix: {
      say: 'Look who still uses them, and take those workloads away first.',
      run: 'kubectl get secretproviderclasses --all-namespaces',
    },
    risk: 'loss',
  },
  {
    id: 'F019',
    title: 'The Key Vault add-on is there but switched off',
    match: {},
    cause: "A cluster keeps an add-on's entry after it was switched off.",
    fix: {
      say: 'Switch it on: run init with --allow cluster.',
      run: 'az aks enable-addons --addons azure-keyvault-secrets-provider --enable-secret-rotation --name <cluster> --resource-group <resource group>',
    },
    risk: 'shared',
  },
  {
    id: 'F154',
    title: 'The caller lacks a right',
    match: { codes: ['AuthorizationFailed'] },
    cause:
      'The caller has no role with the action named, on the scope named; a role given some minutes ago may not have arrived.',
    fix: {
      say: 'Somebody who administers the scope grants a role that has the action (for vaults: Key Vault Contributor; for identities: Managed Identity Contributor; for clusters: Azure Kubernetes Service Contributor Role).',
      run: 'az role assignment create --assignee-object-id <caller> --assignee-principal-type User --role "<role>" --scope <scope>',
    },
    risk: 'access',
  },
];
