import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pages } from '../scripts/failures-docs.ts';
import { refusalOf } from '../src/azure/problems.ts';
import { docsOf, explain, match, ROWS, rowOf } from '../src/failures/index.ts';
import { refusalOf as clusterRefusal } from '../src/kubernetes/problems.ts';
import { Problem } from '../src/trouble.ts';

const azure = (status: number, code: string, message: string) =>
  refusalOf({ by: 'Azure', status, headers: {}, body: JSON.stringify({ error: { code, message } }) }, 'vault demo-kv');
const vault = (inner: string, message: string) =>
  refusalOf(
    {
      by: 'Key Vault',
      status: 403,
      headers: {},
      body: JSON.stringify({ error: { code: 'Forbidden', message, innererror: { code: inner } } }),
    },
    'secret db-password in vault demo-kv',
  );
const entra = (message: string) =>
  refusalOf(
    {
      by: 'Entra',
      status: 401,
      headers: {},
      body: JSON.stringify({ error: 'invalid_client', error_description: message }),
    },
    'token',
  );
const cluster = (status: number, message: string, more: object = {}) =>
  clusterRefusal(status, JSON.stringify({ kind: 'Status', message, ...more }), 'Deployment shop/orders');

describe('explain', () => {
  it.each([
    [
      'F001',
      azure(
        409,
        'MissingSubscriptionRegistration',
        "The subscription is not registered to use namespace 'Microsoft.KeyVault'.",
      ),
    ],
    [
      'F003',
      azure(
        403,
        'AuthorizationFailed',
        "The client 'a' does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '/s'.",
      ),
    ],
    ['F004', azure(403, 'LinkedAuthorizationFailed', 'x')],
    ['F005', azure(400, 'PrincipalNotFound', 'Principal x does not exist in the directory y.')],
    [
      'F007',
      azure(
        400,
        'RoleAssignmentUpdateNotPermitted',
        'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.',
      ),
    ],
    ['F009', azure(409, 'ScopeLocked', 'x')],
    ['F010', azure(403, 'RequestDisallowedByPolicy', 'x')],
    ['F011', azure(409, 'VaultAlreadyExists', "The vault name 'x' is already in use.")],
    ['F013', azure(409, 'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity', 'x')],
    ['F015', azure(400, 'BadRequest', 'Issuer and subject combination already exists for this Managed Identity.')],
    ['F016', azure(405, 'NotSupported', 'Support for federated identity credentials not enabled')],
    [
      'F017',
      azure(
        409,
        'OperationNotAllowed',
        'Operation is not allowed because there is an in-progress update. Another operation is in progress',
      ),
    ],
    [
      'F154',
      azure(
        403,
        'AuthorizationFailed',
        "does not have authorization to perform action 'Microsoft.KeyVault/vaults/write' over scope '/s'",
      ),
    ],
    ['F049', entra('AADSTS70021: No matching federated identity record found for presented assertion.')],
    [
      'F050',
      entra(
        "AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://westeurope.oic.prod-aks.azure.com/t/u/'.",
      ),
    ],
    ['F051', entra("AADSTS700212: No matching federated identity record found for presented assertion audience 'x'.")],
    ['F052', entra("AADSTS700213: No matching federated identity record found for presented assertion subject 'x'.")],
    ['F053', entra('AADSTS7002138: No matching federated identity record found: case')],
    [
      'F054',
      entra(
        "AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://demo.hcp.westeurope.azmk8s.io'.",
      ),
    ],
    ['F055', entra("AADSTS700016: Application with identifier 'x' was not found in the directory 'y'.")],
    ['F058', entra('AADSTS50020: User account x does not exist in tenant y')],
    ['F067', vault('ForbiddenByRbac', "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'")],
    ['F068', vault('ForbiddenByRbac', "Action: 'Microsoft.KeyVault/vaults/certificates/read'")],
    ['F069', vault('AccessDenied', "does not have secrets get permission on key vault 'x'")],
    ['F073', vault('ForbiddenByFirewall', 'Client address is not authorized')],
    ['F074', vault('ForbiddenByConnection', 'Public network access is disabled')],
    ['F079', vault('SecretDisabled', 'Operation get is not allowed on a disabled secret.')],
    ['F086', vault('ForbiddenByRbac', "Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'")],
    ['F077', azure(404, 'SecretNotFound', 'A secret with (name/id) x was not found in this key vault.')],
    ['F081', azure(400, 'BadParameter', 'The request URI contains an invalid name: db_password')],
    ['F084', azure(401, 'Unauthorized', 'AKV10032: Invalid issuer. Expected one of x, found y.')],
    [
      'F034',
      cluster(
        500,
        'Internal error occurred: failed calling webhook "mutation.azure-workload-identity.io": failed to call webhook: no endpoints available for service "azure-wi-webhook-webhook-service"',
      ),
    ],
    [
      'F035',
      cluster(
        500,
        'Internal error occurred: failed calling webhook "mutation.azure-workload-identity.io": context deadline exceeded',
      ),
    ],
    [
      'F155',
      cluster(409, 'Apply failed', {
        details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "helm"', field: '.x' }] },
      }),
    ],
  ])('%s', (id, problem) => {
    expect(explain(problem)?.id).toBe(id);
  });

  it('knows more by what was said than by the code alone, and nothing of the unknown', () => {
    expect(
      match({ text: 'no matches for kind "SecretProviderClass" in version "secrets-store.csi.x-k8s.io/v1"' })?.id,
    ).toBe('F145');
    expect(
      match({ text: 'driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers' })?.id,
    ).toBe('F087');
    expect(match({ code: 'ENOTFOUND', text: 'getaddrinfo ENOTFOUND demo-kv.vault.azure.net' })?.id).toBe('F075');
    expect(explain(new Problem('broken', 'vault demo-kv', 'socket hang up'))).toBeUndefined();
    expect(match({ code: 'InternalServerError', text: 'all is well' })).toBeUndefined();
  });
});

