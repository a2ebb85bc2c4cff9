import { createHash } from 'node:crypto';
import { parse, stringify } from 'yaml';
import type { Cloud } from '../../azure/azure.ts';
import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Method, Recognised } from '../../methods/method.ts';
import { valuesOf } from '../../methods/objects.ts';
import { list, record, texts } from '../../methods/wiring/shape.ts';
import { fillTemplate, type Template } from '../../templates.ts';
import type { Workload } from '../../workload.ts';

/** What all probes are made with. */
export interface Making {
  readonly cloud: Cloud;
  /** The text of a template, the user's copy first. */
  readonly template: (path: string) => Template;
  readonly image: string;
}

/** One probe, of a workload as the cluster shows it. */
export interface Wanted {
  readonly workload: Workload;
  readonly method: Method;
  readonly vaultUri: string;
  /** How its pods get their secrets. Absent: no pod runs that shows it. */
  readonly found: Recognised | undefined;
  /** Such a pod: the probe runs where it may run. */
  readonly pod: KubernetesObject | undefined;
}

/** Its name is the same each time, so that what a run that was killed has left is known. 63 characters: it is a label too. */
export function jobName({ name }: Pick<Workload, 'name'>): string {
  const whole = `aks-secrets-probe-${name}`;
  if (whole.length <= 63) return whole;
  return `${whole.slice(0, 56)}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}

/** The hosts that the method reaches from within the pod. */
export const hostsOf = ({ method, workload, vaultUri, found }: Wanted, cloud: Cloud): readonly string[] =>
  method.probe?.(workload, found).reaches ? [new URL(cloud.authority).host, new URL(vaultUri).host] : [];

/** The Job, as it is applied. */
export function jobText(wanted: Wanted, { cloud, template, image }: Making): string {
  const { workload, method, vaultUri, found, pod } = wanted;
  const wish = method.probe?.(workload, found);
  const values = {
    ...valuesOf(workload, { cloud }),
    ...wish?.values,
    ...{ image, vaultUri, job: jobName(workload), hosts: hostsOf(wanted, cloud).join(',') },
    serviceAccount: serviceAccountOf(wanted),
  };
  const secrets = workload.secrets.map((secret) => ({ ...secret, objectType: secret.kind }));
  const job = parse(fillTemplate(template(`${workload.method}/probe.yaml`), values, secrets)) as KubernetesObject;
  return stringify(pod ? placed(job, pod) : job, { lineWidth: 0 });
}

/** Its scripts, which go with it. */
export function scriptText({ workload }: Wanted, jobId: string, { cloud, template }: Making): string {
  const values = {
    ...valuesOf(workload, { cloud }),
    ...{ job: jobName(workload), jobId },
    probe: template('probe.mjs').text,
    script: template(`${workload.method}/read.mjs`).text,
  };
  return fillTemplate(template('probe-script.yaml'), values, []);
}

/** Of the pods where one shows it: an operator may exchange the token of an account under which no pod runs. */
function serviceAccountOf({ workload, found, pod }: Wanted): string {
  const own = pod && record(pod.spec).serviceAccountName;
  return found && typeof own === 'string' && own !== '' ? own : workload.serviceAccount;
}

/** What a pod says of nodes is said of the network too: the probe runs on such nodes as the workload. */
function placed(job: KubernetesObject, pod: KubernetesObject): KubernetesObject {
  const { nodeSelector, tolerations } = record(pod.spec);
  const spec = record(job.spec);
  const template = record(spec.template);
  const inner = record(template.spec);
  // Those that Kubernetes gives to every pod say nothing.
  const own = list(tolerations).filter((each) => !String(record(each).key).startsWith('node.kubernetes.io/'));
  return {
    ...job,
    spec: {
      ...spec,
      template: {
        ...template,
        spec: {
          ...inner,
          nodeSelector: { ...texts(inner.nodeSelector), ...texts(nodeSelector) },
          ...(own.length > 0 && { tolerations: own }),
        },
      },
    },
  };
}

/** The labels that the pod will have, as far as we give them. */
export const labelsOf = (text: string): Readonly<Record<string, string>> =>
  texts(record(record(record(record(parse(text) as unknown).spec).template).metadata).labels);

/** A Service of the namespace that would send its callers to the probe. */
export function selecting(
  services: readonly KubernetesObject[],
  labels: Readonly<Record<string, string>>,
): KubernetesObject | undefined {
  return services.find((service) => {
    const selector = Object.entries(texts(record(service.spec).selector));
    return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
  });
}
