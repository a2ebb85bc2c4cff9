/** Kubernetes objects as they travel: JSON. Only the fields that the sandbox acts on have types of their own. */
export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  [field: string]: unknown;
}

interface Metadata {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: FieldsV1;
  subresource?: string;
}
export interface FieldsV1 {
  [element: string]: FieldsV1;
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface PodTemplate {
  metadata?: Partial<Metadata>;
  spec: PodSpec;
}

export interface Pod extends Resource {
  spec: PodSpec;
  status?: PodStatus;
}

export interface PodSpec {
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  nodeName?: string;
  restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  securityContext?: SecurityContext;
  containers: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  [field: string]: unknown;
}

export interface SecurityContext {
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  runAsNonRoot?: boolean;
  runAsUser?: number;
  capabilities?: { add?: string[]; drop?: string[] };
  seccompProfile?: { type?: string };
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: { prefix?: string; configMapRef?: Optional; secretRef?: Optional }[];
  ports?: { containerPort: number; protocol?: string; name?: string; hostPort?: number }[];
  volumeMounts?: VolumeMount[];
  readinessProbe?: { exec?: { command?: string[] }; periodSeconds?: number; initialDelaySeconds?: number };
  securityContext?: SecurityContext;
  imagePullPolicy?: string;
  [field: string]: unknown;
}

interface Optional {
  name: string;
  optional?: boolean;
}
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    configMapKeyRef?: Optional & { key: string };
    secretKeyRef?: Optional & { key: string };
    [source: string]: unknown;
  };
}
interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
  subPath?: string;
}

interface Item {
  key: string;
  path: string;
}
interface FieldFile {
  path: string;
  fieldRef?: { fieldPath: string };
}
export interface Volume {
  name: string;
  emptyDir?: object;
  configMap?: { name: string; items?: Item[]; optional?: boolean };
  secret?: { secretName: string; items?: Item[]; optional?: boolean };
  downwardAPI?: { items?: FieldFile[] };
  projected?: { sources?: ProjectedSource[]; defaultMode?: number };
  csi?: CsiVolume;
  [source: string]: unknown;
}
export interface CsiVolume {
  driver: string;
  readOnly?: boolean;
  volumeAttributes?: Record<string, string>;
  nodePublishSecretRef?: { name: string };
}
export interface ProjectedSource {
  serviceAccountToken?: { audience?: string; expirationSeconds?: number; path: string };
  configMap?: { name: string; items?: Item[]; optional?: boolean };
  secret?: { name: string; items?: Item[]; optional?: boolean };
  downwardAPI?: { items?: FieldFile[] };
}

export interface PodStatus {
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  conditions?: Condition[];
  containerStatuses?: ContainerStatus[];
  initContainerStatuses?: ContainerStatus[];
  startTime?: string;
  reason?: string;
  message?: string;
  podIP?: string;
  [field: string]: unknown;
}
export interface ContainerStatus {
  name: string;
  image: string;
  imageID: string;
  containerID?: string;
  ready: boolean;
  started: boolean;
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
}
export interface ContainerState {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: { exitCode: number; reason: string; startedAt: string; finishedAt: string; containerID?: string };
}

export interface Deployment extends Resource {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    template: PodTemplate;
    strategy?: { type?: string };
    minReadySeconds?: number;
    paused?: boolean;
  };
  status?: Record<string, unknown> & { conditions?: Condition[] };
}
export interface ReplicaSet extends Resource {
  spec: { replicas?: number; selector: LabelSelector; template: PodTemplate; minReadySeconds?: number };
  status?: Record<string, unknown> & { conditions?: Condition[] };
}
export interface DaemonSet extends Resource {
  spec: { selector: LabelSelector; template: PodTemplate };
}
export interface Job extends Resource {
  spec: {
    parallelism?: number;
    completions?: number;
    backoffLimit?: number;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    suspend?: boolean;
    selector?: LabelSelector;
    template: PodTemplate;
  };
  status?: {
    active?: number;
    succeeded?: number;
    failed?: number;
    ready?: number;
    startTime?: string;
    completionTime?: string;
    conditions?: Condition[];
  };
}
export interface Secret extends Resource {
  data?: Record<string, string>;
  type?: string;
}
export interface SecretProviderClass extends Resource {
  spec?: {
    provider?: string;
    parameters?: Record<string, string>;
    secretObjects?: {
      secretName?: string;
      type?: string;
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
      data?: { objectName?: string; key?: string }[];
    }[];
  };
}

/** `shop/orders`, or the bare name of a cluster-wide object. */
export function fullName(object: {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  return object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : object.metadata.name;
}

/** The owner that controls the object (`controller: true`). */
export function controllerOf(object: Resource): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller);
}

/** A reference by which `owner` controls the object that bears it. */
export function controlledBy(owner: Resource): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Both are JSON; the order of keys does not matter. */
export function equal(a: unknown, b: unknown): boolean {
  return a === b || canonical(a) === canonical(b);
}

/** JSON with sorted keys, without what is undefined. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isRecord(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
