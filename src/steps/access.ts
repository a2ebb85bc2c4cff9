import type { AccessPolicy, Azure, Resource, RoleAssignment, SecretProperties } from '../azure/azure.ts';
import { accessDescription, isOurs } from '../ownership.ts';
import type { Judged, Step } from '../step.ts';
import { defineStep, KNOWN_AFTER_APPLY, ref } from '../step.ts';
import type { IdentityWish, SecretRef, VaultWish } from '../workload.ts';
import { calledBy, isTagged } from './identity.ts';
import { covers, grantOf, isHeldBy, PERMISSION_FOR, ROLE_FOR, ROLE_NAMES } from './roles.ts';
import { isNamed } from './secret.ts';
import { modeOf } from './vault.ts';

interface Seen {
  readonly vault: Resource | undefined;
  readonly assignments: readonly RoleAssignment[];
  /** What the identity holds as a member of groups; asked only when its own assignments are not enough. */
  readonly throughGroups?: readonly RoleAssignment[];
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
  identity: { wish: IdentityWish; id: string; mark: string; step: Step };
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
  const missingOf = (held: readonly RoleAssignment[]): readonly Wanted[] =>
    wanted.filter((want) => !grantOf(held, want.kind, want.scope));

  return defineStep({
    id: `access/${vault.wish.name}/${calledBy(identity.step)}`,
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
      const [found, listed, held, principalId] = await Promise.all([
        azure.vaults.get(vault.id),
        azure.roles.list(vault.id),
        heldBy(azure, vault.uri),
        principalOf(azure, identity.id),
      ]);
      const assignments = listed ?? [];
      const seen = { vault: found, assignments, held };
      if (!found || modeOf(found) !== 'rbac' || !principalId) return seen;
      if (missingOf(assignments.filter(isHeldBy(principalId))).length === 0) return seen;
      // Where this cannot be asked, an assignment of our own does no harm.
      const all = await azure.roles.heldBy(vault.id, principalId).catch(() => []);
      return { ...seen, throughGroups: all.filter((one) => !isHeldBy(principalId)(one)) };
    },
    judge: (seen, { principalId, tenantId, mode }) =>
      tenantsDiffer(seen.vault, tenantId) ?? judge(seen, principalId, mode),
    async converge({ azure }, seen, { principalId, tenantId, mode }) {
      if (mode === 'policies') {
        const permissions = Object.fromEntries(kinds.map((kind) => [PERMISSION_FOR[kind], ['get']]));
        await azure.vaults.addPolicy(vault.id, { tenantId, objectId: principalId, permissions });
        return undefined;
      }
      const made = await Promise.all(
        missingOf(heldIn(seen, principalId)).map(({ role, scope }) =>
          azure.roles.assign({ scope, role, principalId, description: accessDescription(options.mark) }),
        ),
      );
      return { ...seen, assignments: [...seen.assignments, ...made] };
    },
    async remove(world, seen) {
      const { azure } = world.fresh();
      // Who still comes by another credential (a second workload, or cluster) lives by this access too. Our own
      // credential goes first; if it has not, the next run ends it.
      const credentials = await azure.federation.list(identity.id);
      if (credentials && credentials.length > 0) return;
      const mine = seen.assignments.filter(
        (found) => found.description === accessDescription(options.mark) && covers(vault.id, found.scope),
      );
      await Promise.all(mine.map(({ id }) => azure.roles.remove(id)));
      // A policy bears no mark of its own: it is ours if the identity that it names is.
      const holder = await azure.identities.get(identity.id);
      if (!isTagged(holder, identity.mark)) return;
      const { principalId = '' } = (holder?.properties ?? {}) as { principalId?: string };
      for (const policy of policiesOf(seen.vault, principalId)) await azure.vaults.removePolicy(vault.id, policy);
    },
    byHand: ({ principalId, mode }) =>
      mode === 'policies'
        ? `az keyvault set-policy --name ${vault.wish.name} --object-id ${principalId} ${kinds.map((kind) => `--${kind}-permissions get`).join(' ')}`
        : wanted
            .map(
              ({ role, scope }) =>
                `az role assignment create --assignee-object-id ${principalId} --assignee-principal-type ServicePrincipal --role "${ROLE_NAMES[role]}" --scope ${scope}`,
            )
            .join(' && '),
  });
};

