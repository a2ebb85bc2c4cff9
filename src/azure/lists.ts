import type { Azure, Resource, SubscriptionItem } from './azure.ts';
import { asked, found, type Memory, type Shared } from './shared.ts';

/** "Subscriptions - List", "Resource Groups - List" of Azure Resource Manager. */
const RESOURCES = 'api-version=2021-04-01';
/** "Vaults - List By Subscription" of Key Vault. */
const VAULTS = 'api-version=2026-02-01';
/** "User Assigned Identities - List By Subscription" of Managed Identities. */
const IDENTITIES = 'api-version=2024-11-30';

interface Subscription {
  readonly subscriptionId: string;
  readonly displayName: string;
  readonly tenantId: string;
  readonly state: string;
}

/** What there is to pick from: one paged list each. */
export function listsOf(shared: Shared, memory: Memory): Azure['lists'] {
  const { arm, cloud, subscription } = shared;
  const list = <T>(path: string, version: string): Promise<readonly T[]> => {
    const url = `${cloud.resourceManager}${path}?${version}`;
    return asked(url, shared, () => arm.list<T>(url));
  };
  const own = `/subscriptions/${subscription}`;
  return {
    subscriptions: () =>
      memory('subscriptions', async () => {
        const all = await list<Subscription>('/subscriptions', RESOURCES);
        return all.flatMap(({ subscriptionId, displayName, tenantId, state }): SubscriptionItem[] =>
          state === 'Enabled' || state === 'Warned' ? [{ id: subscriptionId, name: displayName, tenantId }] : [],
        );
      }),
    groups: () => memory('groups', () => list<Resource>(`${own}/resourceGroups`, RESOURCES)),
    vaults: () =>
      memory(
        'vaults',
        async () => (await found(list<Resource>(`${own}/providers/Microsoft.KeyVault/vaults`, VAULTS))) ?? [],
      ),
    identities: () =>
      memory('identities of the subscription', async () => {
        const path = `${own}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
        return (await found(list<Resource>(path, IDENTITIES))) ?? [];
      }),
  };
}
