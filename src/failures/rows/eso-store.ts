import type { Row } from '../row.ts';

const ESO = ['external-secrets'] as const;
const STORE = 'kubectl get secretstore,clustersecretstore --all-namespaces --output yaml';
const KINDS = 'kubectl api-resources --api-group external-secrets.io';
/** What other stores than Key Vault say of themselves. */
const OTHERS =
  '{ThrottlingException|secretsmanager|AccessDeniedException|provider aws|amazonaws|aws.|gcpsm|googleapis|hashicorp vault|hashicorp.vault|vault.hashicorp|doppler|1password|bitwarden|akeyless|gitlab|conjur}';

/** The operator, its store and how it signs in. */
export const ESO_STORE: readonly Row[] = [
  {
    id: 'F111',
    title: 'The External Secrets Operator no longer serves v1beta1',
    layer: 'eso',
    methods: ESO,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'no matches for kind … in version external-secrets.io/{v1beta1|v1alpha1}' },
      { says: 'could not find version {v1beta1|v1alpha1} of external-secrets.io/' },
      { says: 'could not find the requested resource', with: ['external-secrets.io/v1beta1'] },
      {
        says: 'external-secrets.io/v1beta1… {no longer served|is not served|not found|deprecated and removed|is not supported}',
      },
    ],
    cause: 'The operator serves external-secrets.io/v1 alone since 0.17, and the manifest names an older version.',
    fix: {
      say: 'Write apiVersion: external-secrets.io/v1 into the manifest; for stores and ExternalSecrets of Key Vault nothing else changes.',
      run: KINDS,
    },
    risk: 'none',
    insteadOf: ['F112'],
  },
  {
    id: 'F112',
    title: "The cluster does not know the External Secrets Operator's kinds",
    layer: 'eso',
    methods: ESO,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'no matches for kind … in version external-secrets.io' },
      { says: 'no matches for kind {ExternalSecret|SecretStore|ClusterSecretStore|ClusterExternalSecret}' },
      { says: 'could not find version v1 of external-secrets.io/' },
      {
        says: `the server doesn't have a resource type {externalsecret|externalsecrets|secretstore|secretstores|clustersecretstore}`,
      },
    ],
    cause: 'The operator is not installed, or older than 0.16 and does not serve v1 yet.',
    fix: {
      say: 'Install or upgrade it: run init with --allow install. The line shows what the cluster serves.',
      run: KINDS,
    },
    risk: 'widens',
  },
  {
    id: 'F151',
    title: 'A SecretStore may not name another namespace',
    layer: 'eso',
    methods: ESO,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      {
        says: 'namespace {should either be empty or match|not allowed with|is not allowed with|must not be set|should be empty}… namespaced SecretStore',
      },
      { says: 'namespace not allowed with namespaced SecretStore' },
      { says: 'validate.secretstore.external-secrets.io denied the request', with: ['namespace'] },
    ],
    cause:
      'serviceAccountRef or a secretRef in a SecretStore has a namespace; such a store reads in its own namespace only.',
    fix: { say: 'Leave the namespace out there, or make it a ClusterSecretStore.', run: STORE },
    risk: 'none',
  },
  {
    id: 'F118',
    title: 'The store does not say how to sign in, and looks for a client secret',
    layer: 'eso',
    methods: ESO,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'missing secretRef in provider config' },
      { says: 'missing accessKeyID/secretAccessKey in store config', with: ['azure'] },
    ],
    cause: 'authType was left out, and its default is ServicePrincipal, which needs authSecretRef.',
    fix: {
      say: 'Write authType: WorkloadIdentity and serviceAccountRef under spec.provider.azurekv (init does).',
      run: STORE,
    },
    risk: 'none',
  },
  {
    id: 'F114',
    title: "The store's service account names no client id",
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'missing clientID: either serviceAccountRef or service account annotation' },
      { says: 'service account annotation azure.workload.identity/client-id is missing' },
      { says: 'missing clientID: serviceAccountRef' },
      {
        says: '{missing service account annotation|service account is missing annotation}… azure.workload.identity/client-id',
      },
    ],
    cause: 'The account that serviceAccountRef names has no annotation azure.workload.identity/client-id.',
    fix: {
      say: 'Annotate it (init does); the operator tries again by itself.',
      run: 'kubectl annotate serviceaccount <service account> --namespace <namespace> azure.workload.identity/client-id=<client id>',
    },
    risk: 'none',
  },
  {
    id: 'F115',
    title: 'The store knows no tenant',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'missing tenantID in store config' },
      { says: 'missing tenantID: …azure.workload.identity/tenant-id' },
    ],
    cause:
      "Neither spec.provider.azurekv.tenantId nor the account's annotation azure.workload.identity/tenant-id is there.",
    fix: {
      say: 'Write tenantId into the store: the tenant of the vault (init does).',
      run: 'az keyvault show --name <vault> --query properties.tenantId',
    },
    risk: 'none',
  },
  {
    id: 'F116',
    title: 'The store gets its client id or tenant from two places',
    layer: 'eso',
    methods: ESO,
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ says: 'multiple {clientID|tenantID|clientId|tenantId} found' }],
    cause: 'Both authSecretRef and the service account (or the store and the service account) name one.',
    fix: { say: "Keep the service account's annotation and take authSecretRef out.", run: STORE },
    risk: 'none',
  },
  {
    id: 'F117',
    title: 'The store names no service account, and the operator has no identity',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'missing environment variables. AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE must be set',
      },
      { says: 'AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE must be set' },
      // With useAzureSDK.
      {
        says: 'no client ID specified. Check pod configuration or set ClientID in the options',
        with: ['{InvalidProviderConfig|External Secrets, SecretStore|External Secrets, ClusterSecretStore}'],
      },
    ],
    cause:
      'serviceAccountRef is not where it belongs (spec.provider.azurekv), so the operator tries its own identity, and its pod has no label azure.workload.identity/use.',
    fix: {
      say: 'Write serviceAccountRef: { name: ... } under spec.provider.azurekv (init does). Giving the operator itself an identity lets every namespace use it.',
      run: STORE,
    },
    risk: 'none',
    insteadOf: ['F025', 'F028'],
  },
  {
    id: 'F119',
    title: 'The operator may not ask for tokens of service accounts',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'cannot create resource serviceaccounts/token',
        with: ['{external-secrets|secretstore|provider client}'],
      },
      { says: 'serviceaccounts … is forbidden: User system:serviceaccount:external-secrets' },
    ],
    cause: "The chart was installed with a smaller ClusterRole: 'create' on serviceaccounts/token is missing.",
    fix: {
      say: 'Set rbac.serviceAccountTokenCreate=true in the values of the chart (the default): the operator may then ask for tokens of any account.',
      run: 'kubectl auth can-i create serviceaccounts/token --as=system:serviceaccount:external-secrets:external-secrets --all-namespaces',
    },
    risk: 'widens',
  },
  {
    id: 'F150',
    title: "The Secret with the store's credentials does not exist",
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{could not find secret|cannot find secret|cannot get Kubernetes secret}… {not found|/}',
        with: ['{could not get provider client|unable to create client|InvalidProviderConfig|SecretStore}'],
        without: ['secret data', 'could not get secret data from provider', OTHERS],
      },
      {
        says: '{could not find secret|cannot get Kubernetes secret}',
        with: ['{azurekv|azure|ClientSecret|authSecretRef|SecretStore}'],
        without: ['secret data', OTHERS],
      },
      { says: 'failed to get … secret … not found', with: ['authSecretRef'] },
    ],
    cause:
      'authSecretRef names a Kubernetes Secret that is not there; in a ClusterSecretStore its namespace must be given.',
    fix: {
      say: 'Better than making it: authType: WorkloadIdentity with serviceAccountRef (init does), which needs no Secret.',
      run: STORE,
    },
    risk: 'none',
  },
  {
    id: 'F128',
    title: 'The custom cloud of the store is ignored',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'customCloudConfig', with: ['{useAzureSDK|ignored|requires|only supported|AzureStackCloud|no effect}'] },
      {
        says: 'useAzureSDK',
        with: [
          '{failed|error|fails|not work|ignored|requires|missing|unauthorized|must}',
          '{azurekv|SecretStore|ClusterSecretStore|external-secrets}',
        ],
        // As every `kubectl describe` prints it.
        without: ['useAzureSDK: {true|false}'],
        vague: true,
      },
    ],
    cause:
      'useAzureSDK of the store is off (the default), and the older library behind it does not know customCloudConfig.',
    fix: { say: 'Write useAzureSDK: true under spec.provider.azurekv.', run: STORE },
    risk: 'none',
  },
  {
    id: 'F113',
    title: 'The store is not valid, and its event says why',
    layer: 'eso',
    methods: ESO,
    seenBy: ['explain'],
    match: [
      { code: 'InvalidProviderConfig', without: [OTHERS] },
      { says: 'unable to create client', with: ['{SecretStore|external-secrets}'], without: [OTHERS] },
      { says: 'could not get provider client', without: [OTHERS] },
      { says: 'unable to validate store', with: ['{SecretStore|external-secrets}'], without: [OTHERS] },
    ],
    cause:
      'The condition of the store only says that no client could be made. The reason is in the events of the store, which go after an hour.',
    fix: {
      say: 'Read the events, or explain them here.',
      run: 'kubectl get events --namespace <namespace> --field-selector involvedObject.kind=SecretStore',
    },
    risk: 'none',
    wraps: true,
  },
];
