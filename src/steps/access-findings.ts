import type { AccessPolicy, RoleAssignment } from '../azure/azure.ts';
import { isAccessOf } from '../ownership.ts';
import { type Judged, KNOWN_AFTER_APPLY } from '../step.ts';
import type { SecretRef } from '../workload.ts';
import type { Seen } from './access.ts';
import { policiesIn, policiesOf } from './access-end.ts';
import { covers, grantOf, isHeldBy, PERMISSION_FOR, placeOf, ROLE_NAMES } from './roles.ts';

interface Asked {
  /** A statement that is true when it may. */
  readonly title: string;
  readonly principalId: string;
  /** By what the vault decides: `rbac` or `policies`. */
  readonly mode: string;
  /** What our descriptions say of the workload. */
  readonly mark: string;
  readonly kinds: readonly { readonly kind: SecretRef['kind']; readonly scope: string }[];
  readonly permissions: AccessPolicy['permissions'];
  /** Each thing by itself: whoever reads them all reads enough. */
  readonly each: readonly { readonly kind: SecretRef['kind']; readonly scope: string }[];
  /** It also looks through the vault. */
  readonly lists: boolean;
}

type Why = Pick<Judged, 'failure' | 'findings'>;

/** Of an identity that may not read: which of the ways of being refused it is. */
export function whyRefused(seen: Seen, judged: Judged, asked: Asked): Why {
  if (judged.facts.granted !== undefined || asked.principalId === KNOWN_AFTER_APPLY) return {};
  if (judged.failure !== undefined) return fails(judged.failure, asked.title, judged.note, 'a vault of its own tenant');
  return asked.mode === 'policies' ? byPolicies(seen, asked) : byRoles(seen, asked);
}

const CHECK = 'AKS-ACCESS';

function fails(failure: string, title: string, observed = 'nothing lets it read', expected = 'a right to read'): Why {
  return {
    failure,
    findings: [{ check: CHECK, title, verdict: 'fail', failure, observed, expected }],
  };
}

function byRoles({ vault, assignments, throughGroups = [] }: Seen, asked: Asked): Why {
  const { principalId, kinds, mark, title } = asked;
  const own = assignments.filter(isHeldBy(principalId));
  const held = [...own, ...throughGroups];
  const missing = kinds.filter(({ kind, scope }) => !grantOf(held, kind, scope));
  const apart = asked.each.map(({ kind, scope }) => grantOf(held, kind, scope));
  if (apart.length > 0 && apart.every((grant) => grant !== undefined)) {
    if (asked.lists) return fails('F127', title, `only ${rolesOf(held)}`, 'a role at the vault, which also lists');
    return { findings: [{ check: CHECK, title, verdict: 'pass', observed: `by ${rolesOf(apart)}` }] };
  }
  const expected = `a role that reads ${several(missing.map(({ kind }) => kind))}`;
  const stale = assignments.find((one) => isAccessOf(one.description, mark) && !isHeldBy(principalId)(one));
  if (own.length === 0 && stale) {
    const observed = `its role is given to ${stale.principalId}, an identity of that name that is gone`;
    return fails('F022', title, observed, `${expected}, given to ${principalId}`);
  }
  // What a role of somebody's own includes, only the proof can tell.
  const others = held.filter(
    ({ role, scope }) => !ROLE_NAMES[role] && kinds.some(({ scope: target }) => covers(scope, target)),
  );
  if (others.length > 0) {
    const observed = `by ${rolesOf(others)}, if that reads ${several(missing.map(({ kind }) => kind))}`;
    return { findings: [{ check: CHECK, title, verdict: 'unknown', failure: 'F067', observed, expected }] };
  }
  if (missing.every(({ kind }) => kind !== 'secret') && missing.length < kinds.length)
    return fails('F068', title, `only ${rolesOf(held)}`, expected);
  if (policiesOf(vault, principalId).length > 0)
    return fails('F071', title, 'an access policy, and the vault decides by roles', expected);
  return fails('F067', title, held.length > 0 ? `only ${rolesOf(held)}` : 'no role on the vault', expected);
}

const rolesOf = (held: readonly RoleAssignment[]): string =>
  held.map(({ role, scope }) => `${ROLE_NAMES[role] ?? role} at ${placeOf(scope)}`).join(', ');

const several = (kinds: readonly SecretRef['kind'][]): string =>
  [...new Set(kinds.map((kind) => PERMISSION_FOR[kind]))].join(' and ');

function byPolicies({ vault, assignments }: Seen, { principalId, permissions, title }: Asked): Why {
  const wanted = Object.entries(permissions).map(([of, rights]) => `${of} ${rights.join(' and ')}`);
  const expected = `an access policy with ${wanted.join(', ')}`;
  const compound = policiesIn(vault).find(
    ({ objectId, ...more }) =>
      objectId.toLowerCase() === principalId.toLowerCase() && (more as { applicationId?: string | null }).applicationId,
  );
  if (compound)
    return fails('F072', title, 'an access policy with an applicationId, for use through an application', expected);
  const policies = policiesOf(vault, principalId);
  if (policies.length > 0) {
    const held = policies.flatMap(({ permissions: all }) =>
      Object.entries(all ?? {}).flatMap(([of, rights]) => (rights.length > 0 ? [`${of} ${rights.join(' and ')}`] : [])),
    );
    const may = (of: string, right: string): boolean =>
      policies.some(({ permissions: all }) => has(all?.[of as keyof typeof all], right));
    // Narrower than the vault no policy is: whoever asked for that reads all the same.
    if (Object.entries(permissions).every(([of, rights]) => rights.every((right) => may(of, right))))
      return { findings: [{ check: CHECK, title, verdict: 'pass', observed: 'by an access policy' }] };
    const reads = Object.keys(permissions).every((of) => may(of, 'get'));
    const observed = `an access policy with ${held.join(', ') || 'no permission'} alone`;
    return fails(reads ? 'F127' : 'F069', title, observed, expected);
  }
  if (assignments.some(isHeldBy(principalId)))
    return fails('F070', title, 'a role, and the vault decides by access policies', expected);
  return fails('F069', title, 'no access policy', expected);
}

const has = (rights: readonly string[] | undefined, right: string): boolean =>
  (rights ?? []).some((one) => [right, 'all'].includes(one.toLowerCase()));
