import { describe, expect, it } from 'vitest';
import { nameOf } from '../../src/azure/names.ts';
import { isLost, problemOf, readError, refusalOf } from '../../src/azure/problems.ts';
import { IDENTITY, SUBSCRIPTION, VAULT } from './server.ts';

const arm = (code: string, message = 'Because.') => JSON.stringify({ error: { code, message } });
const vault = (code: string, inner: string, message = 'Because.') =>
  JSON.stringify({ error: { code, message, innererror: { code: inner } } });
const refused = (status: number, body: string) =>
  refusalOf({ by: 'Azure', status, headers: { 'x-ms-request-id': 'r-1' }, body }, 'vault demo-kv');

describe('status and code → trouble', () => {
  it.each([
    [403, arm('AuthorizationFailed'), 'denied', 'AuthorizationFailed'],
    [403, arm('LinkedAuthorizationFailed'), 'denied', 'LinkedAuthorizationFailed'],
    [400, arm('PrincipalNotFound'), 'not yet', 'PrincipalNotFound'],
    [
      409,
      arm('ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity'),
      'busy',
      'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity',
    ],
    [
      409,
      arm('OperationNotAllowed', 'Operation is not allowed: Another operation (Updating) is in progress'),
      'busy',
      'OperationNotAllowed',
    ],
    [409, arm('OperationNotAllowed', 'managed cluster is in (Stopped) power state'), 'refused', 'OperationNotAllowed'],
    [
      400,
      arm(
        'OperationNotAllowed',
        'Operation could not be completed as it results in exceeding approved Total Regional Cores quota',
      ),
      'refused',
      'OperationNotAllowed',
    ],
    [412, arm('EtagMismatch'), 'busy', 'EtagMismatch'],
    [412, '', 'busy', undefined],
    [409, arm('AnotherOperationInProgress'), 'busy', 'AnotherOperationInProgress'],
    [
      409,
      arm('UpdateFailed', 'Update failed for this resource, as there is a conflicting operation in progress.'),
      'busy',
      'UpdateFailed',
    ],
    [409, arm('Conflict'), 'busy', 'Conflict'],
    [429, arm('TooManyRequests'), 'busy', 'TooManyRequests'],
    [403, arm('RequestDisallowedByPolicy'), 'refused', 'RequestDisallowedByPolicy'],
    [409, arm('ScopeLocked'), 'refused', 'ScopeLocked'],
    [409, arm('MissingSubscriptionRegistration'), 'refused', 'MissingSubscriptionRegistration'],
    [400, arm('RoleAssignmentLimitExceeded'), 'refused', 'RoleAssignmentLimitExceeded'],
    [400, arm('QuotaExceeded'), 'refused', 'QuotaExceeded'],
    [400, arm('InvalidParameter'), 'refused', 'InvalidParameter'],
    [400, arm('RoleAssignmentUpdateNotPermitted'), 'refused', 'RoleAssignmentUpdateNotPermitted'],
    [409, arm('VaultAlreadyExists'), 'refused', 'VaultAlreadyExists'],
    [404, arm('ResourceNotFound'), 'missing', 'ResourceNotFound'],
    [404, arm('ResourceGroupNotFound'), 'missing', 'ResourceGroupNotFound'],
    [404, '', 'missing', undefined],
    [404, arm('SubscriptionNotFound'), 'refused', 'SubscriptionNotFound'],
    [401, arm('ExpiredAuthenticationToken'), 'unsigned', 'ExpiredAuthenticationToken'],
    [401, arm('InvalidAuthenticationTokenTenant'), 'unsigned', 'InvalidAuthenticationTokenTenant'],
    [500, arm('InternalServerError'), 'broken', 'InternalServerError'],
    [502, '<html>Bad gateway</html>', 'broken', undefined],
    [403, vault('Forbidden', 'ForbiddenByRbac'), 'denied', 'ForbiddenByRbac'],
    [403, vault('Forbidden', 'AccessDenied'), 'denied', 'AccessDenied'],
    [403, vault('Forbidden', 'ForbiddenByFirewall'), 'refused', 'ForbiddenByFirewall'],
    [403, vault('Forbidden', 'ForbiddenByConnection'), 'refused', 'ForbiddenByConnection'],
    [403, vault('Forbidden', 'SecretDisabled'), 'refused', 'SecretDisabled'],
    [404, arm('SecretNotFound'), 'missing', 'SecretNotFound'],
    [409, vault('Conflict', 'ObjectIsDeletedButRecoverable'), 'refused', 'ObjectIsDeletedButRecoverable'],
    [409, vault('Conflict', 'ObjectIsBeingDeleted'), 'busy', 'ObjectIsBeingDeleted'],
    [429, vault('Throttled', 'VaultRequestTypeLimitReached'), 'busy', 'VaultRequestTypeLimitReached'],
    [
      401,
      arm(
        'Unauthorized',
        'AKV10032: Invalid issuer. Expected one of https://sts.windows.net/a/, found https://sts.windows.net/b/.',
      ),
      'refused',
      'AKV10032',
    ],
    [
      401,
      JSON.stringify({
        error: 'invalid_client',
        error_description: 'AADSTS700213: No matching federated identity record',
      }),
      'refused',
      'AADSTS700213',
    ],
    [
      400,
      JSON.stringify({ error: 'unauthorized_client', error_description: 'AADSTS700016: Application was not found' }),
      'refused',
      'AADSTS700016',
    ],
  ])('%i %s is %s', (status, body, trouble, code) => {
    const problem = refused(status, body);
    expect(problem.trouble).toBe(trouble);
    expect(problem.said?.code).toBe(code);
    expect(problem.said?.status).toBe(status);
    expect(problem.said?.requestId).toBe('r-1');
    expect(problem.message).not.toBe('');
  });
});

