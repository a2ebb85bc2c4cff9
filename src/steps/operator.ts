import { GET_HELM, lineFor, type Release } from '../helm/helm.ts';
import type { Kind, Kubernetes, KubernetesObject, ObjectRef } from '../kubernetes/kubernetes.ts';
import { command } from '../shell.ts';
import type { Judged, Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { orDenied } from '../trouble.ts';
import { ABSENT, staying } from './staying.ts';

const GROUP = 'external-secrets.io';
/** Those that our templates are right for, best first: v1 since 0.16, v1beta1 not served any more since 0.17. */
export const SERVED = [`${GROUP}/v1`, `${GROUP}/v1beta1`] as const;

const KINDS: ObjectRef = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: `externalsecrets.${GROUP}`,
};
const NAME = 'app.kubernetes.io/name';
/** Its admission webhook, and what keeps that one's certificate. */
const HELPERS: readonly string[] = ['external-secrets-webhook', 'external-secrets-cert-controller'];
const DEPLOYMENT: Kind = { apiVersion: 'apps/v1', kind: 'Deployment' };

/** What is installed where there is none. Only the newest minor version is supported by its makers. */
export const CHART: Release = {
  name: 'external-secrets',
  chart: 'external-secrets',
  repository: 'https://charts.external-secrets.io',
  version: '2.9.0',
  namespace: 'external-secrets',
  timeout: '5m',
};

interface Seen {
  /** `external-secrets.io/v1` and its like; none where the kinds are not there. */
  readonly served: readonly string[];
  /** Deployments that are the operator; `hidden` where the caller may not look. */
  readonly operators: readonly KubernetesObject[] | 'hidden';
  /** What its chart brings beside it: until they are ready the API server refuses what is written of its kinds. */
  readonly helpers?: readonly KubernetesObject[];
  /** Whether helm is on this machine; looked for only where it is needed. */
  readonly helm: boolean;
  /** It was to be installed, and could not be. */
  readonly tried?: boolean;
}

/**
 * The External Secrets Operator runs, whoever installed it, and which version of its kinds the cluster serves. It serves
 * the whole cluster: it is never taken away, and one that is there is never changed.
 */
export const operator = (options: { cluster: Step; workloads: readonly string[] }): Step =>
  defineStep({
    id: 'operator/external-secrets',
    kind: 'operator',
    subject: CHART.name,
    title: 'the External Secrets Operator runs in the cluster',
    side: 'Kubernetes',
    category: 'cluster',
    workloads: options.workloads,
    needs: { cluster: ref(options.cluster, 'clusterId') },
    yields: ['ready', 'externalSecretsApi'],
    settles: 'minutes',
    async observe({ kubernetes, helm }): Promise<Seen> {
      const [served, all] = await Promise.all([
        servedBy(kubernetes),
        deployments(kubernetes, `${NAME} in (${[CHART.name, ...HELPERS].join(', ')})`),
      ]);
      const isHelper = ({ metadata }: KubernetesObject) => HELPERS.includes(metadata.labels?.[NAME] ?? '');
      const labelled = all === 'hidden' ? all : all.filter((each) => !isHelper(each));
      const operators = labelled.length === 0 && served.length > 0 ? await byImage(kubernetes) : labelled;
      const isThere = served.length > 0 && operators.length > 0;
      const helpers = all === 'hidden' ? [] : all.filter(isHelper);
      return { served, operators, helpers, helm: isThere || (await helm.found()) };
    },
    judge,
    async converge({ helm }, seen): Promise<Seen | undefined> {
      if (!seen.helm) return { ...seen, tried: true };
      await helm.install(CHART);
      return undefined;
    },
    removal: ({ operators }) => {
      const [found] = operators === 'hidden' ? [] : operators;
      if (!found) return ABSENT;
      const { annotations, namespace } = found.metadata;
      const release = annotations?.['meta.helm.sh/release-name'];
      return staying('others may read by it', release && `helm uninstall ${release} --namespace ${namespace}`);
    },
    recipe: (seen) => (seen && !['absent', 'differs'].includes(judge(seen).state) ? [] : [lineFor(CHART)]),
    // Stored and served by every operator since 0.16.
    assumes: { externalSecretsApi: 'external-secrets.io/v1' },
    asks: {
      // What is stored is served, and of those served it is the newest.
      externalSecretsApi: command(`kubectl get crd ${KINDS.name}`, {
        output: 'jsonpath={.spec.group}/{.spec.versions[?(@.storage==true)].name}',
      }),
    },
    byHand: () => lineFor(CHART),
  });

/** The definition says it; who may not read it asks the API server, which tells everybody. */
export async function servedBy(kubernetes: Kubernetes): Promise<readonly string[]> {
  const found = await orDenied(kubernetes.get(KINDS), 'hidden');
  if (found === 'hidden') return kubernetes.versions(GROUP);
  const { versions = [] } = (found?.spec ?? {}) as { versions?: readonly { name: string; served?: boolean }[] };
  return versions.filter(({ served }) => served).map(({ name }) => `${GROUP}/${name}`);
}

