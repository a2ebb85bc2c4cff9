import type { Pod } from '../model.ts';

/** Classes that every cluster has; the sandbox knows no others. */
const CLASSES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** The Priority admission plugin. */
export function withPriority(pod: Pod): Pod {
  const { priorityClassName = '' } = pod.spec;
  const usual = { preemptionPolicy: 'PreemptLowerPriority', priority: CLASSES[String(priorityClassName)] ?? 0 };
  return { ...pod, spec: { ...usual, ...pod.spec } };
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

/** The DefaultTolerationSeconds admission plugin: a pod stays for five minutes on a node that was lost. */
export function withTolerations(pod: Pod): Pod {
  const { tolerations = [] } = pod.spec as { tolerations?: readonly Toleration[] };
  const tolerates = (key: string) =>
    tolerations.some((each) => (!each.key || each.key === key) && (!each.effect || each.effect === 'NoExecute'));
  const added = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
    .filter((key) => !tolerates(key))
    .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }));
  if (added.length === 0) return pod;
  return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
}
