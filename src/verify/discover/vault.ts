import type { Azure } from '../../azure/azure.ts';
import { entryOf } from '../../entry.ts';
import { vaultAddress } from '../../methods/subjects.ts';
import { covers, isHeldBy } from '../../steps/roles.ts';
import { modeOf } from '../../steps/vault.ts';
import { orDenied } from '../../trouble.ts';
import { armId, type SecretRef, type VaultWish } from '../../workload.ts';
import { groupOf } from './cluster.ts';

export interface FoundVault {
  readonly wish: VaultWish;
  /** Its ARM id; absent: it is not among those that the caller may see, and `why` says what is known. */
  readonly id?: string;
  readonly why?: string;
}

/** The vault of that name among those of the subscription. One whose name is free is nowhere, and its step says so. */
export async function vaultCalled(azure: Azure, name: string, clusterGroup: string): Promise<FoundVault> {
  const all = await orDenied(azure.lists.vaults(), undefined);
  const found = all?.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (found) return { wish: { resourceGroup: groupOf(found.id), name: found.name }, id: found.id };
  const wish = { resourceGroup: clusterGroup, name };
  if (!all) return { wish, why: 'you may not list the vaults of the subscription' };
  const free = await azure.vaults.nameFree(name).catch(() => undefined);
  // Nobody has it, or nobody answers there any more: the step says that it is not there.
  const answers = free?.free ? undefined : await azure.secrets.list(vaultAddress(azure.cloud, name)).catch(() => []);
  if (!answers) return { wish, id: armId(azure.subscription, clusterGroup, 'Microsoft.KeyVault/vaults', name) };
  return { wish, why: `${name} is not among the vaults of the subscription` };
}

const SHELVES: Readonly<Record<string, SecretRef['kind']>> = {
  secrets: 'secret',
  keys: 'key',
  certificates: 'certificate',
};

/** How far the rights of an identity reach in a vault that decides by roles. */
export interface Reach {
  /** It holds roles on single things, and none on the whole vault. */
  readonly single: boolean;
  /** These. */
  readonly secrets: readonly SecretRef[];
}
export const NOTHING_HELD: Reach = { single: false, secrets: [] };

export async function reachOf(azure: Azure, vaultId: string, principalId: string): Promise<Reach> {
  const [vault, all] = await Promise.all([
    azure.vaults.get(vaultId).catch(() => undefined),
    azure.roles.list(vaultId).catch(() => undefined),
  ]);
  const held = (all ?? []).filter(isHeldBy(principalId));
  if (!vault || modeOf(vault) !== 'rbac' || held.some(({ scope }) => covers(scope, vaultId))) return NOTHING_HELD;
  const refs = held.flatMap(({ scope }): readonly SecretRef[] => {
    const [, shelf = '', name = ''] = /\/(secrets|keys|certificates)\/([^/]+)$/i.exec(scope) ?? [];
    const kind = entryOf(SHELVES, shelf.toLowerCase());
    return kind && covers(vaultId, scope) ? [{ kind, name, as: name }] : [];
  });
  const secrets = refs.filter(
    (one, at) => refs.findIndex((other) => other.kind === one.kind && other.name === one.name) === at,
  );
  return { single: secrets.length > 0, secrets };
}
