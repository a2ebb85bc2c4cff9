import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import { canonical, controlledBy, type Deployment, type ReplicaSet, type Resource } from '../model.ts';
import { hashName } from '../random-names.ts';
import { withCondition } from './conditions.ts';
import { controls } from './replica-set.ts';

const COMPONENT = 'deployment-controller';
const MANAGER = 'kube-controller-manager';
const HASH = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';

/**
 * One ReplicaSet per template. A new one is brought up whole before the old ones go (surge of all, none unavailable),
 * or after they have gone (`Recreate`).
 */
export function syncDeployment(cluster: Cluster, object: Resource): void {
  const deployment = object as Deployment;
  const { spec } = deployment;
  const wanted = spec.replicas ?? 1;
  const kind = kindNamed('ReplicaSet');
  const owned = () =>
    (cluster.store.list(kind, deployment.metadata.namespace) as readonly ReplicaSet[]).filter(
      controls(deployment.metadata.uid),
    );
  const hash = hashName(canonical(spec.template));
  const isCurrent = (set: ReplicaSet) => set.metadata.labels?.[HASH] === hash;
  const old = owned().filter((set) => !isCurrent(set));
  const gone = old.every((set) => countOf(set, 'replicas') === 0);

  if (!owned().some(isCurrent) && !spec.paused) create(cluster, deployment, hash, wanted);
  number(cluster, deployment, owned(), owned().find(isCurrent));
  for (const set of owned().filter(isCurrent)) {
    const waits = spec.strategy?.type === 'Recreate' && !gone;
    scale(cluster, deployment, set, waits ? 0 : wanted);
  }
  const current = owned().find(isCurrent);
  const up = current !== undefined && countOf(current, 'availableReplicas') >= wanted;
  if (up || spec.strategy?.type === 'Recreate') for (const set of old) scale(cluster, deployment, set, 0);
  status(cluster, deployment, owned(), current, wanted);
}

/** `deployment.kubernetes.io/revision`: the current template has the highest number, also when it was there before. */
function number(
  cluster: Cluster,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
): void {
  if (!current) return;
  const highest = Math.max(0, ...sets.filter((set) => set !== current).map(revisionOf));
  const revision = String(Math.max(revisionOf(current), highest + 1));
  for (const object of [current, deployment]) {
    if (object.metadata.annotations?.[REVISION] === revision) continue;
    cluster.registry.edit<Resource>(object, MANAGER, ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, [REVISION]: revision };
    });
  }
}

const revisionOf = ({ metadata }: Resource): number => Number(metadata.annotations?.[REVISION] ?? 0);

function create(cluster: Cluster, deployment: Deployment, hash: string, replicas: number): void {
  const { name, namespace } = deployment.metadata;
  const { spec } = deployment;
  const labels = { ...spec.template.metadata?.labels, [HASH]: hash };
  const set: Resource = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace && { namespace }),
      labels,
      annotations: { 'deployment.kubernetes.io/desired-replicas': String(replicas) },
      ownerReferences: [controlledBy(deployment)],
    },
    spec: {
      replicas: spec.strategy?.type === 'Recreate' ? 0 : replicas,
      ...(spec.minReadySeconds && { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
  cluster.registry.create(kindNamed('ReplicaSet'), set, { manager: MANAGER });
  if (spec.strategy?.type !== 'Recreate') scaled(cluster, deployment, set, 0, replicas);
}

function scale(cluster: Cluster, deployment: Deployment, set: ReplicaSet, replicas: number): void {
  const before = set.spec.replicas ?? 1;
  if (before === replicas) return;
  cluster.registry.edit(set, MANAGER, (copy) => {
    copy.spec.replicas = replicas;
  });
  scaled(cluster, deployment, set, before, replicas);
}

function scaled(cluster: Cluster, deployment: Deployment, set: Resource, from: number, to: number): void {
  const direction = to > from ? 'up' : 'down';
  const text = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
  cluster.note(deployment, 'Normal', 'ScalingReplicaSet', text, COMPONENT);
}

const countOf = (set: ReplicaSet, what: string): number => (set.status?.[what] as number | undefined) ?? 0;

function status(
  cluster: Cluster,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
  wanted: number,
): void {
  const now = cluster.parts.clock.now();
  const sum = (what: string) => sets.reduce((total, set) => total + countOf(set, what), 0);
  const replicas = sum('replicas');
  const available = sum('availableReplicas');
  const updated = current ? countOf(current, 'replicas') : 0;
  const complete = current !== undefined && countOf(current, 'availableReplicas') >= wanted && replicas === updated;
  const failure = sets.flatMap((set) => set.status?.conditions ?? []).find((each) => each.type === 'ReplicaFailure');
  cluster.registry.edit(
    deployment,
    MANAGER,
    (copy) => {
      let conditions = (copy.status?.conditions ?? []).filter((each) => each.type !== 'ReplicaFailure' || failure);
      conditions = withCondition(
        conditions,
        available >= wanted
          ? {
              type: 'Available',
              status: 'True',
              reason: 'MinimumReplicasAvailable',
              message: 'Deployment has minimum availability.',
            }
          : {
              type: 'Available',
              status: 'False',
              reason: 'MinimumReplicasUnavailable',
              message: 'Deployment does not have minimum availability.',
            },
        now,
        true,
      );
      const name = current?.metadata.name;
      conditions = withCondition(
        conditions,
        {
          type: 'Progressing',
          status: 'True',
          reason: complete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
          message: complete
            ? `ReplicaSet "${name}" has successfully progressed.`
            : `ReplicaSet "${name}" is progressing.`,
        },
        now,
        true,
      );
      if (failure) {
        const { lastTransitionTime: _time, ...words } = failure;
        conditions = withCondition(conditions, words, now, true);
      }
      const ready = sum('readyReplicas');
      const short = Math.max(wanted - available, 0);
      copy.status = {
        observedGeneration: copy.metadata.generation,
        ...(replicas > 0 && { replicas }),
        ...(updated > 0 && { updatedReplicas: updated }),
        ...(ready > 0 && { readyReplicas: ready }),
        ...(available > 0 && { availableReplicas: available }),
        ...(short > 0 && { unavailableReplicas: short }),
        conditions,
      };
    },
    'status',
  );
}
