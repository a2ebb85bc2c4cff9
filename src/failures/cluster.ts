import type { Row } from './row.ts';

const WEBHOOK =
  'kubectl get deployment,endpoints --namespace kube-system --selector azure-workload-identity.io/system=true';
const ADDON =
  'az aks enable-addons --addons azure-keyvault-secrets-provider --enable-secret-rotation --name <cluster> --resource-group <resource group>';

/** The cluster: webhook, driver, and objects that belong to somebody else. */
export const CLUSTER: readonly Row[] = [
  {
    id: 'F034',
    title: 'The workload identity webhook has no running pod',
    match: { text: /failed calling webhook "?\\?"?mutation\.azure-workload-identity\.io.*no endpoints available/is },
    cause: 'No pod of the webhook is ready, and the API server refuses pods with the label until one is.',
    fix: {
      say: 'Find out why its pods do not run (nodes full, taints), and try again when one is ready.',
      run: WEBHOOK,
    },
    risk: 'none',
  },
  {
    id: 'F035',
    title: 'The API server does not reach the workload identity webhook',
    match: { text: /failed calling webhook "?\\?"?mutation\.azure-workload-identity\.io/i },
    cause:
      'The call to the webhook failed: a network policy, a proxy, the tunnel to the nodes, or a restart during an upgrade.',
    fix: { say: "Allow the API server to reach the webhook's pods on port 9443, and try again.", run: WEBHOOK },
    risk: 'none',
  },
  {
    id: 'F036',
    title: 'Workload identity is not enabled in the cluster',
    match: { text: /mutatingwebhookconfigurations?[^.]*azure-wi-webhook[^.]*not found/i },
    cause: 'The OIDC issuer alone puts no token into pods: securityProfile.workloadIdentity of the cluster is off.',
    fix: {
      say: 'Switch it on: run init with --allow cluster.',
      run: 'az aks update --enable-oidc-issuer --enable-workload-identity --name <cluster> --resource-group <resource group>',
    },
    risk: 'shared',
  },
  {
    id: 'F087',
    title: 'The secrets store driver is not on the node',
    match: { text: /secrets-store\.csi\.k8s\.io not found in the list of registered CSI drivers/i },
    cause: "The Key Vault add-on is off, or the driver's pod does not run on this node (a taint, a new node).",
    fix: {
      say: "Switch the add-on on (init with --allow cluster), or let its DaemonSet tolerate the node's taints.",
      run: ADDON,
    },
    risk: 'shared',
  },
  {
    id: 'F145',
    title: 'The cluster does not know SecretProviderClasses',
    match: { text: /no matches for kind "?SecretProviderClass/i },
    cause: 'The secrets store driver was never installed: the Key Vault add-on is off.',
    fix: { say: 'Switch the add-on on: run init with --allow cluster.', run: ADDON },
    risk: 'shared',
  },
  {
    id: 'F111',
    title: 'The External Secrets Operator no longer serves v1beta1',
    match: { text: /no matches for kind "?\w+"? in version "?external-secrets\.io\/v1beta1/i },
    cause: 'The operator serves external-secrets.io/v1 alone since 0.17.',
    fix: {
      say: 'Write apiVersion external-secrets.io/v1 into the manifest.',
      run: 'kubectl api-resources --api-group external-secrets.io',
    },
    risk: 'none',
  },
  {
    id: 'F112',
    title: "The cluster does not know the External Secrets Operator's kinds",
    match: { text: /no matches for kind "?\w+"? in version "?external-secrets\.io/i },
    cause: 'The operator is not installed, or too old to serve v1.',
    fix: {
      say: 'Install or upgrade it: run init with --allow install.',
      run: 'kubectl api-resources --api-group external-secrets.io',
    },
    risk: 'shared',
  },
  {
    id: 'F033',
    title: "The pod's service account does not exist",
    match: { text: /serviceaccounts? "?[\w.-]+"? (is forbidden: )?not found/i },
    cause: 'The pod names a service account that its namespace does not have.',
    fix: {
      say: 'Run init, which makes it, or correct serviceAccountName.',
      run: 'kubectl get serviceaccounts --namespace <namespace>',
    },
    risk: 'none',
  },
  {
    id: 'F155',
    title: 'The object belongs to somebody else',
    match: { codes: ['FieldManagerConflict'] },
    cause: 'Another manager (Argo CD, Flux, Helm, a person with kubectl) set these fields, and would set them back.',
    fix: { say: 'Change it where its manager reads it, or choose another name.' },
    risk: 'loss',
  },
];
