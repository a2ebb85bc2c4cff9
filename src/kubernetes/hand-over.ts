import { readFile } from 'node:fs/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { Secret } from '../secret.ts';

/**
 * The current cluster and user of a kubeconfig as a kubeconfig of their own, for a program that is run: its other
 * contexts stay behind, and certificates that it names as files are put in, since they are looked for beside it.
 *
 * @param config as it was read; the answer is made from what it says now, whatever becomes of it later
 * @param entraToken signs in instead of the user's own program
 */
export function handOver(config: KubeConfig, entraToken?: () => Promise<Secret>): () => Promise<Secret> {
  const cluster = config.getCurrentCluster();
  const user = { ...config.getCurrentUser() };
  // Known as secrets for as long as a program may print them.
  const hidden = [user.token, user.password, user.keyData].flatMap((value) => (value ? [new Secret(value)] : []));
  const named = (given: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
  return async () => {
    const [ca, cert, key] = await Promise.all([
      cluster?.caData ?? inlined(cluster?.caFile),
      user.certData ?? inlined(user.certFile),
      user.keyData ?? inlined(user.keyFile),
    ]);
    const entra = await entraToken?.();
    if (entra) hidden.push(entra);
    const signIn = entra
      ? { token: entra.reveal() }
      : {
          ...{ token: user.token, username: user.username, password: user.password, as: user.impersonateUser },
          ...{ exec: user.exec, 'auth-provider': user.authProvider },
        };
    return new Secret(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'cluster',
        contexts: [{ name: 'cluster', context: { cluster: 'cluster', user: 'user' } }],
        clusters: [
          {
            name: 'cluster',
            cluster: named({
              server: cluster?.server,
              'certificate-authority-data': ca,
              'insecure-skip-tls-verify': cluster?.skipTLSVerify || undefined,
              'tls-server-name': cluster?.tlsServerName,
              'proxy-url': cluster?.proxyUrl,
            }),
          },
        ],
        users: [{ name: 'user', user: named({ 'client-certificate-data': cert, 'client-key-data': key, ...signIn }) }],
      }),
    );
  };
}

/** From where the connection itself reads it. */
const inlined = async (file: string | undefined): Promise<string | undefined> =>
  file ? (await readFile(file)).toString('base64') : undefined;
