import type { Container, Job, Pod, PodSpec, Resource, Volume } from './model.ts';

/** Sets what the API server sets when a manifest leaves it open. Only defaults that clients see or that we act on. */
export function withDefaults(object: Resource): Resource {
  const copy = structuredClone(object);
  fill[`${copy.kind}`]?.(copy);
  return copy;
}

type Loose = Record<string, unknown>;
const set = (target: Loose, defaults: Loose): void => {
  for (const [name, value] of Object.entries(defaults)) target[name] ??= structuredClone(value);
};
const specOf = (object: Resource): Loose => {
  object.spec ??= {};
  return object.spec as Loose;
};
const template = (spec: Loose): void => {
  const inner = spec.template as { spec?: PodSpec } | undefined;
  if (inner?.spec) podSpec(inner.spec);
};

const fill: Readonly<Record<string, (object: Resource) => void>> = {
  Namespace(object) {
    set(specOf(object), { finalizers: ['kubernetes'] });
    set(object, { status: { phase: 'Active' } });
    object.metadata.labels = { 'kubernetes.io/metadata.name': object.metadata.name, ...object.metadata.labels };
  },
  Secret(object) {
    const texts = object.stringData as Record<string, string> | undefined;
    if (texts) {
      const encoded = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
      object.data = { ...(object.data as object), ...Object.fromEntries(encoded) };
      delete object.stringData;
    }
    set(object, { type: 'Opaque' });
  },
  Service(object) {
    const spec = specOf(object);
    set(spec, { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' });
    for (const port of (spec.ports as Loose[] | undefined) ?? []) set(port, { protocol: 'TCP', targetPort: port.port });
  },
  Pod(object) {
    podSpec((object as Pod).spec);
    // Of pods alone, not of templates.
    set(specOf(object), { enableServiceLinks: true });
  },
  Deployment(object) {
    const spec = specOf(object);
    set(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: {} });
    const strategy = spec.strategy as Loose;
    set(strategy, { type: 'RollingUpdate' });
    if (strategy.type === 'RollingUpdate') set(strategy, { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } });
    template(spec);
  },
  ReplicaSet(object) {
    const spec = specOf(object);
    set(spec, { replicas: 1 });
    template(spec);
  },
  DaemonSet(object) {
    const spec = specOf(object);
    set(spec, {
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    });
    template(spec);
  },
  Job(object) {
    const spec = specOf(object);
    set(spec, {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      manualSelector: false,
    });
    template(spec);
    const labels = jobLabels(object as Job);
    if (!labels) return;
    const job = (object as Job).spec;
    job.selector ??= { matchLabels: { 'batch.kubernetes.io/controller-uid': object.metadata.uid ?? '' } };
    job.template.metadata ??= {};
    job.template.metadata.labels = { ...job.template.metadata.labels, ...labels };
  },
  CronJob(object) {
    set(specOf(object), {
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
  },
  MutatingWebhookConfiguration(object) {
    for (const webhook of (object.webhooks as Loose[] | undefined) ?? []) {
      set(webhook, {
        matchPolicy: 'Equivalent',
        reinvocationPolicy: 'Never',
        timeoutSeconds: 10,
        failurePolicy: 'Fail',
      });
      set(webhook, { namespaceSelector: {}, objectSelector: {} });
    }
  },
};

/** The labels by which a Job finds its pods; its uid must be known. */
function jobLabels(job: Job): Record<string, string> | undefined {
  const { uid, name } = job.metadata;
  if (!uid) return undefined;
  return {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
}

function podSpec(spec: PodSpec): void {
  set(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  if (spec.serviceAccountName) spec.serviceAccount ??= spec.serviceAccountName;
  for (const each of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) container(each);
  for (const each of spec.volumes ?? []) volume(each);
}

function container(each: Container): void {
  const tag = /:([^:/]+)$/.exec(each.image ?? '')?.[1];
  set(each, {
    imagePullPolicy: tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
  });
  for (const port of each.ports ?? []) set(port as unknown as Loose, { protocol: 'TCP' });
  for (const variable of each.env ?? []) {
    if (variable.valueFrom?.fieldRef) set(variable.valueFrom.fieldRef as unknown as Loose, { apiVersion: 'v1' });
  }
  for (const name of ['readinessProbe', 'livenessProbe', 'startupProbe']) {
    const probe = each[name] as Loose | undefined;
    if (probe) set(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  }
}

function volume(each: Volume): void {
  for (const source of ['configMap', 'secret', 'projected', 'downwardAPI']) {
    if (each[source]) set(each[source] as Loose, { defaultMode: 420 });
  }
  for (const source of each.projected?.sources ?? []) {
    if (source.serviceAccountToken) set(source.serviceAccountToken as unknown as Loose, { expirationSeconds: 3600 });
  }
}