describe('the catalogue', () => {
  it('has F001 to F155, each once', () => {
    const ids = Array.from({ length: 155 }, (_, index) => `F${String(index + 1).padStart(3, '0')}`);
    expect(ROWS.map(({ id }) => id).toSorted()).toEqual(ids);
    expect(rowOf('F091')?.title).toBe('The SecretProviderClass names no identity');
    expect(rowOf('F999')).toBeUndefined();
  });

  it.each(ROWS.map((row) => [row.id, row] as const))('%s speaks plainly', (_id, { title, cause, fix }) => {
    expect(title).not.toMatch(/\.$/);
    expect(cause).toMatch(/\.$/);
    expect(fix.say).toMatch(/\.$/);
    expect(`${title} ${cause} ${fix.say}`).not.toMatch(/please|simply|just /i);
    // A line that shows something, or one that changes what can be changed back: never one that destroys.
    if (fix.run !== undefined) {
      expect(fix.run).toMatch(/^(az|kubectl|helm|aks-secrets) /);
      expect(fix.run).not.toMatch(/\n|(?<!-)\b(delete|purge|remove|disable|uninstall|rotate|recover)\b|--force/);
      // In bash and in PowerShell alike: nothing is expanded, and no quote stands within its like.
      expect(fix.run.replace(/"[^"$`\\]*"/g, '')).not.toMatch(/["'$`;&|\\(){}]/);
    }
  });

  it.each(ROWS.map((row) => [row.id, row] as const))(
    '%s can be seen, and refers to others that are there',
    (_id, row) => {
      expect(row.match.length).toBeGreaterThan(0);
      expect(row.seenBy).toContain('explain');
      for (const { code, says, vague } of row.match) {
        expect([code, says].filter((sign) => sign !== undefined)).toHaveLength(1);
        // A code is not vague: it has its own company, or none.
        if (code !== undefined) expect(vague).toBeUndefined();
      }
      for (const id of [...(row.sameWorldAs ?? []), ...(row.insteadOf ?? [])]) expect(rowOf(id), id).toBeDefined();
      // Of two rows one says more.
      for (const id of row.insteadOf ?? []) expect(rowOf(id)?.insteadOf ?? []).not.toContain(row.id);
    },
  );

  it('knows nothing of the rest of the program', () => {
    const files = readdirSync('src/failures', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) {
      const imports = [...readFileSync(`src/failures/${file}`, 'utf8').matchAll(/from '([^']+)'/g)].map(
        ([, from]) => from!,
      );
      expect(
        imports.filter((from) => from.startsWith('../') && from !== '../trouble.ts' && from !== '../row.ts'),
        file,
      ).toEqual([]);
    }
  });
});

describe('the pages', () => {
  it('are those of the catalogue (node scripts/failures-docs.ts writes them)', () => {
    const written = pages();
    const there = readdirSync('docs/failures').map((name) => `docs/failures/${name}`);
    expect(there.toSorted()).toEqual([...written.keys()].toSorted());
    for (const [path, text] of written) expect(readFileSync(path, 'utf8'), path).toBe(text);
  });

  it('lead from each failure to its page, and from page to page', () => {
    for (const row of ROWS) {
      const text = readFileSync(docsOf(row), 'utf8');
      expect(text).toContain(`# ${row.id}: ${row.title}`);
      for (const [, to] of text.matchAll(/\]\(([^)]+)\)/g)) expect(existsSync(`docs/failures/${to}`), to).toBe(true);
    }
  });
});
