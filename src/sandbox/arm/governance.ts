import type { Principal } from '../parts.ts';
import { refusal } from './errors.ts';
import { mayDo, normal, within } from './rights.ts';
import { type Call, page, type Route } from './routes.ts';
import { type Json, record, type Slice, text } from './store.ts';

/*
 * What keeps a caller from a write that he has the right to: locks, policies, resources that the written one links to.
 * None of it comes with the demo world.
 */

/** A management lock (`Microsoft.Authorization/locks`). */
export interface Lock {
  readonly name: string;
  readonly scope: string;
  readonly level: 'ReadOnly' | 'CanNotDelete';
  readonly notes?: string;
}

/** An assignment of a policy that denies resources of one type, at a scope and below. */
export interface Denial {
  readonly name: string;
  readonly displayName: string;
  readonly scope: string;
  /** `Microsoft.KeyVault/vaults` */
  readonly type: string;
}

/** Throws what governs the write, in Azure's order: locks, then policies. */
export function demandUngoverned(call: Call): void {
  const { method, path } = call.request;
  if (method === 'GET' || method === 'HEAD') return;
  const removing = method === 'DELETE';
  const locks = (call.slice.locks ?? []).filter(
    ({ level, scope }) => within(path, scope) && (removing || level === 'ReadOnly'),
  );
  if (locks.length > 0) {
    const scopes = locks.map(({ scope }) => `'${scope}'`).join(', ');
    throw refusal(
      409,
      'ScopeLocked',
      `The scope '${path}' cannot perform ${removing ? 'delete' : 'write'} operation because following scope(s) are ` +
        `locked: ${scopes}. Please remove the lock and try again.`,
    );
  }
  if (method === 'PUT' || method === 'PATCH') demandAllowed(call, path);
}

function demandAllowed({ slice }: Call, path: string): void {
  const { type, name } = typeOf(path);
  const denial = (slice.denials ?? []).find(
    (each) => within(path, each.scope) && each.type.toLowerCase() === type.toLowerCase(),
  );
  if (!denial) return;
  const assignment = `${denial.scope}/providers/Microsoft.Authorization/policyAssignments/${denial.name}`;
  const definition = `/providers/Microsoft.Authorization/policyDefinitions/${denial.name}`;
  const identifiers = [
    {
      policyAssignment: { name: denial.displayName, id: assignment },
      policyDefinition: { name: denial.displayName, id: definition },
    },
  ];
  const refused = refusal(
    403,
    'RequestDisallowedByPolicy',
    `Resource '${name}' was disallowed by policy. Policy identifiers: '${JSON.stringify(identifiers)}'.`,
  );
  const error = (refused.reply.body as { error: Json }).error;
  error.target = name;
  error.additionalInfo = [
    {
      type: 'PolicyViolation',
      info: {
        policyDefinitionDisplayName: denial.displayName,
        policyDefinitionName: denial.name,
        policyDefinitionId: definition,
        policyDefinitionEffect: 'deny',
        policyAssignmentName: denial.name,
        policyAssignmentDisplayName: denial.displayName,
        policyAssignmentId: assignment,
        policyAssignmentScope: denial.scope,
      },
    },
  ];
  throw refused;
}

/** `Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials` and the last name of a path. */
function typeOf(path: string): { readonly type: string; readonly name: string } {
  const [namespace = '', ...rest] =
    path
      .split(/\/providers\//i)
      .at(-1)
      ?.split('/') ?? [];
  const types = rest.filter((_, index) => index % 2 === 0);
  return { type: [namespace, ...types].join('/'), name: rest.at(-1) ?? '' };
}

/** The subnets that the pools lie in must be open to whoever writes the cluster, wherever they are. */
export function demandSubnets(call: Call): void {
  const pools = (record(call.body.properties).agentPoolProfiles ?? []) as Json[];
  const action = 'Microsoft.Network/virtualNetworks/subnets/join/action';
  for (const subnet of pools.flatMap((pool) => text(pool.vnetSubnetID) ?? [])) {
    if (mayDo(call.slice, call.now, call.caller.objectId, action, subnet, 'action')) continue;
    throw refusal(
      403,
      'LinkedAuthorizationFailed',
      `The client '${nameOf(call.caller)}' with object id '${call.caller.objectId}' has permission to perform action ` +
        `'Microsoft.ContainerService/managedClusters/write' on scope '${call.request.path}'; however, it does not have ` +
        `permission to perform action(s) '${action}' on the linked scope(s) '${subnet}' (respectively) or the linked ` +
        'scope(s) are invalid.',
    );
  }
}

const nameOf = ({ name, appId, objectId }: Principal) => name ?? appId ?? objectId;

/** Role assignments that a subscription takes. */
const LIMIT = 4000;

/** Throws when the subscription takes no more role assignments, those counted of which nothing else is known here. */
export function demandRoom(slice: Slice): void {
  if (Object.keys(slice.assignments).length + (slice.assignmentsElsewhere ?? 0) < LIMIT) return;
  throw refusal(
    400,
    'RoleAssignmentLimitExceeded',
    'No more role assignments can be created (code: RoleAssignmentLimitExceeded).',
  );
}

const TYPE = 'Microsoft.Authorization/locks';

export const lockRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `/{+scope}/providers/${TYPE}`,
    versions: { type: TYPE, known: ['2016-09-01', '2017-04-01', '2020-05-01'] },
    action: `${TYPE}/read`,
    scope: ({ scope }) => `/${scope}`,
    // At the scope, above it and below it, as the service lists them.
    run: (call) => {
      const scope = normal(`/${call.params.scope}`);
      const seen = (call.slice.locks ?? []).filter((lock) => within(scope, lock.scope) || within(lock.scope, scope));
      return page(
        call,
        seen.map(({ name, scope: at, level, notes }) => ({
          id: `${at}/providers/${TYPE}/${name}`,
          name,
          type: TYPE,
          properties: { level, ...(notes && { notes }) },
        })),
        50,
      );
    },
  },
];
