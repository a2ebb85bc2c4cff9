import type { Cluster } from './cluster.ts';
import type { Kind } from './kinds.ts';
import { isRecord, type Resource } from './model.ts';
import { badRequest, invalid, refuse } from './status.ts';

/** Kinds with the subresource `scale`. */
export const scales = (kind: Kind): boolean =>
  kind.group === 'apps' && (kind.kind === 'Deployment' || kind.kind === 'ReplicaSet');

interface Scaled extends Resource {
  spec: { replicas?: number; selector?: { matchLabels?: Record<string, string> } };
  status?: { replicas?: number };
}

/** The number of replicas, alone: `autoscaling/v1` Scale. */
export function scaleOf(object: Resource): Resource {
  const { metadata, spec, status } = object as Scaled;
  const { name, namespace = '', uid = '', resourceVersion = '', creationTimestamp = '' } = metadata;
  const labels = Object.entries(spec.selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status?.replicas ?? 0, selector: labels.join(',') },
  };
}

/** Writes what a Scale says, or a merge patch of one. */
export function writeScale(
  cluster: Cluster,
  kind: Kind,
  live: Resource,
  body: Record<string, unknown>,
  write: { readonly manager: string; readonly dryRun: boolean },
): Resource {
  const replicas = isRecord(body.spec) ? body.spec.replicas : undefined;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) {
    throw badRequest('Scale in version "v1" cannot be handled as a Scale: spec.replicas must be a whole number');
  }
  if (replicas < 0) {
    const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
    throw invalid({ group: 'autoscaling', plural: 'scales', kind: 'Scale' }, live.metadata.name, [
      { reason: 'FieldValueInvalid', field: 'spec.replicas', message },
    ]);
  }
  const version = isRecord(body.metadata) ? body.metadata.resourceVersion : undefined;
  if (version !== undefined && version !== '' && version !== live.metadata.resourceVersion) {
    throw refuse(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${kind.plural}.apps "${live.metadata.name}": the object has been modified; please apply your changes to the latest version and try again`,
    );
  }
  const spec = { ...(live as Scaled).spec, replicas };
  return scaleOf(cluster.registry.update(kind, { ...live, spec }, write));
}