describe('the right that is missing', () => {
  it.each([
    [
      "The client 'ana' with object id '1' does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/s/x' or the scope is invalid.",
      'Microsoft.Authorization/roleAssignments/write',
      '/subscriptions/s/x',
    ],
    [
      "The client 'ana' has permission to perform action 'Microsoft.ContainerService/managedClusters/write' on scope '/s/c'; however, it does not have permission to perform action 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '/s/i' or the linked scope(s) are invalid.",
      'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
      '/s/i',
    ],
    [
      "Caller is not authorized to perform action on resource.\r\nCaller: appid=a;oid=o\r\nAction: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'\r\nResource: '/s/v/secrets/x'\r\nAssignment: (not found)",
      'Microsoft.KeyVault/vaults/secrets/setSecret/action',
      '/s/v/secrets/x',
    ],
    [
      "The user, group or application 'appid=a;oid=o;iss=i' does not have secrets get permission on key vault 'demo-kv;location=westeurope'. For help resolving this issue",
      'secrets get',
      'vault demo-kv',
    ],
  ])('is read from %s', (message, right, scope) => {
    const problem = refused(403, arm('AuthorizationFailed', message));
    expect(problem.right).toBe(right);
    expect(problem.message).toContain(right);
    expect(problem.message).toContain(scope);
  });
});

describe('what is thrown instead of an answer', () => {
  const coded = (code: string, message = code) => Object.assign(new Error(message), { code });

  it.each([
    [coded('ENOTFOUND', 'getaddrinfo ENOTFOUND absent-kv.vault.azure.net'), 'missing', 'ENOTFOUND'],
    [coded('ENOTFOUND', 'getaddrinfo ENOTFOUND management.azure.com'), 'broken', 'ENOTFOUND'],
    [coded('ECONNRESET'), 'broken', 'ECONNRESET'],
    [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'broken', 'SELF_SIGNED_CERT_IN_CHAIN'],
    [new TypeError("Cannot read properties of undefined (reading 'family')"), 'broken', undefined],
    [
      new Error('invalid_client: 700213 - AADSTS700213: No matching. Trace ID: 0f-1e Correlation ID: 2'),
      'refused',
      'AADSTS700213',
    ],
    ['a string', 'broken', undefined],
  ])('%s', (error, trouble, code) => {
    const problem = problemOf(error, 'vault demo-kv');
    expect(problem.trouble).toBe(trouble);
    expect(problem.said?.code).toBe(code);
    expect(problem.resource).toBe('vault demo-kv');
  });

  it('knows what sending again may cure', () => {
    expect(['ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN', 'REQUEST_SEND_ERROR'].every((code) => isLost(coded(code)))).toBe(
      true,
    );
    expect(
      ['ENOTFOUND', 'SELF_SIGNED_CERT_IN_CHAIN', 'ERR_TLS_CERT_ALTNAME_INVALID'].some((code) => isLost(coded(code))),
    ).toBe(false);
  });

  it('survives bodies that are not what they say', () => {
    for (const body of ['', 'null', '[]', '{"error":null}', '{"error":{"message":7}}', '"x"', '{', '7']) {
      expect(readError(body, 400).message).not.toBe('');
    }
  });
});

describe('words', () => {
  it('are the same for the same refusal, whatever ids it bears', () => {
    const body = (id: string) =>
      JSON.stringify({
        error: 'x',
        error_description: `AADSTS700016: Not found. Trace ID: ${id} Correlation ID: ${id}`,
      });
    expect(refused(400, body('1')).message).toBe(refused(400, body('2')).message);
    expect(refused(400, body('1')).said?.message).toContain('Trace ID: 1');
  });
});

describe('names', () => {
  it.each([
    [VAULT, 'vault demo-kv'],
    [`https://management.azure.com${IDENTITY}?api-version=1`, 'identity orders-id'],
    [`${IDENTITY}/federatedIdentityCredentials/a-b`, 'credential a-b at identity orders-id'],
    [`${IDENTITY}/federatedIdentityCredentials`, 'credentials of identity orders-id'],
    [`${VAULT}/providers/Microsoft.Authorization/roleAssignments/guid`, 'role assignments on vault demo-kv'],
    [`${VAULT}/accessPolicies/add`, 'vault demo-kv'],
    [`/subscriptions/${SUBSCRIPTION}/resourceGroups/demo-rg`, 'resource group demo-rg'],
    [`/subscriptions/${SUBSCRIPTION}`, `subscription ${SUBSCRIPTION}`],
    [`/subscriptions/${SUBSCRIPTION}/providers/Microsoft.KeyVault/register`, 'provider Microsoft.KeyVault'],
    ['https://demo-kv.vault.azure.net/secrets/db-password/000', 'secret db-password in vault demo-kv'],
    ['https://demo-kv.vault.azure.net/secrets', 'vault demo-kv'],
  ])('%s is %s', (url, name) => {
    expect(nameOf(url)).toBe(name);
  });
});
