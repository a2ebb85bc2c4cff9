import type { Cluster } from '../cluster.ts';
import { withCondition } from '../controllers/conditions.ts';
import { kindNamed } from '../kinds.ts';
import { controllerOf } from '../model.ts';
import { dataOf } from './data.ts';
import { versionOf } from './hash.ts';
import { type ExternalSecret, OperatorError, targetOf } from './model.ts';
import { findStore, goDuration, unmanaged } from './stores.ts';
import { existingTarget, isIntact, markManaged, NotWritten, removeOrphans, writeTarget } from './target.ts';

const COMPONENT = 'external-secrets';
const UNREADABLE = 'could not get secret data from provider';

/**
 * Brings the target Secret of an ExternalSecret up to date when that is due: externalsecret_controller.go of release 2.9.
 * The condition says that it failed, the event why. Answers when to look again, in milliseconds; `undefined`: when
 * something changes.
 */
export async function syncExternalSecret(
  cluster: Cluster,
  external: ExternalSecret,
): Promise<number | 'failed' | undefined> {
  if (storesOf(external).some((ref) => isUnmanaged(cluster, external, ref))) return undefined;
  const known = existingTarget(cluster, external);
  const target = known && markManaged(cluster, external, known);
  if (!isDue(cluster, external) && isIntact(target)) return untilNext(cluster, external);

  const fail = (summary: string, why: string, final = false) => {
    cluster.note(external, 'Warning', 'UpdateFailed', why, COMPONENT);
    report(cluster, external, { status: 'False', reason: 'SecretSyncedError', message: summary });
    return final ? undefined : ('failed' as const);
  };
  const done = (reason: string, message: string, bound = false) => {
    const live = report(cluster, external, { status: 'True', reason, message }, bound);
    return live && untilNext(cluster, live);
  };

  let data: Map<string, Buffer>;
  try {
    data = await dataOf(cluster, external, (message) =>
      cluster.note(external, 'Normal', 'MissingProviderSecret', message, COMPONENT),
    );
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return cluster.registry.current(external) ? fail(UNREADABLE, error.message) : undefined;
  }
  if (!cluster.registry.current(external)) return undefined;

  const { creationPolicy, deletionPolicy } = external.spec.target;
  if (data.size === 0 && deletionPolicy === 'Delete') {
    const secret = existingTarget(cluster, external);
    if (creationPolicy !== 'Owner') {
      const why = `unable to delete secret ${targetOf(external)}: creationPolicy=${creationPolicy} is not Owner`;
      return fail('could not delete secret', why, true);
    }
    const text = 'secret deleted due to DeletionPolicy=Delete';
    if (secret) {
      cluster.registry.remove(kindNamed('Secret'), secret.metadata.namespace, secret.metadata.name);
      cluster.note(external, 'Normal', 'Deleted', text, COMPONENT);
    }
    return done('SecretDeleted', text);
  }
  if (data.size === 0 && deletionPolicy === 'Retain') {
    return done('SecretSynced', 'secret retained due to DeletionPolicy=Retain');
  }
  if (creationPolicy === 'None') return done('SecretSynced', 'secret synced');
  if (creationPolicy === 'Merge' && !existingTarget(cluster, external)) {
    return done('SecretMissing', 'secret will not be created due to CreationPolicy=Merge');
  }
  try {
    if (creationPolicy === 'Owner') removeOrphans(cluster, external);
    writeTarget(cluster, external, data);
  } catch (error) {
    if (!(error instanceof NotWritten)) throw error;
    return fail(error.summary, error.message, error.final);
  }
  return done('SecretSynced', 'secret synced', true);
}

const FINALIZER = 'externalsecrets.external-secrets.io/externalsecret-cleanup';

/** Marks it as held: from then on it goes only when the operator lets it go. */
export function hold(cluster: Cluster, external: ExternalSecret): ExternalSecret {
  const { finalizers = [] } = external.metadata;
  if (finalizers.includes(FINALIZER)) return external;
  const held = cluster.registry.edit(external, COMPONENT, (copy) => {
    copy.metadata.finalizers = [...finalizers, FINALIZER];
  });
  return held ?? external;
}

/** It is being deleted: takes its Secret along where it says so, and lets it go. */
export function letGo(cluster: Cluster, external: ExternalSecret): void {
  if (external.spec.target.deletionPolicy === 'Delete') {
    const secret = existingTarget(cluster, external);
    if (secret && controllerOf(secret)?.uid === external.metadata.uid) {
      cluster.registry.remove(kindNamed('Secret'), secret.metadata.namespace, secret.metadata.name);
    }
  }
  cluster.registry.edit(external, COMPONENT, (copy) => {
    copy.metadata.finalizers = (copy.metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
  });
}

function storesOf({ spec }: ExternalSecret) {
  const refs = [
    spec.secretStoreRef,
    ...[...(spec.data ?? []), ...(spec.dataFrom ?? [])].map((each) => each.sourceRef?.storeRef),
  ];
  return refs.filter((ref) => ref !== undefined);
}

function isUnmanaged(cluster: Cluster, external: ExternalSecret, ref: ReturnType<typeof storesOf>[number]): boolean {
  const store = findStore(cluster, ref, external.metadata.namespace ?? '');
  return store !== undefined && unmanaged(store);
}

/** Whether the values are to be read anew, by the refresh policy. */
function isDue(cluster: Cluster, { spec, status, metadata }: ExternalSecret): boolean {
  const { syncedResourceVersion: synced, refreshTime } = status ?? {};
  const interval = goDuration(spec.refreshInterval);
  const policy = spec.refreshPolicy ?? 'Periodic';
  if (policy === 'Periodic' && interval <= 0 && synced) return false;
  if (!synced || !refreshTime) return true;
  if (policy === 'CreatedOnce') return false;
  if (synced !== versionOf(metadata)) return true;
  if (policy === 'OnChange') return false;
  const now = cluster.parts.clock.now().getTime();
  return Date.parse(refreshTime) > now || Date.parse(refreshTime) + interval <= now;
}

function untilNext(cluster: Cluster, { spec, status }: ExternalSecret): number | undefined {
  const interval = goDuration(spec.refreshInterval);
  if ((spec.refreshPolicy ?? 'Periodic') !== 'Periodic' || interval <= 0 || !status?.refreshTime) return undefined;
  return Math.max(Date.parse(status.refreshTime) + interval - cluster.parts.clock.now().getTime(), 0);
}

/** Writes the condition, and what goes with a success. */
function report(
  cluster: Cluster,
  external: ExternalSecret,
  said: { status: 'True' | 'False'; reason: string; message: string },
  bound = false,
): ExternalSecret | undefined {
  const now = cluster.parts.clock.now();
  return cluster.registry.edit(
    external,
    COMPONENT,
    (copy) => {
      copy.status = {
        ...copy.status,
        ...(bound && { binding: { name: targetOf(external) } }),
        conditions: withCondition(copy.status?.conditions, { type: 'Ready', ...said }, now),
        ...(said.status === 'True' && {
          refreshTime: now.toISOString().replace(/\.\d+Z$/, 'Z'),
          syncedResourceVersion: versionOf(external.metadata),
        }),
      };
    },
    'status',
  );
}
