import type { Json } from '../arm/store.ts';
import { type Break, type BreakWorld, CannotBreak, HOUR } from './break.ts';
import { grantsOf, takeRoles } from './hands.ts';

const DAY = 24 * HOUR;

/** What stands in the way of `init`: on an untouched world, and where it was run, of what it then lacks again. */
async function withoutRole(world: BreakWorld): Promise<void> {
  const workload = await world.workload().catch(() => undefined);
  if (workload) takeRoles(world, workload.identity().resource.properties.principalId);
}
async function withoutTrust(world: BreakWorld): Promise<void> {
  const workload = await world.workload().catch(() => undefined);
  if (workload) workload.identity().credentials = {};
}
const vaultIn = (world: BreakWorld) => {
  const [vault] = Object.values(world.slice.vaults);
  if (!vault) throw new CannotBreak('the sandbox has no vault', 'aks-secrets sandbox reset');
  return vault;
};

export const beforeInit: readonly Break[] = [
  {
    id: 'F003',
    says: 'Whoever runs this is Contributor, and may not assign roles.',
    meets: 'init',
    broken: (world) => world.faults.noRoleAssignmentRights(),
  },
  {
    id: 'F004',
    says: "The cluster's nodes lie in a network of another subscription, in which the caller has no right.",
    meets: 'init',
    broken(world) {
      const { resource, effective } = world.cluster();
      if (effective?.oidcIssuer && effective.workloadIdentity) {
        throw new CannotBreak(
          'the cluster has all that it needs, and is not written any more',
          'aks-secrets sandbox reset',
        );
      }
      const pools = resource.properties.agentPoolProfiles as Json[];
      for (const pool of pools) {
        pool.vnetSubnetID =
          '/subscriptions/0ddba11e-0000-4000-8000-000000000003/resourceGroups/hub-rg/providers/Microsoft.Network' +
          '/virtualNetworks/hub/subnets/aks';
      }
    },
  },
  {
    id: 'F005',
    says: 'What is new in Entra takes a day to be known everywhere.',
    meets: 'init',
    broken: (world) => world.set({ replication: DAY, strictPrincipals: true }),
  },
  {
    id: 'F007',
    says: 'The name of the role assignment is taken by one for a principal that is gone.',
    async broken(world) {
      const workload = await world.workload();
      const [first, ...others] = grantsOf(world, workload.identity().resource.properties.principalId);
      if (!first) throw new CannotBreak('its identity has no role');
      first[1].resource.properties.principalId = '0ddba11e-0000-4000-8000-000000000004';
      for (const [key] of others) delete world.slice.assignments[key];
      await workload.restart();
    },
  },
  {
    id: 'F008',
    says: 'The subscription has as many role assignments as it takes.',
    meets: 'init',
    async broken(world) {
      world.slice.assignmentsElsewhere = 4000;
      await withoutRole(world);
    },
  },
  {
    id: 'F009',
    says: 'The vault is locked against changes.',
    meets: 'init',
    async broken(world) {
      const scope = vaultIn(world).resource.id;
      world.slice.locks = [{ name: 'do-not-touch', scope, level: 'ReadOnly', notes: 'ask the platform team' }];
      await withoutRole(world);
    },
  },
  {
    id: 'F010',
    says: 'A policy of the subscription denies federated credentials.',
    meets: 'init',
    async broken(world) {
      const name = 'allowed-federated-credential-issuers';
      const displayName = 'Managed identity federated credentials must be of approved issuers';
      const type = 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials';
      world.slice.denials = [{ name, displayName, type, scope: `/subscriptions/${world.place.subscriptionId}` }];
      await withoutTrust(world);
    },
  },
  {
    id: 'F011',
    says: 'The vault was deleted, and its name is held for it.',
    meets: 'init',
    async broken(world) {
      await world.azure('DELETE', `${vaultIn(world).resource.id}?api-version=2026-02-01`);
    },
  },
  {
    id: 'F013',
    says: "Another pipeline writes the identity's federated credentials all the time.",
    async broken(world) {
      const workload = await world.workload();
      const identity = workload.identity();
      identity.credentials = {};
      identity.writtenUntil = world.now() + DAY;
      await workload.restart();
    },
  },
  {
    id: 'F015',
    says: 'A federated credential of that issuer and subject is there, for the audience of another cloud.',
    async broken(world) {
      const workload = await world.workload();
      const identity = workload.identity();
      const [[key, first] = []] = Object.entries(identity.credentials);
      if (!key || !first) throw new CannotBreak('its identity has no credential');
      const { resource } = first;
      resource.properties.audiences = ['api://AzureADTokenExchangeUSGov'];
      resource.id = resource.id.replace(resource.name, 'by-the-platform-team');
      resource.name = 'by-the-platform-team';
      identity.credentials = { [resource.name]: first };
      await workload.restart();
    },
  },
  {
    id: 'F016',
    says: 'The identity lies in a region whose identities take no federated credentials.',
    async broken(world) {
      const workload = await world.workload();
      const identity = workload.identity();
      identity.credentials = {};
      identity.resource.location = 'malaysiasouth';
      await workload.restart();
    },
  },
  {
    id: 'F058',
    says: 'Whoever runs this is signed in to a tenant that does not know the account.',
    meets: 'init',
    broken(world) {
      world.parts.state.entra.stranger = true;
    },
  },
  {
    id: 'F154',
    says: 'Whoever runs this may read everything and assign roles, and may make nothing.',
    meets: 'init',
    async broken(world) {
      world.faults.callerIs('User Access Administrator');
      await withoutTrust(world);
    },
  },
];
