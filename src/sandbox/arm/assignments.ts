import { refusal } from './errors.ts';
import { demandRoom } from './governance.ts';
import { knownOnly } from './resources.ts';
import { normal, scopeOf, within } from './rights.ts';
import { ROLES, type Role, roleOf } from './roles.ts';
import { type Call, page, type Route } from './routes.ts';
import { type AssignmentRecord, type Json, record, type Slice, text } from './store.ts';

const TYPE = 'Microsoft.Authorization/roleAssignments';
const versions = {
  type: TYPE,
  known: [
    '2015-07-01',
    '2018-07-01',
    '2018-09-01-preview',
    '2020-04-01-preview',
    '2020-08-01-preview',
    '2020-10-01-preview',
    '2022-04-01',
    '2022-05-01-preview',
  ],
};
const PAGE = 50;
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const definitionId = (call: Call, role: Role) =>
  `/subscriptions/${call.parts.state.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role.id}`;

/**
 * `atScope()`: at the scope or above. `principalId eq`: of one principal, at, above and below. `assignedTo()`: also
 * through its groups. Without a filter: at, above and below.
 */
function list(call: Call) {
  const scope = `/${call.params.scope}`;
  let all = Object.values(call.slice.assignments).filter(
    (one) => within(scope, scopeOf(one)) || within(scopeOf(one), scope),
  );
  const filter = call.query.get('$filter') ?? '';
  for (const clause of filter.split(/\s+and\s+/i).filter((one) => one.trim() !== '')) {
    const [, kind, id = ''] = /^(?:(principalId eq |assignedTo\()'([^']+)'\)?|atScope\(\))$/i.exec(clause.trim()) ?? [
      'none',
    ];
    if (/^atScope\(\)$/i.test(clause.trim())) all = all.filter((one) => within(scope, scopeOf(one)));
    else if (kind?.startsWith('principalId')) all = all.filter((one) => holder(one) === id.toLowerCase());
    else if (kind) {
      const ids = [id, ...(call.slice.principals[id.toLowerCase()]?.memberOf ?? [])].map((each) => each.toLowerCase());
      all = all.filter((one) => ids.includes(holder(one)));
    } else throw refusal(400, 'UnsupportedQuery', `The filter '${filter}' is not supported.`);
  }
  return page(
    call,
    all.map(({ resource }) => resource),
    PAGE,
  );
}

const holder = ({ resource }: AssignmentRecord) => String(resource.properties.principalId).toLowerCase();
const definition = (id: unknown) => String(id).split('/').at(-1)?.toLowerCase();

