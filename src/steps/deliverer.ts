import type { ObjectRef } from '../kubernetes/kubernetes.ts';
import { command, word } from '../shell.ts';
import type { Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { orDenied } from '../trouble.ts';

const HIDDEN = 'hidden';

/** What gives labelled pods their token, as AKS installs it. */
export const IDENTITY_WEBHOOK = {
  kind: 'webhook',
  object: {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    name: 'azure-wi-webhook-mutating-webhook-configuration',
  },
} as const;

/** What brings the secret into a pod is in the cluster; a pod that is made before it would never get its secret. */
export const deliverer = (options: {
  kind: string;
  object: ObjectRef;
  cluster: Step;
  workloads: readonly string[];
}): Step => {
  const { kind, object, cluster } = options;
  return defineStep({
    id: `deliverer/${object.name}`,
    kind,
    subject: object.name,
    title: `the ${kind} ${object.name} is in the cluster`,
    side: 'Kubernetes',
    workloads: options.workloads,
    quiet: true,
    needs: { on: ref(cluster, 'deliverer') },
    yields: ['ready'],
    settles: 'minutes',
    // Cluster-wide kinds: who has rights in one namespace may not see them, and needs them all the same.
    observe: ({ kubernetes }) => orDenied(kubernetes.get(object), HIDDEN),
    judge(found) {
      const base = { owner: 'theirs', differences: [] } as const;
      if (!found) return { ...base, state: 'settling', facts: {}, note: `the cluster has no ${kind} yet` };
      const facts = { ready: object.name };
      return found === HIDDEN
        ? { ...base, state: 'good enough', facts, note: 'taken for granted: you may not look at it' }
        : { ...base, state: 'as wanted', facts };
    },
    recipe: () => [
      command(`kubectl wait ${word(`${object.kind.toLowerCase()}/${object.name}`)}`, { for: 'create', timeout: '10m' }),
    ],
    converge: async () => undefined,
  });
};
