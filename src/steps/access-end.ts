import type { AccessPolicy, Azure, FederatedCredential, Resource, RoleAssignment } from '../azure/azure.ts';
import { accessDescription, isAccessOf, isForSameWorkload, TAG } from '../ownership.ts';
import type { Removal, Stays } from '../step.ts';
import { credentialId } from './federation-end.ts';
import { credentialsOf, type Holder, lookAt } from './holder.ts';
import { accountOf } from './identity-end.ts';
import { covers, isHeldBy, placeOf, ROLE_NAMES } from './roles.ts';
import { ABSENT, staying } from './staying.ts';

/** Who comes by an access: the identity, and all who are trusted as it. */
interface Surveyed {
  readonly holder: Resource | undefined;
  readonly credentials: readonly FederatedCredential[];
  /** Principals, in lower case, of all identities of its group; absent where that cannot be asked. */
  readonly alive?: ReadonlySet<string>;
}

export async function surveyAccess(azure: Azure, identity: Holder): Promise<Surveyed> {
  const [holder, credentials, alive] = await Promise.all([
    lookAt(azure, identity),
    credentialsOf(azure, identity),
    principalsBeside(azure, identity),
  ]);
  return { holder, credentials: credentials ?? [], ...(alive && { alive }) };
}

const principalIn = (holder: Resource | undefined): string =>
  (holder?.properties as { principalId?: string } | undefined)?.principalId ?? '';

async function principalsBeside(azure: Azure, { wish }: Holder): Promise<ReadonlySet<string> | undefined> {
  if (wish.kind === 'app registration') return undefined;
  const all = await azure.identities.list(wish.resourceGroup).catch(() => undefined);
  return all && new Set(all.map((one) => principalIn(one).toLowerCase()));
}

type Policy = AccessPolicy & { readonly applicationId?: string };

export const policiesIn = (vault: Resource | undefined): readonly Policy[] =>
  (vault?.properties.accessPolicies ?? []) as readonly Policy[];

/** The entries that name the identity. One with an application id is for that application on its behalf: it serves no pod. */
export const policiesOf = (vault: Resource | undefined, principalId: string): readonly Policy[] =>
  policiesIn(vault).filter(
    ({ objectId, applicationId }) => !applicationId && objectId.toLowerCase() === principalId.toLowerCase(),
  );

export const policyId = (vaultId: string, { objectId }: Pick<Policy, 'objectId'>): string =>
  `${vaultId}/accessPolicies/${objectId}`.toLowerCase();

/**
 * What we gave in this vault, and what anybody else gave to the same identity there. Who still comes by another
 * credential (a second workload, or cluster) lives by this access too. The same workload on another cluster usually has
 * an identity of its own, which lives by what was given to it: of what we gave to another one than this, only what was
 * given for this very cluster goes, and only where that identity is gone.
 */
export function endOfAccess(
  { assignments, vault }: { readonly assignments: readonly RoleAssignment[]; readonly vault: Resource | undefined },
  { holder, credentials, alive }: Surveyed,
  about: { readonly vault: string; readonly marks: readonly string[]; readonly going: ReadonlySet<string> },
): Removal {
  const { marks, going } = about;
  const principalId = principalIn(holder);
  const here = assignments.filter(({ scope }) => covers(about.vault, scope));
  const isIts = (one: RoleAssignment): boolean => principalId !== '' && isHeldBy(principalId)(one);
  const own = here.filter((one) => isIts(one) && marks.some((mark) => isAccessOf(one.description, mark)));
  const others = here.filter((one) => !isIts(one) && marks.some((mark) => one.description === accessDescription(mark)));
  const orphans = others.filter((one) => alive && !alive.has(one.principalId.toLowerCase()));
  const ours = [...own, ...orphans];
  const theirs = here.filter((one) => isIts(one) && !own.includes(one));
  // A policy bears no mark of its own: it is ours if the identity that it names is.
  const isOurHolder = marks.some((mark) => isForSameWorkload(holder?.tags?.[TAG], mark));
  const policies = principalId === '' ? [] : policiesOf(vault, principalId);
  const beside: Stays[] = [
    ...theirs.map(({ role, scope }) => ({
      kind: 'role',
      subject: `${ROLE_NAMES[role] ?? role} on ${placeOf(scope)}`,
      note: 'not given by aks-secrets',
    })),
    ...others
      .filter((one) => !orphans.includes(one))
      .map(({ id, role, scope, principalId: other }) => ({
        kind: 'role',
        subject: `${ROLE_NAMES[role] ?? role} on ${placeOf(scope)}`,
        note: `given to another identity (principal ${other}), which may live by it`,
        run: `az role assignment delete --ids ${id}`,
      })),
    ...(isOurHolder ? [] : policies).map(() => ({
      kind: 'access policy',
      subject: `for ${holder?.name} on ${vault?.name}`,
      note: 'the identity was not made by aks-secrets',
    })),
  ];
  const stays = beside.length > 0 ? { beside } : {};
  const takes = [
    ...ours.map(({ id }) => id),
    ...(isOurHolder ? policies : []).map((policy) => policyId(about.vault, policy)),
  ];
  if (takes.length === 0) return { ...ABSENT, ...stays };
  const users = credentials.filter(({ name }) => !going.has(credentialId(holder?.id ?? '', name)));
  if (holder && users.length > 0) {
    const named = users.slice(0, 3).map(({ name, subject }) => `${accountOf(subject)} (credential ${name})`);
    const more = users.length > 3 ? ` and ${users.length - 3} more` : '';
    return { ...staying(`it is what ${named.join(', ')}${more} ${users.length > 1 ? 'live' : 'lives'} by`), ...stays };
  }
  return { state: 'remove', takes, ...stays };
}
