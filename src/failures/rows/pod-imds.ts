import type { Row } from '../row.ts';

/** The way before workload identity: the node's own metadata service (IMDS) and Pod Identity. */
export const POD_IMDS: readonly Row[] = [
  {
    id: 'F048',
    title: 'Pod Identity is used, and it is out of support',
    layer: 'pod',
    methods: ['csi'],
    seenBy: ['verify', 'explain'],
    match: [
      { says: '{localhost|127.0.0.1}:2579/host/token' },
      { says: '127.0.0.1:2579' },
      { says: 'nmi response failed' },
      { says: 'getting assigned identities for pod … in CREATED state failed' },
      { says: 'no AzureAssignedIdentity found for pod' },
      { says: '{AzureIdentityBinding|AzureAssignedIdentity|AzureIdentity} … {not found|failed|no matches for kind}' },
      { says: 'no matches for kind {AzureIdentity|AzureIdentityBinding}' },
      { says: 'no azure identity found for request clientID' },
    ],
    cause:
      'The class says usePodIdentity, or the pod bears the label aadpodidbinding. Pod Identity needs its own DaemonSet and bindings, and Microsoft ended its support in 2025.',
    fix: {
      say: 'Move to workload identity: take usePodIdentity out, set clientID in the class and let the identity trust the service account; init --method csi does all of it.',
      run: 'aks-secrets plan --method csi --namespace <namespace>',
    },
    risk: 'restarts',
    insteadOf: ['F045', 'F076'],
  },
  {
    id: 'F046',
    title: 'The node has several identities, and the request names none',
    layer: 'pod',
    methods: ['workload-identity', 'csi', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'Multiple user assigned identities exist, please specify the clientId' },
      { says: 'No System Assigned Identity or… multiple user assigned' },
    ],
    cause:
      'The token is asked of the node (IMDS), which has more than one identity: the Key Vault add-on brings its own. Workload identity was not used at all.',
    fix: {
      say: "Use workload identity: clientID in the class, or label and annotation for an application with a current SDK. On purpose with the node's identity: userAssignedIdentityID names it.",
      run: 'kubectl get secretproviderclass --namespace <namespace> --output yaml',
    },
    risk: 'restarts',
    insteadOf: ['F045'],
  },
  {
    id: 'F047',
    title: 'The node does not have the identity that is asked for',
    layer: 'pod',
    methods: ['workload-identity', 'csi', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'invalid_request, error_description: Identity not found', without: ['daprd', 'dapr.io'] },
      { says: 'No User Assigned or Delegated Managed Identity found for specified ClientId' },
      { says: 'error_description: Identity not found', without: ['daprd', 'dapr.io'] },
      {
        says: 'Identity not found',
        with: ['{169.254.169.254|userAssignedIdentityID|ManagedIdentityCredential|IMDS|useVMManagedIdentity}'],
        without: ['daprd', 'dapr.io'],
      },
    ],
    cause:
      'The token is asked of the node (IMDS) for an identity that is not assigned to it, or by an object id or resource id where the client id belongs.',
    fix: {
      say: 'Use workload identity: clientID in the class instead of userAssignedIdentityID; then nothing has to be assigned to nodes.',
      run: 'kubectl get secretproviderclass --namespace <namespace> --output yaml',
    },
    risk: 'restarts',
    insteadOf: ['F045'],
  },
  {
    id: 'F045',
    title: "The application asks the node's metadata service instead of using its token",
    layer: 'pod',
    methods: ['workload-identity', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '169.254.169.254… {connection refused|i/o timeout|context deadline exceeded|timed out|timeout|no route to host|Connection reset|unreachable|EHOSTUNREACH|ECONNREFUSED|forbidden|failed}',
        with: ['{metadata/identity|ManagedIdentity|token|vault}'],
      },
      {
        says: '{Managed Identity authentication is not available|No managed identity endpoint found|no response from the IMDS endpoint|No response received from the managed identity endpoint|managed identity endpoint is not available|IMDS endpoint is not available}',
      },
      {
        says: 'ManagedIdentityCredential{:| |} {Authentication failed|authentication unavailable|Network unreachable|is unavailable|The managed identity endpoint|No MSI credential available}',
      },
    ],
    cause:
      'The SDK found no token of workload identity (no label when the pod was made, or too old an SDK), so it asked the node at 169.254.169.254, which refuses pods or knows no such identity.',
    fix: {
      say: 'Put the wiring right: label on the pod template, annotation on the service account, a current SDK; then restart. verify says which is missing.',
      run: 'aks-secrets verify --pod <namespace>/<pod>',
    },
    risk: 'restarts',
    insteadOf: ['F076'],
  },
];
