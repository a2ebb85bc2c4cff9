import type { Row } from '../row.ts';

const DAPR = ['dapr'] as const;
const SYSTEM = 'kubectl get pods --namespace dapr-system --output wide';
const EXTENSION =
  'az k8s-extension show --cluster-type managedClusters --cluster-name <cluster> --resource-group <resource group> --name dapr --query "{state:provisioningState,statuses:statuses,error:errorInfo}"';

/** Dapr in the cluster: the extension, the injector, its certificates. */
export const DAPR_RUNTIME: readonly Row[] = [
  {
    id: 'F023',
    title: 'AKS Automatic does not let Dapr into its namespaces',
    layer: 'azure',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [{ says: 'aks-managed-protect-system-namespaces', with: ['{dapr|extension|sidecar-injector}'] }],
    cause:
      'On AKS Automatic a ValidatingAdmissionPolicy (aks-managed-protect-system-namespaces) keeps everybody, the extension too, out of system namespaces.',
    fix: {
      say: 'Take another method (csi, external-secrets or workload-identity), or install Dapr by Helm into a namespace of its own.',
    },
    risk: 'none',
    insteadOf: ['F024'],
  },
  {
    id: 'F021',
    title: 'Another Dapr is installed already',
    layer: 'azure',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'cannot be imported into the current release: invalid ownership metadata', with: ['dapr'] },
      { says: 'invalid ownership metadata', with: ['dapr'] },
    ],
    cause: 'Dapr was installed by Helm or by the dapr CLI, and the extension would take its objects over.',
    fix: {
      say: 'Use the Dapr that is there (init finds it), or let the extension take over its settings: skipExistingDaprCheck, existingDaprReleaseName and existingDaprReleaseNamespace.',
      run: 'helm list --namespace dapr-system',
    },
    risk: 'none',
    insteadOf: ['F024'],
  },
  {
    id: 'F020',
    title: 'The extension has no such version in this region',
    layer: 'azure',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [{ says: 'Failed to resolve the extension version from the given values' }],
    cause: 'The version or release train asked for does not exist, or not in the region of the cluster.',
    fix: { say: 'Leave the version out: the newest is taken.', run: EXTENSION },
    risk: 'none',
    insteadOf: ['F024'],
  },
  {
    id: 'F024',
    title: 'The Dapr extension does not get ready',
    layer: 'azure',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{provisioningState|provisioning state|state|status} … {Creating|stuck}',
        with: ['{Microsoft.Dapr|dapr extension|k8s-extension}', '{dapr}'],
        without: ['Succeeded'],
        vague: true,
      },
      {
        says: '{timed out waiting|BackoffLimitExceeded|ExtensionOperationFailed|InstallationFailed|Helm installation failed}',
        with: ['{Microsoft.Dapr|name dapr|dapr-system|release dapr|extension dapr|dapr extension}'],
      },
      { says: '{stuck|hangs|hanging} … {Creating|creating}', with: ['{Microsoft.Dapr|dapr extension}'], vague: true },
    ],
    cause:
      'Its pods cannot start: images behind a firewall, no room on the nodes, an architecture or a zone that does not fit its volumes.',
    fix: {
      say: 'See which pods of dapr-system do not run and why. A failed extension is made again after its owner has taken it away.',
      run: EXTENSION,
    },
    risk: 'none',
  },
  {
    id: 'F139',
    title: "Dapr's certificates have ended or do not fit",
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{x509: certificate has expired|certificate has expired or is not yet valid|x509: certificate signed by unknown authority}',
        with: [
          '{sentry|sidecar-injector.dapr.io|dapr-sidecar-injector|dapr-sentry|daprd|dapr-webhook|dapr-api|dapr.io|dapr.runtime|dapr.injector}',
        ],
      },
      {
        says: 'TLS handshake error… {bad certificate|unknown certificate|expired certificate|certificate has expired}',
        with: ['dapr'],
      },
      {
        says: '{dapr root certificate|Dapr root certificate|trust bundle|issuer certificate} … {expired|expires|expiring|has expired}',
        with: ['dapr'],
      },
    ],
    cause:
      "Dapr's own root or issuer certificate has ended (after a year), or the injector still has the one before a renewal.",
    fix: {
      say: 'Renew the certificates (mtls renew-certificate of the dapr CLI; the extension does it itself), then restart dapr-system and the pods.',
      run: 'kubectl rollout restart deployment --namespace dapr-system',
    },
    risk: 'restarts',
    insteadOf: ['F152', 'F136'],
  },
  {
    id: 'F152',
    title: 'dapr-sentry does not answer, so no pod with a sidecar can start',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'error from sentry SignCertificate', without: ['x509'] },
      { says: 'sidecar-injector.dapr.io denied the request', with: ['{sentry|Unavailable}'] },
      {
        says: 'sentry… {connection refused|Unavailable|deadline exceeded|no such host|error while dialing}',
        with: ['dapr'],
      },
    ],
    cause:
      'The injector asks dapr-sentry for a certificate for each new sidecar, and sentry is down or cannot be reached.',
    fix: {
      say: 'Repair dapr-system: nodes, network policies, its pods. Then restart the pods that failed.',
      run: SYSTEM,
    },
    risk: 'none',
    insteadOf: ['F142', 'F136'],
  },
  {
    id: 'F140',
    title: "Dapr's conversion webhook is not set up",
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [{ says: 'dapr-webhook.replaceme.svc' }, { says: 'conversion webhook for dapr.io/… failed' }],
    cause:
      'The CRDs of Dapr still have a placeholder as the address of their webhook: they were installed apart from the rest, or without its rights.',
    fix: {
      say: 'Install the CRDs and Dapr in one version and in one go.',
      run: 'kubectl get crd subscriptions.dapr.io --output jsonpath="{.spec.conversion.webhook.clientConfig}"',
    },
    risk: 'none',
  },
  {
    id: 'F136',
    title: 'The pod has no Dapr sidecar',
    layer: 'dapr',
    methods: DAPR,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: "{sidecar|daprd|dapr container|dapr sidecar} … {not injected|isn't injected|is not injected|not being injected|not getting injected|missing|not created|not present|is not there|never injected|wasn't injected|was not injected|no longer injected|is injected anymore|stops working}",
        with: ['dapr'],
        vague: true,
      },
      { says: '{no side car|no sidecar|no dapr sidecar} {is |gets |was |}injected', with: ['dapr'], vague: true },
      { says: 'sidecar injection {stops|stopped|fails|does not}', with: ['dapr'], vague: true },
      { says: 'container daprd is not valid for pod' },
      { says: 'failed calling webhook sidecar-injector.dapr.io' },
    ],
    cause:
      'dapr.io/enabled: "true" is missing on the pod template (on the Deployment itself it has no effect), the injector was down, or the pod is older than Dapr.',
    fix: {
      say: 'Put dapr.io/enabled and dapr.io/app-id on the pod template, see that dapr-sidecar-injector runs, and restart the pods.',
      run: SYSTEM,
    },
    risk: 'restarts',
    insteadOf: ['F142'],
  },
];
