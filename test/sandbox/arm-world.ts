import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { arm, IDENTITY, roleDefinition, SECRETS_USER } from './harness.ts';

export const location = 'westeurope';
export const makeIdentity = async (one: Sandbox) => (await arm(one, 'PUT', IDENTITY, { location })).body.properties;
export const trust = (subject: string, issuer = 'https://issuer.example/') => ({
  properties: { issuer, subject, audiences: ['api://AzureADTokenExchange'] },
});
export const assign = (one: Sandbox, scope: string, principalId: string, more: object = {}, name = randomUUID()) =>
  arm(one, 'PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`, {
    properties: {
      roleDefinitionId: roleDefinition(one, SECRETS_USER),
      principalId,
      principalType: 'ServicePrincipal',
      ...more,
    },
  });
