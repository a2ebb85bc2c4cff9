import type { Row } from '../row.ts';

const DAPR = ['dapr'] as const;
const COMPONENTS = 'kubectl get components --all-namespaces --output yaml';
const RESTART = 'kubectl rollout restart deployment --namespace <namespace>';
const LOG = 'kubectl logs <pod> --namespace <namespace> --container daprd --tail 100';

/** The secret store as the application and the sidecar see it. */
export const DAPR_STORE: readonly Row[] = [
  {
    id: 'F132',
    title: 'The Dapr configuration does not let the app have this secret',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [{ code: 'ERR_PERMISSION_DENIED', with: ['{secret|policy}'] }, { says: 'access denied by policy to get' }],
    cause:
      'spec.secrets.scopes of the Configuration that the pod names (dapr.io/config) denies it: defaultAccess deny, or deniedSecrets.',
    fix: {
      say: 'Add the secret to allowedSecrets of that store, and restart the pods.',
      run: 'kubectl get configurations.dapr.io --namespace <namespace> --output yaml',
    },
    risk: 'widens',
  },
  {
    id: 'F131',
    title: 'Dapr has no secret store of that name',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['explain'],
    match: [{ code: 'ERR_SECRET_STORE_NOT_FOUND' }, { says: 'failed finding secret store with key' }],
    cause: 'The name in the URL or call is not that of a component which this sidecar has loaded.',
    fix: {
      say: 'Use metadata.name of the Component. The sidecar lists what it has loaded at http://localhost:3500/v1.0/metadata.',
      run: COMPONENTS,
    },
    risk: 'none',
  },
  {
    id: 'F130',
    title: 'The sidecar has loaded no secret store',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'ERR_SECRET_STORES_NOT_CONFIGURED' },
      { says: 'secret store is not configured', with: ['{dapr|3500|ERR_SECRET|RpcException|FailedPrecondition}'] },
      { code: 'ERR_SECRET_STORE_NOT_CONFIGURED' },
    ],
    cause:
      'The Component lies in another namespace, its scopes leave this app-id out, it came after the sidecar, or it failed when the sidecar started.',
    fix: {
      say: "Put the Component into the pod's namespace with the app-id in its scopes (init does), and restart the pods: the sidecar reads it when it starts.",
      run: COMPONENTS,
    },
    risk: 'restarts',
  },
  {
    id: 'F141',
    title: "The sidecar may not read the cluster's Secrets",
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'secrets is forbidden: User system:serviceaccount:', with: ['{dapr|daprd}'] },
      { says: 'secrets … is forbidden: User system:serviceaccount:', with: ['{dapr|daprd}'] },
    ],
    cause:
      'Dapr has a built-in store "kubernetes", which reads Secrets as the service account of the pod, and that one may not.',
    fix: {
      say: 'Where only Key Vault is used, switch the built-in store off: annotation dapr.io/disable-builtin-k8s-secret-store: "true" on the pod template. Else give the account a Role for these Secrets.',
      run: 'kubectl auth can-i get secrets --namespace <namespace> --as=system:serviceaccount:<namespace>:<service account>',
    },
    risk: 'restarts',
  },
  {
    id: 'F134',
    title: 'The sidecar has no token of workload identity and asks the node',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'Identity not found',
        with: ['{daprd|dapr.io|app_id|secretstores.azure.keyvault|ERR_SECRET_GET|secret store}'],
      },
      {
        says: '{DefaultAzureCredential|ChainedTokenCredential|ManagedIdentityCredential}',
        with: [
          '{secretstores.azure.keyvault|ERR_SECRET_GET|failed getting secret}',
          '{failed to acquire a token|authentication failed|Identity not found|authentication unavailable}',
        ],
      },
    ],
    cause:
      'daprd got no AZURE_* variables: the pod lacks the label, or its service account the annotation. So it fell through to the identity of the node.',
    fix: {
      say: 'Put the label on the pod template and the annotation on the service account (init does), restart, and write azureAuthMethods: wi into the Component, so that it fails clearly.',
      run: 'kubectl get pods --namespace <namespace> --show-labels',
    },
    risk: 'restarts',
    sameWorldAs: ['F025'],
    insteadOf: ['F045', 'F047', 'F137', 'F025'],
  },
  {
    id: 'F135',
    title: "The component's client id has no effect",
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{azureClientId|spnClientId}',
        with: [
          "{no effect|ignored|does not change|is not used|not respected|doesn't change|wrong client}",
          '{dapr|component|secretstores}',
        ],
        vague: true,
      },
    ],
    cause:
      "With workload identity the sidecar goes by AZURE_CLIENT_ID, which the webhook takes from the service account's annotation. azureClientId counts for other ways only.",
    fix: {
      say: 'Change the annotation of the service account, and restart the pods.',
      run: 'kubectl annotate serviceaccount <service account> --namespace <namespace> azure.workload.identity/client-id=<client id> --overwrite',
    },
    risk: 'restarts',
  },
  {
    id: 'F137',
    title: 'The component fails when the sidecar starts, and ends it',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'INIT_COMPONENT_FAILURE' },
      { says: 'process component … error', with: ['{daprd|app_id|secretstores|level=fatal}'] },
      {
        says: '{error initializing component|failed to init component|error occurred initializing component}',
        with: ['{dapr|daprd|app_id|secretstores|level=fatal|component}'],
      },
      { says: '[INIT_COMPONENT_FAILURE]' },
      { says: 'initialization error occurred for' },
    ],
    cause:
      'daprd ends when a component cannot be initialised: a metadata item that is missing or misspelt, or the token could not be got.',
    fix: {
      say: 'The rest of the line says which; put it right and restart. With spec.ignoreErrors: true the sidecar starts without the component.',
      run: LOG,
    },
    risk: 'restarts',
  },
  {
    id: 'F138',
    title: 'The sidecar still has the component as it was',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{component|Component|components}',
        with: [
          '{dapr|daprd|sidecar}',
          '{not picked up|not reloaded|hot reload|not reload|no effect until|until restart|have to restart|had to restart|not take effect|still uses the old|not detected}',
          '{change|changed|changes|update|updated|edited|added}',
        ],
        vague: true,
      },
    ],
    cause:
      'Up to Dapr 1.17, and where the feature HotReload is off, components are read when the sidecar starts; what is changed later is not seen.',
    fix: { say: 'Restart the pods.', run: RESTART },
    risk: 'restarts',
  },
  {
    id: 'F142',
    title: 'The sidecar does not answer yet',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: "{localhost|127.0.0.1|[::1]}:{3500|50001}… {connection refused|Failed to connect|ECONNREFUSED|actively refused|Could not connect|Couldn't connect|Connection refused}",
      },
      {
        says: '{connection refused|ECONNREFUSED|Failed to connect to|actively refused}… {:3500|:50001|port 3500|port 50001}',
        without: ['sentry'],
      },
      { says: '{localhost|127.0.0.1} port {3500|50001}', with: ["{refused|Failed to connect|Couldn't connect}"] },
      { says: 'Error connecting to subchannel', with: ['dapr'] },
      { says: 'Error starting gRPC call', with: ['{50001|DaprException|DaprClient}'] },
      { says: '{sidecar|daprd} {did not become|is not|not} {healthy|ready}', with: ['dapr'] },
      { says: 'waiting on port … {application|app}', with: ['{dapr|daprd|app_id}'], vague: true },
      { says: 'application protocol: … waiting on port', with: ['{dapr|daprd|app_id}'] },
    ],
    cause:
      'Nobody listens at the port of the sidecar: it is not there, has not started yet, or waits for the application at dapr.io/app-port.',
    fix: {
      say: 'Let the application try again until http://localhost:3500/v1.0/healthz answers; leave dapr.io/app-port out where it does not listen. The line shows whether daprd runs.',
      run: LOG,
    },
    risk: 'none',
  },
  {
    id: 'F133',
    title: "Dapr only passes on the vault's or Entra's refusal",
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['explain'],
    match: [
      { code: 'ERR_SECRET_GET' },
      { says: 'failed getting {secret with key|secrets from secret store|secret}', with: ['{secret store|dapr|ERR_}'] },
      { code: 'ERR_SECRET_BULK_GET' },
    ],
    cause: 'The store is there and was asked; behind the last colon stands what Entra or Key Vault answered.',
    fix: {
      say: 'Read the end of the message, and explain it here if it was cut off. The line shows the whole of it.',
      run: LOG,
    },
    risk: 'none',
    wraps: true,
  },
];
