import type { Azure, FederatedCredential, RoleAssignment } from '../azure/azure.ts';
import { isAccessOf } from '../ownership.ts';
import type { Removal } from '../step.ts';
import { credentialId } from './federation-end.ts';
import { credentialsOf, type Holder, lookAt } from './holder.ts';
import { placeOf, ROLE_NAMES } from './roles.ts';
import { staying } from './staying.ts';

/** All that hangs on an identity: who comes by it, and what it holds, anywhere in the subscription. */
interface Surveyed {
  readonly credentials: readonly FederatedCredential[];
  readonly assignments: readonly RoleAssignment[];
}

export async function surveyIdentity(azure: Azure, holder: Holder): Promise<Surveyed> {
  const found = await lookAt(azure, holder);
  const { principalId } = (found?.properties ?? {}) as { principalId?: string };
  const [credentials, assignments] = await Promise.all([
    credentialsOf(azure, holder),
    principalId ? azure.roles.heldBy(`/subscriptions/${azure.subscription}`, principalId) : [],
  ]);
  return { credentials: credentials ?? [], assignments };
}

export const isAssignment = (id: string): boolean => id.toLowerCase().includes('/roleassignments/');

/**
 * An identity that we made goes when nothing is left on it but what goes before, and what we ourselves gave it elsewhere
 * (a vault that the workload had before): that goes with it.
 */
export function endOfIdentity(
  { credentials, assignments }: Surveyed,
  id: string,
  marks: readonly string[],
  going: ReadonlySet<string>,
): Removal {
  const trusted = credentials.filter(({ name }) => !going.has(credentialId(id, name)));
  const held = assignments.filter((one) => !going.has(one.id.toLowerCase()));
  const ours = held.filter((one) => marks.some((mark) => isAccessOf(one.description, mark)));
  const theirs = held.filter((one) => !ours.includes(one));
  const reasons = [
    ...trusted.map(({ name, subject }) => `it trusts ${accountOf(subject)} (credential ${name})`),
    ...theirs.map(({ role, scope }) => `it holds ${ROLE_NAMES[role] ?? `role ${role}`} on ${placeOf(scope)}`),
  ];
  if (reasons.length > 0) return staying(reasons.join('; '));
  const elsewhere = [...new Set(ours.map(({ scope }) => placeOf(scope)))];
  return {
    state: 'remove',
    takes: [id.toLowerCase(), ...ours.map((one) => one.id)],
    ...(elsewhere.length > 0 && { note: `with the role that aks-secrets gave it on ${elsewhere.join(', ')}` }),
  };
}

/** `system:serviceaccount:shop:orders` as `shop/orders`; other subjects as they are. */
export const accountOf = (subject: string): string => {
  const [, account] = /^system:serviceaccount:([^:]+:[^:]+)$/.exec(subject) ?? [];
  return account === undefined ? subject : account.replace(':', '/');
};
