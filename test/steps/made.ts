import type { Resource } from '../../src/azure/azure.ts';
import type { Step } from '../../src/step.ts';

/** A step that others refer to: its id is all they need of it. */
export const upstream = (id: string): Step => ({ id }) as Step;

export const VAULT_ID = '/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv';

export const resource = (properties: object, more: object = {}): Resource => ({
  id: VAULT_ID,
  name: 'x',
  location: 'westeurope',
  properties: { ...properties },
  ...more,
});
