import type { AccessPolicy, Azure, Resource, RoleAssignment, SecretProperties } from '../azure/azure.ts';
import { accessDescription, isOurs } from '../ownership.ts';
import { command } from '../shell.ts';
import type { Judged, Step, StepId } from '../step.ts';
import { defineStep, KNOWN_AFTER_APPLY, ref } from '../step.ts';
import type { SecretRef, VaultWish } from '../workload.ts';
import { endOfAccess, policiesIn, policiesOf, policyId, surveyAccess } from './access-end.ts';
import { whyRefused } from './access-findings.ts';
import { type Holder, lookAt } from './holder.ts';
import { calledBy } from './identity.ts';
import { isAssignment } from './identity-end.ts';
import { covers, grantOf, isHeldBy, PERMISSION_FOR, placeOf, ROLE_FOR, ROLE_NAMES } from './roles.ts';
import { isNamed } from './secret.ts';
import { modeOf } from './vault.ts';

export interface Seen {
  readonly vault: Resource | undefined;
  readonly assignments: readonly RoleAssignment[];
  /** What the identity holds as a member of groups; asked only when its own assignments are not enough. */
  readonly throughGroups?: readonly RoleAssignment[];
  /** What the vault holds, where the caller may look: the plan counts what a vault-wide role opens besides. */
  readonly held: readonly SecretProperties[] | undefined;
}

