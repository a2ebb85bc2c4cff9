import { createHash } from 'node:crypto';
import { maybeMomentIn, maybeTextIn, tableIn, textIn } from '../shape.ts';
import { orAbsent, Problem } from '../trouble.ts';
import type { Azure, NewRoleAssignment, RoleAssignment } from './azure.ts';
import { asked, type Memory, type Shared } from './shared.ts';

const VERSION = 'api-version=2022-04-01';

export function rolesOf(shared: Shared, memory: Memory): Azure['roles'] {
  const { arm, cloud, subscription } = shared;
  const assignments = (scope: string) =>
    `${cloud.resourceManager}${scope.replace(/(?<!\/)\/+$/, '')}/providers/Microsoft.Authorization/roleAssignments`;

  const list = async (scope: string, filter?: string): Promise<readonly RoleAssignment[]> => {
    const url = `${assignments(scope)}?${VERSION}${filter ? `&$filter=${encodeURIComponent(filter)}` : ''}`;
    return asked(url, shared, async () => (await arm.list(url)).map(assignmentOf));
  };

  return {
    list: (scope) => memory(`roles ${scope.toLowerCase()}`, () => orAbsent(list(scope))),

    // The filter is transitive for groups ("List Azure role assignments using the REST API").
    heldBy: (scope, principalId) =>
      memory(`roles ${scope} of ${principalId}`.toLowerCase(), () => list(scope, `assignedTo('${principalId}')`)),

    async assign(assignment) {
      const { scope, role, principalId, principalType = 'ServicePrincipal', description } = assignment;
      const url = `${assignments(scope)}/${assignmentGuid(assignment)}?${VERSION}`;
      const roleDefinitionId = `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
      const body = { properties: { roleDefinitionId, principalId, principalType, description } };
      try {
        return await asked(url, shared, async () => assignmentOf(await arm.send('PUT', url, { body })));
      } catch (error) {
        if (!(error instanceof Problem && error.said?.code === 'RoleAssignmentExists')) throw error;
        const equal = (await list(scope)).find((each) => sameAs(assignment, each));
        if (equal) return equal;
        throw error;
      }
    },

    async remove(id) {
      const url = `${cloud.resourceManager}${id}?${VERSION}`;
      await orAbsent(asked(url, shared, () => arm.send('DELETE', url)));
    },
  };
}

/** An assignment as the wire has it. @throws {Odd} */
function assignmentOf(body: unknown): RoleAssignment {
  const properties = tableIn(tableIn(body).properties);
  const [description, condition] = [maybeTextIn(properties, 'description'), maybeTextIn(properties, 'condition')];
  const createdOn = maybeMomentIn(properties, 'createdOn');
  return {
    id: textIn(tableIn(body), 'id'),
    scope: textIn(properties, 'scope'),
    role: textIn(properties, 'roleDefinitionId').split('/').at(-1)!.toLowerCase(),
    principalId: textIn(properties, 'principalId'),
    ...(description && { description }),
    ...(condition && { condition }),
    ...(createdOn && { createdOn }),
  };
}

const sameAs = (wanted: NewRoleAssignment, is: RoleAssignment) =>
  is.scope.toLowerCase() === wanted.scope.toLowerCase() &&
  is.principalId.toLowerCase() === wanted.principalId.toLowerCase() &&
  is.role === wanted.role.toLowerCase();

/** The namespace for names that are URLs (RFC 9562, 6.6). */
const NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

/**
 * The assignment's name: a version 5 UUID (RFC 9562) of scope, principal and role, so that a repeated PUT is the same
 * one. The principal is part of it: a re-created identity must not meet the name of its predecessor's assignment.
 */
function assignmentGuid({
  scope,
  principalId,
  role,
}: Pick<NewRoleAssignment, 'scope' | 'principalId' | 'role'>): string {
  const name = `${scope}|${principalId}|${role}`.toLowerCase();
  const hash = createHash('sha1').update(NAMESPACE).update(name).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
