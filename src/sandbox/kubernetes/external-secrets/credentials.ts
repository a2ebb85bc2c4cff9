import type { Reply } from '../../parts.ts';
import { authenticationFailed, bodyOf } from '../azure-answers.ts';
import type { Cluster } from '../cluster.ts';
import { Unreachable } from '../egress.ts';
import { kindNamed } from '../kinds.ts';
import type { Pod, Resource, Secret } from '../model.ts';
import { messageOf } from '../status.ts';
import { type AzureKv, OperatorError, type SecretStore } from './model.ts';
import { mayCreateTokens, operatorPod } from './operator-pod.ts';

/*
 * How the azurekv provider signs in (providers/v1/azure/keyvault/keyvault.go, release 2.9): checks in its order, words
 * as there. The exchange goes to the sandbox's Entra over its own routes.
 */
const AUDIENCE = 'api://AzureADTokenExchange';
const CLIENT_ID = 'azure.workload.identity/client-id';
const TENANT_ID = 'azure.workload.identity/tenant-id';
const LOGIN = 'login.microsoftonline.com';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Yields an access token for Key Vault: of that tenant where the vault's challenge has named one. */
export type AskToken = (tenant?: string) => Promise<string>;

/**
 * Signs in for a store. With workload identity the exchange is made at once, but with `useAzureSDK`, where it waits for
 * the first request, as does the account's token; service principals and managed identities always wait for it.
 *
 * @param namespace where references without one of their own are looked up
 * @throws OperatorError what makes the store invalid
 */
export async function signIn(cluster: Cluster, store: SecretStore, namespace: string): Promise<AskToken> {
  const { azurekv } = store.spec.provider;
  if (azurekv.environmentType !== 'PublicCloud' || azurekv.customCloudConfig) {
    throw new OperatorError(`the sandbox simulates the public cloud only, not ${azurekv.environmentType}`);
  }
  switch (azurekv.authType) {
    case 'WorkloadIdentity': {
      if (azurekv.useAzureSDK) {
        const { tenant, assertion } = identityBySdk(cluster, store, azurekv, namespace);
        const ask = once(async () => exchange(cluster, await assertion(), AZIDENTITY));
        return async (wanted = tenant) => {
          if (wanted.toLowerCase() === tenant.toLowerCase()) return ask();
          throw new OperatorError(
            `${CREDENTIAL} isn't configured to acquire tokens for tenant "${wanted}". To enable acquiring tokens for this tenant add it to the AdditionallyAllowedTenants on the credential options, or add "*" to allow acquiring tokens for any tenant`,
          );
        };
      }
      const assertion = identity(cluster, store, azurekv, namespace);
      const ask = once(() => exchange(cluster, assertion, MSAL));
      await ask();
      return ask;
    }
    case 'ServicePrincipal':
      return servicePrincipal(cluster, store, azurekv, namespace);
    default:
      return () =>
        Promise.reject(
          new Refused(
            400,
            'adal: Refresh request failed. Status Code = \'400\'. Response body: {"error":"invalid_request","error_description":"Identity not found"} (the sandbox has no instance metadata service)',
          ),
        );
  }
}

/** A token that was not given, by the answer's status. */
export class Refused extends OperatorError {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => {
    known ??= work();
    return known;
  };
}

interface Assertion {
  readonly tenant: string;
  readonly client_id: string;
  readonly client_assertion: string;
}

/** With `useAzureSDK`: the client from the annotation alone, the tenant from the store before the annotation. */
function identityBySdk(cluster: Cluster, store: SecretStore, azurekv: AzureKv, namespace: string) {
  const { serviceAccountRef: ref } = azurekv;
  if (!ref) {
    const own = ownEnvironment(cluster);
    const lacking = OWN.find(([name]) => !own[name]);
    if (lacking) throw new OperatorError(lacking[1]);
    return { tenant: own.AZURE_TENANT_ID ?? '', assertion: async () => ownIdentity(cluster) };
  }
  const account = accountOf(cluster, store, ref, namespace, 'failed to get service account: ');
  const annotations = account.metadata.annotations ?? {};
  const client_id = annotations[CLIENT_ID];
  if (client_id === undefined) throw new OperatorError(missingClient);
  const tenant = azurekv.tenantId ?? annotations[TENANT_ID];
  if (tenant === undefined) throw new OperatorError('missing tenantID in store config');
  const assertion = async (): Promise<Assertion> => {
    try {
      return { tenant, client_id, client_assertion: tokenOf(cluster, account, [AUDIENCE, ...(ref.audiences ?? [])]) };
    } catch (error) {
      throw new OperatorError(`${CREDENTIAL}: failed to fetch service account token: ${messageOf(error)}`);
    }
  };
  return { tenant, assertion };
}

/** What azidentity lacks in the operator's own environment, and how it says so. */
const OWN = [
  ['AZURE_CLIENT_ID', 'no client ID specified. Check pod configuration or set ClientID in the options'],
  ['AZURE_TENANT_ID', 'no tenant ID specified. Check pod configuration or set TenantID in the options'],
  [
    'AZURE_FEDERATED_TOKEN_FILE',
    'no token file specified. Check pod configuration or set TokenFilePath in the options',
  ],
] as const;

