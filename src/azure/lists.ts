import { type Table, textIn } from '../shape.ts';
import type { Azure, SubscriptionItem } from './azure.ts';
import { asked, found, type Memory, resourcesOf, type Shared } from './shared.ts';

/** "Subscriptions - List", "Resource Groups - List" of Azure Resource Manager. */
const RESOURCES = 'api-version=2021-04-01';
/** "Vaults - List By Subscription" of Key Vault. */
const VAULTS = 'api-version=2026-02-01';
/** "User Assigned Identities - List By Subscription" of Managed Identities. */
const IDENTITIES = 'api-version=2024-11-30';

/** What there is to pick from: one paged list each. */
export function listsOf(shared: Shared, memory: Memory): Azure['lists'] {
  const { arm, cloud, subscription } = shared;
  const list = <T>(path: string, version: string, read: (items: readonly Table[]) => readonly T[]) => {
    const url = `${cloud.resourceManager}${path}?${version}`;
    return asked(url, shared, async () => read(await arm.list(url)));
  };
  const own = `/subscriptions/${subscription}`;
  return {
    subscriptions: () =>
      memory('subscriptions', () =>
        list('/subscriptions', RESOURCES, (items) =>
          items.flatMap((item): SubscriptionItem[] =>
            ['Enabled', 'Warned'].includes(textIn(item, 'state'))
              ? [
                  {
                    id: textIn(item, 'subscriptionId'),
                    name: textIn(item, 'displayName'),
                    tenantId: textIn(item, 'tenantId'),
                  },
                ]
              : [],
          ),
        ),
      ),
    groups: () => memory('groups', () => list(`${own}/resourceGroups`, RESOURCES, resourcesOf)),
    vaults: () =>
      memory(
        'vaults',
        async () => (await found(list(`${own}/providers/Microsoft.KeyVault/vaults`, VAULTS, resourcesOf))) ?? [],
      ),
    identities: () =>
      memory('identities of the subscription', async () => {
        const path = `${own}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
        return (await found(list(path, IDENTITIES, resourcesOf))) ?? [];
      }),
  };
}
