import { type ArmCluster, type Handler, type KubernetesAnswers, type Parts, Refusal } from '../parts.ts';
import { AKS_SERVER, authenticate } from './access.ts';
import { serve } from './api.ts';
import type { Cluster } from './cluster.ts';
import { installRelease, removeRelease } from './dapr/install.ts';
import { installOperator, removeOperator } from './external-secrets/install.ts';
import { follow, openCluster, stateOf } from './open-cluster.ts';
import { noSuchPath, refuse } from './status.ts';
import { createStore, forgetOldEvents } from './store.ts';
import { createTokens } from './tokens.ts';

export interface KubernetesPart extends KubernetesAnswers {
  /** The API servers, told apart by their host. Loopback names reach the first cluster. */
  readonly handler: Handler;
  /** The public issuers: discovery documents and keys, while the cluster has its OIDC issuer on. */
  readonly issuerHandler: Handler;
  /** Opens the clusters that the state holds. */
  start(): void;
  /** Ends all pods' processes. */
  stop(): Promise<void>;
}

/** The sandbox's AKS clusters, seen from inside. */
export function createKubernetes(parts: Parts): KubernetesPart {
  type Open = Awaited<ReturnType<typeof openCluster>>;
  const open = new Map<string, Promise<Open>>();
  let stopped = false;
  const byId = (id: string) => parts.arm.clusters().find((each) => each.id.toLowerCase() === id.toLowerCase());

  const opened = (arm: ArmCluster): Promise<Open> => {
    const key = arm.id.toLowerCase();
    let last = arm;
    const current = () => {
      last = byId(key) ?? last;
      return last;
    };
    const known = open.get(key) ?? parts.busy(openCluster(parts, current));
    open.set(key, known);
    return known;
  };

  /** Clusters that Resource Manager no longer has. */
  const closeGone = async () => {
    for (const [key, cluster] of open) {
      if (byId(key)) continue;
      open.delete(key);
      await (await cluster).close();
      delete parts.state.kubernetes[key];
    }
  };

  return {
    async handler(request) {
      const loopback = ['127.0.0.1', 'localhost', '::1', '[::1]'].includes(request.host);
      const arm = parts.arm.clusters().find((each) => loopback || each.fqdn.toLowerCase() === request.host);
      if (!arm) throw noSuchPath();
      if (!arm.running) throw refuse(503, 'ServiceUnavailable', `the cluster ${arm.name} is stopped`);
      const cluster = await opened(arm);
      await cluster.queue.settled();
      try {
        const caller = await authenticate(request, arm, cluster.state, cluster.tokens, parts);
        forgetOldEvents(cluster.store, parts.clock.now());
        await awaken(cluster, request.path);
        return await serve(cluster, request, caller);
      } catch (error) {
        if (error instanceof Refusal) return error.reply;
        throw error;
      }
    },

    async issuerHandler(request) {
      const url = `https://${request.host}${request.path}`;
      const arm = parts.arm.clusters().find((each) => each.oidcIssuer && url.startsWith(each.issuer));
      if (arm && request.method === 'GET') {
        await opened(arm); // whose key is made by then
        const state = stateOf(parts, arm.id);
        if (state.issuerDown) return { status: 503, body: 'Service Unavailable' };
        const tokens = createTokens(
          state,
          createStore(state),
          () => arm,
          () => parts.clock.now(),
        );
        const document = tokens.published(url.slice(arm.issuer.length));
        if (document) return { status: 200, body: document };
      }
      return { status: 404, body: 'not found' };
    },

    async clusterChanged(arm) {
      // An operation of a world that is no more may come to its end.
      if (stopped) return;
      await closeGone();
      if (!byId(arm.id)) return;
      const cluster = await opened(arm);
      follow(cluster);
      await cluster.queue.settled();
    },

    async installDapr(arm, release) {
      if (stopped) return undefined;
      const cluster = await opened(arm);
      const error = installRelease(cluster, release);
      await cluster.queue.settled();
      return error;
    },

    async removeDapr(arm) {
      if (stopped) return;
      const cluster = await opened(arm);
      removeRelease(cluster);
      await cluster.queue.settled();
    },

    async externalSecrets(arm, release) {
      if (stopped) return;
      const cluster = await opened(arm);
      if (release === 'none') removeOperator(cluster);
      else installOperator(cluster, release);
      await cluster.queue.settled();
    },

    kubeconfig: (arm) => kubeconfig(parts, arm),

    start() {
      // Whoever asks for a cluster that could not be opened is told why.
      for (const arm of parts.arm.clusters()) opened(arm).catch(() => undefined);
    },

    async stop() {
      stopped = true;
      const all = await Promise.allSettled(open.values());
      await Promise.all(all.flatMap((each) => (each.status === 'fulfilled' ? [each.value.close()] : [])));
      open.clear();
    },
  };
}

/** Scripts of pods that ran when the sandbox was closed start again when somebody looks at pods. */
async function awaken(cluster: Cluster, path: string): Promise<void> {
  const match =
    /^\/(?:api|apis\/secrets-store\.csi\.x-k8s\.io)\/v1(?:\/namespaces\/([^/]+))?\/(pods|secretproviderclasspodstatuses)(\/|$)/.exec(
      path,
    );
  if (!match) return;
  cluster.kubelet.wake(match[1]);
  await cluster.queue.settled();
}

/** As `listClusterUserCredential` gives it: a token for local accounts, kubelogin for Entra. */
function kubeconfig(parts: Parts, cluster: ArmCluster): string {
  const { name, fqdn } = cluster;
  const group = /\/resourceGroups\/([^/]+)\//i.exec(cluster.id)?.[1] ?? 'group';
  const userName = `clusterUser_${group}_${name}`;
  const user = cluster.entra
    ? {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1beta1',
          command: 'kubelogin',
          args: [
            'get-token',
            '--environment',
            'AzurePublicCloud',
            '--server-id',
            AKS_SERVER,
            '--client-id',
            '80faf920-1908-4b52-b5ef-a8e7bedfc67a',
            '--tenant-id',
            parts.state.tenantId,
            '--login',
            'devicecode',
          ],
          env: null,
          installHint: 'kubelogin is not installed which is required to connect to AAD enabled cluster.',
          provideClusterInfo: false,
        },
      }
    : { token: stateOf(parts, cluster.id).userToken };
  // JSON is YAML, and the reading side needs no library of ours.
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: {
            'certificate-authority-data': Buffer.from(parts.access.ca).toString('base64'),
            server: `https://${fqdn}:443`,
            'proxy-url': parts.access.proxyUrl,
          },
        },
      ],
      users: [{ name: userName, user }],
      contexts: [{ name, context: { cluster: name, user: userName } }],
      'current-context': name,
      preferences: {},
    },
    undefined,
    2,
  )}\n`;
}
