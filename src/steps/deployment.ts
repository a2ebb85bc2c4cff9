import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts';
import type { Life } from './manifest.ts';

interface Status {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
}
interface ContainerStatus {
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
  readonly lastState?: { readonly terminated?: { readonly exitCode?: number } };
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
    return { why: whyNot(name, pods, events as readonly (KubernetesObject & Event)[]) };
  },
  pending: (_deployment, { why }) => why || undefined,
};

function whyNot(
  name: string,
  pods: readonly KubernetesObject[],
  events: readonly (KubernetesObject & Event)[],
): string {
  const warnings = events.filter(({ type }) => type === 'Warning');
  const newest = [...pods].sort((a, b) =>
    (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1,
  )[0];
  if (!newest) {
    const refused = warnings.findLast(({ involvedObject }) => involvedObject?.name?.startsWith(name));
    return refused ? `no pod yet: ${refused.message}` : 'no pod yet';
  }
  const { containerStatuses = [] } = (newest.status ?? {}) as { containerStatuses?: readonly ContainerStatus[] };
  const waiting = containerStatuses.map(({ state }) => state?.waiting).find((state) => state?.reason);
  const warned = warnings.findLast(({ involvedObject }) => involvedObject?.name === newest.metadata.name);
  const words = gistOf(warned?.message ?? waiting?.message);
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
