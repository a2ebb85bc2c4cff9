import { type Api, ApiError } from './api.ts';
import type { Pod, PodSpec, Requirement } from './model.ts';

interface Scheduling {
  /** As the scheduler is let in. */
  readonly api: Api;
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether the node could run it at all; what it could not is left to others. */
  runs(pod: Pod): boolean;
  record(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** Binds every pod that waits for a node to the one that there is, when its selectors let it. */
export function schedule({ api, node, labels, runs, record }: Scheduling): { stop(): void } {
  return api.follow<Pod>('/api/v1/pods?fieldSelector=spec.nodeName%3D', {
    seen(pod) {
      if (pod.metadata.deletionTimestamp || (pod.spec.schedulingGates ?? []).length > 0 || !runs(pod)) return;
      if (!fits(pod.spec, node, labels)) {
        const why = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
        record(pod, 'Warning', 'FailedScheduling', why);
        return;
      }
      const { name, namespace } = pod.metadata;
      const target = { apiVersion: 'v1', kind: 'Node', name: node };
      api.create(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, { metadata: { name }, target }).then(
        () => record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`),
        (error: unknown) => {
          // Bound by somebody else, or gone.
          if (!(error instanceof ApiError)) throw error;
        },
      );
    },
    gone() {},
  });
}

function fits(
  { nodeSelector = {}, affinity }: PodSpec,
  node: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (!Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)) return false;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const meets = (of: Readonly<Record<string, string>>) => (each: Requirement) => isMet(each, of[each.key]);
  return (
    !terms ||
    terms.some(
      ({ matchFields = [], matchExpressions = [] }) =>
        matchFields.every(meets({ 'metadata.name': node })) && matchExpressions.every(meets(labels)),
    )
  );
}

function isMet({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
