import type { Resource } from '../azure/azure.ts';
import { TAG } from '../ownership.ts';
import { command, named, unlessFound } from '../shell.ts';
import type { Judged, Ref } from '../step.ts';
import { defineStep } from '../step.ts';
import type { VaultWish } from '../workload.ts';
import { ABSENT, staying } from './staying.ts';

interface VaultProperties {
  readonly tenantId?: string;
  readonly vaultUri?: string;
  readonly enableRbacAuthorization?: boolean | null;
  readonly provisioningState?: string;
  readonly accessPolicies?: readonly unknown[];
}

interface Seen {
  readonly vault: Resource | undefined;
  /** Looked up only when there is no vault: who holds the name. */
  readonly name?: { readonly free: boolean; readonly reason?: string };
  readonly deleted?: Resource;
}

/** What the vault decides access by. `null` and absent mean access policies, as on vaults older than the setting. */
export const modeOf = (vault: Resource): 'rbac' | 'policies' =>
  (vault.properties as VaultProperties).enableRbacAuthorization === true ? 'rbac' : 'policies';

/** The vault. One that exists is never written: its mode, policies and tags are its owner's. */
export const vault = (options: {
  wish: VaultWish;
  id: string;
  uri: string;
  mark: string;
  workloads: readonly string[];
  location: Ref;
  after: Readonly<Record<string, Ref>>;
}) => {
  const { wish, id, uri } = options;
  const place = { 'resource-group': wish.resourceGroup, name: wish.name };
  return defineStep({
    id: `vault/${wish.name}`,
    kind: 'vault',
    subject: wish.name,
    title: `vault ${wish.name} exists`,
    side: 'Azure',
    category: 'vault',
    workloads: options.workloads,
    needs: { ...options.after, location: options.location } as Readonly<Record<string, Ref>>,
    yields: ['vaultId', 'vaultUri', 'vaultMode', 'tenantId'],
    settles: 'minutes',
    async observe({ azure }): Promise<Seen> {
      const found = await azure.vaults.get(id);
      if (found) return { vault: found };
      // Of a vault that is not to be made it only explains: who may not ask is told less.
      const name = await azure.vaults.nameFree(wish.name).catch((error: unknown) => {
        if (wish.create) throw error;
        return undefined;
      });
      if (!name) return { vault: undefined };
      if (name.free || !wish.create?.location) return { vault: undefined, name };
      const deleted = await azure.vaults.deleted(wish.name, wish.create.location).catch(() => undefined);
      return { vault: undefined, name, ...(deleted && { deleted }) };
    },
    removal: ({ vault: found }) =>
      found ? staying('it may hold what others need', `az keyvault delete --name ${wish.name}`) : ABSENT,
    judge: (seen) => (seen.vault ? present(seen.vault, uri) : absent(seen, wish, { vaultId: id, vaultUri: uri })),
    async converge({ azure }, _seen, known): Promise<Seen> {
      const { tenantId } = await azure.describe();
      const created = await azure.vaults.create(id, {
        location: wish.create?.location ?? known.location,
        tags: { [TAG]: options.mark },
        properties: {
          tenantId,
          sku: { family: 'A', name: 'standard' },
          // Sent always: what an omitted value means depends on the api-version.
          enableRbacAuthorization: true,
          // Only `true` may be sent, and it cannot be taken back.
          ...(wish.create?.purgeProtection ? { enablePurgeProtection: true } : {}),
          accessPolicies: [],
        },
      });
      return { vault: created };
    },
    recipe: (_seen, { location }) => [
      unlessFound(
        command('az keyvault list', { 'resource-group': wish.resourceGroup, query: named(wish.name), output: 'tsv' }),
        [
          command('az keyvault create', {
            ...place,
            location: wish.create?.location ?? location,
            'enable-rbac-authorization': 'true',
            ...(wish.create?.purgeProtection && { 'enable-purge-protection': 'true' }),
            ...{ tags: `${TAG}=${options.mark}`, output: 'none' },
          }),
        ],
      ),
    ],
    asks: { tenantId: command('az keyvault show', { ...place, query: 'properties.tenantId', output: 'tsv' }) },
    byHand: ({ location }) =>
      `az keyvault create --resource-group ${wish.resourceGroup} --name ${wish.name} --location ${wish.create?.location ?? location} --enable-rbac-authorization true`,
  });
};

function present(found: Resource, uri: string): Judged {
  const properties = found.properties as VaultProperties;
  const mode = modeOf(found);
  return {
    state: properties.provisioningState === 'RegisteringDns' ? 'settling' : 'as wanted',
    owner: found.tags?.[TAG] ? 'ours' : 'theirs',
    facts: {
      vaultId: found.id,
      // Azure answers with a trailing slash; the address is used without.
      vaultUri: (properties.vaultUri ?? uri).replace(/\/$/, ''),
      vaultMode: mode,
      ...(properties.tenantId && { tenantId: properties.tenantId }),
    },
    differences: [],
    note: mode === 'rbac' ? 'decides by roles (RBAC)' : 'decides by access policies',
  };
}

function absent(seen: Seen, wish: VaultWish, facts: { vaultId: string; vaultUri: string }): Judged {
  const base = { owner: 'theirs', differences: [], facts: {}, failure: 'F075' } as const;
  // That the name is held only matters to whoever wants to make it.
  const held = { ...base, ...(wish.create && { failure: 'F011' }) };
  if (seen.deleted)
    return {
      ...held,
      state: 'blocked',
      note: `a deleted vault still holds the name ${wish.name}; recover it, or take another name`,
      run: `az keyvault recover --name ${wish.name}`,
    };
  if (seen.name && !seen.name.free)
    return {
      ...held,
      state: 'blocked',
      note: wish.create
        ? `the name ${wish.name} is taken, by another subscription or by a deleted vault: ${seen.name.reason ?? 'Azure gives no reason'}`
        : `${wish.name} is not in ${wish.resourceGroup}, but the name is taken: name its group with --vault-resource-group`,
    };
  if (!wish.create)
    return {
      ...base,
      state: 'blocked',
      note: `there is no vault ${wish.name} in ${wish.resourceGroup}; --create-vault makes one`,
    };
  return {
    ...base,
    state: 'absent',
    facts: { ...facts, vaultMode: 'rbac' },
    differences: wish.create.purgeProtection
      ? [
          {
            path: 'purge protection',
            is: '-',
            want: 'on',
            consent: ['irreversible'],
            irreversible: true,
            warning: 'cannot be undone',
          },
        ]
      : [],
  };
}
