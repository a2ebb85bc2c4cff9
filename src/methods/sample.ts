import type { ObjectRef } from '../kubernetes/kubernetes.ts';
import type { Check, Needs, Ref, Step } from '../step.ts';
import { ref } from '../step.ts';
import { deliverer } from '../steps/deliverer.ts';
import { sampleRead } from '../steps/sample.ts';
import type { Workload } from '../workload.ts';
import type { Shared } from './method.ts';
import { object, type Values } from './objects.ts';

/**
 * The sample workload of a method, where it is wanted: its script and its Deployment, from `<method>/sample*.yaml` and
 * `<method>/read.mjs`. It is made once the cluster delivers, the objects `before` are there, and the right is proven.
 */
export function sampleOf(
  workload: Workload,
  shared: Shared,
  options: {
    /** What brings the secret into the pod: a pod that is made before it never gets it. */
    readonly delivers: { readonly kind: string; readonly object: ObjectRef } | Step;
    readonly before: readonly Step[];
    /** What else must hold. */
    readonly after?: readonly Ref[];
    readonly annotations?: Readonly<Record<string, string>> | undefined;
    readonly needs?: Needs;
    readonly values: Values;
  },
): readonly Step[] {
  if (!workload.sample) return [];
  const { method } = workload;
  const { delivers } = options;
  const ready =
    'object' in delivers ? deliverer({ ...delivers, cluster: shared.cluster, workloads: [workload.name] }) : delivers;
  const script = object(workload, shared, `${method}/sample-script.yaml`, {
    values: { script: shared.template(`${method}/read.mjs`).text },
    after: [ref(shared.namespace(workload), 'applied')],
  });
  const deployment = object(workload, shared, `${method}/sample.yaml`, {
    ...(options.needs && { needs: options.needs }),
    values: options.values,
    annotations: options.annotations,
    after: [
      ...[...options.before, script].map((step) => ref(step, 'applied')),
      ref(ready, 'ready'),
      ...(options.after ?? []),
      ...shared.readable(workload),
    ],
    isDeployment: true,
  });
  return [ready, script, deployment];
}

/** The sample's pod read its secrets: asked where there is a sample. */
export const sampleChecks = (workload: Workload, steps: readonly Step[]): readonly Check[] =>
  steps.filter(({ kind }) => kind === 'Deployment').map((deployment) => sampleRead(workload, deployment));
