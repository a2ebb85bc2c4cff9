import { seedCertificate } from '../vault/seed.ts';
import { CALLER } from '../world/demo.ts';
import type { Break } from './break.ts';
import { byPolicies, grantsOf, policyFor, setFirstObject, takeRoles } from './hands.ts';

const OTHER_TENANT = '0ddba11e-0000-4000-8000-000000000002';

/** What a vault asks of a token, and of whoever shows it. */
export const vaultRights: readonly Break[] = [
  {
    id: 'F067',
    says: 'The identity has no role on the vault.',
    async broken(world) {
      const workload = await world.workload();
      takeRoles(world, workload.identity().resource.properties.principalId);
      await workload.restart();
    },
  },
  {
    id: 'F068',
    says: 'A certificate was added to what the pod gets, and the role covers secrets alone.',
    methods: ['csi', 'external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      const [first = 'tls'] = workload.secrets;
      await seedCertificate(world.parts, workload.vault().resource.name, `${first}-cert`);
      await setFirstObject(world, workload, { name: `${first}-cert`, type: 'cert' });
      await workload.restart();
    },
  },
  {
    id: 'F069',
    says: 'The vault decides by access policies, and none is for the identity.',
    async broken(world) {
      const workload = await world.workload();
      takeRoles(world, workload.identity().resource.properties.principalId);
      byPolicies(workload.vault(), world.place.tenantId, []);
      await workload.restart();
    },
  },
  {
    id: 'F070',
    says: 'The vault decides by access policies; the role that the identity has counts for nothing there.',
    async broken(world) {
      const workload = await world.workload();
      byPolicies(workload.vault(), world.place.tenantId, []);
      await workload.restart();
    },
  },
  {
    id: 'F071',
    says: 'The vault decides by roles; the access policy that the identity has counts for nothing there.',
    async broken(world) {
      const workload = await world.workload();
      const { principalId } = workload.identity().resource.properties;
      takeRoles(world, principalId);
      workload.vault().resource.properties.accessPolicies = [policyFor(world.place.tenantId, principalId)];
      await workload.restart();
    },
  },
  {
    id: 'F072',
    says: 'The access policy is for the identity through an application (a compound identity), not for itself.',
    async broken(world) {
      const workload = await world.workload();
      const { principalId, clientId } = workload.identity().resource.properties;
      takeRoles(world, principalId);
      const compound = policyFor(world.place.tenantId, principalId, { applicationId: clientId });
      byPolicies(workload.vault(), world.place.tenantId, [compound]);
      await workload.restart();
    },
  },
  {
    id: 'F084',
    says: 'The vault belongs to another tenant than the identity.',
    async broken(world) {
      const workload = await world.workload();
      workload.vault().resource.properties.tenantId = OTHER_TENANT;
      await workload.restart();
    },
  },
  {
    id: 'F085',
    says: 'The vault was deleted and recovered: its role assignments did not come back.',
    async broken(world) {
      const workload = await world.workload();
      const { id, location, properties } = workload.vault().resource;
      const { sku, tenantId } = properties;
      const own = grantsOf(world, CALLER.objectId);
      await world.azure('DELETE', `${id}?api-version=2026-02-01`);
      await world.azure('PUT', `${id}?api-version=2026-02-01`, {
        location,
        properties: { sku, tenantId, createMode: 'recover', accessPolicies: [] },
      });
      // Whoever recovered it has seen to himself.
      for (const [key, grant] of own) world.slice.assignments[key] = grant;
      await workload.restart();
    },
  },
  {
    id: 'F086',
    says: 'Whoever runs this owns the subscription, and has no right inside the vault.',
    broken: (world) => world.faults.noDataRights(),
  },
];