const missingClient = `missing clientID: either serviceAccountRef or service account annotation '${CLIENT_ID}' is missing`;

function accountOf(
  cluster: Cluster,
  store: SecretStore,
  ref: NonNullable<AzureKv['serviceAccountRef']>,
  namespace: string,
  words = '',
): Resource {
  const at = store.kind === 'ClusterSecretStore' ? (ref.namespace ?? namespace) : namespace;
  const account = cluster.store.get(kindNamed('ServiceAccount'), at, ref.name);
  if (!account) throw new OperatorError(`${words}ServiceAccount ${JSON.stringify(ref.name)} not found`);
  return account;
}

/** Client, tenant and the token to exchange: of the account that the store names, else of the operator's own pod. */
function identity(cluster: Cluster, store: SecretStore, azurekv: AzureKv, namespace: string): Assertion {
  const { serviceAccountRef: ref, authSecretRef } = azurekv;
  if (!ref) return ownIdentity(cluster);
  const account = accountOf(cluster, store, ref, namespace);
  const annotations = account.metadata.annotations ?? {};

  let client = '';
  if (authSecretRef) {
    if (!authSecretRef.clientId) {
      throw new OperatorError('missing accessKeyID/secretAccessKey in store config');
    }
    client = secretKey(cluster, store, namespace, authSecretRef.clientId);
  }
  if (annotations[CLIENT_ID] !== undefined) {
    if (client !== '') throw new OperatorError('multiple clientID found. Check secretRef and serviceAccountRef');
    client = annotations[CLIENT_ID];
  }
  if (client === '') {
    throw new OperatorError(missingClient);
  }
  let tenant = authSecretRef?.tenantId ? secretKey(cluster, store, namespace, authSecretRef.tenantId) : '';
  tenant ||= azurekv.tenantId ?? '';
  if (annotations[TENANT_ID] !== undefined) {
    if (tenant !== '') {
      throw new OperatorError(
        "multiple tenantID found. Check secretRef, 'spec.provider.azurekv.tenantId', and serviceAccountRef",
      );
    }
    tenant = annotations[TENANT_ID];
  }
  tenant ||= ownEnvironment(cluster).AZURE_TENANT_ID ?? '';
  if (tenant === '') throw new OperatorError('missing tenantID in store config');
  return {
    tenant,
    client_id: client,
    client_assertion: tokenOf(cluster, account, [AUDIENCE, ...(ref.audiences ?? [])]),
  };
}

