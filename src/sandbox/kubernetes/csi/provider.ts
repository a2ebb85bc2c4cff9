import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { ArmCluster, Parts, Reply } from '../../parts.ts';
import { authenticationFailed, bodyOf, headerOf, responseError } from '../azure-answers.ts';
import { Unreachable } from '../egress.ts';
import { NoNodeToken, nodeToken } from '../metadata-service.ts';
import { MountError } from '../mount-error.ts';
import { decoded } from './encoding.ts';
import {
  objectError,
  type Parameters,
  readObjects,
  readParameters,
  type VaultObject,
  vaultHost,
} from './parameters.ts';

/*
 * The Azure provider of the Secrets Store CSI driver, v1.8: the pod's token is exchanged at Entra, the objects are read
 * from the vault, by the same requests as in Azure. https://github.com/Azure/secrets-store-csi-driver-provider-azure
 */
const AGENT = 'csi-secrets-store/v1.8.2 (linux/amd64) sandbox';
const AUDIENCE = 'api://AzureADTokenExchange';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const API_VERSION = '7.4';
const ENTRA = 'login.microsoftonline.com';
const TROUBLESHOOT = 'To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#client-secret';
/** The provider is on its node's network, and asks Azure's own DNS. */
const NODE_DNS = '168.63.129.16:53';

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
  const objects = readObjects(mount.parameters);
  if (objects.length === 0) return [];
  const host = vaultHost(parameters.vault);
  const token = oneToken(signIn);
  const files: MountedFile[] = [];
  for (const object of objects) {
    const answer = await fetchObject(mount, host, object, token).catch((error: unknown) => {
      if (error instanceof MountError) throw objectError(object, error.message);
      // What is dropped on its way outlasts the driver's own deadline.
      if (error instanceof Unreachable)
        throw objectError(object, error.message.replace(/dial tcp \S+ i\/o timeout$/, 'context deadline exceeded'));
      throw error;
    });
    files.push(read(object, answer));
  }
  return files;
}

/** As the provider calls them. */
const MODES = {
  ...{ 'workload identity': 'None', 'service principal': 'None' },
  ...{ 'pod identity': 'PodIdentity', 'vm identity': 'VMManagedIdentity' },
} as const satisfies Record<Parameters['mode'], string>;

/** How the provider signs in, checked before anybody is asked. */
function credential(mount: Mount, parameters: Parameters): () => Promise<string> {
  const refuse = (why: string) =>
    new MountError(`failed to build auth config for mode ${MODES[parameters.mode]}: ${why}`);
  // Whoever names a client id needs its token, also where another mode is meant.
  const token = parameters.clientId === '' ? '' : tokenOf(mount, refuse);
  switch (parameters.mode) {
    case 'workload identity': {
      const proof = { client_id: parameters.clientId, client_assertion_type: ASSERTION, client_assertion: token };
      return () => exchange(mount, parameters, proof, 'ClientAssertionCredential');
    }
    case 'service principal': {
      const { secrets } = mount;
      if (!secrets) throw refuse('failed to get credentials, nodePublishSecretRef secret is not set');
      const [id, secret] = ['clientid', 'clientsecret'].map((wanted) => {
        const value = Object.entries(secrets).find(([key]) => key.toLowerCase() === wanted)?.[1];
        if (!value) throw refuse(`could not find ${wanted} in secrets`);
        return value;
      });
      const proof = { client_id: id ?? '', client_secret: secret ?? '' };
      return () => exchange(mount, parameters, proof, 'ClientSecretCredential');
    }
    case 'pod identity':
      // Its NMI would listen on the node.
      return () =>
        Promise.reject(
          new MountError(
            'Get "http://localhost:2579/host/token/?resource=https://vault.azure.net": dial tcp 127.0.0.1:2579: connect: connection refused',
          ),
        );
    default:
      // The provider runs on the host's network.
      return () =>
        nodeToken(mount.parts, mount.nodes, parameters.nodeIdentity).catch((error: unknown) => {
          throw error instanceof NoNodeToken ? new MountError(error.message) : error;
        });
  }
}

