/** The one vocabulary: steps yield facts, other steps refer to them, templates name them, evidence records them. */
export const FACTS = {
  subscriptionName: 'display name of the subscription',
  tenantId: 'Entra tenant of the subscription and its identities',
  registered: 'the resource provider is registered',
  clusterId: 'ARM id of the AKS cluster',
  location: 'Azure region',
  oidcIssuer: 'issuer URL of the cluster, byte for byte; it signs the tokens of service accounts',
  deliverer: 'the cluster has switched on what brings the secret into the pod',
  ready: 'what delivers the secret is in the cluster',
  vaultId: 'ARM id of the Key Vault',
  vaultUri: 'https address of the Key Vault',
  vaultMode: 'rbac or policies: what the vault decides access by',
  identityId: 'ARM id of the managed identity, or object id of the application',
  clientId: 'client id that the pod presents to Entra',
  principalId: 'object id that role assignments and access policies name',
  granted: 'how the identity may read: a role and its scope, or an access policy',
  trusted: 'name of the federated credential that trusts the service account',
  present: 'the secret exists in the vault',
  applied: 'the Kubernetes object is there',
  syncedSecret: 'name of the Kubernetes Secret that the driver or the operator may write',
  externalSecretsApi: 'apiVersion of SecretStore and ExternalSecret that the cluster serves',
} as const;

export type Fact = keyof typeof FACTS;
export type Facts = Readonly<Partial<Record<Fact, string>>>;

const ID = /^[\w.-]{1,128}$/;
const ADDRESS = /^https:\/\/[\w.:/%~-]{1,500}$/;
/** Names of resource groups have letters of every script, and brackets. */
const ARM_ID = /^[\p{L}\p{N}\w/.()-]{1,1000}$/u;

/**
 * What facts look like that come from a service and go into manifests, scripts and lines to paste. Whatever else a
 * service may say in their place goes nowhere.
 */
const FORMS: Readonly<Partial<Record<Fact, RegExp>>> = {
  ...{ tenantId: ID, clientId: ID, principalId: ID },
  ...{ oidcIssuer: ADDRESS, vaultUri: ADDRESS },
  ...{ clusterId: ARM_ID, vaultId: ARM_ID, identityId: ARM_ID },
  location: /^[\w -]{1,60}$/,
  externalSecretsApi: /^[\w.-]+\/[\w.-]+$/,
};
/** Of all others: text of one line, without what tells a terminal to do something, and without our own variables. */
const TEXT = /^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]+$/u;

/** The first fact whose value is none; what was `known` before is what another step was asked for already. */
export const oddFactOf = (facts: Facts, known: readonly string[]): Fact | undefined =>
  (Object.keys(facts) as Fact[]).find((fact) => {
    const value: unknown = facts[fact];
    if (value === undefined || known.includes(value as string)) return false;
    return typeof value !== 'string' || !(FORMS[fact] ?? TEXT).test(value);
  });
