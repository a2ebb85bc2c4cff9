import type { Step } from '../step.ts';
import { defineStep } from '../step.ts';
import type { Workload } from '../workload.ts';

const MANAGED = 'secrets-store.csi.k8s.io/managed';

/** The name of the Kubernetes Secret is free, or the driver's already. One that is somebody else's stays. */
export const syncedSecret = (workload: Workload, name: string): Step => {
  const { namespace } = workload;
  return defineStep({
    id: `synced-secret/${namespace}/${name}`,
    kind: 'Secret',
    subject: `${namespace}/${name}`,
    title: `the Secret ${namespace}/${name} is free for the driver to write`,
    side: 'Kubernetes',
    workloads: [workload.name],
    needs: {},
    yields: ['syncedSecret'],
    observe: ({ kubernetes }) => kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }),
    judge: (found) =>
      found && found.metadata.labels?.[MANAGED] !== 'true'
        ? {
            state: 'blocked',
            owner: 'theirs',
            facts: {},
            differences: [],
            note: `a Secret ${namespace}/${name} exists and is not the driver's: it stays; take another name with --sync-secret`,
          }
        : {
            state: 'as wanted',
            owner: 'theirs',
            facts: { syncedSecret: name },
            differences: [],
            note: `the values will also lie in the cluster's store: whoever may read Secrets in ${namespace} reads them`,
          },
    converge: async () => undefined,
  });
};
