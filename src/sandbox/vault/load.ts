import { type ArmVault, Refusal } from '../parts.ts';

/** Secret transactions that a vault takes in ten seconds, of all its callers together (Key Vault service limits). */
const LIMIT = 4000;

/** Refuses everybody while others use up what the vault gives. */
export function checkLoad({ load = 0 }: ArmVault): void {
  if (load < LIMIT) return;
  const message =
    'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached';
  throw new Refusal({
    status: 429,
    headers: { 'retry-after': '10' },
    body: { error: { code: 'Throttled', message, innererror: { code: 'VaultRequestTypeLimitReached' } } },
  });
}
