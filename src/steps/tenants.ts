import type { Azure } from '../azure/azure.ts';

/** Where the caller is signed in, and whose tokens the vaults take. Lower case. */
export interface Tenants {
  readonly home: string;
  /** Of the vaults, each once; of one that is to be made it is that of the subscription. */
  readonly vaults: readonly string[];
}

export async function tenantsOf(azure: Azure, vaults: readonly string[]): Promise<Tenants> {
  const home = (await azure.caller()).tenantId.toLowerCase();
  const each = await Promise.all(
    vaults.map(async (id) => {
      const found = await azure.vaults.get(id);
      const { tenantId } = (found?.properties ?? {}) as { tenantId?: string };
      return tenantId ?? (await azure.describe()).tenantId;
    }),
  ).catch(() => []); // The vault's own step says what keeps it from being looked at.
  return { home, vaults: [...new Set(each.map((tenant) => tenant.toLowerCase()))] };
}

/** Whether a vault takes tokens of another tenant than the one signed in to. */
export const isAbroad = ({ home, vaults }: Tenants): boolean => vaults.some((tenant) => tenant !== home);
