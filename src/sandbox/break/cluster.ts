import { record } from '../arm/store.ts';
import { stateOf } from '../kubernetes/open-cluster.ts';
import { newSigningKey } from '../kubernetes/tokens.ts';
import { type Break, HOUR } from './break.ts';
import { configure, setAddOn } from './cluster-features.ts';

/** What the cluster has switched on, is in the middle of, and publishes about itself. */
export const clusters: readonly Break[] = [
  {
    id: 'F014',
    says: 'The identity has its 20 federated credentials, all of them for others.',
    async broken(world) {
      const workload = await world.workload();
      const identity = workload.identity();
      const [own] = Object.values(identity.credentials);
      identity.credentials = {};
      for (let number = 1; own && number <= 20; number += 1) {
        const { resource } = structuredClone(own);
        const name = `team-${String(number).padStart(2, '0')}`;
        resource.id = resource.id.replace(/[^/]+$/, name);
        resource.name = name;
        resource.properties.subject = `system:serviceaccount:${name}:worker`;
        identity.credentials[name] = { resource, arrivesAt: 0 };
      }
      await workload.restart();
    },
  },
  {
    id: 'F017',
    says: 'An operation of somebody else on the cluster does not end.',
    broken: (world) => world.faults.clusterBusy(world.cluster().resource.name, 24 * HOUR),
  },
  {
    id: 'F019',
    says: "The Key Vault add-on was switched off; it still stands in the cluster's list.",
    methods: ['csi'],
    async broken(world) {
      const workload = await world.workload();
      await setAddOn(world, { enabled: false });
      await workload.restart();
    },
  },
  {
    id: 'F036',
    says: 'Workload identity is not enabled on the cluster: it has no webhook.',
    methods: ['workload-identity', 'dapr'],
    async broken(world) {
      const workload = await world.workload();
      await configure(world, (properties) => {
        properties.securityProfile = { ...record(properties.securityProfile), workloadIdentity: { enabled: false } };
      });
      await workload.restart();
    },
  },
  {
    id: 'F054',
    says: 'The cluster has no OIDC issuer: its tokens name its own API server.',
    async broken(world) {
      const workload = await world.workload();
      await configure(world, (properties) => {
        properties.oidcIssuerProfile = { enabled: false };
        properties.securityProfile = { ...record(properties.securityProfile), workloadIdentity: { enabled: false } };
      });
      await workload.restart();
    },
  },
  {
    id: 'F060',
    says: "What the cluster's issuer publishes cannot be read.",
    async broken(world) {
      const workload = await world.workload();
      stateOf(world.parts, world.cluster().resource.id).issuerDown = true;
      await workload.restart();
    },
  },
  {
    id: 'F062',
    says: 'The cluster signs with a new key, and its issuer still publishes the old ones.',
    async broken(world) {
      const workload = await world.workload();
      const state = stateOf(world.parts, world.cluster().resource.id);
      state.published = state.signingKeys.map(({ kid }) => String(kid));
      state.signingKeys.unshift(await newSigningKey());
      await workload.restart();
    },
  },
];
