import type { KubernetesObject } from '../kubernetes/kubernetes.ts';
import type { Step } from '../step.ts';
import { defineStep } from '../step.ts';
import type { Workload } from '../workload.ts';
import { ABSENT, staying } from './staying.ts';

const MANAGED = 'secrets-store.csi.k8s.io/managed';

/** Who writes the Secret, and how it is known as his. */
interface Writer {
  readonly who: string;
  wrote(found: KubernetesObject): boolean;
  /** What becomes of it when the workload goes. */
  readonly ends: string;
}

const DRIVER: Writer = {
  who: 'driver',
  wrote: ({ metadata }) => metadata.labels?.[MANAGED] === 'true',
  ends: 'the driver takes it away with the last pod that mounts it',
};

/** The operator, for one ExternalSecret: it owns what it writes, and refuses what another one owns. */
export const operatorFor = (externalSecret: string): Writer => ({
  who: 'operator',
  wrote: ({ metadata }) =>
    metadata.ownerReferences?.some(({ kind, name }) => kind === 'ExternalSecret' && name === externalSecret) ?? false,
  ends: 'it goes with its ExternalSecret',
});

/** The name of the Kubernetes Secret is free, or its writer's already. One that is somebody else's stays. */
export const syncedSecret = (workload: Workload, name: string, writer: Writer = DRIVER): Step => {
  const { namespace } = workload;
  return defineStep({
    id: `synced-secret/${namespace}/${name}`,
    kind: 'Secret',
    subject: `${namespace}/${name}`,
    title: `the Secret ${namespace}/${name} is free for the ${writer.who} to write`,
    side: 'Kubernetes',
    workloads: [workload.name],
    needs: {},
    yields: ['syncedSecret'],
    observe: ({ kubernetes }) => kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }),
    removal: (found) => {
      if (!found) return ABSENT;
      return staying(writer.wrote(found) ? writer.ends : `it is not the ${writer.who}'s`);
    },
    judge: (found) =>
      found && !writer.wrote(found)
        ? {
            state: 'blocked',
            failure: 'F155',
            owner: 'theirs',
            facts: {},
            differences: [],
            note: `a Secret ${namespace}/${name} exists and is not the ${writer.who}'s: it stays; take another name with --sync-secret`,
          }
        : {
            state: 'as wanted',
            owner: 'theirs',
            facts: { syncedSecret: name },
            differences: [],
            note: `the values will lie in the cluster's store: whoever may read Secrets in ${namespace} reads them`,
          },
    assumes: { syncedSecret: name },
    converge: async () => undefined,
  });
};