type Permissions = AccessPolicy['permissions'];

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
  identity: Holder & { step: Step };
  /** The credentials by which it is used: they go first. */
  credentials: readonly StepId[];
  secrets: readonly SecretRef[];
  scope: 'vault' | 'secret';
  /** It also looks through the vault's secrets. A role that reads them lists them; an access policy names it. */
  lists?: boolean;
  mark: string;
  workloads: readonly string[];
}) => {
  const { vault, identity, secrets, scope } = options;
  const kinds = [...new Set([...secrets.map(({ kind }) => kind), ...(options.lists ? (['secret'] as const) : [])])];
  const permissions: Permissions = Object.fromEntries(
    kinds.map((kind) => [PERMISSION_FOR[kind], options.lists && kind === 'secret' ? ['get', 'list'] : ['get']]),
  );
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
      ? byPolicy(seen.vault, principalId, permissions, scope)
      : byRole(seen, principalId, wanted, scope, secrets);
  const missingOf = (held: readonly RoleAssignment[]): readonly Wanted[] =>
    wanted.filter((want) => !grantOf(held, want.kind, want.scope));

  return defineStep({
    id: `access/${vault.wish.name}/${calledBy(identity.step)}`,
    kind: 'access',
    subject: `${roleName} for ${identity.wish.name} on ${vault.wish.name}`,
    title: `${identity.wish.name} may read in ${vault.wish.name}`,
    side: 'Azure',
    category: 'vault',
    workloads: options.workloads,
    needs: {
      principalId: ref(identity.step, 'principalId'),
      tenantId: ref(identity.step, 'tenantId'),
      mode: ref(vault.step, 'vaultMode'),
    },
    yields: ['granted'],
    outlives: options.credentials,
    settles: 'minutes',
    async observe({ azure }): Promise<Seen> {
      const [found, listed, held, principalId] = await Promise.all([
        azure.vaults.get(vault.id),
        azure.roles.list(vault.id),
        heldBy(azure, vault.uri),
        principalOf(azure, identity),
      ]);
      const assignments = listed ?? [];
      const seen = { vault: found, assignments, held };
      if (!found || modeOf(found) !== 'rbac' || !principalId) return seen;
      if (missingOf(assignments.filter(isHeldBy(principalId))).length === 0) return seen;
      // Where this cannot be asked, an assignment of our own does no harm.
      const all = await azure.roles.heldBy(vault.id, principalId).catch(() => []);
      return { ...seen, throughGroups: all.filter((one) => !isHeldBy(principalId)(one)) };
    },
    judge(seen, { principalId, tenantId, mode }) {
      const judged = tenantsDiffer(seen.vault, tenantId) ?? judge(seen, principalId, mode);
      const each = secrets.map(({ kind, name }) => ({ kind, scope: `${vault.id}/${PERMISSION_FOR[kind]}/${name}` }));
      const scopes = {
        ...{ each, lists: options.lists ?? false },
        kinds: wanted.map(({ kind, scope: at }) => ({ kind, scope: at })),
        permissions,
      };
      const title = `${identity.wish.name} may read in ${vault.wish.name}`;
      return { ...judged, ...whyRefused(seen, judged, { title, principalId, mode, mark: options.mark, ...scopes }) };
    },
    async converge({ azure }, seen, { principalId, tenantId, mode }) {
      if (mode === 'policies') {
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
    survey: ({ azure }) => surveyAccess(azure, identity),
    removal: (seen, _known, { going, surveyed }) =>
      endOfAccess(seen, surveyed, { vault: vault.id, marks: identity.marks, going }),
    async remove({ azure }, seen, _known, { takes = [] }) {
      const policies = policiesIn(seen.vault).filter((policy) => takes.includes(policyId(vault.id, policy)));
      await Promise.all(takes.filter(isAssignment).map((assignment) => azure.roles.remove(assignment)));
      for (const policy of policies) await azure.vaults.removePolicy(vault.id, policy);
    },
    recipe(seen, { principalId, tenantId, mode }) {
      if (mode === 'policies') {
        // `az keyvault set-policy` writes the whole vault again, as far as its own model knows it; this adds one entry.
        const body = { properties: { accessPolicies: [{ tenantId, objectId: principalId, permissions }] } };
        return [
          command('az rest', {
            method: 'put',
            url: `${vault.id}/accessPolicies/add?api-version=2023-07-01`,
            ...{ body: JSON.stringify(body), output: 'none' },
          }),
        ];
      }
      const missing = seen ? missingOf(heldIn(seen, principalId)) : wanted;
      return missing.map(({ role, scope }) =>
        command(`retry PrincipalNotFound az role assignment create`, {
          'assignee-object-id': principalId,
          'assignee-principal-type': 'ServicePrincipal',
          role: ROLE_NAMES[role],
          ...{ scope, description: accessDescription(options.mark), output: 'none' },
        }),
      );
    },
    byHand: ({ principalId, mode }) =>
      mode === 'policies'
        ? `az keyvault set-policy --name ${vault.wish.name} --object-id ${principalId} ${kinds.map((kind) => `--${kind}-permissions ${permissions[PERMISSION_FOR[kind]]?.join(' ')}`).join(' ')}`
        : wanted
            .map(
              ({ role, scope }) =>
                `az role assignment create --assignee-object-id ${principalId} --assignee-principal-type ServicePrincipal --role "${ROLE_NAMES[role]}" --scope ${scope}`,
            )
            .join(' && '),
  });
};

/** The identity's own step says what keeps it from being looked at. */
async function principalOf(azure: Azure, identity: Holder): Promise<string | undefined> {
  const found = await lookAt(azure, identity).catch(() => undefined);
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
    failure: 'F084',
    note: `the vault trusts tenant ${trusted}, and the identity is of tenant ${tenantId}, which it cannot leave: an application can read there (--app-registration)`,
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
      ...(scope === 'secret' && { note: `there for ${secrets.map(({ name }) => name).join(', ')} alone` }),
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

function byPolicy(
  vault: Resource | undefined,
  principalId: string,
  wanted: Permissions,
  scope: 'vault' | 'secret',
): Judged {
  const base = { owner: 'theirs', facts: {}, differences: [] } as const;
  if (scope === 'secret')
    return {
      ...base,
      state: 'blocked',
      note: 'this vault decides by access policies, which open all its secrets: --role-scope vault, or a vault with RBAC',
    };
  const allowed = ([of, rights]: readonly [string, readonly string[]]): boolean => {
    const held = policiesOf(vault, principalId)
      .flatMap(({ permissions }) => permissions?.[of as keyof Permissions] ?? [])
      .map((right) => right.toLowerCase());
    return held.includes('all') || rights.every((right) => held.includes(right));
  };
  return Object.entries(wanted).every(allowed)
    ? { ...base, state: 'as wanted', facts: { granted: 'access policy' }, note: 'by an access policy' }
    : { ...base, state: 'absent', note: 'as an access policy: this vault does not decide by roles' };
}
