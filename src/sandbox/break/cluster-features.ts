import { featuresOf } from '../arm/clusterModel.ts';
import type { Json } from '../arm/store.ts';
import { type DriverValues, driverChart } from '../kubernetes/csi/chart.ts';
import type { BreakWorld } from './break.ts';
import { manifestOf } from './objects.ts';

const ADDON = 'azureKeyvaultSecretsProvider';

/** The cluster as after somebody's PUT of it, once that is done. */
export async function configure(world: BreakWorld, change: (properties: Json) => void): Promise<void> {
  const record = world.cluster();
  change(record.resource.properties);
  record.effective = featuresOf(record.resource.properties);
  const arm = world.parts.arm.clusters().find(({ id }) => id === record.resource.id);
  if (arm) await world.parts.kubernetes.clusterChanged(arm);
  await world.settled();
}

/** The add-on `azure-keyvault-secrets-provider`, set as these say. */
export const setAddOn = (world: BreakWorld, addon: { readonly enabled?: boolean; readonly config?: Json }) =>
  configure(world, (properties) => {
    const addons = (properties.addonProfiles ?? {}) as Record<string, { enabled?: boolean; config?: Json }>;
    const key = Object.keys(addons).find((each) => each.toLowerCase() === ADDON.toLowerCase()) ?? ADDON;
    const { enabled, config } = addons[key] ?? {};
    // An add-on that was switched off stays in the list.
    const next = { enabled: addon.enabled ?? enabled ?? false, config: { ...config, ...addon.config } };
    properties.addonProfiles = { ...addons, [key]: addon.enabled === false ? { ...next, config: null } : next };
  });

/** As on a cluster that was made anew, without the add-on: one that was only switched off stays in the list. */
export const removeAddOn = (world: BreakWorld) =>
  configure(world, (properties) => {
    const addons = Object.entries((properties.addonProfiles ?? {}) as Json);
    properties.addonProfiles = Object.fromEntries(addons.filter(([key]) => key.toLowerCase() !== ADDON.toLowerCase()));
  });

/** Workload identity's webhook is there. */
export const useWebhook = (world: BreakWorld) =>
  configure(world, (properties) => {
    const profile = (properties.securityProfile ?? {}) as Json;
    properties.securityProfile = { ...profile, workloadIdentity: { enabled: true } };
  });

/**
 * The driver from its Helm chart instead of the add-on: that is switched off, and what its kinds held is applied again.
 */
export async function selfInstall(world: BreakWorld, values: DriverValues): Promise<void> {
  const classes = await world.kubectl.list('SecretProviderClass');
  await setAddOn(world, { enabled: false });
  for (const object of driverChart(values)) await world.kubectl.create(object);
  await world.settled();
  for (const each of classes) await world.kubectl.create(manifestOf(each));
  await world.settled();
}
