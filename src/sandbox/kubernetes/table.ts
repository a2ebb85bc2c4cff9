import type { Reply } from '../parts.ts';
import { duration } from './duration.ts';
import type { Kind } from './kinds.ts';
import type { ContainerStatus, Pod, Resource } from './model.ts';

/** One column of `kubectl get`; `wide` ones show with `-o wide`. */
interface Column {
  readonly name: string;
  readonly wide?: true;
  /** Text or a whole number, as the API server gives it. */
  readonly of: (object: Resource, now: Date) => string | number;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of many kinds, of which a few fields are shown
type Json = any;
const column = (name: string, of: (object: Json, now: Date) => string | number, wide?: true): Column => ({
  name,
  of,
  ...(wide && { wide }),
});

const NAME = column('Name', ({ metadata }) => metadata.name);
const AGE = column('Age', ({ metadata }, now) => since(metadata.creationTimestamp, now));
const since = (time: string | undefined, now: Date) =>
  time ? duration(now.getTime() - Date.parse(time)) : '<unknown>';
const size = (value: unknown) => Object.keys((value as object | undefined) ?? {}).length;

const readyCondition = ({ status }: Json) =>
  ((status?.conditions ?? []) as Json[]).find((condition) => condition.type === 'Ready');
const STORE: readonly Column[] = [
  NAME,
  AGE,
  column('Status', (object) => readyCondition(object)?.reason ?? ''),
  column('Capabilities', ({ status }) => status?.capabilities ?? ''),
  column('Ready', (object) => readyCondition(object)?.status ?? ''),
];

/**
 * Columns of the printers of Kubernetes (`pkg/printers/internalversion`), and those that the operator's definitions
 * give; other kinds have name and age.
 */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    NAME,
    column('Ready', (pod: Pod) => `${statuses(pod).filter((each) => each.ready).length}/${pod.spec.containers.length}`),
    column('Status', (pod: Pod) => podReason(pod)),
    column('Restarts', (pod: Pod) => statuses(pod).reduce((sum, each) => sum + each.restartCount, 0)),
    AGE,
    column('IP', ({ status }) => status?.podIP ?? '<none>', true),
    column('Node', ({ spec }) => spec.nodeName ?? '<none>', true),
  ],
  Deployment: [
    NAME,
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', ({ status }) => status?.availableReplicas ?? 0),
    AGE,
  ],
  ReplicaSet: [
    NAME,
    column('Desired', ({ spec }) => spec.replicas ?? 1),
    column('Current', ({ status }) => status?.replicas ?? 0),
    column('Ready', ({ status }) => status?.readyReplicas ?? 0),
    AGE,
  ],
  DaemonSet: [
    NAME,
    column('Desired', ({ status }) => status?.desiredNumberScheduled ?? 0),
    column('Current', ({ status }) => status?.currentNumberScheduled ?? 0),
    column('Ready', ({ status }) => status?.numberReady ?? 0),
    column('Up-to-date', ({ status }) => status?.updatedNumberScheduled ?? 0),
    column('Available', ({ status }) => status?.numberAvailable ?? 0),
    AGE,
  ],
  Job: [NAME, column('Completions', ({ spec, status }) => `${status?.succeeded ?? 0}/${spec.completions ?? 1}`), AGE],
  Service: [
    NAME,
    column('Type', ({ spec }) => spec.type ?? 'ClusterIP'),
    column('Cluster-IP', ({ spec }) => spec.clusterIP ?? '<none>'),
    column('Port(s)', ({ spec }) =>
      ((spec.ports ?? []) as Json[]).map((port) => `${port.port}/${port.protocol ?? 'TCP'}`).join(','),
    ),
    AGE,
  ],
  Namespace: [NAME, column('Status', ({ status }) => status?.phase ?? 'Active'), AGE],
  Node: [
    NAME,
    column('Status', ({ status }) =>
      ((status?.conditions ?? []) as Json[]).some((each) => each.type === 'Ready' && each.status === 'True')
        ? 'Ready'
        : 'NotReady',
    ),
    AGE,
    column('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
  ],
  ConfigMap: [NAME, column('Data', ({ data, binaryData }) => size(data) + size(binaryData)), AGE],
  Secret: [NAME, column('Type', ({ type }) => type ?? 'Opaque'), column('Data', ({ data }) => size(data)), AGE],
  ServiceAccount: [NAME, column('Secrets', ({ secrets }) => secrets?.length ?? 0), AGE],
  ExternalSecret: [
    NAME,
    column('StoreType', ({ spec }) => spec?.secretStoreRef?.kind ?? ''),
    column('Store', ({ spec }) => spec?.secretStoreRef?.name ?? ''),
    column('Refresh Interval', ({ spec }) => spec?.refreshInterval ?? ''),
    column('Status', (object) => readyCondition(object)?.reason ?? ''),
    column('Ready', (object) => readyCondition(object)?.status ?? ''),
    column('Last Sync', ({ status }, now) => (status?.refreshTime ? since(status.refreshTime, now) : '')),
  ],
  SecretStore: STORE,
  ClusterSecretStore: STORE,
  Event: [
    column('Last Seen', ({ lastTimestamp }, now) => since(lastTimestamp, now)),
    column('Type', ({ type }) => type ?? ''),
    column('Reason', ({ reason }) => reason ?? ''),
    column('Object', ({ involvedObject }) => `${String(involvedObject?.kind).toLowerCase()}/${involvedObject?.name}`),
    column('Message', ({ message }) => message ?? ''),
  ],
};

