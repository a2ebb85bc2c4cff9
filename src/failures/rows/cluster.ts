import type { Row } from '../row.ts';

const WEBHOOK =
  'kubectl get deployment,endpoints --namespace kube-system --selector azure-workload-identity.io/system=true';
const LOST =
  '{context deadline exceeded|connection refused|server gave HTTP response to HTTPS client|i/o timeout|no route to host|connection reset|TLS handshake|x509|: EOF|Client.Timeout|context canceled|proxy error|the server could not find|the server is currently unable}';

/** The cluster: features, the webhook of workload identity, and objects that belong to somebody else. */
export const CLUSTER: readonly Row[] = [
  {
    id: 'F034',
    title: 'The workload identity webhook has no running pod',
    layer: 'cluster',
    methods: ['workload-identity', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'mutation.azure-workload-identity.io… no endpoints available' },
      { says: 'no endpoints available for service azure-wi-webhook-webhook-service' },
    ],
    cause:
      'No pod of the webhook is ready, and until one is, the API server refuses every pod that bears the label azure.workload.identity/use.',
    fix: {
      say: 'Find out why its pods do not run: nodes full or stopped, taints, a failed upgrade. Pods are made again by themselves once one is ready.',
      run: WEBHOOK,
    },
    risk: 'none',
  },
  {
    id: 'F035',
    title: 'The API server does not reach the workload identity webhook',
    layer: 'cluster',
    methods: ['workload-identity', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'failed calling webhook mutation.azure-workload-identity.io', without: ['no endpoints available'] },
      {
        says: 'azure-wi-webhook-webhook-service… {mutate-v1-pod|:443|.svc}',
        with: [LOST],
        without: ['no endpoints available'],
      },
    ],
    cause:
      'The call to the webhook failed on its way: a network policy, a proxy, the tunnel to the nodes, or a restart during an upgrade.',
    fix: {
      say: "Let the API server reach the webhook's pods on port 9443, and try again. During an upgrade it passes by itself.",
      run: WEBHOOK,
    },
    risk: 'none',
  },
  {
    id: 'F036',
    title: 'Workload identity is not enabled in the cluster',
    layer: 'cluster',
    methods: ['workload-identity', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'mutatingwebhookconfigurations… azure-wi-webhook… not found' },
      { says: 'azure-wi-webhook-{mutating-webhook-configuration|controller-manager} not found' },
      {
        says: 'azure-wi-webhook{|-controller-manager|-webhook} {pod|pods|deployment} … {does not exist|do not exist|missing|not there}',
        vague: true,
      },
      { says: 'workloadIdentity: {null|enabled: false|enabled: null}', with: ['securityProfile'] },
    ],
    cause:
      'The OIDC issuer alone puts no token into pods: securityProfile.workloadIdentity of the cluster is off, so the webhook is not there.',
    fix: {
      say: 'Switch it on: run init with --allow cluster,irreversible, or this line; then restart the pods.',
      run: 'az aks update --enable-oidc-issuer --enable-workload-identity --name <cluster> --resource-group <resource group>',
    },
    risk: 'restarts',
  },
  {
    id: 'F037',
    title: 'The workload identity webhook is installed twice',
    layer: 'cluster',
    methods: ['workload-identity', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'azure-workload-identity-system… azure-wi-webhook-controller-manager',
        with: ['kube-system… azure-wi-webhook-controller-manager'],
        vague: true,
      },
      {
        says: 'kube-system… azure-wi-webhook-controller-manager',
        with: ['azure-workload-identity-system… azure-wi-webhook-controller-manager'],
        vague: true,
      },
      {
        says: '{both the|two instances of|twice|double}… {azure-wi-webhook|workload identity webhook|workload-identity webhook}',
        vague: true,
      },
      { says: 'azure-wi-webhook-mutating-webhook-configuration… exists and cannot be imported' },
    ],
    cause:
      'The webhook of the add-on and one installed by Helm both change the pods, and the two do not agree on file paths and volumes.',
    fix: {
      say: 'Keep the add-on and have the Helm release of azure-workload-identity uninstalled; then restart the pods. The line shows what there is.',
      run: 'kubectl get mutatingwebhookconfigurations,deployments --all-namespaces --selector azure-workload-identity.io/system=true',
    },
    risk: 'destroys',
  },
  {
    id: 'F040',
    title: 'Pods in kube-system are left alone by the webhook',
    layer: 'cluster',
    methods: ['workload-identity', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'kube-system namespace',
        with: [
          '{not injected|are not injected|no injection|not mutated|webhook injections|not being injected|exclusion}',
          '{workload identity|workload identities|workload-identity|azure.workload.identity|azwi|AZURE_}',
        ],
        vague: true,
      },
      {
        says: 'namespace{: |s }kube-system',
        with: [
          '{not injected|not mutated|not being injected}',
          '{workload identity|workload-identity|azure.workload.identity|AZURE_}',
        ],
        vague: true,
      },
    ],
    cause:
      'AKS keeps webhooks away from its own namespaces. A pod in kube-system gets neither AZURE_* variables nor a token file, whatever its labels say.',
    fix: { say: 'Run the workload in a namespace of its own; init --namespace makes one.' },
    risk: 'restarts',
    insteadOf: ['F025'],
  },
  {
    id: 'F044',
    title: 'The pod runs on a virtual node, where workload identity does not work',
    layer: 'cluster',
    methods: ['workload-identity', 'csi', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{virtual-node-aci-linux|virtual-kubelet|virtual node|ACI connector}',
        with: [
          "{Warning|Failed|does not work|doesn't work|unsupported type|not injected}",
          '{workload identity|workload-identity|azure.workload.identity|AZURE_FEDERATED_TOKEN_FILE|azure-identity-token}',
        ],
        vague: true,
      },
      {
        says: 'virtual-node-aci-linux',
        with: ['{azure-identity-token|azure/wi}… {no such file|unsupported|not found|cannot}'],
      },
      {
        says: '{Secret Provider|secrets-store.csi.k8s.io|CSI volumes|volumes of type CSI}… not supported… {virtual node|virtual-kubelet|ACI}',
      },
    ],
    cause: 'Virtual nodes (Azure Container Instances) get no projected token for workload identity and no CSI driver.',
    fix: {
      say: 'Let the pod run on a node pool of virtual machines: take the toleration virtual-kubelet.io/provider and the node selector out of its template.',
      run: 'kubectl get pod <pod> --namespace <namespace> --output wide',
    },
    risk: 'restarts',
    insteadOf: ['F025', 'F042'],
  },
  {
    id: 'F155',
    title: 'The object belongs to somebody else',
    layer: 'cluster',
    methods: ['csi', 'external-secrets'],
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'FieldManagerConflict' },
      {
        says: 'Apply failed with… conflict… conflict{s|} with',
        with: [
          '{Secret|SecretStore|ExternalSecret|SecretProviderClass|ServiceAccount|Component|azure.workload.identity}',
        ],
      },
      {
        says: '{failed to create|error creating|cannot create} secret … already exists',
        with: ['{ExternalSecret|external-secrets|secrets-store|SecretProviderClass}'],
      },
      { says: 'secret already exists in namespace', with: ['{ExternalSecret|external-secrets|secrets-store}'] },
      {
        says: '{existing secret|secret with the same name|already created secret|created secret with the same name|overwrote the entire|existing Kubernetes secret} … {overwritten|overridden|overwrote|replaced|wiping|wiped|taken over|lost}',
        with: ['{ExternalSecret|external-secrets|secretObjects|SecretProviderClass|creationPolicy}'],
        vague: true,
      },
      { says: 'secret … already exists and is not {managed|owned} by' },
      { says: 'secret … {exists|is owned by|owned by}… {not managed by|another owner|not owned by|different owner}' },
    ],
    cause:
      'A Secret or another object of that name is there already, and its manager (Argo CD, Flux, Helm, a person with kubectl) set these fields and would set them back.',
    fix: {
      say: 'Choose another name for the target, or change the object where its manager reads it. The line shows who wrote it.',
      run: 'kubectl get secret <name> --namespace <namespace> --show-managed-fields --output jsonpath="{.metadata.managedFields[*].manager} {.metadata.ownerReferences[*].name}"',
    },
    risk: 'none',
  },
];
