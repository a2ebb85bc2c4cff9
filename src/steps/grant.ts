import type { Azure, RoleAssignment } from '../azure/azure.ts';
import { isTemporary, temporaryDescription } from '../ownership.ts';
import type { Needs, Step } from '../step.ts';
import { defineStep, KNOWN_AFTER_APPLY, ref } from '../step.ts';
import type { SecretRef, VaultWish } from '../workload.ts';
import { ROLES } from './roles.ts';

interface Vault {
  readonly wish: VaultWish;
  readonly id: string;
  readonly step: Step;
}
interface Seen {
  readonly callerId: string;
  readonly assignments: readonly RoleAssignment[];
}

const WRITERS: readonly string[] = [ROLES.secretsOfficer, ROLES.administrator];
const NONE = 'none';

const look = async (azure: Azure, vaultId: string): Promise<Seen> => {
  const [caller, assignments] = await Promise.all([azure.caller(), azure.roles.list(vaultId)]);
  return { callerId: caller.objectId, assignments: assignments ?? [] };
};

/** The signed-in caller may write the secrets named (`--grant-self`), by a role on each of them and on nothing else. */
export const grantSelf = (options: {
  vault: Vault;
  secrets: readonly SecretRef[];
  keep: boolean;
  workloads: readonly string[];
}) => {
  const { vault, keep } = options;
  const scopes = options.secrets.map(({ name }) => `${vault.id}/secrets/${name}`);
  const mayWrite = ({ callerId, assignments }: Seen, scope: string): boolean =>
    assignments.some(
      (found) =>
        found.principalId === callerId &&
        WRITERS.includes(found.role) &&
        scope.toLowerCase().startsWith(found.scope.toLowerCase()),
    );
  return defineStep({
    id: `grant/${vault.wish.name}`,
    kind: 'grant to you',
    subject: `Key Vault Secrets Officer on ${options.secrets.map(({ name }) => name).join(', ')}`,
    title: `you may write the secrets named in ${vault.wish.name}`,
    side: 'Azure',
    workloads: options.workloads,
    needs: { mode: ref(vault.step, 'vaultMode') },
    yields: ['granted'],
    settles: 'minutes',
    observe: ({ azure }) => look(azure, vault.id),
    judge(seen, { mode }) {
      if (mode === 'policies')
        return {
          state: 'blocked',
          owner: 'theirs',
          facts: {},
          differences: [],
          note: 'this vault decides by access policies, and a policy would open all its secrets to you for good',
          run: `az keyvault set-policy --name ${vault.wish.name} --object-id ${seen.callerId} --secret-permissions get list set`,
        };
      const missing = scopes.filter((scope) => !mayWrite(seen, scope));
      const temporary = seen.assignments.filter((found) => isTemporary(found.description));
      return {
        state: missing.length > 0 ? 'absent' : 'as wanted',
        owner: 'ours',
        ...(temporary[0]?.createdOn && { since: temporary[0].createdOn }),
        facts: missing.length > 0 ? {} : { granted: temporary.map(({ id }) => id).join(' ') || NONE },
        differences: [],
        ...(missing.length > 0 && { note: keep ? 'stays (--keep-grant)' : 'taken back in the same run' }),
      };
    },
    async converge({ azure }, seen) {
      const { kind } = await azure.caller();
      const made = await Promise.all(
        scopes
          .filter((scope) => !mayWrite(seen, scope))
          .map((scope) =>
            azure.roles.assign({
              scope,
              role: ROLES.secretsOfficer,
              principalId: seen.callerId,
              principalType: kind,
              description: keep ? 'aks-secrets --keep-grant' : temporaryDescription,
            }),
          ),
      );
      return { ...seen, assignments: [...seen.assignments, ...made] };
    },
  });
};

/**
 * No temporary grant of ours is left on the vault. Part of every run: what an interrupted one left behind is taken back
 * by the next. Comes behind the writes that the grant is for, whatever became of them.
 */
export const takeBack = (options: {
  vault: Vault;
  grant: Step | undefined;
  behind: readonly string[];
  workloads: readonly string[];
}) => {
  const { vault, grant } = options;
  const temporary = ({ assignments }: Pick<Seen, 'assignments'>): readonly RoleAssignment[] =>
    assignments.filter((found) => isTemporary(found.description));
  return defineStep({
    id: `grant-end/${vault.wish.name}`,
    kind: 'grant to you',
    subject: `taken back on ${vault.wish.name}`,
    title: `no temporary grant is left on ${vault.wish.name}`,
    side: 'Azure',
    workloads: options.workloads,
    quiet: true,
    needs: (grant ? { grant: ref(grant, 'granted') } : {}) as Needs,
    behind: options.behind,
    yields: [],
    settles: 'minutes',
    observe: async ({ azure }): Promise<{ assignments: readonly RoleAssignment[]; done?: boolean }> => ({
      assignments: (await azure.roles.list(vault.id)) ?? [],
    }),
    judge(seen, known) {
      const granted = known.grant !== undefined && known.grant !== NONE;
      const left = !seen.done && (granted || temporary(seen).length > 0);
      return {
        state: left ? 'differs' : 'as wanted',
        owner: 'ours',
        facts: {},
        differences: left
          ? [
              {
                path: 'temporary grant',
                is: known.grant === KNOWN_AFTER_APPLY ? 'given in this run' : 'left',
                want: 'none',
              },
            ]
          : [],
      };
    },
    async converge(world) {
      const { azure } = world.fresh();
      const left = temporary({ assignments: (await azure.roles.list(vault.id)) ?? [] });
      await Promise.all(left.map(({ id }) => azure.roles.remove(id)));
      return { assignments: [], done: true };
    },
  });
};
