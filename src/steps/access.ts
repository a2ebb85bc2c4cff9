import type { Azure, Resource, RoleAssignment, SecretProperties } from '../azure/azure.ts';
import { accessDescription, isOurs } from '../ownership.ts';
import type { Judged, Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import type { IdentityWish, SecretRef, VaultWish } from '../workload.ts';
import { grantOf, PERMISSION_FOR, ROLE_FOR, ROLE_NAMES } from './roles.ts';

interface Seen {
  readonly vault: Resource | undefined;
  readonly assignments: readonly RoleAssignment[];
  /** What the vault holds, where the caller may look: the plan counts what a vault-wide role opens besides. */
  readonly held: readonly SecretProperties[] | undefined;
}

interface Wanted {
  readonly role: string;
  readonly scope: string;
  readonly kind: SecretRef['kind'];
}

/**
 * The identity may read, by whichever the vault obeys: a role or an access policy. What already lets it read, under
 * another name, at a wider scope or by a stronger role, is good enough.
 */
export const access = (options: {
  vault: { wish: VaultWish; id: string; uri: string; step: Step };
  identity: { wish: IdentityWish; step: Step };
  secrets: readonly SecretRef[];
  scope: 'vault' | 'secret';
  mark: string;
  workloads: readonly string[];
}) => {
  const { vault, identity, secrets, scope } = options;
  const kinds = [...new Set(secrets.map((secret) => secret.kind))];
  const wanted: readonly Wanted[] =
    scope === 'vault'
      ? kinds.map((kind) => ({ kind, role: ROLE_FOR[kind], scope: vault.id }))
      : secrets.map(({ kind, name }) => ({
          kind,
          role: ROLE_FOR[kind],
          scope: `${vault.id}/${PERMISSION_FOR[kind]}/${name}`,
        }));
  const roleName = [...new Set(wanted.map(({ role }) => ROLE_NAMES[role]))].join(', ');

  const judge = (seen: Seen, principalId: string, mode: string): Judged =>
    mode === 'policies'
      ? byPolicy(seen.vault, principalId, kinds, scope)
      : byRole(seen, principalId, wanted, scope, secrets);

  return defineStep({
    id: `access/${vault.wish.name}/${identity.wish.name}`,
    kind: 'access',
    subject: `${roleName} for ${identity.wish.name} on ${vault.wish.name}`,
    title: `${identity.wish.name} may read in ${vault.wish.name}`,
    side: 'Azure',
    workloads: options.workloads,
    needs: {
      principalId: ref(identity.step, 'principalId'),
      tenantId: ref(identity.step, 'tenantId'),
      mode: ref(vault.step, 'vaultMode'),
    },
    yields: ['granted'],
    settles: 'minutes',
    async observe({ azure }): Promise<Seen> {
      const [found, assignments, held] = await Promise.all([
        azure.vaults.get(vault.id),
        azure.roles.list(vault.id),
        heldBy(azure, vault.uri),
      ]);
      return { vault: found, assignments: assignments ?? [], held };
    },
    judge: (seen, { principalId, mode }) => judge(seen, principalId, mode),
    async converge({ azure }, seen, { principalId, tenantId, mode }) {
      if (mode === 'policies') {
        const permissions = Object.fromEntries(kinds.map((kind) => [PERMISSION_FOR[kind], ['get']]));
        await azure.vaults.addPolicy(vault.id, { tenantId, objectId: principalId, permissions });
        return undefined;
      }
      const missing = wanted.filter((want) => !grantOf(seen.assignments, principalId, want.kind, want.scope));
      const made = await Promise.all(
        missing.map(({ role, scope }) =>
          azure.roles.assign({ scope, role, principalId, description: accessDescription(options.mark) }),
        ),
      );
      return { ...seen, assignments: [...seen.assignments, ...made] };
    },
    async remove({ azure }, seen) {
      const mine = seen.assignments.filter((found) => found.description === accessDescription(options.mark));
      await Promise.all(mine.map(({ id }) => azure.roles.remove(id)));
    },
    byHand: ({ principalId, mode }) =>
      mode === 'policies'
        ? `az keyvault set-policy --name ${vault.wish.name} --object-id ${principalId} ${kinds.map((kind) => `--${kind}-permissions get`).join(' ')}`
        : `az role assignment create --assignee-object-id ${principalId} --assignee-principal-type ServicePrincipal --role "${ROLE_NAMES[wanted[0]?.role ?? ''] ?? ''}" --scope ${wanted[0]?.scope ?? vault.id}`,
  });
};

/** The list is only for counting here: where the caller may not look, nothing is counted. */
const heldBy = (azure: Azure, uri: string): Promise<readonly SecretProperties[] | undefined> =>
  azure.secrets.list(uri).catch(() => undefined);

function byRole(
  { assignments, held }: Seen,
  principalId: string,
  wanted: readonly Wanted[],
  scope: 'vault' | 'secret',
  secrets: readonly SecretRef[],
): Judged {
  const grants = wanted.map((want) => grantOf(assignments, principalId, want.kind, want.scope));
  const found = grants.filter((grant) => grant !== undefined);
  const since = found
    .flatMap(({ createdOn }) => (createdOn ? [createdOn] : []))
    .sort((a, b) => b.getTime() - a.getTime())[0];
  const base = { differences: [], ...(since && { since }) } as const;

  if (found.length < wanted.length) {
    const others = held?.filter(({ name }) => !secrets.some((secret) => secret.name === name)).length ?? 0;
    const opens = scope === 'vault' && others > 0;
    return {
      ...base,
      state: 'absent',
      owner: 'ours',
      facts: {},
      ...(opens && {
        note: `also opens ${others} other secret${others === 1 ? '' : 's'}; --role-scope secret narrows it`,
      }),
    };
  }
  const ours = found.every((grant) => isOurs(grant.description));
  const by = [
    ...new Set(found.map((grant) => `${ROLE_NAMES[grant.role] ?? grant.role} at ${placeOf(grant.scope)}`)),
  ].join(', ');
  return {
    ...base,
    state: ours ? 'as wanted' : 'good enough',
    owner: ours ? 'ours' : 'theirs',
    facts: { granted: by },
    ...(!ours && { note: `by ${by}` }),
  };
}

interface Policy {
  readonly objectId: string;
  readonly applicationId?: string;
  readonly permissions?: Readonly<Record<string, readonly string[] | undefined>>;
}

function byPolicy(
  vault: Resource | undefined,
  principalId: string,
  kinds: readonly SecretRef['kind'][],
  scope: 'vault' | 'secret',
): Judged {
  const base = { owner: 'theirs', facts: {}, differences: [] } as const;
  if (scope === 'secret')
    return {
      ...base,
      state: 'blocked',
      note: 'this vault decides by access policies, which open all its secrets: --role-scope vault, or a vault with RBAC',
    };
  const policies = (vault?.properties.accessPolicies ?? []) as readonly Policy[];
  // An entry with an application id is for that application on behalf of the identity: it does not serve a pod.
  const entry = policies.find((policy) => policy.objectId === principalId && !policy.applicationId);
  const allowed = (kind: SecretRef['kind']): boolean =>
    entry?.permissions?.[PERMISSION_FOR[kind]]?.some((right) => ['get', 'all'].includes(right.toLowerCase())) ?? false;
  return kinds.every(allowed)
    ? { ...base, state: 'as wanted', facts: { granted: 'access policy' }, note: 'by an access policy' }
    : { ...base, state: 'absent', note: 'as an access policy: this vault does not decide by roles' };
}

/** A scope as a person names it: its last named part. */
function placeOf(scope: string): string {
  const parts = scope.split('/').filter(Boolean);
  const kind = parts.at(-2)?.toLowerCase();
  const name = parts.at(-1) ?? '/';
  if (kind === 'vaults') return `vault ${name}`;
  if (kind === 'resourcegroups') return `resource group ${name}`;
  if (kind === 'subscriptions') return 'the subscription';
  if (kind === 'managementgroups') return `management group ${name}`;
  return kind ? `${kind.replace(/s$/, '')} ${name}` : 'the root';
}
