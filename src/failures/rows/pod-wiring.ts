import type { Concern, Row } from '../row.ts';

const INJECTED: readonly Concern[] = ['workload-identity', 'dapr'];
const RESTART = 'kubectl rollout restart deployment --namespace <namespace>';
const SHOW_POD = 'kubectl get pod <pod> --namespace <namespace> --output yaml';
const SHOW_ACCOUNT = 'kubectl get serviceaccount <service account> --namespace <namespace> --output yaml';
const LABEL = 'azure.workload.identity/use';
const TOPIC =
  '{workload identity|workload-identity|azure.workload.identity|azwi|AZURE_FEDERATED_TOKEN_FILE|AZURE_CLIENT_ID|federated token}';
const NOT_INJECTED =
  "{not injected|not being injected|not get injected|not getting injected|aren't injected|isn't injected|no env|not added|not set|not mutated|not mounted|never injected|are missing|is missing|not present|does not inject|doesn't inject|not injecting}";

/** Labels, annotations and accounts: what the webhook goes by when a pod is made. */
export const POD_WIRING: readonly Row[] = [
  {
    id: 'F033',
    title: 'The service account does not exist',
    layer: 'pod',
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'error looking up service account' },
      {
        says: '{serviceaccount|serviceaccounts} ~ not found',
        with: [
          '{Error creating|FailedCreate|is forbidden|mutation.azure-workload-identity.io|Error from server|could not find|error looking up}',
        ],
        without: ['account tokens', 'secretstore'],
      },
      {
        says: 'ServiceAccount ~ not found',
        with: ['mutation.azure-workload-identity.io'],
        without: ['account tokens'],
      },
      // As the operator says it of a store.
      {
        says: 'ServiceAccount ~ not found',
        with: ['{InvalidProviderConfig|External Secrets, SecretStore|External Secrets, ClusterSecretStore}'],
        without: ['account tokens'],
      },
      { says: 'failed to get service account: ServiceAccount ~ not found' },
    ],
    cause:
      'The pod, or the serviceAccountRef of a store, names a service account that its namespace does not have. No pod is made at all then: the reason stands on the ReplicaSet, not on a pod.',
    fix: {
      say: 'Run init, which makes it, or correct serviceAccountName.',
      run: 'kubectl get serviceaccounts --namespace <namespace>',
    },
    risk: 'none',
  },
  {
    id: 'F038',
    title: 'The lifetime asked for the token is not allowed',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'token expiration … not valid. Expected value to be between 3600 and 86400' },
      { says: 'service-account-token-expiration… {invalid|not valid|must be}' },
    ],
    cause: 'The annotation azure.workload.identity/service-account-token-expiration takes seconds from 3600 to 86400.',
    fix: { say: 'Write a number from 3600 to 86400, or leave the annotation out (3600).', run: SHOW_ACCOUNT },
    risk: 'none',
  },
  {
    id: 'F039',
    title: 'The migration proxy cannot be put into a pod on the host network',
    layer: 'pod',
    methods: ['workload-identity'],
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ says: 'hostNetwork is set to true, cannot inject proxy sidecar' }],
    cause:
      'The annotation azure.workload.identity/inject-proxy-sidecar asks for a proxy that catches IMDS calls, and on the host network it would catch those of the whole node.',
    fix: {
      say: 'Take the annotation away (even "false" counts) and use an Azure SDK that knows workload identity; or leave the host network.',
    },
    risk: 'restarts',
  },
  {
    id: 'F026',
    title: 'The label stands on the Deployment and not on its pods',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      {
        says: `kind: {Deployment|StatefulSet|DaemonSet|CronJob|Job|ReplicaSet} metadata:… labels:… ${LABEL}: true… spec:`,
        without: [`template: metadata:… ${LABEL}: true`],
        vague: true,
      },
      {
        says: `{label|labels} … {deployment|cronjob|statefulset|job} {metadata|level|labels|itself|instead of|, not|and not|but not}`,
        with: [TOPIC, NOT_INJECTED],
        vague: true,
      },
      {
        says: '{for k8s jobs|for jobs|CronJob|k8s Job|Job spec|StatefulSet}',
        with: [
          '{AZURE_CLIENT_ID|AZURE_FEDERATED_TOKEN_FILE}',
          '{do not have the required|not injected|missing|not set on}',
        ],
        vague: true,
      },
      {
        says: '{spec.template.metadata.labels|spec.jobTemplate.spec.template.metadata|pod template}',
        with: [LABEL, NOT_INJECTED],
        vague: true,
      },
    ],
    cause:
      'The webhook looks at pods. A label on the Deployment, CronJob or StatefulSet itself does not reach them: only that of the pod template does.',
    fix: {
      say: 'Move the label to spec.template.metadata.labels (in a CronJob: spec.jobTemplate.spec.template.metadata.labels). The pods are then made anew.',
      run: 'kubectl get pods --namespace <namespace> --selector azure.workload.identity/use=true',
    },
    risk: 'restarts',
    insteadOf: ['F025'],
  },
  {
    id: 'F030',
    title: 'The annotation stands on another object than the service account',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      {
        says: 'Annotations:… azure.workload.identity/client-id: … Selector:',
        vague: true,
      },
      {
        says: 'kind: {Service|Deployment|Pod|StatefulSet|DaemonSet|CronJob|Job|ConfigMap} metadata:… annotations:… azure.workload.identity/client-id',
        without: ['kind: ServiceAccount'],
        vague: true,
      },
      {
        says: '{annotation|annotated} … {on the pod|on the deployment|on the service |to the pod|to the deployment|to the service |on my deployment|on my pod} … {instead of|not on|and not|rather than} … {service account|serviceaccount}',
        with: [TOPIC],
        vague: true,
      },
    ],
    cause:
      'The webhook reads azure.workload.identity/client-id from the ServiceAccount of the pod. On a Service, a Deployment or a pod it has no effect.',
    fix: {
      say: 'Put the annotation on the service account (init does), then restart the pods.',
      run: 'kubectl annotate serviceaccount <service account> --namespace <namespace> azure.workload.identity/client-id=<client id>',
    },
    risk: 'none',
    insteadOf: ['F028', 'F025'],
  },
  {
    id: 'F031',
    title: 'A key of the label or annotation is misspelt',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      {
        says: 'azure.workload.identity/{client_id|clientId:|clientId=|tenant_id|tenantId:|tenantid:|use-workload-identity|used:|enabled:|use_|inject:|federated|identity-client-id|clienid|cient-id|client-is|use-identity:}',
      },
      {
        says: '{azure.workload-identity/|azure.workloadidentity/|azure.workloads.identity/|azure-workload-identity/|azure.workload.identities/|workload.identity.azure/|azureworkload.identity/}{use|client-id|tenant-id}',
      },
      { says: 'azure.workload.identity/use: {yes|enabled|1 |"1"}', vague: true },
    ],
    cause:
      'The keys are exact: azure.workload.identity/client-id and /tenant-id on the service account, azure.workload.identity/use: "true" on the pod. Others are ignored without a word.',
    fix: { say: 'Correct the key (init writes them), then restart the pods.', run: SHOW_ACCOUNT },
    risk: 'none',
    insteadOf: ['F025', 'F028'],
  },
  {
    id: 'F027',
    title: 'A variable set by hand wins over what the webhook would inject',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{AZURE_CLIENT_ID|AZURE_TENANT_ID|AZURE_FEDERATED_TOKEN_FILE} … {differs|different|overrides|overridden|overwritten|not overwritten|hard-coded|hardcoded|already set|set manually|set by hand|instead of the annotation|does not match}',
        with: ['{annotation|webhook|service account}'],
        without: ['must be set'],
        vague: true,
      },
    ],
    cause:
      'The pod template (or a ConfigMap it takes variables from) sets AZURE_CLIENT_ID or a sibling itself, and the webhook never overwrites a variable that is there.',
    fix: {
      say: 'Take the AZURE_* variables out of the template; the webhook sets them from the service account.',
      run: SHOW_POD,
    },
    risk: 'restarts',
    insteadOf: ['F028'],
  },
  {
    id: 'F028',
    title: 'The service account names no client id',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'no client ID specified. Check pod configuration or set ClientID in the options' },
      {
        says: '{except|except for|without|but not|but no|only} AZURE_CLIENT_ID',
        vague: true,
      },
      {
        says: 'AZURE_CLIENT_ID {|env var |environment variable |variable |env }{is|was} {missing|empty|not injected|not set|blank|not being injected}',
        without: ['must be set'],
        vague: true,
      },
      { says: 'AZURE_CLIENT_ID: AZURE_{TENANT_ID|FEDERATED_TOKEN_FILE}' },
    ],
    cause:
      'When the pod was made its service account had no annotation azure.workload.identity/client-id, or an empty one. The other variables are injected all the same.',
    fix: {
      say: 'Annotate the service account (init does), then restart the pods.',
      run: 'kubectl annotate serviceaccount <service account> --namespace <namespace> azure.workload.identity/client-id=<client id>',
    },
    risk: 'none',
    insteadOf: ['F025'],
  },
  {
    id: 'F029',
    title: 'The pod is older than the label or annotation',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{restarting|restarted|deleting|recreating|re-creating|rollout restart|redeploying} … {pod|pods|deployment} … {fixed|solved|resolved|helps|helped|works|worked|did the trick|is needed|was needed}',
        with: [TOPIC],
        vague: true,
      },
      {
        says: '{the pod|pods|pod was|pod is} … {created before|older than|were created before|was created before|started before|existing before} … {annotation|label|webhook|service account|workload identity}',
        vague: true,
      },
    ],
    cause:
      'The webhook changes a pod once, when it is made. What is written to the service account later reaches new pods only.',
    fix: { say: 'Restart the pods.', run: RESTART },
    risk: 'restarts',
  },
  {
    id: 'F032',
    title: 'The pod uses the service account "default"',
    layer: 'pod',
    methods: ['workload-identity', 'csi', 'dapr'],
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'system:serviceaccount:…:default{.|,| https}', with: ['AADSTS7002'] },
      {
        says: 'Service Account: default',
        with: [`{${LABEL}|AADSTS7002|secrets-store.csi.k8s.io|AZURE_FEDERATED_TOKEN_FILE}`],
        vague: true,
      },
      { says: 'serviceAccountName: default', with: [TOPIC], vague: true },
    ],
    cause:
      'serviceAccountName is missing in the pod template, so the pod presents the account "default" of its namespace, which no identity trusts.',
    fix: {
      say: 'Set serviceAccountName in the pod template to the account that the credential names; init prints it.',
      run: 'kubectl get pod <pod> --namespace <namespace> --output jsonpath="{.spec.serviceAccountName}"',
    },
    risk: 'restarts',
  },
  {
    id: 'F041',
    title: 'The application may not read the token file',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['explain'],
    match: [
      { says: 'azure-identity-token… permission denied' },
      { says: '{Permission denied|EACCES|AccessDeniedException|UnauthorizedAccessException}… azure-identity-token' },
      { says: '/var/run/secrets/azure/{tokens|wi}/… permission denied' },
    ],
    cause:
      'The container runs as a user who may not read the projected token: an old Kubernetes, or a user or fsGroup that does not fit.',
    fix: {
      say: 'Set securityContext.fsGroup in the pod template to the group of the user that the container runs as.',
      run: SHOW_POD,
    },
    risk: 'restarts',
  },
  {
    id: 'F042',
    title: 'The application looks for the token file at a fixed path',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '/var/run/secrets/azure/tokens/azure-identity-token… {no such file|cannot find|not found|does not exist|FileNotFound|ENOENT|NoSuchFile}',
      },
      {
        says: '{no such file|ENOENT|FileNotFound|Could not find file|NoSuchFileException|cannot open|Could not find a part of the path}… /var/run/secrets/azure/tokens/azure-identity-token',
      },
    ],
    cause:
      'The path is written down somewhere, and the webhook mounts the token elsewhere since its version 1.6; or the pod got no token at all.',
    fix: { say: 'Read the path from the variable AZURE_FEDERATED_TOKEN_FILE, as the Azure SDKs do.', run: SHOW_POD },
    risk: 'none',
    insteadOf: ['F025'],
  },
  {
    id: 'F043',
    title: 'The migration proxy keeps the Job from ending',
    layer: 'pod',
    methods: ['workload-identity'],
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{azwi-proxy|proxy sidecar|inject-proxy-sidecar}',
        with: [
          '{CronJob|kind: Job|the job|jobs|job.batch|my job}',
          '{never|not complete|NotReady|not terminate|still running|keeps running|does not end|not finish|not exit|hangs}',
        ],
        vague: true,
      },
    ],
    cause:
      'The container azwi-proxy runs on when the work is done. Before Kubernetes 1.32 it is no native sidecar, and the Job waits for it.',
    fix: {
      say: 'Use an Azure SDK that knows workload identity, and take the annotation azure.workload.identity/inject-proxy-sidecar away (even "false" counts).',
    },
    risk: 'restarts',
  },
  {
    id: 'F025',
    title: 'The pod has got no token: it lacks the label azure.workload.identity/use',
    layer: 'pod',
    methods: INJECTED,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{workload options are not fully configured|WorkloadIdentityCredential authentication unavailable|WorkloadIdentityCredential: is unavailable|WorkloadIdentityCredential is unavailable}',
      },
      { says: 'no token file specified. Check pod configuration or set TokenFilePath in the options' },
      { says: 'failed to read the service account token from the filesystem… open : no such file or directory' },
      {
        says: '{AZURE_FEDERATED_TOKEN_FILE|AZURE_CLIENT_ID|AZURE_TENANT_ID|AZURE_AUTHORITY_HOST} … {is not injected|not injected|not being injected|is not set|are not set|not present in}',
        without: ['must be set', 'except'],
        vague: true,
      },
      {
        says: `{environment variables|env variables|env vars|variables|volume|token} {|are |is |was |were }${NOT_INJECTED}`,
        with: [TOPIC],
        without: ['must be set'],
        vague: true,
      },
      {
        says: 'DefaultAzureCredential failed to retrieve a token from the included credentials',
        with: ['{ pods|kubernetes|azure.workload|workload identity|kubectl}'],
        vague: true,
      },
      { says: 'do{es|} not have the required AZURE_{CLIENT_ID|FEDERATED_TOKEN_FILE|TENANT_ID}', vague: true },
    ],
    cause:
      'Variables and token are injected only into pods that bear azure.workload.identity/use: "true" when they are made. Without them the SDK goes on to other ways and says that none is there.',
    fix: {
      say: 'Add the label to the pod template, in quotes: spec.template.metadata.labels. The pods are made anew; an older one stays without.',
      run: `kubectl patch deployment <deployment> --namespace <namespace> --patch "spec: {template: {metadata: {labels: {azure.workload.identity/use: 'true'}}}}"`,
    },
    risk: 'restarts',
    sameWorldAs: ['F134'],
  },
];
