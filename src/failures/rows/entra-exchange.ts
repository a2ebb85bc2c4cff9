import type { Row } from '../row.ts';

const LIST =
  'az identity federated-credential list --identity-name <identity> --resource-group <resource group> --output table';
const RESTART = 'kubectl rollout restart deployment --namespace <namespace>';
const NO_MATCH = 'No matching federated identity record found for presented assertion';

/** Entra takes a service account's token for one of its own: issuer, subject, audience, signature. */
export const ENTRA_EXCHANGE: readonly Row[] = [
  {
    id: 'F054',
    title: 'The token was issued before the OIDC issuer was on',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AADSTS700211', with: ['issuer{: | }https://kubernetes.default'] },
      { code: 'AADSTS700211', with: ['issuer{: | }https://… azmk8s.io'] },
      { code: 'AADSTS70021', with: ['issuer{: | }https://kubernetes.default'] },
      { code: 'AADSTS70021', with: ['issuer{: | }https://… azmk8s.io'] },
      { says: `${NO_MATCH}… issuer{: | }https://kubernetes.default` },
    ],
    cause:
      "The token bears the API server's own address as issuer: the cluster's OIDC issuer was off when it was made.",
    fix: {
      say: 'Switch the OIDC issuer on (init with --allow cluster,irreversible, or this line), then restart the pods: they hold the old token.',
      run: 'az aks update --enable-oidc-issuer --enable-workload-identity --name <cluster> --resource-group <resource group>',
    },
    risk: 'restarts',
    insteadOf: ['F050', 'F049'],
  },
  {
    id: 'F053',
    title: 'Issuer or subject differ in upper and lower case',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AADSTS7002138' },
      { says: 'federated identity … {case mismatch|case-sensitive|case sensitive|differs in case}' },
    ],
    cause: 'Entra compares issuer and subject byte for byte, and only the case of a letter differs.',
    fix: {
      say: 'Run init: it adds a credential with the exact spelling. The line shows what is registered.',
      run: LIST,
    },
    risk: 'none',
    sameWorldAs: ['F049', 'F052'],
    insteadOf: ['F049', 'F052'],
  },
  {
    id: 'F120',
    title: "The operator signs in as itself, and the identity trusts the workload's service account",
    layer: 'entra',
    methods: ['external-secrets'],
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AADSTS700213', with: ['system:serviceaccount:external-secrets:external-secrets'] },
      { says: `${NO_MATCH} subject system:serviceaccount:external-secrets:external-secrets` },
      { says: 'Assertion Subject: system:serviceaccount:external-secrets:external-secrets', vague: true },
    ],
    cause:
      "The store names no service account, so the operator presents its own (external-secrets/external-secrets), and the identity's credential is for another.",
    fix: {
      say: 'Name the service account in the store: spec.provider.azurekv.serviceAccountRef. Or add a credential for the operator to the identity.',
      run: 'kubectl get secretstore,clustersecretstore --all-namespaces --output yaml',
    },
    risk: 'none',
    insteadOf: ['F052', 'F049'],
  },
  {
    id: 'F052',
    title: 'The identity does not trust this service account',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'AADSTS700213' }, { says: `${NO_MATCH} subject` }],
    cause:
      'No federated credential of the identity has this subject: namespace or service account differ, or the credential is some minutes old and has not arrived everywhere.',
    fix: {
      say: 'Run init, which adds the credential for system:serviceaccount:<namespace>:<service account>; or let the pod use the service account that is registered.',
      run: LIST,
    },
    risk: 'none',
    sameWorldAs: ['F049'],
    insteadOf: ['F049'],
  },
  {
    id: 'F051',
    title: 'The token is for another audience',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'AADSTS700212' }, { says: `${NO_MATCH} audience` }],
    cause:
      'The audience of the token is not the one that the federated credential names: api://AzureADTokenExchange in the public cloud.',
    fix: {
      say: 'Let the token and the credential name the same audience. A token of an identity binding (api://AKSIdentityBinding) goes through the proxy, not to Entra.',
      run: LIST,
    },
    risk: 'none',
    sameWorldAs: ['F049'],
    insteadOf: ['F049'],
  },
  {
    id: 'F050',
    title: 'The identity does not trust this cluster',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'AADSTS700211' }, { says: `${NO_MATCH} issuer https` }],
    cause:
      'No federated credential of the identity has this issuer: it names another or a re-created cluster, lacks the slash at the end, or has not arrived yet.',
    fix: {
      say: "Run init with --rebind: it adds a credential for this cluster's issuer and removes none. The line says what the issuer is, to the last slash.",
      run: 'az aks show --name <cluster> --resource-group <resource group> --query oidcIssuerProfile.issuerUrl',
    },
    risk: 'none',
    sameWorldAs: ['F049'],
    insteadOf: ['F049'],
  },
  {
    id: 'F049',
    title: 'No federated credential matches the token',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'AADSTS70021' }, { says: NO_MATCH }],
    cause:
      'Issuer, subject or audience of the token match no credential of the identity. In the first minutes of a new credential it has not arrived everywhere.',
    fix: {
      say: 'Compare issuer, subject and audience byte for byte, with the slash at the end of the issuer. If they are equal, wait some minutes.',
      run: LIST,
    },
    risk: 'none',
    sameWorldAs: ['F050', 'F051', 'F052', 'F053'],
  },
  {
    id: 'F060',
    title: "Entra cannot read the cluster's signing keys",
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'AADSTS90061' }, { code: 'AADSTS50166' }, { says: 'Request to External OIDC endpoint failed' }],
    cause:
      "Entra fetches the issuer's keys from its discovery document and got no answer: the issuer is new, self-hosted and not public, or has an outage.",
    fix: {
      say: 'Open ISSUER/.well-known/openid-configuration from outside the network. On AKS wait some minutes; if it stays, let the cluster be reconciled by this line.',
      run: 'az aks update --name <cluster> --resource-group <resource group>',
    },
    risk: 'none',
  },
  {
    id: 'F061',
    title: "The service account's token has ended or is not yet valid",
    layer: 'entra',
    methods: ['workload-identity'],
    seenBy: ['explain'],
    match: [{ code: 'AADSTS700024' }, { says: 'Client assertion is not within its valid time range' }],
    cause:
      "The application keeps the token file's content instead of reading it each time, or a clock is wrong. Such a token lives an hour to a day.",
    fix: {
      say: 'Restarting the pods helps until the token ends again. For good: a current Azure SDK, which reads the file anew; and no copy of the token in own code.',
      run: RESTART,
    },
    risk: 'restarts',
  },
  {
    id: 'F062',
    title: 'The token is signed by a key that Entra does not know',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AADSTS700027' },
      { says: 'client assertion {contains an invalid signature|failed signature validation}' },
    ],
    cause:
      "The cluster's signing key was rotated and the token was signed by the one before, or Entra still keeps the old list of keys.",
    fix: {
      say: 'Restart the pods: new tokens are signed by the new key. Entra fetches new keys within a day.',
      run: RESTART,
    },
    risk: 'restarts',
  },
  {
    id: 'F063',
    title: "What was presented is a token of Entra, not the service account's",
    layer: 'entra',
    methods: ['workload-identity'],
    seenBy: ['explain'],
    match: [
      { code: 'AADSTS700222' },
      { code: 'AADSTS700229' },
      { says: 'AAD-issued tokens may not be used for federated identity' },
    ],
    cause:
      "The assertion was a token of a managed identity (from IMDS) or of a user. Only the service account's projected token may be exchanged.",
    fix: {
      say: 'Give the content of the file that AZURE_FEDERATED_TOKEN_FILE names as the assertion, or use WorkloadIdentityCredential, which does.',
    },
    risk: 'none',
  },
];