/** The identity's own step says what keeps it from being looked at. */
async function principalOf(azure: Azure, identityId: string): Promise<string | undefined> {
  const found = await azure.identities.get(identityId).catch(() => undefined);
  return (found?.properties as { principalId?: string } | undefined)?.principalId;
}

const heldIn = ({ assignments, throughGroups = [] }: Seen, principalId: string): readonly RoleAssignment[] => [
  ...assignments.filter(isHeldBy(principalId)),
  ...throughGroups,
];

/** A vault takes tokens of one tenant alone (after a move of its subscription, of the old one), and its roles no others. */
function tenantsDiffer(vault: Resource | undefined, tenantId: string): Judged | undefined {
  const { tenantId: trusted } = (vault?.properties ?? {}) as { tenantId?: string };
  if (!trusted || tenantId === KNOWN_AFTER_APPLY || trusted.toLowerCase() === tenantId.toLowerCase()) return undefined;
  return {
    state: 'blocked',
    owner: 'theirs',
    facts: {},
    differences: [],
    note: `the vault trusts tenant ${trusted}, and the identity is of tenant ${tenantId}`,
  };
}

/** The list is only for counting here: where the caller may not look, nothing is counted. */
const heldBy = (azure: Azure, uri: string): Promise<readonly SecretProperties[] | undefined> =>
  azure.secrets.list(uri).catch(() => undefined);

function byRole(
  seen: Seen,
  principalId: string,
  wanted: readonly Wanted[],
  scope: 'vault' | 'secret',
  secrets: readonly SecretRef[],
): Judged {
  const grants = wanted.flatMap((want) => {
    const grant = grantOf(heldIn(seen, principalId), want.kind, want.scope);
    return grant ? [{ ...grant, wider: !covers(want.scope, grant.scope) }] : [];
  });
  const since = grants
    .flatMap(({ createdOn }) => (createdOn ? [createdOn] : []))
    .sort((a, b) => b.getTime() - a.getTime())[0];
  const base = { differences: [], ...(since && { since }) } as const;

  if (grants.length < wanted.length) {
    const others = seen.held?.filter(({ name }) => !secrets.some((one) => isNamed(one.name, name))).length ?? 0;
    // The role for public parts opens no secret.
    const opens = scope === 'vault' && others > 0 && wanted.some(({ kind }) => kind === 'secret');
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
  const ours = grants.every((grant) => isOurs(grant.description));
  const but = [
    ...(scope === 'secret' && grants.some((grant) => grant.wider) ? ['wider than --role-scope secret asks'] : []),
    ...(grants.some((grant) => grant.condition) ? ['it has a condition, so only the proof can tell'] : []),
  ];
  const by = [
    ...new Set(
      grants.map(
        (grant) =>
          `${ROLE_NAMES[grant.role] ?? grant.role} at ${placeOf(grant.scope)}${isHeldBy(principalId)(grant) ? '' : ', through a group'}`,
      ),
    ),
  ].join(', ');
  return {
    ...base,
    state: ours && but.length === 0 ? 'as wanted' : 'good enough',
    owner: ours ? 'ours' : 'theirs',
    facts: { granted: by },
    ...((!ours || but.length > 0) && { note: [`by ${by}`, ...but].join('; ') }),
  };
}

type Policy = AccessPolicy & { readonly applicationId?: string };

/** The entries that name the identity. One with an application id is for that application on its behalf: it serves no pod. */
const policiesOf = (vault: Resource | undefined, principalId: string): readonly Policy[] =>
  ((vault?.properties.accessPolicies ?? []) as readonly Policy[]).filter(
    ({ objectId, applicationId }) => !applicationId && objectId.toLowerCase() === principalId.toLowerCase(),
  );

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
  const rights = (kind: SecretRef['kind']): readonly string[] =>
    policiesOf(vault, principalId).flatMap(({ permissions }) => permissions?.[PERMISSION_FOR[kind]] ?? []);
  const allowed = (kind: SecretRef['kind']): boolean =>
    rights(kind).some((right) => ['get', 'all'].includes(right.toLowerCase()));
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
