import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { ArmCluster, Parts } from '../../parts.ts';
import { bodyOf, headerOf, responseError } from '../azure-answers.ts';
import { Unreachable } from '../egress.ts';
import { NoNodeToken, nodeToken } from '../metadata-service.ts';
import { MountError } from '../mount-error.ts';
import { type Parameters, readParameters, type VaultObject, vaultHost } from './parameters.ts';

/*
 * The Azure provider of the Secrets Store CSI driver, v1.8: the pod's token is exchanged at Entra, the objects are read
 * from the vault, by the same requests as in Azure. https://github.com/Azure/secrets-store-csi-driver-provider-azure
 */
const AGENT = 'csi-secrets-store/v1.8.2 (linux/amd64) sandbox';
const AUDIENCE = 'api://AzureADTokenExchange';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const API_VERSION = '7.4';

export interface MountedFile {
  /** `secret/db-password` */
  readonly id: string;
  readonly version: string;
  readonly path: string;
  readonly content: Buffer;
}

interface Mount {
  readonly parts: Pick<Parts, 'dispatch' | 'arm' | 'entra' | 'state'>;
  /** The nodes' identities. */
  readonly nodes: Pick<ArmCluster, 'nodeIdentities'>;
  readonly parameters: Readonly<Record<string, string>>;
  /** Content of the Secret that `nodePublishSecretRef` names. */
  readonly secrets: Readonly<Record<string, string>> | undefined;
  /** By audience; `undefined` when the CSIDriver asks for none. */
  readonly tokens: Readonly<Record<string, string>> | undefined;
}

/** All objects or none. Throws a MountError in the provider's words. */
export async function fetchObjects(mount: Mount): Promise<readonly MountedFile[]> {
  const parameters = readParameters(mount.parameters);
  const signIn = credential(mount, parameters);
  const host = vaultHost(parameters.vault);
  const token = oneToken(parameters, signIn, host);
  const files: MountedFile[] = [];
  for (const object of parameters.objects) {
    const failed = (why: string) =>
      new MountError(
        `failed to get objectType:${object.type}, objectName:${object.name}, objectVersion:${object.version}: ${why}`,
      );
    try {
      files.push(await fetchObject(mount, host, object, token));
    } catch (error) {
      if (error instanceof MountError) throw failed(error.message);
      // What is dropped on its way outlasts the driver's own deadline.
      if (error instanceof Unreachable)
        throw failed(error.message.replace(/dial tcp \S+ i\/o timeout$/, 'context deadline exceeded'));
      throw error;
    }
  }
  return files;
}

/** How the provider signs in, checked before anybody is asked. */
function credential(mount: Mount, parameters: Parameters): () => Promise<string> {
  switch (parameters.mode) {
    case 'workload identity': {
      const failed = (why: string) => new MountError(`failed to parse workload identity tokens, error: ${why}`);
      if (!mount.tokens) throw failed('service account tokens not found');
      const token = mount.tokens[AUDIENCE];
      if (!token) throw failed(`token for audience ${AUDIENCE} not found`);
      const proof = { client_id: parameters.clientId, client_assertion_type: ASSERTION, client_assertion: token };
      return () =>
        exchange(mount, parameters, proof, 'ClientAssertionCredential authentication failed. FromAssertion()');
    }
    case 'service principal': {
      const failed = (why: string) => new MountError(`failed to create auth config, error: ${why}`);
      const { secrets } = mount;
      if (!secrets) throw failed('failed to get credentials, nodePublishSecretRef secret is not set');
      const [id, secret] = ['clientid', 'clientsecret'].map((key) => {
        const value = secrets[key];
        if (!value) throw failed(`could not find ${key} in secrets(map[${Object.keys(secrets).join(' ')}])`);
        return value;
      });
      const proof = { client_id: id ?? '', client_secret: secret ?? '' };
      return () =>
        exchange(mount, parameters, proof, 'ClientSecretCredential authentication failed. FromClientSecret()');
    }
    case 'pod identity':
      throw new MountError(
        'nmi response failed with status code: 404, response body: getting assigned identities for pod in CREATED state failed (the sandbox has no AAD Pod Identity)',
      );
    default:
      // The provider runs on the host's network.
      return () =>
        nodeToken(mount.parts, mount.nodes, parameters.nodeIdentity).catch((error: unknown) => {
          throw error instanceof NoNodeToken ? new MountError(error.message) : error;
        });
  }
}

/** A bearer token for the vault, once its challenge has named the tenant; without one, what is known already. */
type AskToken = (tenant?: string) => Promise<string> | undefined;

