import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts';
import type { Life } from './manifest.ts';

interface Status {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
}
interface ContainerStatus {
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly terminated?: object;
  };
  readonly lastState?: { readonly terminated?: object };
}
interface Event {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly name?: string };
}

const available = ({ metadata, spec, status }: KubernetesObject): boolean => {
  const { replicas = 1 } = (spec ?? {}) as { replicas?: number };
  const now = (status ?? {}) as Status;
  return (
    (now.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (now.updatedReplicas ?? 0) >= replicas &&
    (now.availableReplicas ?? 0) >= replicas &&
    // Pods of the version before are gone too.
    (now.replicas ?? 0) <= replicas
  );
};

export const podsOf = (kubernetes: Kubernetes, namespace: string, name: string): Promise<readonly KubernetesObject[]> =>
  kubernetes.list({ apiVersion: 'v1', kind: 'Pod' }, namespace, `app.kubernetes.io/name=${name}`);

/** Where a mesh puts its sidecar into every pod, the log must be asked of the container by name. */
export function readerOf({ spec }: KubernetesObject): string | undefined {
  const { containers = [] } = (spec ?? {}) as { containers?: readonly { readonly name: string }[] };
  return (containers.find(({ name }) => name === 'reader') ?? containers[0])?.name;
}

/** A Deployment is there once its pods are available; until then its newest pod says why not. */
export const deploymentLife: Life<{ readonly why: string }> = {
  async look(kubernetes, deployment) {
    if (available(deployment)) return { why: '' };
    const { name, namespace = 'default' } = deployment.metadata;
    const [pods, events] = await Promise.all([
      podsOf(kubernetes, namespace, name),
      // They only explain: who may not see them is told less.
      kubernetes.list({ apiVersion: 'v1', kind: 'Event' }, namespace).catch(() => []),
    ]);
    const newest = newestOf(pods);
    const said = newest && hasEnded(newest) ? await lastWords(kubernetes, newest) : undefined;
    return { why: whyNot(name, newest, said, events as readonly (KubernetesObject & Event)[]) };
  },
  pending: (_deployment, { why }) => why || undefined,
  // A pod that is going may still read; a label can be anybody's, so it is the owner that tells.
  async remains(kubernetes, { namespace = 'default', name }) {
    const pods = await podsOf(kubernetes, namespace, name).catch(() => []);
    const own = pods.find(({ metadata }) =>
      metadata.ownerReferences?.some((owner) => owner.kind === 'ReplicaSet' && owner.name.startsWith(`${name}-`)),
    );
    return own && `pod ${own.metadata.name} is still there`;
  },
};

const newestOf = (pods: readonly KubernetesObject[]): KubernetesObject | undefined =>
  [...pods].sort((a, b) => ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1))[0];

const containersOf = ({ status }: KubernetesObject): readonly ContainerStatus[] =>
  (status as { containerStatuses?: readonly ContainerStatus[] } | undefined)?.containerStatuses ?? [];

const hasEnded = (pod: KubernetesObject): boolean =>
  containersOf(pod).some(({ state, lastState }) => state?.terminated ?? lastState?.terminated);

/** What the sample's script says of what it could not read; nothing else of a log is repeated, it may say anything. */
async function lastWords(kubernetes: Kubernetes, pod: KubernetesObject): Promise<string | undefined> {
  const { name, namespace = 'default' } = pod.metadata;
  // It only explains: who may not see it is told less.
  const log = await kubernetes.log(namespace, name, 20, readerOf(pod)).catch(() => '');
  return log.split('\n').findLast((line) => line.startsWith('failed '));
}

function whyNot(
  name: string,
  newest: KubernetesObject | undefined,
  said: string | undefined,
  events: readonly (KubernetesObject & Event)[],
): string {
  const warnings = events.filter(({ type }) => type === 'Warning');
  if (!newest) {
    const refused = warnings.findLast(({ involvedObject }) => involvedObject?.name?.startsWith(name));
    return refused ? `no pod yet: ${refused.message}` : 'no pod yet';
  }
  const waiting = containersOf(newest)
    .map(({ state }) => state?.waiting)
    .find((state) => state?.reason);
  const warned = warnings.findLast(({ involvedObject }) => involvedObject?.name === newest.metadata.name);
  const words = said?.trim() ?? gistOf(warned?.message ?? waiting?.message);
  return [`pod ${newest.metadata.name}`, waiting?.reason ?? 'is starting', words && `(${words})`]
    .filter(Boolean)
    .join(' ');
}

/** What a long message of the kubelet comes to: the service's own code where there is one, else its beginning. */
function gistOf(message: string | undefined): string | undefined {
  const line = message?.replaceAll(/\s+/g, ' ').trim();
  const code =
    /AADSTS\d+|Forbidden(?:ByRbac|ByFirewall|ByConnection)|AccessDenied|(?:Secret|Key|Certificate)NotFound|SecretDisabled/.exec(
      line ?? '',
    );
  if (code) return code[0];
  return line && line.length > 160 ? `${line.slice(0, 157)}...` : line;
}
