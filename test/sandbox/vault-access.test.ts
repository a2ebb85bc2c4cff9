import { describe, expect, it } from 'vitest';
import type { ArmVault } from '../../src/sandbox/parts.ts';
import { ADDRESS_HEADER, USUAL_ADDRESS } from '../../src/sandbox/vault/index.ts';
import { OTHER_TENANT, TENANT } from './hand-made.ts';
import {
  call,
  change,
  errorOf,
  ID,
  may,
  mayAll,
  OID,
  parts,
  token,
  vault,
  withoutMessage,
  world,
} from './vault-world.ts';

describe('who may', () => {
  it('without a token: the challenge, with the tenant of the vault, whatever the network', async () => {
    change({ publicNetworkAccess: 'Disabled' });
    const reply = await call('GET', '/secrets/db-password/', undefined, {});
    expect(reply.status).toBe(401);
    expect(reply.headers?.['www-authenticate']).toBe(
      `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://vault.azure.net"`,
    );
    expect(reply.body).toMatchObject({
      error: { code: 'Unauthorized', message: expect.stringMatching(/^AKV10000: /) },
    });
  });

  it.each([
    ['nonsense', 'AKV10000', 'nonsense'],
    ["another tenant's", 'AKV10032', undefined, OTHER_TENANT],
    ['for Resource Manager', 'AKV10022', undefined, TENANT, 'https://management.azure.com'],
    ["for the vault's own address", 'AKV10022', undefined, TENANT, 'https://demo-kv.vault.azure.net'],
  ])(
    'with a token that is %s: 401 %s',
    async (_, code, text?: string, tenantId = TENANT, audience = 'https://vault.azure.net') => {
      mayAll();
      const bearer = text ?? (await parts.entra.sign({ objectId: OID, tenantId, appId: 'app' }, audience));
      const [status, , message] = await errorOf(
        call('GET', '/secrets/db-password', undefined, { authorization: `Bearer ${bearer}` }),
      );
      expect([status, message.slice(0, 8)]).toEqual([401, code]);
    },
  );
  it('with a token that has ended: 401', async () => {
    mayAll();
    world.advance(86_400_000);
    expect(await withoutMessage(call('GET', '/secrets/db-password'))).toEqual([401, 'Unauthorized']);
  });

  it("an RBAC vault's refusal is Azure's text", async () => {
    expect(await errorOf(call('GET', '/secrets/db-password'))).toEqual([
      403,
      'ForbiddenByRbac',
      `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid=app;oid=${OID};iss=https://sts.windows.net/${TENANT}/\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '${`${ID}/secrets/db-password`.toLowerCase()}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: demo-kv;location=westeurope\r\n`,
    ]);
  });
  it("a policy vault's refusal is Azure's text", async () => {
    change({ rbac: null });
    expect(await errorOf(call('GET', '/secrets/db-password'))).toEqual([
      403,
      'AccessDenied',
      `The user, group or application 'appid=app;oid=${OID};iss=https://sts.windows.net/${TENANT}/' does not have secrets get permission on key vault 'demo-kv;location=westeurope'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
    ]);
  });

  const policy = (permissions: Record<string, string[]>, more = {}) => ({
    tenantId: TENANT,
    objectId: OID,
    permissions,
    ...more,
  });
  it.each<[string, ArmVault['rbac'], boolean, ArmVault['accessPolicies'], string | number]>([
    ['role, RBAC vault', true, true, [], 200],
    ['role, policy vault', false, true, [], 'AccessDenied'],
    ['role, vault that says nothing', null, true, [], 'AccessDenied'],
    ['policy, RBAC vault', true, false, [policy({ secrets: ['get'] })], 'ForbiddenByRbac'],
    ['policy, policy vault', false, false, [policy({ secrets: ['get'] })], 200],
    ['policy, vault that says nothing', null, false, [policy({ secrets: ['get'] })], 200],
    ['policy in capitals', null, false, [policy({ secrets: ['Get'] })], 200],
    ['policy for all', null, false, [policy({ secrets: ['all'] })], 200],
    ['policy of another right', null, false, [policy({ secrets: ['list'] })], 'AccessDenied'],
    ['policy for keys', null, false, [policy({ keys: ['get'] })], 'AccessDenied'],
    ['policy of another identity', null, false, [policy({ secrets: ['get'] }, { objectId: TENANT })], 'AccessDenied'],
    [
      'policy through an application',
      null,
      false,
      [policy({ secrets: ['get'] }, { applicationId: 'app' })],
      'AccessDenied',
    ],
  ])('%s', async (_, rbac, role, accessPolicies, want) => {
    change({ rbac, accessPolicies });
    if (role) may('secrets/getSecret/action');
    const reply = call('GET', '/secrets/db-password');
    expect((await reply).status === 200 ? 200 : (await errorOf(reply))[1]).toBe(want);
  });

  it('a role on one secret opens that one alone', async () => {
    await vault.seed('demo-kv', 'other', 'x');
    world.rights.push({
      principal: OID,
      action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
      scope: `${ID}/secrets/other`,
    });
    expect((await call('GET', '/secrets/other')).status).toBe(200);
    expect((await call('GET', '/secrets/db-password')).status).toBe(403);
    expect((await call('GET', '/secrets')).status).toBe(403);
  });

  it.each([
    ['GET', '/secrets', 'secrets/readMetadata/action'],
    ['GET', '/secrets/db-password/versions', 'secrets/readMetadata/action'],
    ['PUT', '/secrets/x', 'secrets/setSecret/action'],
    ['PATCH', '/secrets/x', 'secrets/update/action'],
    ['DELETE', '/secrets/x', 'secrets/delete'],
    ['GET', '/deletedsecrets', 'secrets/readMetadata/action'],
    ['GET', '/deletedsecrets/x', 'secrets/readMetadata/action'],
    ['POST', '/deletedsecrets/x/recover', 'secrets/recover/action'],
    ['DELETE', '/deletedsecrets/x', 'secrets/purge/action'],
    ['GET', '/keys/x', 'keys/read'],
    ['GET', '/certificates/x', 'certificates/read'],
  ])('%s %s asks for %s, before it looks whether it is there', async (method, path, action) => {
    const [status, , message] = await errorOf(call(method, path, {}));
    expect([status, message.includes(`Action: 'Microsoft.KeyVault/vaults/${action}'`)]).toEqual([403, true]);
  });
});

describe('the firewall decides before rights', () => {
  it.each<[string, Partial<ArmVault>, string | undefined, string | number]>([
    ['nobody from outside', { publicNetworkAccess: 'Disabled' }, undefined, 'ForbiddenByConnection'],
    ['nobody by default', { networkAcls: { defaultAction: 'Deny', ipRules: [] } }, undefined, 'ForbiddenByFirewall'],
    [
      'one address',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: USUAL_ADDRESS }] } },
      undefined,
      'ForbiddenByRbac',
    ],
    [
      'a range',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: '203.0.113.0/24' }] } },
      undefined,
      'ForbiddenByRbac',
    ],
    [
      'another range',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: '198.51.100.0/24' }] } },
      undefined,
      'ForbiddenByFirewall',
    ],
    [
      'from another address',
      { networkAcls: { defaultAction: 'Deny', ipRules: [{ value: USUAL_ADDRESS }] } },
      '198.51.100.7',
      'ForbiddenByFirewall',
    ],
  ])('%s', async (_, changes, address, want) => {
    change(changes);
    const headers = { authorization: `Bearer ${token}`, ...(address && { [ADDRESS_HEADER]: address }) };
    const [status, code, message] = await errorOf(call('GET', '/secrets/db-password', undefined, headers));
    expect([status, code]).toEqual([403, want]);
    if (code === 'ForbiddenByFirewall')
      expect(message).toContain(`Client address: ${address ?? USUAL_ADDRESS}\r\nCaller: appid=app;`);
  });
});
