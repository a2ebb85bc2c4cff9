import type { Parts, Reply } from '../../parts.ts';
import { bodyOf, LINE, statusLine } from '../azure-answers.ts';
import { Unreachable } from '../egress.ts';
import { IMDS, notThere } from '../metadata-service.ts';

/*
 * How a component of Dapr signs in to Azure: https://github.com/dapr/components-contrib, common/authentication/azure, over
 * azidentity. Nobody signs in before the first secret is asked for; what lacks its settings is no part of the chain.
 */

/** What a process of daprd has to sign in with. */
export interface Surroundings {
  readonly parts: Pick<Parts, 'dispatch' | 'arm' | 'clock'>;
  /** Pods do not reach the instance metadata service. */
  readonly metadataRestricted?: boolean | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** A file as the process sees it; `undefined` when it is not there. */
  read(path: string): string | undefined;
}

/** A property of the component's metadata, whichever of its names it bears, in any case. */
export type Settings = (...names: readonly string[]) => string | undefined;

/** Answers a token for Key Vault. */
export type Credential = () => Promise<string>;

/** The next credential of the chain may have what this one has not. */
class Unavailable extends Error {}
/** The credential was shown and refused: the chain ends here, and prints the answer once more. */
class Failed extends Error {
  readonly response: string | undefined;
  constructor(message: string, response?: string) {
    super(message);
    this.response = response;
  }
}

const METHODS: Readonly<Record<string, (settings: Settings, at: Surroundings) => Credential>> = {
  clientcredentials: clientSecret,
  clientcertificate: certificate,
  workloadidentity: workloadIdentity,
  managedidentity: managedIdentity,
  commandlineinterface: () => commandLine,
};
const SHORT: Readonly<Record<string, string>> = {
  creds: 'clientcredentials',
  cert: 'clientcertificate',
  wi: 'workloadidentity',
  mi: 'managedidentity',
  cli: 'commandlineinterface',
};

/**
 * The chain that the component's `azureAuthMethods` ask for, else the usual one.
 * @throws what keeps the component from starting
 */
export function chainOf(settings: Settings, at: Surroundings): Credential {
  const asked = settings('azureAuthMethods')?.trim().toLowerCase();
  const names = asked ? asked.split(',').map((each) => each.trim()) : Object.keys(METHODS);
  const chain: Credential[] = [];
  const errors: string[] = [];
  for (const name of names) {
    if (name === 'none') throw new Error("all Azure auth methods have been disabled with auth method 'None'");
    const method = METHODS[SHORT[name] ?? name];
    if (!method) throw new Error(`invalid Azure auth method: ${name}`);
    try {
      chain.push(method(settings, at));
    } catch (error) {
      if ((error as Error).message) errors.push((error as Error).message);
    }
  }
  if (chain.length === 0) throw new Error(`no suitable token provider for Azure AD; errors: ${errors.join('\n')}`);
  return () => first(chain);
}

async function first(chain: readonly Credential[]): Promise<string> {
  const said: string[] = [];
  const attempted = () =>
    `failed to acquire a token.\nAttempted credentials:${said.map((each) => `\n\t${each}`).join('')}`;
  for (const credential of chain) {
    try {
      return await credential();
    } catch (error) {
      if (!(error instanceof Unavailable || error instanceof Failed)) throw error;
      said.push(error.message);
      if (error instanceof Failed) throw new Error(printed('ChainedTokenCredential', attempted(), error.response));
    }
  }
  throw new Error(printed('ChainedTokenCredential', attempted()));
}

/** Silent where it lacks its settings: what is not configured is not attempted. */
function clientSecret(settings: Settings, at: Surroundings): Credential {
  const id = settings('azureClientId', 'spnClientId', 'clientId');
  const secret = settings('azureClientSecret', 'spnClientSecret', 'clientSecret');
  const tenant = settings('azureTenantId', 'spnTenantId', 'tenantId');
  if (!id || !secret || !tenant) throw new Error('');
  return exchange(at, 'ClientSecretCredential', 'client-secret', tenant, id, 'FromClientSecret()', () => ({
    client_secret: secret,
  }));
}

function certificate(settings: Settings): Credential {
  const given =
    settings('azureCertificate', 'spnCertificate') ?? settings('azureCertificateFile', 'spnCertificateFile');
  if (!given) throw new Error('');
  return async () => {
    throw new Failed(printed('ClientCertificateCredential', 'the sandbox knows no client certificates'));
  };
}