const deployments = (kubernetes: Kubernetes, labels?: string): Promise<readonly KubernetesObject[] | 'hidden'> =>
  orDenied(kubernetes.list(DEPLOYMENT, undefined, labels), 'hidden');

/** Not everybody installs by the chart: what runs the operator's image is it, whatever it is called. */
async function byImage(kubernetes: Kubernetes): Promise<readonly KubernetesObject[] | 'hidden'> {
  const all = await deployments(kubernetes);
  return all === 'hidden' ? all : all.filter((deployment) => imagesOf(deployment).some((image) => IMAGE.test(image)));
}
const IMAGE = /\/external-secrets(?:-\w+)*(?:[:@]|$)/;

function imagesOf({ spec }: KubernetesObject): readonly string[] {
  const { template } = (spec ?? {}) as { template?: { spec?: { containers?: readonly { image?: string }[] } } };
  return (template?.spec?.containers ?? []).flatMap(({ image }) => (image ? [image] : []));
}

const countsOf = ({ spec, status }: KubernetesObject): { readonly wanted: number; readonly ready: number } => ({
  wanted: (spec as { replicas?: number } | undefined)?.replicas ?? 1,
  ready: (status as { availableReplicas?: number } | undefined)?.availableReplicas ?? 0,
});

const running = ({ operators }: Pick<Seen, 'operators'>): readonly KubernetesObject[] =>
  operators === 'hidden' ? [] : operators.filter((one) => countsOf(one).ready > 0);

/** One that was scaled to 0 is not waited for: somebody wants it so. */
function isUnready(deployment: KubernetesObject): boolean {
  const { wanted, ready } = countsOf(deployment);
  return wanted > 0 && ready === 0;
}

const isBeside = (one: KubernetesObject, other: KubernetesObject): boolean =>
  one.metadata.namespace === other.metadata.namespace;

function notReady(deployment: KubernetesObject): string {
  const { wanted, ready } = countsOf(deployment);
  return `${placeOf(deployment)} is not ready (${ready} of ${wanted} pods)`;
}

const placeOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace}/${metadata.name}`;

function judge(seen: Seen): Judged {
  const { served, operators } = seen;
  const api = SERVED.find((version) => served.includes(version));
  const base = {
    owner: 'theirs',
    differences: [],
    facts: api ? { externalSecretsApi: api } : {},
  } as const;
  const said = `serves ${[...new Set(served)].map((version) => version.slice(GROUP.length + 1)).join(', ')}`;
  if (served.length > 0 && !api)
    return {
      ...base,
      state: 'blocked',
      failure: 'F112',
      note: `it is too old: the cluster ${said}, and v1 or v1beta1 is needed`,
    };
  if (api && operators === 'hidden')
    return {
      ...base,
      state: 'good enough',
      facts: { ...base.facts, ready: 'yes' },
      unseen: 'list deployments.apps in all namespaces',
      note: `its kinds are there (${said}); that it runs is taken for granted, since you may not look at Deployments`,
    };
  const [ready] = running(seen);
  const helper = ready && seen.helpers?.find((each) => isUnready(each) && isBeside(each, ready));
  if (api && helper) return { ...base, state: 'settling', note: notReady(helper) };
  if (api && ready) {
    const facts = { ...base.facts, ready: placeOf(ready) };
    return { ...base, state: 'as wanted', facts, note: `${placeOf(ready)}, ${said}` };
  }
  const [known] = operators === 'hidden' ? [] : operators;
  return known ? notRunning(known, base) : toInstall(seen, base);
}

type Base = Pick<Judged, 'owner' | 'differences' | 'facts'>;

function notRunning(known: KubernetesObject, base: Base): Judged {
  const { wanted, ready } = countsOf(known);
  if (ready > 0) return { ...base, state: 'settling', note: `${placeOf(known)} runs, and its kinds are not there yet` };
  if (wanted > 0) return { ...base, state: 'settling', note: notReady(known) };
  const { name, namespace } = known.metadata;
  return {
    ...base,
    state: 'blocked',
    note: `somebody has scaled ${placeOf(known)} to 0`,
    run: `kubectl scale deployment ${name} --namespace ${namespace} --replicas=1`,
  };
}

/** Kinds without an operator are what an uninstalled one left behind; helm takes them over where they are its own. */
function toInstall({ served, helm, tried }: Seen, base: Base): Judged {
  const noHelm = `helm is not on this machine: ${GET_HELM}`;
  if (tried) return { ...base, state: 'blocked', failure: 'F112', note: noHelm, run: lineFor(CHART) };
  return {
    ...base,
    state: served.length > 0 ? 'differs' : 'absent',
    failure: 'F112',
    differences: [
      {
        path: 'External Secrets Operator',
        is: served.length > 0 ? 'only its kinds' : '-',
        want: `chart ${CHART.version}, by helm`,
        consent: ['install'],
        warning: 'for the whole cluster',
      },
    ],
    ...(!helm && { note: noHelm }),
  };
}