/** One challenge and one token serve all objects. */
function oneToken(parameters: Parameters, signIn: () => Promise<string>, host: string): AskToken {
  let known: Promise<string> | undefined;
  return (tenant) => {
    if (tenant === undefined) return known;
    const otherTenant = tenant.toLowerCase() !== parameters.tenant.toLowerCase();
    // The nodes' identities have one tenant, and are not asked for another.
    if (otherTenant && parameters.mode !== 'vm identity') {
      throw new MountError(
        `ClientAssertionCredential isn't configured to acquire tokens for tenant "${tenant}". To enable acquiring tokens for this tenant add it to the AdditionallyAllowedTenants on the credential options (vault ${host})`,
      );
    }
    known ??= signIn();
    return known;
  };
}

async function exchange(
  mount: Mount,
  parameters: Parameters,
  proof: Readonly<Record<string, string>>,
  failure: string,
): Promise<string> {
  const host = 'login.microsoftonline.com';
  const path = `/${parameters.tenant}/oauth2/v2.0/token`;
  const body = new URLSearchParams({
    ...proof,
    scope: 'https://vault.azure.net/.default',
    grant_type: 'client_credentials',
  }).toString();
  const reply = await mount.parts.dispatch({
    method: 'POST',
    host,
    path,
    query: new URLSearchParams(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': AGENT,
    },
    body,
  });
  const answer = bodyOf(reply);
  if (reply.status !== 200) {
    throw new MountError(
      `${failure}: http call(https://${host}${path})(POST) error: reply status code was ${reply.status}:\n${JSON.stringify(answer)}`,
    );
  }
  return String(answer.access_token);
}

async function fetchObject(mount: Mount, host: string, object: VaultObject, token: AskToken): Promise<MountedFile> {
  const collection = { secret: 'secrets', key: 'keys', cert: 'certificates' }[object.type];
  const path = `/${collection}/${object.name}/${object.version}`;
  const url = `https://${host}${path}`;
  if (!mount.parts.arm.vault(host.split('.')[0] ?? '')) {
    throw new MountError(
      `Get "${url}?api-version=${API_VERSION}": dial tcp: lookup ${host} on 10.0.0.10:53: no such host`,
    );
  }
  const get = (headers: Record<string, string>) =>
    mount.parts.dispatch({
      method: 'GET',
      host,
      path,
      query: new URLSearchParams({ 'api-version': API_VERSION }),
      headers: { accept: 'application/json', 'user-agent': AGENT, ...headers },
      body: '',
    });
  const challenged = async () => {
    const challenge = await get({});
    if (challenge.status !== 401) throw new MountError(responseError('GET', url, challenge));
    const said = headerOf(challenge, 'www-authenticate');
    const tenant = /authorization(?:_uri)?="https:\/\/[^/]+\/([^/"]+)/.exec(said)?.[1];
    if (!tenant) throw new MountError('response has no WWW-Authenticate challenge that names a tenant');
    return token(tenant);
  };
  const reply = await get({ authorization: `Bearer ${await (token() ?? challenged())}` });
  if (reply.status !== 200) throw new MountError(responseError('GET', url, reply));
  const { content, id } = read(object, bodyOf(reply));
  return {
    id: `${object.type}/${object.name}`,
    version: id.split('/').at(-1) ?? '',
    path: object.alias || object.name,
    content,
  };
}

/** Keys and certificates give their public part; a secret is decoded as the class says. */
function read(object: VaultObject, answer: Record<string, unknown>): { content: Buffer; id: string } {
  if (object.type === 'key') {
    const key = answer.key as JsonWebKey & { kid: string };
    const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    return { content: Buffer.from(pem), id: key.kid };
  }
  const id = String(answer.id);
  if (object.type === 'cert') {
    const lines = String(answer.cer).match(/.{1,64}/g) ?? [];
    return {
      content: Buffer.from(`-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`),
      id,
    };
  }
  const value = String(answer.value);
  if (answer.kid && answer.contentType === 'application/x-pkcs12' && object.format !== 'pfx') {
    throw new MountError('the sandbox does not convert PFX to PEM: set objectFormat: pfx');
  }
  if (answer.kid && !['application/x-pem-file', 'application/x-pkcs12'].includes(String(answer.contentType))) {
    throw new MountError(`failed to get certificate. unknown content type '${answer.contentType}'`);
  }
  const encoding = object.encoding === 'hex' ? 'hex' : object.encoding === 'base64' ? 'base64' : 'utf8';
  return { content: Buffer.from(value, encoding), id };
}