/** What the workload identity webhook gave the operator's pod, if it selects it. */
function ownEnvironment(cluster: Cluster): Readonly<Record<string, string | undefined>> {
  const env = operatorPod(cluster)?.spec.containers[0]?.env ?? [];
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

function ownIdentity(cluster: Cluster): Assertion {
  const { AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE } = ownEnvironment(cluster);
  if (!AZURE_CLIENT_ID || !AZURE_TENANT_ID || !AZURE_FEDERATED_TOKEN_FILE) {
    throw new OperatorError(
      'missing environment variables. AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE must be set',
    );
  }
  const pod = operatorPod(cluster) as Pod;
  const { namespace } = pod.metadata;
  const account = cluster.store.get(kindNamed('ServiceAccount'), namespace, pod.spec.serviceAccountName ?? 'default');
  if (!account) throw new OperatorError(`unable to read token file ${AZURE_FEDERATED_TOKEN_FILE}`);
  const { token } = cluster.tokens.issue(account, { audiences: [AUDIENCE], expirationSeconds: 3600, pod });
  return { tenant: AZURE_TENANT_ID, client_id: AZURE_CLIENT_ID, client_assertion: token };
}

/** A TokenRequest in the operator's name. */
function tokenOf(cluster: Cluster, account: Resource, audiences: readonly string[]): string {
  const { name, namespace = '' } = account.metadata;
  const caller = mayCreateTokens(cluster, namespace);
  if (caller !== true) {
    throw new OperatorError(
      `serviceaccounts ${JSON.stringify(name)} is forbidden: User ${JSON.stringify(caller)} cannot create resource "serviceaccounts/token" in API group "" in the namespace ${JSON.stringify(namespace)}`,
    );
  }
  try {
    const { status } = cluster.tokens.request(namespace, name, { spec: { audiences } });
    return (status as { token: string }).token;
  } catch (error) {
    throw new OperatorError(messageOf(error));
  }
}

function servicePrincipal(cluster: Cluster, store: SecretStore, azurekv: AzureKv, namespace: string): AskToken {
  const { tenantId: tenant, authSecretRef: ref } = azurekv;
  if (tenant === undefined) throw new OperatorError('missing tenantID in store config');
  if (!ref) throw new OperatorError('missing secretRef in provider config');
  const { clientId, clientSecret, clientCertificate } = ref;
  if (!clientId || !(clientSecret || clientCertificate)) {
    throw new OperatorError('missing accessKeyID/secretAccessKey in store config');
  }
  if (clientSecret && clientCertificate) throw new OperatorError('both clientSecret and clientCredentials set');
  const client_id = secretKey(cluster, store, namespace, clientId);
  if (!clientSecret) throw new OperatorError('the sandbox knows no client certificates: use workload identity');
  const client_secret = secretKey(cluster, store, namespace, clientSecret);
  return () => signInWithSecret(cluster, { tenant, client_id, client_secret });
}

function secretKey(
  cluster: Cluster,
  store: SecretStore,
  namespace: string,
  ref: { readonly name?: string; readonly namespace?: string; readonly key?: string },
): string {
  const at = store.kind === 'ClusterSecretStore' ? (ref.namespace ?? namespace) : namespace;
  const found = cluster.store.get(kindNamed('Secret'), at, ref.name ?? '') as Secret | undefined;
  if (!found) {
    throw new OperatorError(
      `cannot get Kubernetes secret ${JSON.stringify(ref.name)} from namespace ${JSON.stringify(at)}: secrets ${JSON.stringify(ref.name)} not found`,
    );
  }
  const value = found.data?.[ref.key ?? ''];
  if (value === undefined) throw new OperatorError(`cannot find secret data for key: ${JSON.stringify(ref.key)}`);
  return Buffer.from(value, 'base64').toString();
}

/** How a library words what Entra did not give. */
interface Words {
  refused(method: string, url: string, reply: Reply): string;
  unanswered(method: string, url: string, why: string): string;
}

/** MSAL by itself, as the operator's usual client has it. */
const MSAL: Words = {
  refused: (method, url, reply) =>
    called(method, url, `reply status code was ${reply.status}:\n${JSON.stringify(bodyOf(reply))}`),
  unanswered: called,
};

const CREDENTIAL = 'ClientAssertionCredential';
/** The same within azidentity, which tells of the answer rather than of the call. */
const AZIDENTITY: Words = {
  refused: (method, url, reply) => authenticationFailed(CREDENTIAL, method, url, reply),
  unanswered: (method, url, why) => `${CREDENTIAL}: ${called(method, url, why)}`,
};

/** MSAL asks with an empty query where it asks for the tenant's end points. */
function called(method: string, url: string, why: string): string {
  const isDiscovery = url.endsWith('/openid-configuration');
  const call = `http call(${url}${isDiscovery ? '?' : ''})(${method}) error: ${why}`;
  return isDiscovery ? `unable to resolve an endpoint: ${call}` : call;
}

/** Reads the tenant's end points, and exchanges the assertion there. Throws Refused in the words of the library. */
async function exchange(cluster: Cluster, { tenant, ...form }: Assertion, words: Words): Promise<string> {
  const ask = async (method: string, path: string, body: object): Promise<Reply> => {
    const url = `https://${LOGIN}${path}`;
    const reply = await send(cluster, method, path, body, (why) => words.unanswered(method, url, why));
    if (reply.status !== 200) throw new Refused(reply.status, words.refused(method, url, reply));
    return reply;
  };
  await ask('GET', `/${tenant}/v2.0/.well-known/openid-configuration`, {});
  const all = { ...form, ...GRANT, client_assertion_type: ASSERTION_TYPE };
  const reply = await ask('POST', `/${tenant}/oauth2/v2.0/token`, all);
  return String(bodyOf(reply).access_token);
}

/** The same for a service principal, by the older library that the usual client has for these. */
async function signInWithSecret(
  cluster: Cluster,
  { tenant, ...form }: { readonly tenant: string; readonly client_id: string; readonly client_secret: string },
): Promise<string> {
  const path = `/${tenant}/oauth2/v2.0/token`;
  const failed = (why: string) => `adal: Failed to execute the refresh request. Error = '${why}'`;
  const reply = await send(cluster, 'POST', path, { ...form, ...GRANT }, failed);
  if (reply.status === 200) return String(bodyOf(reply).access_token);
  throw new Refused(
    reply.status,
    `adal: Refresh request failed. Status Code = '${reply.status}'. Response body: ${JSON.stringify(bodyOf(reply))} Endpoint https://${LOGIN}/${tenant}/oauth2/token?api-version=1.0`,
  );
}

/** Asks Entra. Throws, in these words, that it cannot be reached. */
async function send(
  cluster: Cluster,
  method: string,
  path: string,
  form: object,
  unanswered: (why: string) => string,
): Promise<Reply> {
  const body = new URLSearchParams({ ...form }).toString();
  const request = { method, host: LOGIN, path, query: new URLSearchParams(), headers: HEADERS, body };
  return cluster.parts.dispatch(request).catch((error: unknown) => {
    if (!(error instanceof Unreachable)) throw error;
    throw new OperatorError(unanswered(error.message));
  });
}

const GRANT = { scope: 'https://vault.azure.net/.default', grant_type: 'client_credentials' };

export const AGENT = 'external-secrets/v2.9.0 (linux/amd64) sandbox';
const HEADERS = { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': AGENT };