function tokenOf({ tokens }: Mount, refuse: (why: string) => MountError): string {
  const failed = (why: string) => refuse(`failed to parse workload identity tokens, error: ${why}`);
  if (!tokens) throw failed('service account tokens not found');
  const token = tokens[AUDIENCE];
  if (!token) throw failed(`token for audience ${AUDIENCE} not found`);
  return token;
}

/** A bearer token for the vault: asked for once it has refused without one, and what is known already before. */
type AskToken = (challenged: boolean) => Promise<string> | undefined;

/**
 * One challenge and one token serve all objects. The token is of the class's tenant, whichever the challenge names
 * (azsecrets 0.13 does not look at it).
 */
function oneToken(signIn: () => Promise<string>): AskToken {
  let known: Promise<string> | undefined;
  return (challenged) => {
    if (challenged) known ??= signIn();
    return known;
  };
}

async function exchange(
  mount: Mount,
  parameters: Parameters,
  proof: Readonly<Record<string, string>>,
  name: string,
): Promise<string> {
  const ask = (method: string, path: string, body: string) =>
    mount.parts.dispatch({
      method,
      host: ENTRA,
      path,
      query: new URLSearchParams(),
      headers: { ...(body && { 'content-type': 'application/x-www-form-urlencoded' }), 'user-agent': AGENT },
      body,
    });
  const failed = (method: string, path: string, reply: Reply) => {
    const help = name === 'ClientSecretCredential' ? `\n${TROUBLESHOOT}` : '';
    return new MountError(`${authenticationFailed(name, method, `https://${ENTRA}${path}`, reply).trimEnd()}${help}`);
  };
  const about = `/${parameters.tenant}/v2.0/.well-known/openid-configuration`;
  const known = await ask('GET', about, '');
  if (known.status !== 200) throw failed('GET', about, known);
  const path = `/${parameters.tenant}/oauth2/v2.0/token`;
  const body = new URLSearchParams({
    ...proof,
    scope: 'https://vault.azure.net/.default',
    grant_type: 'client_credentials',
  }).toString();
  const reply = await ask('POST', path, body);
  if (reply.status !== 200) throw failed('POST', path, reply);
  return String(bodyOf(reply).access_token);
}

const COLLECTIONS: Readonly<Record<string, string>> = { secret: 'secrets', key: 'keys', cert: 'certificates' };

/** The vault's answer for one object. */
async function fetchObject(
  mount: Mount,
  host: string,
  object: VaultObject,
  token: AskToken,
): Promise<Record<string, unknown>> {
  const collection = COLLECTIONS[object.type];
  if (!collection) throw new MountError('Invalid vaultObjectTypes. Should be secret, key, or cert');
  const path = `/${collection}/${object.name}/${object.version}`;
  const url = `https://${host}${path}`;
  if (!mount.parts.arm.vault(host.split('.')[0] ?? '')) {
    throw new MountError(
      `Get "${url}?api-version=${API_VERSION}": dial tcp: lookup ${host} on ${NODE_DNS}: no such host`,
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
    if (!headerOf(challenge, 'www-authenticate')) throw new MountError('response has no WWW-Authenticate header');
    return token(true);
  };
  const reply = await get({ authorization: `Bearer ${await (token(false) ?? challenged())}` });
  if (reply.status !== 200) throw new MountError(responseError('GET', url, reply));
  return bodyOf(reply);
}

function read(object: VaultObject, answer: Record<string, unknown>): MountedFile {
  const { content, id } = contentOf(object, answer);
  return {
    id: `${object.type}/${object.name}`,
    version: id.split('/').at(-1) ?? '',
    path: object.alias || object.name,
    content,
  };
}

/** Keys and certificates give their public part; a secret is decoded as the class says. */
function contentOf(object: VaultObject, answer: Record<string, unknown>): { content: Buffer; id: string } {
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
    throw objectError(object, 'the sandbox does not convert PFX to PEM: set objectFormat: pfx');
  }
  if (answer.kid && !['application/x-pem-file', 'application/x-pkcs12'].includes(String(answer.contentType))) {
    throw objectError(object, `failed to get certificate. unknown content type '${answer.contentType}'`);
  }
  return { content: decoded(value, object.encoding), id };
}
