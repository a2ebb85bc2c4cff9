import type { SecretProperties } from '../azure/azure.ts';
import type { Judged, Needs, Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { Problem } from '../trouble.ts';
import type { SecretRef, VaultWish } from '../workload.ts';

interface Seen {
  readonly found: SecretProperties | undefined;
  /** A new version was written in this run. */
  readonly written?: boolean;
}

/** Key Vault knows its things by name, and takes no notice of case. */
export const isNamed = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

export const secretId = (vault: Pick<VaultWish, 'name'>, name: string): string => `secret/${vault.name}/${name}`;

/** The secret is in the vault. A value is never read back, and one that exists is overwritten only by `--rotate`. */
export const secret = (options: {
  vault: { wish: VaultWish; uri: string; step: Step };
  wanted: SecretRef;
  workloads: readonly string[];
  /** The temporary right of the caller to write, where one was asked for. */
  grant: Step | undefined;
}) => {
  const { vault, wanted, grant } = options;
  const where = `${vault.wish.name}/${wanted.name}`;
  return defineStep({
    id: secretId(vault.wish, wanted.name),
    kind: 'secret',
    subject: where,
    title: `secret ${wanted.name} is in ${vault.wish.name}`,
    side: 'Azure',
    workloads: options.workloads,
    needs: { vaultId: ref(vault.step, 'vaultId'), ...(grant && { grant: ref(grant, 'granted') }) } as Needs,
    yields: ['present'],
    settles: 'minutes',
    async observe({ azure }): Promise<Seen> {
      try {
        const all = await azure.secrets.list(vault.uri);
        return { found: all?.find(({ name }) => isNamed(wanted.name, name)) };
      } catch (error) {
        if (!(error instanceof Problem && error.trouble === 'denied')) throw error;
        // Who may not list the vault may still look at this one secret; if not, the wider right is the one to name.
        const found = await azure.secrets.find(vault.uri, wanted.name).catch((again: unknown) => {
          throw grant ? again : error;
        });
        return { found };
      }
    },
    judge: (seen) => judge(seen, wanted, vault.wish),
    async converge(world): Promise<Seen> {
      if (!wanted.value) throw new Problem('refused', `secret ${where}`, 'there is no value to write');
      const value = await world.value(wanted.value);
      return { found: await world.azure.secrets.set(vault.uri, wanted.name, value), written: true };
    },
    byHand: () =>
      `az keyvault secret set --vault-name ${vault.wish.name} --name ${wanted.name} --file VALUE_FILE --output none`,
  });
};

function judge({ found, written }: Seen, wanted: SecretRef, vault: VaultWish): Judged {
  const base = { owner: 'theirs', facts: {}, differences: [] } as const;
  if (!found)
    return wanted.value
      ? { ...base, state: 'absent' }
      : {
          ...base,
          state: 'blocked',
          note: `${wanted.name} is not in ${vault.name}, and no value is given: --secret-value ${wanted.name}=env:VAR (or file:PATH, stdin)`,
        };
  if (wanted.rotate && found.managed)
    return { ...base, state: 'blocked', note: `${wanted.name} belongs to a certificate, which alone renews it` };
  if (wanted.rotate && !written)
    return wanted.value
      ? { ...base, state: 'differs', differences: [{ path: 'version', is: 'current', want: 'a new one' }] }
      : {
          ...base,
          state: 'blocked',
          note: `--rotate ${wanted.name} needs a value: --secret-value ${wanted.name}=env:VAR`,
        };
  if (!found.enabled)
    return {
      ...base,
      state: 'blocked',
      note: `${wanted.name} is disabled, so nobody can read it`,
      run: `az keyvault secret set-attributes --vault-name ${vault.name} --name ${wanted.name} --enabled true`,
    };
  return { ...base, state: 'as wanted', facts: { present: found.name } };
}
