import type { Needs, Ref, Step } from '../step.ts';
import { deploymentLife } from '../steps/deployment.ts';
import { manifest } from '../steps/manifest.ts';
import { proofId } from '../steps/proof.ts';
import { fillTemplate, type Hole } from '../templates.ts';
import type { Workload } from '../workload.ts';
import type { Shared } from './method.ts';

export type Values = Partial<Record<Hole, string>>;

/** As the Azure provider of the CSI driver spells the kinds. */
export const OBJECT_TYPE = { secret: 'secret', key: 'key', certificate: 'cert' } as const;

/** What every template of a workload may name, from the Spec alone. */
function valuesOf(workload: Workload, shared: Shared): Values {
  return {
    app: workload.name,
    namespace: workload.namespace,
    serviceAccount: workload.serviceAccount,
    vaultName: workload.vault.name,
    vaultScope: shared.cloud.vaultScope,
    cloudName: shared.cloud.csiName,
    image: workload.sample?.image ?? '',
  };
}

/**
 * A step for one Kubernetes object: the template at `path`, filled with what the Spec says, with `values`, and with the
 * facts of other steps that `needs` names by the holes they fill. `after` are facts that must hold before, and fill none.
 */
export function object(
  workload: Workload,
  shared: Shared,
  path: string,
  options: { needs?: Needs; values?: Values; after?: readonly Ref[]; isDeployment?: boolean } = {},
): Step {
  const template = shared.template(path);
  const secrets = workload.secrets.map((secret) => ({ ...secret, objectType: OBJECT_TYPE[secret.kind] }));
  const needs = options.needs ?? {};
  const order = Object.fromEntries((options.after ?? []).map((before) => [before.step, before]));
  return manifest({
    needs: { ...needs, ...order },
    workloads: [workload.name],
    file: template.file,
    fill(known) {
      const facts = Object.fromEntries(Object.keys(needs).map((hole) => [hole, known[hole]])) as Values;
      return fillTemplate(template, { ...valuesOf(workload, shared), ...options.values, ...facts }, secrets);
    },
    // A pod that cannot read yet crashes, and is started again only after ever longer pauses.
    ...(options.isDeployment && { life: deploymentLife, proven: [proofId(workload)] }),
  });
}