function put(call: Call) {
  const { body, params, slice, now, caller, parts } = call;
  const scope = `/${params.scope}`;
  const name = params.name ?? '';
  if (!GUID.test(name)) {
    throw refusal(
      400,
      'InvalidRoleAssignmentId',
      `The role assignment ID '${name}' is not valid. The role assignment ID must be a GUID.`,
    );
  }
  const known = [
    'roleDefinitionId',
    'principalId',
    'principalType',
    'description',
    'condition',
    'conditionVersion',
    'delegatedManagedIdentityResourceId',
    'scope',
    'createdOn',
    'updatedOn',
    'createdBy',
    'updatedBy',
  ];
  knownOnly(body, ['properties', 'id', 'name', 'type'], 'RoleAssignment');
  const given = record(body.properties);
  knownOnly(given, known, 'RoleAssignmentProperties');
  if (given.condition)
    throw refusal(501, 'NotImplementedBySandbox', 'The sandbox does not evaluate conditions of role assignments');
  const principalId = text(given.principalId)?.toLowerCase() ?? '';
  const role = roleOf(String(given.roleDefinitionId));
  if (!role) {
    throw refusal(
      400,
      'RoleDefinitionDoesNotExist',
      `The specified role definition with ID '${definition(given.roleDefinitionId)}' does not exist.`,
    );
  }
  if (!GUID.test(principalId)) {
    throw refusal(400, 'InvalidPrincipalId', `A valid principal ID must be provided for role assignment.`);
  }
  checkPrincipal(call, principalId, text(given.principalType));

  const same = Object.values(slice.assignments).find(
    (one) =>
      normal(scopeOf(one)) === normal(scope) &&
      holder(one) === principalId &&
      definition(one.resource.properties.roleDefinitionId) === role.id,
  );
  const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`;
  // A role assignment's name is taken in the whole tenant, not only at its scope.
  const before = Object.values(slice.assignments).find((one) => one.resource.name.toLowerCase() === name.toLowerCase());
  if (before && (before !== same || normal(before.resource.id) !== normal(id))) {
    throw refusal(
      400,
      'RoleAssignmentUpdateNotPermitted',
      'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.',
    );
  }
  if (same && same !== before) {
    throw refusal(
      409,
      'RoleAssignmentExists',
      `The role assignment already exists. The ID of the existing role assignment is ${same.resource.name.replaceAll('-', '')}.`,
    );
  }
  if (!before) demandRoom(slice);
  const at = new Date(now).toISOString();
  const had: Json = before?.resource.properties ?? {};
  const made: AssignmentRecord = {
    arrivesAt: before?.arrivesAt ?? now + parts.settings.replication,
    resource: {
      id: before?.resource.id ?? id,
      name: before?.resource.name ?? name,
      type: TYPE,
      properties: {
        roleDefinitionId: definitionId(call, role),
        principalId,
        principalType: slice.principals[principalId]?.kind ?? text(given.principalType) ?? 'ServicePrincipal',
        scope,
        condition: null,
        conditionVersion: null,
        createdOn: had.createdOn ?? at,
        updatedOn: at,
        createdBy: had.createdBy ?? caller.objectId,
        updatedBy: caller.objectId,
        delegatedManagedIdentityResourceId: null,
        description: text(given.description) ?? null,
      },
    },
  };
  slice.assignments[normal(made.resource.id)] = made;
  return { status: before ? 200 : 201, body: made.resource };
}

/** Without a type the principal is looked up in Entra, which a young one fails; with it Azure takes the caller's word. */
function checkPrincipal({ slice, now, parts }: Call, principalId: string, type: string | undefined): void {
  const known = slice.principals[principalId];
  if (known && known.arrivesAt <= now) {
    if (type && type !== known.kind) {
      throw refusal(
        400,
        'UnmatchedPrincipalType',
        `The PrincipalId '${principalId}' has type '${known.kind}', which is different from specified PrinciaplType '${type}'.`,
      );
    }
    return;
  }
  if (type === 'ServicePrincipal' && !parts.settings.strictPrincipals) return;
  throw refusal(
    400,
    'PrincipalNotFound',
    `Principal ${principalId.replaceAll('-', '')} does not exist in the directory ${parts.state.tenantId}. Check that ` +
      'you have the correct principal ID. If you are creating this principal and then immediately assigning a role, ' +
      'this error might be related to a replication delay. In this case, set the role assignment principalType ' +
      'property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype',
  );
}

/** A vault's assignments go with it, and do not come back. */
export function removeBelow(slice: Slice, scope: string): void {
  for (const [key, one] of Object.entries(slice.assignments)) {
    if (within(scopeOf(one), scope)) delete slice.assignments[key];
  }
}

const found = (call: Call): AssignmentRecord => {
  const id = `/${call.params.scope}/providers/${TYPE}/${call.params.name}`;
  const one = call.slice.assignments[normal(id)];
  if (!one) throw refusal(404, 'RoleAssignmentNotFound', `The role assignment '${call.params.name}' is not found.`);
  return one;
};

const shownRole = (call: Call, role: Role) => ({
  id: definitionId(call, role),
  type: 'Microsoft.Authorization/roleDefinitions',
  name: role.id,
  properties: {
    roleName: role.name,
    type: 'BuiltInRole',
    description: role.name,
    assignableScopes: ['/'],
    permissions: [
      { actions: role.actions, notActions: role.notActions, dataActions: role.dataActions, notDataActions: [] },
    ],
  },
});

function listRoles(call: Call) {
  const filter = call.query.get('$filter') ?? '';
  const name = /roleName eq '([^']*)'/i.exec(filter)?.[1];
  if (filter !== '' && name === undefined && !/^(type eq 'BuiltInRole'|atScope(AndBelow)?\(\))$/i.test(filter)) {
    throw refusal(400, 'UnsupportedQuery', `The filter '${filter}' is not supported.`);
  }
  const roles = ROLES.filter((role) => name === undefined || role.name.toLowerCase() === name.toLowerCase());
  return page(
    call,
    roles.map((role) => shownRole(call, role)),
    100,
  );
}

const at = '/{+scope}/providers/Microsoft.Authorization/roleAssignments';
const atScope = ({ scope }: Readonly<Record<string, string>>) => `/${scope}`;
const roles = { ...versions, type: 'Microsoft.Authorization/roleDefinitions' };

export const assignmentRoutes: readonly Route[] = [
  { method: 'GET', path: at, versions, action: `${TYPE}/read`, scope: atScope, run: list },
  {
    method: 'GET',
    path: `${at}/{name}`,
    versions,
    action: `${TYPE}/read`,
    scope: atScope,
    run: (call) => ({ status: 200, body: found(call).resource }),
  },
  { method: 'PUT', path: `${at}/{name}`, versions, action: `${TYPE}/write`, scope: atScope, run: put },
  {
    method: 'DELETE',
    path: `${at}/{name}`,
    versions,
    action: `${TYPE}/delete`,
    scope: atScope,
    run: (call) => {
      const id = normal(`/${call.params.scope}/providers/${TYPE}/${call.params.name}`);
      const one = call.slice.assignments[id];
      if (!one) return { status: 204 };
      delete call.slice.assignments[id];
      return { status: 200, body: one.resource };
    },
  },
  {
    method: 'GET',
    path: '/{+scope}/providers/Microsoft.Authorization/roleDefinitions',
    versions: roles,
    action: 'Microsoft.Authorization/roleDefinitions/read',
    scope: atScope,
    run: listRoles,
  },
  {
    method: 'GET',
    path: '/{+scope}/providers/Microsoft.Authorization/roleDefinitions/{name}',
    versions: roles,
    action: 'Microsoft.Authorization/roleDefinitions/read',
    scope: atScope,
    run: (call) => {
      const role = roleOf(call.params.name ?? '');
      if (!role)
        throw refusal(
          404,
          'RoleDefinitionDoesNotExist',
          `The specified role definition with ID '${call.params.name}' does not exist.`,
        );
      return { status: 200, body: shownRole(call, role) };
    },
  },
];
