import type { SecretProperties } from '../azure/azure.ts';
import { command, named, unlessFound, word } from '../shell.ts';
import type { Judged, Needs, Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { Problem } from '../trouble.ts';
import { type SecretRef, type ValueSource, type VaultWish, variableFor } from '../workload.ts';
import { secretFindings } from './secret-findings.ts';
import { ABSENT, staying } from './staying.ts';

export interface Seen {
  /** When it was looked at, by the world's clock. */
  readonly at?: Date;
  /** `hidden`: a key or certificate that the caller may not look at. */
  readonly found: SecretProperties | undefined | 'hidden';
  /** A new version was written in this run. */
  readonly written?: boolean;
}

/** Key Vault knows its things by name, and takes no notice of case. */
export const isNamed = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

export const secretId = (vault: Pick<VaultWish, 'name'>, { kind, name }: Pick<SecretRef, 'kind' | 'name'>): string =>
  `${kind}/${vault.name}/${name}`;

/** Where the data plane keeps them. */
const SHELF = { secret: 'secrets', key: 'keys', certificate: 'certificates' } as const;

/**
 * The secret, key or certificate is in the vault. A value is never read back, and one that exists is overwritten only by
 * `--rotate`. Keys and certificates are never made: what they are for, only their owner knows.
 */
export const secret = (options: {
  vault: { wish: VaultWish; uri: string; step: Step };
  wanted: SecretRef;
  workloads: readonly string[];
  /** The temporary right of the caller to write, where one was asked for. */
  grant: Step | undefined;
}) => {
  const { vault, wanted, grant } = options;
  const where = `${vault.wish.name}/${wanted.name}`;
  const { kind } = wanted;
  return defineStep({
    id: secretId(vault.wish, wanted),
    kind,
    subject: where,
    title: `${kind} ${wanted.name} is in ${vault.wish.name}`,
    side: 'Azure',
    category: 'vault',
    workloads: options.workloads,
    needs: { vaultId: ref(vault.step, 'vaultId'), ...(grant && { grant: ref(grant, 'granted') }) } as Needs,
    yields: ['present'],
    settles: 'minutes',
    async observe({ azure, clock }): Promise<Seen> {
      const at = clock.now();
      try {
        const all = await azure[SHELF[kind]].list(vault.uri);
        return { at, found: all?.find(({ name }) => isNamed(wanted.name, name)) };
      } catch (error) {
        if (!(error instanceof Problem && error.trouble === 'denied')) throw error;
        // Who may not list the vault may still look at this one; if not, the wider right is the one to name.
        const found = await azure[SHELF[kind]].find(vault.uri, wanted.name).catch((again: unknown) => {
          // Whoever writes secrets has no part in keys and certificates: that he cannot see them holds up nobody.
          if (kind !== 'secret' && again instanceof Problem && again.trouble === 'denied') return 'hidden' as const;
          throw grant ? again : error;
        });
        return { at, found };
      }
    },
    removal: ({ found }) =>
      found
        ? staying(
            'a value is never deleted',
            `az keyvault ${kind} delete --vault-name ${vault.wish.name} --name ${wanted.name}`,
          )
        : ABSENT,
    judge(seen) {
      const judged = judge(seen, wanted, vault.wish);
      return { ...judged, ...secretFindings(seen, judged, wanted, vault.wish) };
    },
    async converge(world): Promise<Seen> {
      if (!wanted.value) throw new Problem('refused', `secret ${where}`, 'there is no value to write');
      const value = await world.value(wanted.value);
      return { found: await world.azure.secrets.set(vault.uri, wanted.name, value), written: true };
    },
    recipe() {
      const { value, rotate } = wanted;
      if (!value) return [];
      const name = { 'vault-name': vault.wish.name, name: wanted.name };
      // By standard input: what stands on a command line, every process list shows.
      const set = command('az keyvault secret set', { ...name, file: '/dev/stdin', encoding: 'utf-8', output: 'none' });
      // A value that cannot be had ends the script here; in the pipe, an empty one would be written.
      const lines = [`value="${shellValue(value, wanted.name)}"`, `printf '%s' "$value" | ${set}`];
      const look = command('az keyvault secret list', {
        'vault-name': vault.wish.name,
        query: named(wanted.name),
        output: 'tsv',
      });
      return rotate ? lines : [unlessFound(look, lines)];
    },
    ...(kind === 'secret' && {
      byHand: () =>
        `az keyvault secret set --vault-name ${vault.wish.name} --name ${wanted.name} --file VALUE_FILE --output none`,
    }),
  });
};

/** A value as bash takes it from where the Spec says, without the line break at its end, which nobody means. */
function shellValue(source: ValueSource, name: string): string {
  const missing = `:?holds no value for ${name}}`;
  if ('env' in source) return `\${${source.env}${missing}`;
  if ('typed' in source) return `\${${variableFor(source.typed)}${missing}`;
  return 'stdin' in source ? `\${stdin${missing}` : `$(cat -- ${word(source.file)})`;
}

function judge({ found, written }: Seen, wanted: SecretRef, vault: VaultWish): Judged {
  const base = { owner: 'theirs', facts: {}, differences: [] } as const;
  if (!found)
    return wanted.value
      ? { ...base, state: 'absent' }
      : {
          ...base,
          state: 'blocked',
          note:
            wanted.kind === 'secret'
              ? `${wanted.name} is not in ${vault.name}, and no value is given: --secret-value ${wanted.name}=env:VAR (or file:PATH, stdin)`
              : `there is no ${wanted.kind} ${wanted.name} in ${vault.name}`,
        };
  if (found === 'hidden')
    return {
      ...base,
      state: 'good enough',
      facts: { present: wanted.name },
      note: `taken for granted: you may not look at the ${wanted.kind}s of ${vault.name}`,
    };
  const rotate = wanted.kind === 'secret' && wanted.rotate;
  if (rotate && found.managed)
    return { ...base, state: 'blocked', note: `${wanted.name} belongs to a certificate, which alone renews it` };
  if (rotate && !written)
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
      run: `az keyvault ${wanted.kind} set-attributes --vault-name ${vault.name} --name ${wanted.name} --enabled true`,
    };
  return { ...base, state: 'as wanted', facts: { present: found.name } };
}
