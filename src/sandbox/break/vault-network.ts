import { stateOf } from '../kubernetes/open-cluster.ts';
import type { Break } from './break.ts';

/** The way to the vault, and to Entra. */
export const vaultNetwork: readonly Break[] = [
  {
    id: 'F073',
    says: "The vault's firewall lets nobody in from where the cluster's requests come.",
    async broken(world) {
      const workload = await world.workload();
      const { properties } = workload.vault().resource;
      const ipRules = [{ value: '198.51.100.0/24' }];
      properties.networkAcls = { bypass: 'AzureServices', defaultAction: 'Deny', ipRules, virtualNetworkRules: [] };
      await workload.restart();
    },
  },
  {
    id: 'F074',
    says: 'The vault takes requests by private link alone, and there is none to the cluster.',
    async broken(world) {
      const workload = await world.workload();
      workload.vault().resource.properties.publicNetworkAccess = 'Disabled';
      await workload.restart();
    },
  },
  {
    id: 'F075',
    says: 'The vault was deleted: its name leads nowhere.',
    async broken(world) {
      const workload = await world.workload();
      await world.azure('DELETE', `${workload.vault().resource.id}?api-version=2026-02-01`);
      await workload.restart();
    },
  },
  {
    id: 'F066',
    says: "The cluster's DNS does not give the address of Entra.",
    async broken(world) {
      const workload = await world.workload();
      stateOf(world.parts, world.cluster().resource.id).egress = { dns: ['login.microsoftonline.com'] };
      await workload.restart();
    },
  },
  {
    id: 'F076',
    says: "The cluster's firewall drops what goes to the vault.",
    async broken(world) {
      const workload = await world.workload();
      stateOf(world.parts, world.cluster().resource.id).egress = { drop: ['vault.azure.net'] };
      await workload.restart();
    },
  },
  {
    id: 'F083',
    says: 'Others read so much from the vault that it refuses everybody for the moment.',
    async broken(world) {
      const workload = await world.workload();
      workload.vault().load = 4200;
      await workload.restart();
    },
  },
];
