import { Complaints } from '../complaint.ts';
import type { Needs, Ref, Step } from '../step.ts';
import { deploymentLife } from '../steps/deployment.ts';
import { manifest } from '../steps/manifest.ts';
import { proofId } from '../steps/proof.ts';
import { type Filled, filledTemplate, type Hole } from '../templates.ts';
import type { Workload } from '../workload.ts';
import type { Shared } from './method.ts';

export type Values = Partial<Record<Hole, string>>;

/** As the Azure provider of the CSI driver spells the kinds, and as the External Secrets Operator does. */
export const OBJECT_TYPE = { secret: 'secret', key: 'key', certificate: 'cert' } as const;

/** What the pod sees, as the scripts take it. What stands in for names that nobody knows is nothing that a pod sees. */
export const aliasesOf = (secrets: Workload['secrets']): string =>
  secrets
    .filter(({ standIn }) => !standIn)
    .map(({ as }) => as)
    .join(',');

/** What every template of a workload may name, from the Spec alone. */
export function valuesOf(workload: Workload, shared: Pick<Shared, 'cloud'>): Values {
  return {
    app: workload.name,
    namespace: workload.namespace,
    serviceAccount: workload.serviceAccount,
    vaultName: workload.vault.name,
    vaultScope: shared.cloud.vaultScope,
    cloudName: shared.cloud.csiName,
    azureEnvironment: shared.cloud.daprName,
    environmentType: shared.cloud.externalSecretsName,
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
  options: {
    needs?: Needs;
    values?: Values;
    after?: readonly Ref[];
    isDeployment?: boolean;
    /** What would only fail before the right is proven. A Deployment is such in any case. */
    isProven?: boolean;
    /** Added to what the template says. */
    annotations?: Readonly<Record<string, string>> | undefined;
  } & Pick<Parameters<typeof manifest>[0], 'apiVersions' | 'objection'> = {},
): Step {
  const template = shared.template(path);
  const secrets = workload.secrets.map((secret) => ({ ...secret, objectType: OBJECT_TYPE[secret.kind] }));
  const needs = options.needs ?? {};
  const order = Object.fromEntries((options.after ?? []).map((before) => [before.step, before]));
  const step = manifest({
    needs: { ...needs, ...order },
    holes: Object.keys(needs),
    workloads: [workload.name],
    file: template.file,
    fill: lastOne((known) => {
      const facts = Object.fromEntries(Object.keys(needs).map((hole) => [hole, known[hole]])) as Values;
      const values = { ...valuesOf(workload, shared), ...options.values, ...facts };
      return filledTemplate(template, values, secrets, options.annotations);
    }),
    ...(options.apiVersions && { apiVersions: options.apiVersions }),
    ...(options.objection && { objection: options.objection }),
    // A pod that cannot read yet crashes, and is started again only after ever longer pauses.
    ...(options.isDeployment && { life: deploymentLife }),
    ...((options.isDeployment || options.isProven) && { proven: [proofId(workload)] }),
  });
  return within(workload, step, template.file);
}

/** A copy of a template may say anything; consent is given to what concerns the workload, and that ends at its namespace. */
function within({ namespace }: Workload, step: Step, file: string): Step {
  const { kind, name, namespace: own } = step.manifest ?? { kind: '', name: '' };
  if (kind === 'Namespace' ? name === namespace && own === undefined : own === namespace) return step;
  const where = own === undefined ? 'of the whole cluster' : `in the namespace ${own}`;
  throw new Complaints([
    { message: `the template makes a ${kind} ${where}; a workload's objects lie in its own, ${namespace}`, file },
  ]);
}

/** The same answer for the same facts: it is asked for again by plan, judgement and act. */
function lastOne(fill: (known: Readonly<Record<string, string>>) => Filled): typeof fill {
  let last: { readonly key: string; readonly filled: Filled } | undefined;
  return (known) => {
    const key = JSON.stringify(known);
    if (last?.key !== key) last = { key, filled: fill(known) };
    return last.filled;
  };
}
