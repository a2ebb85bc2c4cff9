import type { KubernetesObject } from '../kubernetes/kubernetes.ts';
import type { Removal, Step } from '../step.ts';
import { defineStep } from '../step.ts';
import type { Workload } from '../workload.ts';
import { ABSENT, staying } from './staying.ts';

const MANAGED = 'secrets-store.csi.k8s.io/managed';

/** Who writes the Secret, and how it is known as his. */
interface Writer {
  readonly who: string;
  wrote(found: KubernetesObject): boolean;
  /** What becomes of it when the workload goes. */
  ends(found: KubernetesObject): Removal;
}

const DRIVER: Writer = {
  who: 'driver',
  wrote: ({ metadata }) => metadata.labels?.[MANAGED] === 'true',
  ends({ metadata }) {
    if ((metadata.ownerReferences ?? []).length > 0)
      return staying('it goes with what made the pods that mount it, such as a ReplicaSet');
    // For some seconds after each of its writes; a pod that ends then leaves the Secret behind for good.
    const run = `kubectl delete secret ${metadata.name} --namespace ${metadata.namespace}`;
    return staying('nothing owns it now, so nobody may take it away', run);
  },
};

/** The operator, for one ExternalSecret: it owns what it writes, and refuses what another one owns. */
export const operatorFor = (externalSecret: string): Writer => ({
  who: 'operator',
  wrote: ({ metadata }) =>
    metadata.ownerReferences?.some(({ kind, name }) => kind === 'ExternalSecret' && name === externalSecret) ?? false,
  ends: () => staying('it goes with its ExternalSecret'),
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
      return writer.wrote(found) ? writer.ends(found) : staying(`it is not the ${writer.who}'s`);
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
