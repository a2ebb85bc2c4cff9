import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { list, record, text, texts } from './shape.ts';

/** An object that is a pod or makes pods, and the pod as it describes it. */
export interface Carrier {
  readonly object: KubernetesObject;
  /** Where the pod's own metadata and spec stand in it: `spec.template`; empty for a pod. */
  readonly path: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

export interface PodSpec {
  /** `default` where none is named, as Kubernetes has it. */
  readonly serviceAccountName: string;
  readonly hostNetwork: boolean;
  readonly nodeName?: string;
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

export interface Container {
  readonly name: string;
  /** Where it stands: `spec.containers[0]`. */
  readonly path: string;
  readonly init: boolean;
  /** An init container that goes on beside the others. */
  readonly sidecar: boolean;
  readonly env: readonly Variable[];
  /** Names of Secrets all whose keys are variables. */
  readonly envFrom: readonly string[];
  /** Command and arguments. */
  readonly words: readonly string[];
  readonly mounts: readonly { readonly volume: string; readonly path: string; readonly subPath: boolean }[];
}

export interface Variable {
  readonly name: string;
  readonly value?: string;
  /** The Secret that it is taken from. */
  readonly secret?: string;
  readonly optional?: boolean;
}

export interface Volume {
  readonly name: string;
  /** Where it stands: `spec.volumes[2]`. */
  readonly path: string;
  readonly csi?: {
    readonly driver: string;
    readonly readOnly: boolean;
    readonly attributes: Readonly<Record<string, string>>;
    readonly publishSecret?: string;
  };
  /** The Secret that it shows. */
  readonly secret?: string;
  /** Audiences of the service account's tokens in it. */
  readonly audiences: readonly string[];
}

/** Where kinds that make pods keep the pod. */
const TEMPLATES: ReadonlyMap<unknown, readonly string[]> = new Map(
  Object.entries({
    Pod: [],
    Deployment: ['spec', 'template'],
    ReplicaSet: ['spec', 'template'],
    StatefulSet: ['spec', 'template'],
    DaemonSet: ['spec', 'template'],
    Job: ['spec', 'template'],
    CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  }),
);

/** The pod that an object is or makes; `undefined` for one that has to do with none. Never throws. */
export function carrierOf(object: KubernetesObject): Carrier | undefined {
  const steps = TEMPLATES.get(object.kind);
  if (!steps) return undefined;
  const pod = steps.reduce<unknown>((value, step) => record(value)[step], object);
  const { metadata, spec } = record(pod);
  const prefix = [...steps, 'spec'].join('.');
  return {
    object,
    path: steps.join('.'),
    labels: texts(record(metadata).labels),
    annotations: texts(record(metadata).annotations),
    spec: podSpec(record(spec), prefix),
  };
}

function podSpec(spec: Readonly<Record<string, unknown>>, prefix: string): PodSpec {
  const nodeName = text(spec.nodeName);
  return {
    serviceAccountName: text(spec.serviceAccountName) || text(spec.serviceAccount) || 'default',
    hostNetwork: spec.hostNetwork === true,
    ...(nodeName && { nodeName }),
    containers: [
      ...list(spec.initContainers).map((each, at) => container(record(each), `${prefix}.initContainers[${at}]`, true)),
      ...list(spec.containers).map((each, at) => container(record(each), `${prefix}.containers[${at}]`, false)),
    ],
    volumes: list(spec.volumes).map((each, at) => volume(record(each), `${prefix}.volumes[${at}]`)),
  };
}

function container(given: Readonly<Record<string, unknown>>, path: string, init: boolean): Container {
  return {
    name: text(given.name) ?? '',
    path,
    init,
    sidecar: init && given.restartPolicy === 'Always',
    env: list(given.env).map((each) => variable(record(each))),
    envFrom: list(given.envFrom).flatMap((each) => text(record(record(each).secretRef).name) ?? []),
    words: [...list(given.command), ...list(given.args)].filter((each) => typeof each === 'string'),
    mounts: list(given.volumeMounts).map((each) => {
      const { name, mountPath, subPath, subPathExpr } = record(each);
      return { volume: text(name) ?? '', path: text(mountPath) ?? '', subPath: Boolean(subPath || subPathExpr) };
    }),
  };
}

function variable(given: Readonly<Record<string, unknown>>): Variable {
  const value = text(given.value);
  const from = record(record(given.valueFrom).secretKeyRef);
  const secret = text(from.name);
  return {
    name: text(given.name) ?? '',
    ...(value !== undefined && { value }),
    ...(secret && { secret }),
    ...(from.optional === true && { optional: true }),
  };
}

function volume(given: Readonly<Record<string, unknown>>, path: string): Volume {
  const csi = given.csi === undefined ? undefined : record(given.csi);
  const publishSecret = text(record(csi?.nodePublishSecretRef).name);
  const secret = text(record(given.secret).secretName);
  return {
    name: text(given.name) ?? '',
    path,
    ...(csi && {
      csi: {
        driver: text(csi.driver) ?? '',
        readOnly: csi.readOnly === true,
        attributes: texts(csi.volumeAttributes),
        ...(publishSecret && { publishSecret }),
      },
    }),
    ...(secret && { secret }),
    audiences: list(record(given.projected).sources).flatMap(
      (each) => text(record(record(each).serviceAccountToken).audience) ?? [],
    ),
  };
}

/** `Deployment shop/orders`. */
export const called = ({ kind, metadata }: KubernetesObject): string => {
  const { name, namespace } = record(metadata);
  return `${kind} ${[text(namespace), text(name)].filter(Boolean).join('/')}`;
};

/** `spec.template.metadata.labels["a/b"]`: the path of one label or annotation of the pod. */
export const keyPath = (path: string, map: 'labels' | 'annotations', key: string): string =>
  `${path ? `${path}.` : ''}metadata.${map}["${key}"]`;

/** Names of the Kubernetes Secrets that a pod reads, as variables or as files. */
export const secretsIn = ({ containers, volumes }: PodSpec): readonly string[] => [
  ...new Set([
    ...containers.flatMap(({ env, envFrom }) => [...env.flatMap(({ secret }) => secret ?? []), ...envFrom]),
    ...volumes.flatMap(({ secret }) => secret ?? []),
  ]),
];
