import type { Parts } from './parts.ts';
import { CALLER } from './world/demo.ts';

/**
 * A token for the sandbox's caller, as his sign-in gives one.
 * @throws in the words of the Azure CLI's sign-in when the tenant does not know him (`state.entra.stranger`)
 */
export async function callerToken({ state, entra }: Pick<Parts, 'state' | 'entra'>, audience: string): Promise<string> {
  const { tenantId } = state;
  if (state.entra.stranger) {
    throw Object.assign(
      new Error(
        `ERROR: AADSTS50020: User account '${CALLER.name}' from identity provider 'https://sts.windows.net/` +
          `0ddba11e-0000-4000-8000-000000000002/' does not exist in tenant '${tenantId}' and cannot access the ` +
          "application '04b07795-8ddb-461a-bbee-02f9e1bf7b46'(Microsoft Azure CLI) in that tenant. The account needs to " +
          'be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active ' +
          'Directory user account.',
      ),
      { name: 'CredentialUnavailableError' },
    );
  }
  return entra.sign({ ...CALLER, tenantId }, audience);
}
