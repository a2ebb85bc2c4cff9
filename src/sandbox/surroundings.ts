import type { Agent } from 'node:https';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import type { Access } from './parts.ts';
import type { Identity } from './tls.ts';
import { ALLOW, DEFAULTS } from './world/demo.ts';

/**
 * All that lies between the program and the world it acts on, in the shape that the program takes it
 * (`Surroundings` there). Nothing of the user's own is in it: no sign-in, no kubeconfig, no environment but PATH.
 */
export interface SandboxSurroundings {
  readonly label: 'simulated';
  readonly cloud: typeof PUBLIC_CLOUD;
  readonly agent: Agent;
  credential(): Promise<Credential>;
  readonly clock: Clock;
  readonly defaults: Readonly<Record<string, string | boolean | readonly string[]>>;
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/** The shape of a TokenCredential of the Azure SDKs. */
export interface Credential {
  getToken(scopes: string | string[]): Promise<{ token: string; expiresOnTimestamp: number }>;
}

/** The sandbox speaks under the names of the public cloud. */
export const PUBLIC_CLOUD = {
  name: 'AzureCloud',
  resourceManager: 'https://management.azure.com',
  resourceManagerScope: 'https://management.azure.com/.default',
  authority: 'https://login.microsoftonline.com',
  vaultSuffix: '.vault.azure.net',
  vaultScope: 'https://vault.azure.net/.default',
  graph: 'https://graph.microsoft.com',
  federationAudience: 'api://AzureADTokenExchange',
  aksScope: '6dae42f8-4368-4678-94ff-3960e28e3630/.default',
  csiName: '',
  externalSecretsName: 'PublicCloud',
  daprName: 'AZUREPUBLICCLOUD',
  portal: 'https://portal.azure.com',
} as const;

/** Sign-in as the sandbox's caller: tokens that its own Entra signs, which the real Azure therefore refuses. */
export function callerCredential(sign: (audience: string) => Promise<string>): Credential {
  return {
    async getToken(scopes) {
      const scope = Array.isArray(scopes) ? (scopes[0] ?? '') : scopes;
      const token = await sign(scope.replace(/\/\.default$/, ''));
      const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
      return { token, expiresOnTimestamp: exp * 1000 };
    },
  };
}

/** What stands in for the flags of a person who tries the demo; with a file only what no file says. */
export const defaultsOf = (subscription: string, withFile: boolean): SandboxSurroundings['defaults'] => ({
  subscription,
  allow: ALLOW,
  ...(withFile ? {} : DEFAULTS),
});

/** The surroundings of whoever opens a sandbox or joins one: all but what is given here is the same for both. */
export const surroundingsOf = (from: {
  readonly agent: Agent;
  readonly sign: (audience: string) => Promise<string>;
  readonly clock: Clock;
  readonly subscriptionId: string;
  readonly withFile: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly close: () => Promise<void>;
}): SandboxSurroundings => ({
  label: 'simulated',
  cloud: PUBLIC_CLOUD,
  agent: from.agent,
  credential: async () => callerCredential(from.sign),
  clock: from.clock,
  defaults: defaultsOf(from.subscriptionId, from.withFile),
  env: from.env,
  close: from.close,
});

/** How other programs reach the sandbox; nothing of the user's own environment but where programs lie. */
export function accessOf(folder: string, tls: Pick<Identity, 'ca' | 'caFile'>, proxyPort: number): Access {
  const proxyUrl = `http://127.0.0.1:${proxyPort}`;
  const kept = ['PATH', 'LANG', 'TERM', 'TMPDIR', 'SystemRoot', 'PATHEXT', 'TEMP', 'TMP'];
  const env: NodeJS.ProcessEnv = {};
  for (const name of kept) if (process.env[name] !== undefined) env[name] = process.env[name];
  return {
    proxyUrl,
    caFile: tls.caFile,
    ca: tls.ca,
    env: {
      ...env,
      HOME: folder,
      KUBECONFIG: join(folder, 'kubeconfig'),
      AZURE_CONFIG_DIR: join(folder, 'azure'),
      HTTPS_PROXY: proxyUrl,
      https_proxy: proxyUrl,
      NO_PROXY: '',
      NODE_USE_ENV_PROXY: '1',
      NODE_EXTRA_CA_CERTS: tls.caFile,
      SSL_CERT_FILE: tls.caFile,
      REQUESTS_CA_BUNDLE: tls.caFile,
      CURL_CA_BUNDLE: tls.caFile,
    },
  };
}

/** Where a server is, for other programs. */
export const addresses = (
  { caFile }: Pick<Identity, 'caFile'>,
  { port, proxyPort }: { readonly port: number; readonly proxyPort: number },
) => ({
  port,
  proxyPort,
  caFile,
  metadataUrl: `https://localhost:${port}/metadata/endpoints?api-version=2023-01-01`,
});
