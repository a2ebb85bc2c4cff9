import type { VaultAccessPolicyParameters } from '@azure/arm-keyvault';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { Odd } from '../shape.ts';
import { orAbsent, orDenied } from '../trouble.ts';
import type { AccessPolicy, Azure } from './azure.ts';
import { nameOf, partsOf } from './names.ts';
import { follow, rawBody, witness } from './operation.ts';
import { asked, found, isUnregistered, type Memory, raw, resourceOf, type Shared } from './shared.ts';

/** Key Vaults as resources. An existing one is never PUT: its policies go through `accessPolicies`. */
export function vaultsOf(shared: Shared, memory: Memory): Azure['vaults'] {
  const api = async () => ({
    ...(await import('@azure/arm-keyvault/api/vaults')),
    ...(await import('@azure/arm-keyvault/api')),
  });
  const context = async (...policies: PipelinePolicy[]) => {
    const { createKeyVaultManagement } = await api();
    // No credential: our own policy authorizes, by a clock that may be simulated.
    return createKeyVaultManagement(undefined as never, shared.subscription, await shared.armOptions(...policies));
  };

  const changePolicy = async (kind: 'add' | 'remove', id: string, policy: AccessPolicy): Promise<void> => {
    const { group, name } = partsOf(id);
    const [{ updateAccessPolicy }, client] = await Promise.all([
      api(),
      context(rawBody({ properties: { accessPolicies: [policy] } })),
    ]);
    // The model's part of the body is never sent (rawBody).
    const unsent = { properties: { accessPolicies: [] } } satisfies VaultAccessPolicyParameters;
    await asked(id, shared, () => updateAccessPolicy(client, group, name, kind, unsent));
  };

  return {
    get: (id) =>
      memory(`vault ${id.toLowerCase()}`, async () => {
        const { group, name } = partsOf(id);
        const [{ get }, client] = await Promise.all([api(), context()]);
        return found(raw(id, shared, (options) => get(client, group, name, options)));
      }),

    async create(id, body) {
      const { group, name } = partsOf(id);
      const { policy, last } = witness();
      const [{ createOrUpdate }, client] = await Promise.all([api(), context(rawBody(body), policy)]);
      const { clock, signal } = shared.transport;
      const done = await asked(id, shared, () => {
        // The model's part of the body is never sent (rawBody); it only has to be a valid one.
        const unsent = { location: '', properties: { tenantId: '', sku: { family: 'A', name: 'standard' } as const } };
        const poller = createOrUpdate(client, group, name, unsent);
        return follow(poller, { last, clock, signal, resource: nameOf(id) });
      });
      return resourceOf(done, id);
    },

    nameFree: (name) =>
      memory(`vault name ${name.toLowerCase()}`, async () => {
        const [{ checkNameAvailability }, client] = await Promise.all([api(), context()]);
        const answer = await asked(`/subscriptions/${shared.subscription}/vaults/${name}`, shared, async () => {
          const said = await checkNameAvailability(client, { name, type: 'Microsoft.KeyVault/vaults' });
          if (typeof said.nameAvailable !== 'boolean') throw new Odd('it does not say whether the name is free');
          return said;
        }).catch((error: unknown) => {
          // Nobody can tell before the provider is registered; making the vault will.
          if (isUnregistered(error)) return { nameAvailable: true, message: undefined, reason: undefined };
          throw error;
        });
        return answer.nameAvailable
          ? { free: true }
          : { free: false, reason: String(answer.message ?? answer.reason ?? 'taken') };
      }),

    deleted: (name, location) =>
      memory(`deleted vault ${name.toLowerCase()}`, async () => {
        const [{ getDeleted }, client] = await Promise.all([api(), context()]);
        const id = `/subscriptions/${shared.subscription}/providers/Microsoft.KeyVault/locations/${location}/deletedVaults/${name}`;
        const read = raw(id, shared, (options) => getDeleted(client, name, location, options));
        return orDenied(orAbsent(read), undefined);
      }),

    addPolicy: (id, policy) => changePolicy('add', id, policy),
    removePolicy: (id, policy) => changePolicy('remove', id, policy),
  };
}
