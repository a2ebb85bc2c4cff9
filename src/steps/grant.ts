import type { Azure, RoleAssignment } from '../azure/azure.ts';
import { isTemporary, temporaryDescription } from '../ownership.ts';
import type { Needs, Step } from '../step.ts';
import { defineStep, KNOWN_AFTER_APPLY, ref } from '../step.ts';
import type { SecretRef, VaultWish } from '../workload.ts';
import { covers, isHeldBy, placeOf, ROLES } from './roles.ts';
import { isNamed } from './secret.ts';

interface Vault {
  readonly wish: VaultWish;
  readonly id: string;
  readonly uri: string;
  readonly step: Step;
}
interface Held {
  readonly callerId: string;
  readonly assignments: readonly RoleAssignment[];
}
interface Seen extends Held {
  /** Names of the secrets that exist, where the caller may look. */
  readonly present?: readonly string[];
}

const WRITERS: readonly string[] = [ROLES.secretsOfficer, ROLES.administrator];
const NONE = 'none';
/** How a grant is described that its holder wanted to keep. */
const KEPT = 'aks-secrets --keep-grant';

const look = async (azure: Azure, vaultId: string): Promise<Held> => {
  const [caller, assignments] = await Promise.all([azure.caller(), azure.roles.list(vaultId)]);
  return { callerId: caller.objectId, assignments: assignments ?? [] };
};

/** The caller's own alone: a colleague's run may be under way, and its end takes back what it gave. */
const temporaryOf = ({ callerId, assignments }: Held): readonly RoleAssignment[] =>
  assignments.filter(isHeldBy(callerId)).filter((found) => isTemporary(found.description));

/** The signed-in caller may write the secrets named (`--grant-self`), by a role on each of them and on nothing else. */
export const grantSelf = (options: {
  vault: Vault;
  secrets: readonly SecretRef[];
  keep: boolean;
  workloads: readonly string[];
}) => {
  const { vault, keep } = options;
  const mayWrite = ({ callerId, assignments }: Seen, scope: string): boolean =>
    assignments
      .filter(isHeldBy(callerId))
      .some((found) => WRITERS.includes(found.role) && !found.condition && covers(found.scope, scope));
  /** Where a right is lacking; a secret that exists and is not rotated will not be written. */
  const lacking = (seen: Seen): readonly string[] =>
    options.secrets
      .filter(({ name, rotate }) => rotate || !seen.present?.some((other) => isNamed(name, other)))
      .map(({ name }) => `${vault.id}/secrets/${name}`)
      .filter((scope) => !mayWrite(seen, scope));
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
    async observe({ azure }): Promise<Seen> {
      const [held, secrets] = await Promise.all([
        look(azure, vault.id),
        // Who may not look needs the grant to look as well.
        azure.secrets.list(vault.uri).catch(() => undefined),
      ]);
      return { ...held, ...(secrets && { present: secrets.map(({ name }) => name) }) };
    },
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
      const missing = lacking(seen);
      const temporary = temporaryOf(seen);
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
      const tried = await Promise.allSettled(
        lacking(seen).map((scope) =>
          azure.roles.assign({
            scope,
            role: ROLES.secretsOfficer,
            principalId: seen.callerId,
            principalType: kind,
            description: keep ? KEPT : temporaryDescription,
          }),
        ),
      );
      const made = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const refused = tried.find((one) => one.status === 'rejected');
      // What comes behind waits for all of them: a part would be left.
      if (refused && !keep) await Promise.all(made.map(({ id }) => azure.roles.remove(id)));
      if (refused) throw refused.reason;
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
    observe: ({ azure }): Promise<Held & { readonly done?: boolean }> => look(azure, vault.id),
    judge(seen, known) {
      const granted = known.grant !== undefined && known.grant !== NONE;
      const left = !seen.done && (granted || temporaryOf(seen).length > 0);
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
    removal(seen) {
      const kept = seen.assignments.filter(isHeldBy(seen.callerId)).filter(({ description }) => description === KEPT);
      const beside = kept.map(({ id, scope }) => ({
        kind: 'grant to you',
        subject: `Key Vault Secrets Officer on ${placeOf(scope)}`,
        note: 'kept, as --keep-grant asked',
        run: `az role assignment delete --ids ${id}`,
      }));
      const left = temporaryOf(seen).map(({ id }) => id);
      return { state: left.length > 0 ? 'remove' : 'absent', takes: left, ...(beside.length > 0 && { beside }) };
    },
    async remove({ azure }, _seen, _known, { takes = [] }) {
      await Promise.all(takes.map((id) => azure.roles.remove(id)));
    },
    async converge(world, _seen, known) {
      const { azure } = world.fresh();
      const held = await look(azure, vault.id);
      // A list may not show yet what was given in this run.
      const given = (known.grant ?? NONE).split(' ').filter((id) => id !== NONE);
      const ids = new Set([...given, ...temporaryOf(held).map(({ id }) => id)]);
      await Promise.all([...ids].map((id) => azure.roles.remove(id)));
      return { ...held, assignments: [], done: true };
    },
  });
};
