import { command } from '../shell.ts';
import type { Finding, Judged } from '../step.ts';
import type { SecretRef, VaultWish } from '../workload.ts';
import type { Seen } from './secret.ts';

/** To look at what a vault holds, without any value. */
const LOOK = {
  secret: 'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
  key: 'Microsoft.KeyVault/vaults/keys/read',
  certificate: 'Microsoft.KeyVault/vaults/certificates/read',
} as const;

/** What a look at a secret, key or certificate says to `verify`: present, enabled, and of what age. */
export function secretFindings(
  { found, at }: Seen,
  judged: Judged,
  { kind, name }: SecretRef,
  vault: VaultWish,
): Pick<Judged, 'findings' | 'failure' | 'unseen'> {
  const base = { check: `AKS-${kind.toUpperCase()}`, title: `${kind} ${name} is present and enabled` };
  if (found === 'hidden') return { unseen: LOOK[kind] };
  if (!found) {
    const failure = kind === 'secret' ? 'F077' : 'F078';
    const say = `Put it into ${vault.name}, or correct its name. One that was deleted can be recovered.`;
    const run = command(`az keyvault ${kind} list-deleted`, { 'vault-name': vault.name, output: 'table' });
    const observed = `no ${kind} of that name`;
    const fix = { say, run };
    return {
      failure,
      findings: [{ ...base, verdict: 'fail', failure, observed, expected: `${name} in ${vault.name}`, fix }],
    };
  }
  if (!found.enabled) {
    const fix = judged.run === undefined ? {} : { fix: { say: 'Enable it again.', run: judged.run } };
    return {
      failure: 'F079',
      findings: [{ ...base, verdict: 'fail', failure: 'F079', observed: 'disabled', expected: 'enabled', ...fix }],
    };
  }
  const pass: Finding = { ...base, verdict: 'pass' };
  const { expires, starts } = found;
  const outside =
    at && expires && expires <= at
      ? `it expired on ${day(expires)}`
      : at && starts && starts > at
        ? `it is valid from ${day(starts)} on`
        : undefined;
  if (outside === undefined) return { findings: [pass] };
  // Key Vault gives such a secret out all the same; of a key or a certificate it is the user that refuses it.
  const expected = `a version that is valid${at ? ` on ${day(at)}` : ''}`;
  const aged = { check: `${base.check}-DATES`, title: `${kind} ${name} is valid today`, expected };
  return { findings: [pass, { ...aged, verdict: 'warn', failure: 'F080', observed: outside }] };
}

const day = (date: Date): string => date.toISOString().slice(0, 10);
