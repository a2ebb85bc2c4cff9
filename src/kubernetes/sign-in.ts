import { spawn } from 'node:child_process';
import type { Cluster, KubeConfig, User } from '@kubernetes/client-node';
import { makeKnown, type Secret } from '../secret.ts';
import { Problem } from '../trouble.ts';
import type { Clock } from '../world.ts';

/** A plugin may open a browser and wait for a person. */
const PLUGIN_TIMEOUT = 300_000;

type Authenticator = Parameters<KubeConfig['addAuthenticator']>[0];

/** How a kubeconfig's user runs a program that signs in (client.authentication.k8s.io ExecConfig). */
interface Plugin {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
}

/**
 * Replaces what client-node would do for users that sign in by a program: kubelogin by our own Entra token, other
 * plugins by the same call with the environment given (client-node passes its own process's whole environment, and
 * not the KUBERNETES_EXEC_INFO that plugins ask for).
 *
 * @param entraToken absent: kubelogin is run as any plugin
 */
export function authenticate(
  config: KubeConfig,
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly entraToken?: (() => Promise<Secret>) | undefined;
  },
): void {
  const user = config.getCurrentUser() as { -readonly [K in keyof User]: User[K] } | null;
  const cluster = config.getCurrentCluster();
  if (!user || !cluster) return;
  const plugin = user.exec as Plugin | undefined;
  const { entraToken } = options;
  if (signsInByEntra(user) && entraToken) {
    delete user.exec;
    delete user.authProvider;
    config.addAuthenticator(bearerOf(user.name, async () => (await entraToken()).reveal()));
  } else if (plugin) {
    delete user.exec;
    config.addAuthenticator(pluginOf(user.name, plugin, cluster, options));
  }
}

/** Whether the user signs in by Entra: through kubelogin, or the provider that kubelogin replaced. */
export function signsInByEntra(user: Pick<User, 'exec' | 'authProvider'> | null): boolean {
  const command = (user?.exec as Plugin | undefined)?.command?.split(/[\\/]/).at(-1);
  return /^kubelogin(\.exe)?$/i.test(command ?? '') || user?.authProvider?.name === 'azure';
}

function bearerOf(userName: string, token: () => Promise<string>): Authenticator {
  return {
    isAuthProvider: ({ name }) => name === userName,
    async applyAuthentication(_user, request) {
      request.headers = { ...request.headers, Authorization: `Bearer ${await token()}` };
    },
  };
}

interface ExecCredential {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  readonly expirationTimestamp?: string;
}

/** Runs the plugin once, and again when what it gave has ended. */
function pluginOf(
  userName: string,
  plugin: Plugin,
  cluster: Cluster,
  { env, clock, signal }: { env: NodeJS.ProcessEnv; clock: Clock; signal: AbortSignal },
): Authenticator {
  let held: Promise<ExecCredential> | undefined;
  const current = async () => {
    const credential = await held;
    const end = credential?.expirationTimestamp;
    return credential && (end === undefined || Date.parse(end) > clock.now().getTime()) ? credential : undefined;
  };
  return {
    isAuthProvider: ({ name }) => name === userName,
    async applyAuthentication(_user, request) {
      let credential = await current();
      if (!credential) {
        held = run(plugin, cluster, env, signal);
        held.catch(() => (held = undefined));
        credential = await held;
      }
      for (const value of [credential.token, credential.clientKeyData]) if (value) makeKnown(value);
      if (credential.token) request.headers = { ...request.headers, Authorization: `Bearer ${credential.token}` };
      const tls = request as { cert?: string; key?: string };
      if (credential.clientCertificateData) tls.cert = credential.clientCertificateData;
      if (credential.clientKeyData) tls.key = credential.clientKeyData;
    },
  };
}

function run(plugin: Plugin, cluster: Cluster, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<ExecCredential> {
  const command = plugin.command ?? '';
  const unsigned = (why: string) =>
    new Problem('unsigned', 'cluster sign-in', `The kubeconfig signs in by ${command}, which failed: ${why}`, {
      said: { by: 'Kubernetes', message: why },
    });
  const info = {
    apiVersion: plugin.apiVersion ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(plugin.provideClusterInfo
        ? { cluster: { server: cluster.server, 'certificate-authority-data': cluster.caData } }
        : {}),
    },
  };
  const declared = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]));
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...(plugin.args ?? [])], {
      env: { ...env, ...declared, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      timeout: PLUGIN_TIMEOUT,
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', (error) => reject(signal.aborted ? signal.reason : unsigned(error.message)));
    child.once('close', (code) => {
      if (code !== 0) return reject(unsigned(err.trim().split('\n').at(-1) || `exit code ${code}`));
      try {
        resolve((JSON.parse(out) as { status: ExecCredential }).status ?? {});
      } catch {
        reject(unsigned('it did not print an ExecCredential'));
      }
    });
  });
}
