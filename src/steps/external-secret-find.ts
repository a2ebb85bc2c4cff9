import type { SecretProperties } from '../azure/azure.ts';
import { matched } from '../expression.ts';
import type { Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { orDenied } from '../trouble.ts';
import type { VaultWish } from '../workload.ts';
import { ABSENT } from './staying.ts';

const HIDDEN = 'hidden';
/** To look through the names of a vault's secrets. */
const LIST = 'Microsoft.KeyVault/vaults/secrets/readMetadata/action';

/**
 * Some secret of the vault has a name that the expression matches. Which, the operator decides anew at each refresh: the
 * plan says what it would bring now.
 */
export const matching = (options: {
  vault: { wish: VaultWish; uri: string; step: Step };
  find: string;
  workloads: readonly string[];
}): Step => {
  const { vault, find } = options;
  const pattern = patternOf(find);
  return defineStep({
    id: `find/${vault.wish.name}/${find}`,
    kind: 'search',
    subject: `${find} in ${vault.wish.name}`,
    title: `secrets in ${vault.wish.name} match ${find}`,
    side: 'Azure',
    category: 'vault',
    workloads: options.workloads,
    needs: { vaultId: ref(vault.step, 'vaultId') },
    yields: ['present'],
    settles: 'minutes',
    // Nothing that was named can be missing, so it need not be seen.
    observe: ({ azure }) => orDenied(azure.secrets.list(vault.uri), HIDDEN),
    judge(found: readonly SecretProperties[] | undefined | typeof HIDDEN) {
      const base = { owner: 'theirs', facts: {}, differences: [] } as const;
      if (found === HIDDEN)
        return {
          ...base,
          state: 'good enough',
          facts: { present: HIDDEN },
          unseen: LIST,
          note: 'taken for granted: you may not list the vault',
        };
      // A disabled one is passed over by the operator.
      const enabled = (found ?? []).flatMap((secret) => (secret.enabled ? [secret.name] : []));
      const names = matched(pattern, enabled);
      if (!names)
        return {
          ...base,
          state: 'blocked',
          note: `${find} takes too long to look for here; write it without repetitions of repetitions`,
        };
      if (names.length === 0)
        return {
          ...base,
          state: 'blocked',
          failure: 'F077',
          note: `no secret in ${vault.wish.name} has a name that ${find} matches`,
        };
      const shown =
        names.length > 5 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
      return { ...base, state: 'as wanted', facts: { present: names.join(',') }, note: `matches ${shown} now` };
    },
    removal: () => ABSENT,
    recipe: () => [],
    converge: async () => undefined,
  });
};

/** Written for Go, as the operator reads it; the few forms that JavaScript spells in another way are taken as well. */
export function patternOf(find: string): RegExp {
  const [, flags = '', rest = find] = /^\(\?([is]+)\)(.*)$/s.exec(find) ?? [];
  if (/\(\?(?:[=!]|<[=!])|\\[1-9]/.test(rest))
    throw new Error('Go knows no look-around and no back reference in a regular expression');
  return new RegExp(rest.replaceAll('(?P<', '(?<'), flags);
}
