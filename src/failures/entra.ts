import type { Row } from './row.ts';

const LIST =
  'az identity federated-credential list --identity-name <identity> --resource-group <resource group> --output table';
const ISSUER = 'az aks show --name <cluster> --resource-group <resource group> --query oidcIssuerProfile.issuerUrl';

/** Entra: the exchange of a service account's token, and the caller's own sign-in. */
export const ENTRA: readonly Row[] = [
  {
    id: 'F054',
    title: 'The token was issued before the OIDC issuer was on',
    match: {
      codes: ['AADSTS700211', 'AADSTS70021'],
      text: /issuer '?https:\/\/(kubernetes\.default\.svc|[^'\s]*azmk8s\.io)/i,
    },
    cause:
      "The token bears the API server's own address as issuer: the cluster's OIDC issuer was off when it was made.",
    fix: {
      say: 'Switch the OIDC issuer on (init with --allow cluster,irreversible), then restart the pods.',
      run: 'az aks update --enable-oidc-issuer --enable-workload-identity --name <cluster> --resource-group <resource group>',
    },
    risk: 'restart',
  },
  {
    id: 'F053',
    title: 'Issuer or subject differ in upper and lower case',
    match: { codes: ['AADSTS7002138'] },
    cause: 'Entra compares issuer and subject byte for byte, and only the case of a letter differs.',
    fix: { say: 'Run init: it adds a credential with the exact spelling.', run: LIST },
    risk: 'none',
  },
  {
    id: 'F052',
    title: 'The identity does not trust this service account',
    match: { codes: ['AADSTS700213'] },
    cause:
      'No federated credential of the identity has this subject: namespace or service account differ, or the credential is some seconds old and has not arrived.',
    fix: {
      say: 'Run init: it adds the credential for system:serviceaccount:<namespace>:<service account>.',
      run: LIST,
    },
    risk: 'access',
  },
  {
    id: 'F051',
    title: 'The token is for another audience',
    match: { codes: ['AADSTS700212'] },
    cause:
      'The audience of the token is not the one that the federated credential names (api://AzureADTokenExchange in the public cloud).',
    fix: {
      say: 'Let the token and the credential name the same audience; run init with the right --cloud.',
      run: LIST,
    },
    risk: 'none',
  },
  {
    id: 'F050',
    title: 'The identity does not trust this cluster',
    match: { codes: ['AADSTS700211'] },
    cause:
      'No federated credential of the identity has this issuer: it names another or a re-created cluster, lacks the slash at the end, or has not arrived yet.',
    fix: {
      say: "Run init with --rebind: it adds a credential for this cluster's issuer and removes none.",
      run: ISSUER,
    },
    risk: 'access',
  },
  {
    id: 'F049',
    title: 'No federated credential matches the token',
    match: { codes: ['AADSTS70021'] },
    cause:
      'Issuer, subject or audience of the token match no credential of the identity; in the first minutes of a new credential, it has not arrived everywhere.',
    fix: {
      say: 'Compare issuer, subject and audience byte for byte; when they are equal, wait some minutes.',
      run: LIST,
    },
    risk: 'none',
  },
  {
    id: 'F055',
    title: 'Entra does not know the client id in this tenant',
    match: { codes: ['AADSTS700016'] },
    cause:
      'The client id is that of a deleted identity or no client id at all (an object id or a resource id), the tenant is another, or the identity is some seconds old.',
    fix: {
      say: "Use the identity's client id and its tenant; run init, which writes both.",
      run: 'az identity show --name <identity> --resource-group <resource group> --query "{clientId:clientId,tenantId:tenantId}"',
    },
    risk: 'none',
  },
  {
    id: 'F056',
    title: 'The tenant does not exist',
    match: { codes: ['AADSTS90002', 'AADSTS900023'] },
    cause: 'The tenant id is mistyped or empty, or belongs to another cloud.',
    fix: {
      say: 'Correct the tenant with --tenant, and the cloud with --cloud.',
      run: 'az account show --query tenantId',
    },
    risk: 'none',
  },
  {
    id: 'F057',
    title: 'The identity was made again and has another client id',
    match: {},
    cause:
      'An identity that is deleted and made again under its name gets a new client id and a new principal id; annotations, classes, roles and policies still name the old ones.',
    fix: {
      say: 'Run init, which writes the new ids, then restart the pods.',
      run: 'kubectl rollout restart deployment/<name> --namespace <namespace>',
    },
    risk: 'restart',
  },
  {
    id: 'F058',
    title: 'You are signed in to another tenant',
    match: { codes: ['AADSTS50020', 'InvalidAuthenticationTokenTenant'] },
    cause: 'The account does not belong to the tenant of the subscription.',
    fix: { say: 'Sign in to that tenant, and name it with --tenant.', run: 'az login --tenant <tenant>' },
    risk: 'none',
  },
  {
    id: 'F061',
    title: "The service account's token has ended or is not yet valid",
    match: { codes: ['AADSTS700024'] },
    cause: "The application keeps the token file's content instead of reading it each time, or a clock is wrong.",
    fix: {
      say: 'Use a current Azure SDK, which reads the file anew; check the clock of this machine and of the nodes.',
    },
    risk: 'none',
  },
  {
    id: 'F062',
    title: 'The token is signed by a key that Entra does not know',
    match: { codes: ['AADSTS700027'] },
    cause: "The cluster's signing key was rotated, and the token was signed by the one before.",
    fix: {
      say: 'Restart the pods; new tokens are signed by the new key.',
      run: 'kubectl rollout restart deployment/<name> --namespace <namespace>',
    },
    risk: 'restart',
  },
];