const statuses = (pod: Pod): readonly ContainerStatus[] => pod.status?.containerStatuses ?? [];

/** What `kubectl get pods` calls its status: the reason that says most, as the API server's printer finds it. */
function podReason(pod: Pod): string {
  const state = ({ state: { waiting, terminated } }: ContainerStatus): string | undefined =>
    waiting?.reason ?? terminated?.reason;
  const init = pod.status?.initContainerStatuses ?? [];
  const stuck = init.findIndex((each) => each.state.terminated?.exitCode !== 0);
  let reason = pod.status?.reason ?? pod.status?.phase ?? 'Pending';
  if (stuck >= 0) {
    const why = state(init[stuck]!);
    reason = why && why !== 'PodInitializing' ? `Init:${why}` : `Init:${stuck}/${init.length}`;
  } else {
    for (const each of [...statuses(pod)].reverse()) reason = state(each) ?? reason;
    if (reason === 'Completed' && statuses(pod).some((each) => each.state.running)) {
      reason = statuses(pod).every((each) => each.ready) ? 'Running' : 'NotReady';
    }
  }
  return pod.metadata.deletionTimestamp ? 'Terminating' : reason;
}

/** Whether the client asks for a table first, as `kubectl get` does. */
export const wantsTable = (accept: string | undefined): boolean =>
  /^application\/json;as=Table;v=v1;g=meta\.k8s\.io(,|$)/.test((accept ?? '').replaceAll(' ', ''));

/** Objects as rows, each with its metadata. */
export function tableOf(kind: Kind, objects: readonly Resource[], now: Date, resourceVersion?: string): object {
  const columns = COLUMNS[kind.kind] ?? [NAME, AGE];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { ...(resourceVersion && { resourceVersion }) },
    columnDefinitions: columns.map(({ name, wide }, index) => ({
      name,
      type: 'string',
      format: name === 'Name' && index === 0 ? 'name' : '',
      description: '',
      priority: wide ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(({ of }) => of(object, now)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  };
}

/** A reply of one object or a list, as a table. */
export function asTable(reply: Reply, kind: Kind, now: Date): Reply {
  const body = reply.body as Json;
  const [objects, version] = body.items
    ? [body.items, body.metadata.resourceVersion]
    : [[body], body.metadata.resourceVersion];
  return { ...reply, body: tableOf(kind, objects, now, version) };
}
