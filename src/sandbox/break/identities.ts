import { randomUUID } from 'node:crypto';
import type { Json } from '../arm/store.ts';
import { applicationOf, directoryOf } from '../graph/store.ts';
import { type Break, type BreakWorld, CannotBreak } from './break.ts';
import { reissue, setClientId, setTenant } from './hands.ts';

/** Changes what the workload's credentials say, and lets its pods sign in anew. */
async function trustOtherwise(world: BreakWorld, change: (properties: Json) => void): Promise<void> {
  const workload = await world.workload();
  for (const { resource } of Object.values(workload.identity().credentials)) change(resource.properties);
  await workload.restart();
}

/** What Entra looks up and compares: client and tenant, then issuer, subject and audience of a credential. */
export const identities: readonly Break[] = [
  {
    id: 'F022',
    says: 'The identity was deleted and made anew under its name: cluster and role assignments know the old one.',
    async broken(world) {
      const workload = await world.workload();
      reissue(world, workload.identity());
      await workload.restart();
    },
  },
  {
    id: 'F049',
    says: 'The identity has no federated credential.',
    async broken(world) {
      const workload = await world.workload();
      workload.identity().credentials = {};
      await workload.restart();
    },
  },
  {
    id: 'F050',
    says: "The federated credential names another cluster's issuer.",
    broken: (world) =>
      trustOtherwise(world, (properties) => {
        properties.issuer = String(properties.issuer).replace(/[^/]+\/$/, `${randomUUID()}/`);
      }),
  },
  {
    id: 'F051',
    says: 'The federated credential wants the audience of another cloud.',
    broken: (world) =>
      trustOtherwise(world, (properties) => {
        properties.audiences = ['api://AzureADTokenExchangeUSGov'];
      }),
  },
  {
    id: 'F052',
    says: 'The federated credential names another service account.',
    broken: (world) =>
      trustOtherwise(world, (properties) => {
        properties.subject = `${properties.subject}-v2`;
      }),
  },
  {
    id: 'F053',
    says: 'The federated credential writes the namespace with a capital letter.',
    broken: (world) =>
      trustOtherwise(world, (properties) => {
        properties.subject = String(properties.subject).replace(/:(\w)(?=[^:]*:[^:]*$)/, (found) =>
          found.toUpperCase(),
        );
      }),
  },
  {
    id: 'F055',
    says: "Where the client id belongs stands the identity's principal id.",
    async broken(world) {
      const workload = await world.workload();
      await setClientId(world, workload, String(workload.identity().resource.properties.principalId));
      await workload.restart();
    },
  },
  {
    id: 'F056',
    says: 'The tenant id is mistyped: there is no such tenant.',
    async broken(world) {
      const workload = await world.workload();
      await setTenant(world, workload, world.place.tenantId.replace(/^../, '00'));
      await workload.restart();
    },
  },
  {
    id: 'F057',
    says: 'The identity was made anew with its role and credential; the cluster still has the old client id.',
    async broken(world) {
      const workload = await world.workload();
      const identity = workload.identity();
      const { before } = reissue(world, identity);
      for (const { resource } of Object.values(world.slice.assignments)) {
        if (resource.properties.principalId !== before) continue;
        resource.properties.principalId = identity.resource.properties.principalId;
      }
      await workload.restart();
    },
  },
  {
    id: 'F064',
    says: 'Conditional Access blocks the application from where the cluster is.',
    async broken(world) {
      const workload = await world.workload();
      if (!applicationOf(directoryOf(world.parts), workload.clientId)) {
        throw new CannotBreak(
          'it signs in as a managed identity, to which Conditional Access does not apply',
          `aks-secrets init --sandbox --method ${workload.method} --app-registration orders --yes`,
        );
      }
      world.parts.state.entra.blocked = [workload.clientId];
      await workload.restart();
    },
  },
];
