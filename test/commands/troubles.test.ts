import { describe, expect, it } from 'vitest';
import { complaintOf } from '../../src/commands/troubles.ts';
import { Problem } from '../../src/trouble.ts';

const CALLER = 'ca11e700-0000-4000-8000-000000000001';
const VAULT =
  '/subscriptions/5ab5c000-0000-4000-8000-000000000001/resourcegroups/shop-rg/providers/microsoft.keyvault/vaults/shop-kv';

describe('a problem in the words of the catalogue', () => {
  it('has the names that the service said in its line', async () => {
    const message =
      'Caller is not authorized to perform action on resource.\r\nCaller: ' +
      `appid=04b07795-8ddb-461a-bbee-02f9e1bf7b46;oid=${CALLER};iss=https://sts.windows.net/7e4a4700-0000-4000-8000-000000000001/\r\n` +
      `Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'\r\nResource: '${VAULT}/secrets/api-key'\r\n` +
      "Assignment: (not found)\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: shop-kv;location=westeurope\r\n";
    const problem = new Problem('denied', 'secret shop-kv/api-key', 'You may not do that.', {
      said: { by: 'Key Vault', code: 'ForbiddenByRbac', status: 403, message },
    });
    const { failure, fix } = await complaintOf(problem);
    expect(failure).toBe('F086');
    expect(fix?.run).toContain(`--assignee-object-id ${CALLER} `);
    expect(fix?.run).toContain(`--scope ${VAULT}`);
  });

  it('keeps what nobody said as a place to fill in', async () => {
    const said = { by: 'Key Vault', code: 'ForbiddenByRbac', status: 403, message: 'setSecret/action' } as const;
    const { fix } = await complaintOf(new Problem('denied', 'secret shop-kv/api-key', 'No.', { said }));
    expect(fix?.run).toMatch(/--scope <vault id>/);
  });
});
