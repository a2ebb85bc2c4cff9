import type { Kind, Kubernetes, KubernetesObject, ObjectRef } from '../kubernetes/kubernetes.ts';
import { command } from '../shell.ts';
import type { Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { orDenied } from '../trouble.ts';

const COMPONENTS: ObjectRef = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: 'components.dapr.io',
};
/** What gives pods their sidecar. */
export const INJECTOR: ObjectRef = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  name: 'dapr-sidecar-injector',
};
const DEPLOYMENT: Kind = { apiVersion: 'apps/v1', kind: 'Deployment' };
/** The version that our templates are written in. */
const VERSION = 'v1alpha1';
const RIGHTS =
  'list deployments.apps in all namespaces, get customresourcedefinitions and mutatingwebhookconfigurations';

/** What there is of Dapr in a cluster; `hidden` where the caller may not look. */
export interface DaprParts {
  readonly components: KubernetesObject | undefined | 'hidden';
  readonly injector: KubernetesObject | undefined | 'hidden';
  readonly deployments: readonly KubernetesObject[] | 'hidden';
}

/** Looks in all namespaces: by the labels that every way of installing gives its Deployments. */
export async function daprParts(kubernetes: Kubernetes): Promise<DaprParts> {
  const [components, injector, deployments] = await Promise.all([
    orHidden(kubernetes.get(COMPONENTS)),
    orHidden(kubernetes.get(INJECTOR)),
    orHidden(kubernetes.list(DEPLOYMENT, undefined, 'app in (dapr-operator,dapr-sidecar-injector)')),
  ]);
  return { components, injector, deployments };
}

/** Cluster-wide: who has rights in one namespace may not see them, and needs them all the same. */
const orHidden = <T>(read: Promise<T>): Promise<T | 'hidden'> => orDenied(read, 'hidden');

/** A Dapr in the cluster, whoever installed it. */
export interface Dapr {
  readonly namespace: string;
  /** As its label or its image says; `undefined` when neither does. */
  readonly version: string | undefined;
  /** The Helm release that it came by (the `dapr` CLI makes one too). */
  readonly release: string | undefined;
  readonly wanted: number;
  readonly available: number;
}

/**
 * The Dapr that these parts make: its kinds and its operator. Kinds alone are what an uninstalled one left behind, and
 * `hidden` is what cannot be told.
 */
export function daprOf({ components, deployments }: DaprParts): Dapr | undefined | 'hidden' {
  if (components === 'hidden' || deployments === 'hidden') return 'hidden';
  if (!components) return undefined;
  const operators = deployments.filter(labelled('dapr-operator'));
  const operator = operators.find((one) => countsOf(one).available > 0) ?? operators[0];
  if (!operator) return undefined;
  const { metadata } = operator;
  return {
    namespace: metadata.namespace ?? 'default',
    version: metadata.labels?.['app.kubernetes.io/version'] ?? tagOf(operator),
    release: metadata.annotations?.['meta.helm.sh/release-name'],
    ...countsOf(operator),
  };
}

/** `the Helm release dapr (Dapr 1.15.3 in dapr-system)`. */
export const calledDapr = ({ namespace, version, release }: Dapr): string => {
  const what = ['Dapr', version].filter(Boolean).join(' ');
  return release ? `the Helm release ${release} (${what} in ${namespace})` : `${what} in ${namespace}`;
};

/**
 * What is left of another Dapr and would clash with a new one: Helm takes over nothing that does not bear the marks of
 * the release itself.
 */
export function remainsOf({ injector }: DaprParts, release: string, namespace: string): string | undefined {
  if (!injector || injector === 'hidden') return undefined;
  const { annotations = {} } = injector.metadata;
  const [owner, place] = [annotations['meta.helm.sh/release-name'], annotations['meta.helm.sh/release-namespace']];
  if (owner === release && place === namespace) return undefined;
  return `${INJECTOR.kind} ${INJECTOR.name}${owner ? ` of the Helm release ${owner} in ${place ?? 'another namespace'}` : ''}`;
}

const labelled =
  (app: string) =>
  ({ metadata }: KubernetesObject): boolean =>
    metadata.labels?.app === app;

function countsOf({ spec, status }: KubernetesObject): { readonly wanted: number; readonly available: number } {
  const { replicas = 1 } = (spec ?? {}) as { replicas?: number };
  const { availableReplicas = 0 } = (status ?? {}) as { availableReplicas?: number };
  return { wanted: replicas, available: availableReplicas };
}

/** `1.15.3` of `ghcr.io/dapr/operator:1.15.3`, with the builder's own suffix where there is one. */
function tagOf({ spec }: KubernetesObject): string | undefined {
  const { template } = (spec ?? {}) as {
    template?: { spec?: { containers?: readonly { readonly image?: string }[] } };
  };
  const image = template?.spec?.containers?.[0]?.image?.split('@')[0] ?? '';
  return /:v?(\d[\w.-]*)$/.exec(image)?.[1];
}

/**
 * Dapr serves its kinds and its injector runs. The injector's webhook is registered with `failurePolicy: Ignore`: a pod
 * that is made while none answers starts without a sidecar, and never gets one.
 */
export const daprReady = (options: { by: Step; workloads: readonly string[] }): Step =>
  defineStep({
    id: 'dapr/ready',
    kind: 'Dapr',
    subject: 'sidecar injector',
    title: 'Dapr serves components and injects sidecars',
    side: 'Kubernetes',
    workloads: options.workloads,
    quiet: true,
    needs: { on: ref(options.by, 'deliverer') },
    yields: ['ready'],
    settles: 'minutes',
    observe: ({ kubernetes }) => daprParts(kubernetes),
    judge(parts) {
      const base = { owner: 'theirs', differences: [] } as const;
      const missing = lacking(parts);
      if (missing) return { ...base, state: 'settling', facts: {}, note: missing };
      const facts = { ready: INJECTOR.name };
      return Object.values(parts).includes('hidden')
        ? { ...base, state: 'good enough', facts, unseen: RIGHTS, note: 'taken for granted: you may not look at it' }
        : { ...base, state: 'as wanted', facts };
    },
    recipe: () => [
      // Registered last, when the rest is there to be waited for.
      command(`kubectl wait mutatingwebhookconfiguration/${INJECTOR.name}`, { for: 'create', timeout: '10m' }),
      command(`kubectl wait crd/${COMPONENTS.name}`, { for: 'condition=established', timeout: '10m' }),
      command('kubectl wait deployment', {
        selector: 'app=dapr-sidecar-injector',
        'all-namespaces': true,
        for: 'condition=available',
        timeout: '10m',
      }),
    ],
    converge: async () => undefined,
  });

function lacking({ components, injector, deployments }: DaprParts): string | undefined {
  if (components !== 'hidden' && !isServed(components)) return 'the cluster does not serve Component (dapr.io) yet';
  if (!injector) return 'the webhook of the sidecar injector is not registered yet';
  if (deployments === 'hidden') return undefined;
  const running = deployments.filter(labelled('dapr-sidecar-injector')).some((one) => countsOf(one).available > 0);
  return running ? undefined : 'no sidecar injector is running yet';
}

function isServed(definition: KubernetesObject | undefined): boolean {
  if (!definition) return false;
  const { versions = [] } = (definition.spec ?? {}) as { versions?: readonly { name: string; served?: boolean }[] };
  const { conditions = [] } = (definition.status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  const established = conditions.find(({ type }) => type === 'Established');
  return established?.status !== 'False' && versions.some(({ name, served }) => name === VERSION && served === true);
}
