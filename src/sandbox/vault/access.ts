import { type ArmVault, type Parts, type Principal, Refusal, type Request } from '../parts.ts';
import { callerOf } from './network.ts';
import { refuse } from './refusals.ts';

const AUDIENCES = ['https://vault.azure.net', 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093'];

type Kind = 'secrets' | 'keys' | 'certificates';

/** What an operation asks for: a data action where roles decide, a permission where access policies do. */
export interface Right {
  readonly kind: Kind;
  /** `getSecret/action`, below `Microsoft.KeyVault/vaults/secrets/`. */
  readonly action: string;
  readonly permission: string;
}

const right = (kind: Kind, action: string, permission: string): Right => ({ kind, action, permission });

export const RIGHTS = {
  get: right('secrets', 'getSecret/action', 'get'),
  list: right('secrets', 'readMetadata/action', 'list'),
  set: right('secrets', 'setSecret/action', 'set'),
  update: right('secrets', 'update/action', 'set'),
  delete: right('secrets', 'delete', 'delete'),
  getDeleted: right('secrets', 'readMetadata/action', 'get'),
  recover: right('secrets', 'recover/action', 'recover'),
  purge: right('secrets', 'purge/action', 'purge'),
  getKey: right('keys', 'read', 'get'),
  listKeys: right('keys', 'read', 'list'),
  getCertificate: right('certificates', 'read', 'get'),
  listCertificates: right('certificates', 'read', 'list'),
} as const satisfies Record<string, Right>;

/** The token of the request; without one the challenge, which names the vault's tenant to anybody. */
export function bearerOf(vault: ArmVault, request: Request): string {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return token ?? unauthorized(vault, 'AKV10000: Request is missing a Bearer or PoP token.');
}

/** Whom the token speaks for: signed by Entra, in time, of the vault's tenant, for Key Vault; in this order. */
export function checkToken(vault: ArmVault, principal: Principal | undefined): Principal {
  if (!principal) return unauthorized(vault, 'AKV10000: Request is missing a valid Bearer or PoP token.');
  if (principal.tenantId.toLowerCase() !== vault.tenantId.toLowerCase()) {
    return unauthorized(
      vault,
      `AKV10032: Invalid issuer. Expected one of https://sts.windows.net/${vault.tenantId}/, found ` +
        `https://sts.windows.net/${principal.tenantId}/.`,
    );
  }
  if (!AUDIENCES.includes(principal.audience.replace(/\/$/, ''))) {
    return unauthorized(
      vault,
      `AKV10022: Invalid audience. Expected https://vault.azure.net, found: ${principal.audience}.`,
    );
  }
  return principal;
}

function unauthorized(vault: ArmVault, message: string): never {
  const challenge = `Bearer authorization="https://login.microsoftonline.com/${vault.tenantId}", resource="https://vault.azure.net"`;
  throw new Refusal({
    status: 401,
    headers: { 'www-authenticate': challenge },
    body: { error: { code: 'Unauthorized', message } },
  });
}

/** Roles decide in an RBAC vault, access policies in every other (`null` too); never both. */
export function checkRight(vault: ArmVault, caller: Principal, needed: Right, name: string | undefined, parts: Parts) {
  if (vault.rbac === true) checkRole(vault, caller, needed, name, parts);
  else checkPolicy(vault, caller, needed);
}

function checkRole(
  vault: ArmVault,
  caller: Principal,
  { kind, action }: Right,
  name: string | undefined,
  parts: Parts,
) {
  const full = `Microsoft.KeyVault/vaults/${kind}/${action}`;
  const scope = name === undefined ? vault.id : `${vault.id}/${kind}/${name}`;
  if (parts.arm.mayDo(caller.objectId, full, scope, 'dataAction')) return;
  refuse(
    403,
    'Forbidden',
    'Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role ' +
      'definitions were changed recently, please observe propagation time.\r\n' +
      `Caller: ${callerOf(caller)}\r\nAction: '${full}'\r\nResource: '${scope.toLowerCase()}'\r\n` +
      "Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\n" +
      `Vault: ${vault.name};location=${vault.location}\r\n`,
    'ForbiddenByRbac',
  );
}

/** An entry with an application id is for a user through that application, and does not match a caller alone. */
function checkPolicy(vault: ArmVault, caller: Principal, { kind, permission }: Right): void {
  const granted = vault.accessPolicies
    .filter((policy) => policy.objectId.toLowerCase() === caller.objectId.toLowerCase() && !policy.applicationId)
    .flatMap((policy) => policy.permissions[kind] ?? [])
    .map((each) => each.toLowerCase());
  // `all` stands for everything but purge.
  if (granted.includes(permission) || (granted.includes('all') && permission !== 'purge')) return;
  refuse(
    403,
    'Forbidden',
    `The user, group or application '${callerOf(caller)}' does not have ${kind} ${permission} permission on key vault ` +
      `'${vault.name};location=${vault.location}'. For help resolving this issue, please see ` +
      'https://go.microsoft.com/fwlink/?linkid=2125287',
    'AccessDenied',
  );
}
