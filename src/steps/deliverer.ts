import type { ObjectRef } from '../kubernetes/kubernetes.ts';
import type { Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';

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
    observe: ({ kubernetes }) => kubernetes.get(object),
    judge: (found) => ({
      state: found ? 'as wanted' : 'settling',
      owner: 'theirs',
      facts: found ? { ready: object.name } : {},
      differences: [],
      ...(!found && { note: `the cluster has no ${kind} yet` }),
    }),
    converge: async () => undefined,
  });
};
