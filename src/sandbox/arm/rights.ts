import type { Principal } from '../parts.ts';
import { refusal } from './errors.ts';
import { allows, roleOf } from './roles.ts';
import { type AssignmentRecord, type Slice, text } from './store.ts';

/** Whether `scope` is `above` or lies below it, segment by segment, in any case. */
export function within(scope: string, above: string): boolean {
  const [one, other] = [normal(scope), normal(above)];
  return other === '' || one === other || one.startsWith(`${other}/`);
}

export const normal = (scope: string) => scope.toLowerCase().replace(/\/+$/, '');

export const scopeOf = ({ resource }: AssignmentRecord) => text(resource.properties.scope) ?? '';

/**
 * By role assignments that have arrived, of the principal itself or of a group it is in. An assignment with a condition
 * grants nothing here: the sandbox does not evaluate conditions.
 */
export function mayDo(
  slice: Slice,
  now: number,
  principalId: string,
  action: string,
  scope: string,
  kind: 'action' | 'dataAction',
): boolean {
  const holders = [principalId, ...(slice.principals[principalId.toLowerCase()]?.memberOf ?? [])].map((id) =>
    id.toLowerCase(),
  );
  return Object.values(slice.assignments).some((assignment) => {
    const { principalId: holder, roleDefinitionId, condition } = assignment.resource.properties;
    if (assignment.arrivesAt > now || condition) return false;
    if (!holders.includes(String(holder).toLowerCase()) || !within(scope, scopeOf(assignment))) return false;
    const role = roleOf(String(roleDefinitionId));
    return role !== undefined && allows(role, action, kind);
  });
}

/** Throws AuthorizationFailed, in Azure's words, unless the caller may. */
export function demand(slice: Slice, now: number, caller: Principal, action: string, scope: string): void {
  if (mayDo(slice, now, caller.objectId, action, scope, 'action')) return;
  throw refusal(
    403,
    'AuthorizationFailed',
    `The client '${caller.name ?? caller.appId ?? caller.objectId}' with object id '${caller.objectId}' does not have ` +
      `authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. ` +
      'If access was recently granted, please refresh your credentials.',
  );
}
