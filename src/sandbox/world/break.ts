import { normal } from '../arm/rights.ts';
import { roleOf } from '../arm/roles.ts';
import type { OperatorRelease, Parts } from '../parts.ts';
import { type DaprWorld, daprWorld } from './dapr.ts';
import { CALLER } from './demo.ts';
import { type Place, putAssignment } from './put.ts';

/** Faults that are states of the world, made in the way they arise. */
export interface WorldFaults extends DaprWorld {
  /** The caller has this role on the subscription, and no other there (`Contributor` may not assign roles). */
  callerIs(role: string): void;
  /** The caller may write role assignments no more: Contributor instead of Owner. */
  noRoleAssignmentRights(): void;
  /** The caller has no right inside any vault. */
  noDataRights(): void;
  /** Somebody else's operation runs on the cluster for so long (simulated milliseconds). */
  clusterBusy(name: string, milliseconds?: number): void;
  /** The cluster is stopped, or runs again. */
  clusterPower(name: string, state: 'Running' | 'Stopped'): void;
  /** The cluster is AKS Automatic, or again an ordinary one. */
  clusterSku(name: string, sku: 'Automatic' | 'Base'): void;
  /** The cluster has that release of the External Secrets Operator; with `none` neither it nor anything of its kinds. */
  externalSecrets(cluster: string, release: OperatorRelease | 'none'): Promise<void>;
}

export function worldFaults(place: () => Place, parts: () => Parts): WorldFaults {
  const cluster = (name: string) => {
    const found = Object.values(place().slice.clusters).find(({ resource }) => resource.name === name);
    if (!found) throw new Error(`no cluster ${name} in this sandbox`);
    return found;
  };
  const take = (gone: (scope: string, role: string) => boolean) => {
    const { assignments } = place().slice;
    for (const [key, { resource }] of Object.entries(assignments)) {
      const { principalId, scope, roleDefinitionId } = resource.properties;
      const role = roleOf(String(roleDefinitionId))?.name ?? '';
      if (principalId === CALLER.objectId && gone(String(scope), role)) delete assignments[key];
    }
  };
  const callerIs = (role: string) => {
    const subscription = `/subscriptions/${place().subscriptionId}`;
    take((scope) => normal(scope) === normal(subscription));
    putAssignment(place(), role, CALLER.objectId, subscription);
  };
  return {
    callerIs,
    noRoleAssignmentRights: () => callerIs('Contributor'),
    noDataRights: () => take((_scope, role) => role.startsWith('Key Vault')),
    clusterBusy(name, milliseconds = 60_000) {
      const found = cluster(name);
      const { slice, now } = place();
      const id = `busy-${found.resource.name}-${now}`;
      const operation = {
        id,
        cluster: found.resource.id,
        kind: 'Updating',
        startedAt: now,
        endsAt: now + milliseconds,
      } as const;
      slice.operations[id] = operation;
      found.operation = id;
      found.resource.properties.provisioningState = 'Updating';
    },
    clusterPower(name, state) {
      cluster(name).resource.properties.powerState = { code: state };
    },
    clusterSku(name, sku) {
      cluster(name).resource.sku = { name: sku, tier: sku === 'Automatic' ? 'Standard' : 'Free' };
    },
    async externalSecrets(name, release) {
      const { id } = cluster(name).resource;
      const found = parts()
        .arm.clusters()
        .find((each) => each.id === id);
      if (!found) throw new Error(`the cluster ${name} is not there yet`);
      await parts().kubernetes.externalSecrets(found, release);
      parts().save();
    },
    ...daprWorld(place, parts, cluster),
  };
}