/** Its client id is the environment's: what the component says of one is not read here. */
function workloadIdentity(_settings: Settings, at: Surroundings): Credential {
  const { AZURE_CLIENT_ID: id, AZURE_FEDERATED_TOKEN_FILE: file, AZURE_TENANT_ID: tenant } = at.env;
  if (!id) throw new Error('no client ID specified. Check pod configuration or set ClientID in the options');
  if (!file) throw new Error('no token file specified. Check pod configuration or set TokenFilePath in the options');
  if (!tenant) throw new Error('no tenant ID specified. Check pod configuration or set TenantID in the options');
  return exchange(at, 'WorkloadIdentityCredential', 'workload', tenant, id, 'FromAssertion()', () => {
    const assertion = at.read(file);
    if (assertion === undefined) {
      throw new Failed(printed('WorkloadIdentityCredential', `open ${file}: no such file or directory`));
    }
    return {
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    };
  });
}

/** The node's own identities are none of the pod's: the instance metadata service knows none that is asked for. */
function managedIdentity(settings: Settings, at: Surroundings): Credential {
  const id = settings('azureClientId', 'spnClientId', 'clientId');
  const body = { error: 'invalid_request', error_description: 'Identity not found' };
  return async () => {
    if (at.metadataRestricted) throw new Unavailable(notThere());
    if (!id) {
      throw new Unavailable(
        `ManagedIdentityCredential: failed to authenticate a system assigned identity. The endpoint responded with ${JSON.stringify(body)}`,
      );
    }
    const why = "the requested identity isn't assigned to this resource";
    throw refused('ManagedIdentityCredential', why, responseOf(`GET ${IMDS}`, '400 Bad Request', body), 'managed-id');
  };
}

async function commandLine(): Promise<string> {
  throw new Unavailable('AzureCLICredential: Azure CLI not found on path');
}

/** Exchanges what the proof shows for a token, which is kept until it ends. */
function exchange(
  at: Surroundings,
  name: string,
  anchor: string,
  tenant: string,
  clientId: string,
  by: string,
  proof: () => Readonly<Record<string, string>>,
): Credential {
  const authority = URL.parse(at.env.AZURE_AUTHORITY_HOST || 'https://login.microsoftonline.com/');
  let kept: { token: string; until: number } | undefined;
  /** The authority's document is read once. */
  let resolved = false;
  return async () => {
    const now = at.parts.clock.now().getTime();
    if (kept && kept.until > now) return kept.token;
    if (!authority) throw new Failed(printed(name, `invalid authority host "${at.env.AZURE_AUTHORITY_HOST}"`));
    const ask = (method: string, path: string, form?: Readonly<Record<string, string>>): Promise<Reply> =>
      at.parts.dispatch({
        ...{ method, host: authority.hostname, path, query: new URLSearchParams() },
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': AGENT },
        body: form ? new URLSearchParams(form).toString() : '',
      });
    const call = (method: string, path: string, { status, body }: Reply) =>
      `http call(${authority.origin}${path})(${method}) error: reply status code was ${status}:\n${JSON.stringify(body)}`;

    if (!resolved) {
      const known = `/${tenant}/v2.0/.well-known/openid-configuration`;
      const found = await ask('GET', known).catch((error: unknown) => {
        if (!(error instanceof Unreachable)) throw error;
        throw new Failed(printed(name, `unable to resolve an endpoint: ${error.message}`));
      });
      if (found.status !== 200) {
        throw new Failed(printed(name, `unable to resolve an endpoint: ${call('GET', known, found)}`));
      }
      resolved = true;
    }
    const path = `/${tenant}/oauth2/v2.0/token`;
    const reply = await ask('POST', path, {
      ...{ client_id: clientId, grant_type: 'client_credentials', scope: 'https://vault.azure.net/.default' },
      ...proof(),
    });
    const answer = bodyOf(reply);
    if (reply.status !== 200) {
      const response = responseOf(`POST ${authority.origin}${path}`, statusLine(reply), answer);
      throw refused(name, `${by}: ${call('POST', path, reply)}`, response, anchor);
    }
    const token = String(answer.access_token);
    kept = { token, until: now + (Number(answer.expires_in ?? 3600) - 300) * 1000 };
    return token;
  };
}

export const AGENT = 'dapr azsdk-go-azsecrets/v1.1.0 (sandbox; linux)';

/** As azidentity's AuthenticationFailedError prints itself, with the answer that it rests on, if there was one. */
const printed = (name: string, message: string, response?: string): string =>
  response === undefined ? `${name}: ${message}` : `${name} authentication failed. ${message}\n${response}`;

const responseOf = (request: string, status: string, body: object): string =>
  [request, LINE, `RESPONSE ${status}`, LINE, JSON.stringify(body, undefined, 2), LINE, ''].join('\n');

function refused(name: string, message: string, response: string, anchor: string): Failed {
  const help = `To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#${anchor}`;
  return new Failed(`${printed(name, message, response)}${help}`, response);
}
