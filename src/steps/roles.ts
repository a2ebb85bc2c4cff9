import type { RoleAssignment } from '../azure/azure.ts';
import type { SecretRef } from '../workload.ts';

/** Built-in roles of Key Vault, by the GUIDs that are the same in every tenant (Key Vault, "Provide access with Azure RBAC"). */
export const ROLES = {
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6',
  secretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7',
  certificateUser: 'db79e9a7-68ee-4b58-9aeb-b90e7c24fcba',
  certificatesOfficer: 'a4417e6f-fecd-4de8-b567-7b0420556985',
  cryptoUser: '12338af0-0e69-4776-bea7-57ae8d297424',
  cryptoOfficer: '14b46e9e-c2b7-41b4-b07b-48a6ebf60603',
  reader: '21090545-7ca7-4776-b22c-e363652d74d2',
  administrator: '00482a5a-887f-4fb3-b363-3b7fe8e74483',
} as const;

export const ROLE_NAMES: Readonly<Record<string, string>> = {
  [ROLES.secretsUser]: 'Key Vault Secrets User',
  [ROLES.secretsOfficer]: 'Key Vault Secrets Officer',
  [ROLES.certificateUser]: 'Key Vault Certificate User',
  [ROLES.certificatesOfficer]: 'Key Vault Certificates Officer',
  [ROLES.cryptoUser]: 'Key Vault Crypto User',
  [ROLES.cryptoOfficer]: 'Key Vault Crypto Officer',
  [ROLES.reader]: 'Key Vault Reader',
  [ROLES.administrator]: 'Key Vault Administrator',
};

type Kind = SecretRef['kind'];

/** The narrowest role that reads such a thing. A key or a certificate is mounted as its public part: never a role that signs. */
export const ROLE_FOR: Readonly<Record<Kind, string>> = {
  secret: ROLES.secretsUser,
  key: ROLES.reader,
  certificate: ROLES.reader,
};

/** All roles that are known to include it; what other roles include shows only in the proof. */
const READS: Readonly<Record<Kind, readonly string[]>> = {
  secret: [ROLES.secretsUser, ROLES.secretsOfficer, ROLES.certificateUser, ROLES.administrator],
  key: [ROLES.reader, ROLES.cryptoUser, ROLES.cryptoOfficer, ROLES.certificateUser, ROLES.administrator],
  certificate: [ROLES.reader, ROLES.certificateUser, ROLES.certificatesOfficer, ROLES.administrator],
};

/** The data permission of an access policy that reads it. */
export const PERMISSION_FOR = { secret: 'secrets', key: 'keys', certificate: 'certificates' } as const;

/** Whether what is given at one scope holds at the other. ARM answers with ids in any case. */
export const covers = (scope: string, target: string): boolean => {
  const [wide, narrow] = [scope.toLowerCase().replace(/\/$/, ''), target.toLowerCase()];
  return narrow === wide || narrow.startsWith(`${wide}/`) || wide === '';
};

export const isHeldBy =
  (principalId: string) =>
  (assignment: RoleAssignment): boolean =>
    assignment.principalId.toLowerCase() === principalId.toLowerCase();

/**
 * Of what a principal holds, the assignment by which it may read the thing at `target`, wherever above it was given. What
 * one with a condition lets through only a real read can show: it counts where there is no other, since one of ours
 * beside it would undo what somebody has narrowed (and Azure takes no second of the same role and scope).
 */
export function grantOf(held: readonly RoleAssignment[], kind: Kind, target: string): RoleAssignment | undefined {
  const fitting = held.filter((found) => READS[kind].includes(found.role) && covers(found.scope, target));
  const plain = fitting.filter(({ condition }) => !condition);
  // The one that serves this thing alone says most about how access was given.
  return (plain.length > 0 ? plain : fitting).sort((a, b) => b.scope.length - a.scope.length)[0];
}

/** A scope as a person names it: its last named part. */
export function placeOf(scope: string): string {
  const parts = scope.split('/').filter(Boolean);
  const kind = parts.at(-2)?.toLowerCase();
  const name = parts.at(-1) ?? '/';
  if (kind === 'vaults') return `vault ${name}`;
  if (kind === 'resourcegroups') return `resource group ${name}`;
  if (kind === 'subscriptions') return 'the subscription';
  if (kind === 'managementgroups') return `management group ${name}`;
  return kind ? `${kind.replace(/s$/, '')} ${name}` : 'the root';
}
