import type { Row } from '../row.ts';

const CREDENTIALS =
  'az identity federated-credential list --identity-name <identity> --resource-group <resource group> --output table';

/** Resource Manager: providers, vaults, identities and their credentials, the cluster's own state. */
export const AZURE_RESOURCES: readonly Row[] = [
  {
    id: 'F002',
    title: 'The provider of cluster extensions is not registered',
    layer: 'azure',
    methods: ['dapr'],
    seenBy: ['verify', 'explain'],
    match: [{ code: 'ExtensionTypeRegistrationGetFailed' }],
    cause:
      'Microsoft.KubernetesConfiguration is not registered in the subscription, so the type of the extension cannot be looked up.',
    fix: {
      say: 'Register it, and install the extension when its state is Registered.',
      run: 'az provider register --namespace Microsoft.KubernetesConfiguration --wait',
    },
    risk: 'widens',
    insteadOf: ['F001'],
  },
  {
    id: 'F001',
    title: 'The subscription is not registered for a resource provider',
    layer: 'azure',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'MissingSubscriptionRegistration' },
      { code: 'NoRegisteredProviderFound' },
      { says: 'The subscription is not registered to use namespace' },
      { says: 'provider has not been registered. More details for registering' },
      {
        says: 'Microsoft.{KubernetesConfiguration|KeyVault|ManagedIdentity|ContainerService}… NotRegistered',
        vague: true,
      },
    ],
    cause: 'A subscription must be registered for a resource provider before it can hold its resources.',
    fix: {
      say: 'Register the provider named in the message, and run the same again when its state is Registered.',
      run: 'az provider register --namespace <provider> --wait',
    },
    risk: 'widens',
  },
  {
    id: 'F011',
    title: 'The name of the Key Vault is taken',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'VaultAlreadyExists' },
      { code: 'AlreadyExists', with: ['vault'] },
      { says: 'The {vault name|name of the vault|name} … is already in use', with: ['vault'] },
      { says: 'vault with the same name already exists in deleted state' },
      { code: 'ConflictError', with: ['vault … {deleted state|recoverable state}'] },
    ],
    cause:
      'Names of vaults are unique in the whole cloud, and a deleted vault keeps its name until its retention ends.',
    fix: {
      say: 'Choose another name with --vault, or recover the deleted vault if it is yours. Recovering does not bring its role assignments back.',
      run: 'az keyvault list-deleted --output table',
    },
    risk: 'none',
  },
  {
    id: 'F012',
    title: 'The name of the Key Vault is not allowed',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'VaultNameNotValid' },
      { code: 'AccountNameInvalid', with: ['vault'] },
      { says: "{vault's name|vault name} must be between 3-24 alphanumeric characters" },
      { says: 'The vault name … is invalid' },
    ],
    cause:
      "A vault's name has 3 to 24 letters, digits and single hyphens, begins with a letter and does not end with a hyphen.",
    fix: { say: 'Choose another name with --vault.' },
    risk: 'none',
  },
  {
    id: 'F013',
    title: 'Two federated credentials of one identity were written at once',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity' },
      { says: 'Too many Federated Identity Credentials are written concurrently' },
    ],
    cause: "Azure takes one write of an identity's credentials at a time, and somebody else was writing.",
    fix: {
      say: 'Run the same again. In Terraform or Bicep, let each credential of the identity depend on the one before it.',
    },
    risk: 'none',
    insteadOf: ['F014'],
  },
  {
    id: 'F014',
    title: 'The identity has no room for another federated credential',
    layer: 'azure',
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'too many federated {identity |}credentials', without: ['written concurrently'] },
      {
        says: '{maximum|limit|quota}… federated {identity |}credential… {reached|exceed|has been met}',
        without: ['written concurrently'],
      },
      {
        says: 'federated {identity |}credential… {maximum|limit|quota}… {reached|exceed|has been met}',
        without: ['written concurrently'],
      },
      {
        says: '{more than 20|only 20|limit of 20|maximum of 20|limit is 20|20th|21st} federated {identity |}credential',
        with: ['{fail|cannot|unable|blocking|error}'],
        vague: true,
      },
    ],
    cause: 'An identity or application holds 20 federated credentials.',
    fix: {
      say: 'Give this workload an identity of its own with --identity, or take away the credentials of workloads and clusters that no longer exist.',
      run: CREDENTIALS,
    },
    risk: 'none',
  },
  {
    id: 'F015',
    title: 'The credential exists under another name',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [
      { says: 'issuer and subject combination already exists' },
      { says: 'combination of issuer and subject must be unique' },
    ],
    cause: 'An identity trusts a pair of issuer and subject once, and it does so already under another name.',
    fix: {
      say: 'Use the one that is there: its name has no effect. If it differs in the audience, correct that one.',
      run: CREDENTIALS,
    },
    risk: 'none',
  },
  {
    id: 'F016',
    title: 'The identity lies in a region without federated credentials',
    layer: 'azure',
    seenBy: ['init', 'explain'],
    match: [{ says: 'support for federated identity credentials not enabled' }],
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
    layer: 'azure',
    seenBy: ['verify', 'explain'],
    match: [
      {
        code: 'OperationNotAllowed',
        with: ['{in progress|in-progress|another operation|updating|upgrading|being upgraded}'],
        without: ['quota'],
      },
      { code: 'AnotherOperationInProgress' },
      { code: 'EtagMismatch' },
      { says: 'there is a conflicting operation in progress' },
      {
        says: "Operation is not allowed {because there's|because there is|because another|while cluster is being|: another operation}",
      },
      {
        says: '{another|a conflicting} … operation … {is in progress|is already in progress|is in-progress}',
        with: ['{managed cluster|managedClusters|az aks}'],
      },
    ],
    cause: "A cluster takes one change at a time, and somebody else's is not finished, or has got stuck.",
    fix: {
      say: 'Wait until its state is Succeeded, and run the same again. If it stays for hours: az aks operation-abort.',
      run: 'az aks wait --updated --name <cluster> --resource-group <resource group>',
    },
    risk: 'none',
  },
  {
    id: 'F018',
    title: 'The add-on cannot be switched off while its classes exist',
    layer: 'azure',
    methods: ['csi'],
    seenBy: ['init', 'explain'],
    match: [{ says: 'addon cannot be disabled due to' }, { says: 'more than 0 Secret Provider Class' }],
    cause: 'SecretProviderClasses are left in the cluster, in this namespace or another.',
    fix: {
      say: 'Look who still uses them, and take those workloads and their classes away first.',
      run: 'kubectl get secretproviderclasses --all-namespaces',
    },
    risk: 'destroys',
  },
  {
    id: 'F019',
    title: 'The Key Vault add-on is there but switched off',
    layer: 'azure',
    methods: ['csi'],
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'azureKeyvaultSecretsProvider: {|config: null,|config: ,|config: enableSecretRotation: false, rotationPollInterval: 2m,|config: enableSecretRotation: true, rotationPollInterval: 2m,} enabled: false',
      },
      { says: 'azureKeyvaultSecretsProvider False' },
    ],
    cause: "A cluster keeps an add-on's entry after it was switched off: that the entry exists says nothing.",
    fix: {
      say: 'Switch it on: run init with --allow cluster, or this line.',
      run: 'az aks enable-addons --addons azure-keyvault-secrets-provider --enable-secret-rotation --name <cluster> --resource-group <resource group>',
    },
    risk: 'widens',
  },
];
