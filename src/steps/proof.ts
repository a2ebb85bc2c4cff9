import type { Cloud } from '../azure/azure.ts';
import type { Secret } from '../secret.ts';
import type { Check, Finding, Known, Needs, Step } from '../step.ts';
import { ref } from '../step.ts';
import { Problem } from '../trouble.ts';
import { subjectOf, type Workload } from '../workload.ts';
import type { World } from '../world.ts';

/**
 * The podless proof: a token of the workload's own service account (TokenRequest), exchanged at Entra for the workload's
 * identity, against the vault, for a version of each secret that cannot exist. Issuer, subject, audience, role and the
 * vault's mode are then proven, not inferred, with nothing deployed and no value leaving the vault.
 */
export function proof(options: {
  workload: Workload;
  cloud: Cloud;
  vault: Step;
  identity: Step;
  after: readonly Step[];
}): Check {
  const { workload, cloud, vault, identity } = options;
  const { namespace, serviceAccount, secrets } = workload;
  return {
    id: `proof/${workload.name}`,
    title: `${namespace}/${serviceAccount} can read ${secrets.map(({ name }) => name).join(', ')}`,
    workload: workload.name,
    needs: {
      clientId: ref(identity, 'clientId'),
      tenantId: ref(identity, 'tenantId'),
      vaultUri: ref(vault, 'vaultUri'),
    },
    after: options.after.map(({ id }) => id),
    settles: 'minutes',
    async run({ azure, kubernetes }: World, known: Known<Needs>): Promise<readonly Finding[]> {
      const { clientId = '', tenantId = '', vaultUri = '' } = known;
      const assertion = await kubernetes.token(namespace, serviceAccount, cloud.federationAudience);
      const token = await azure.workload.exchange(tenantId, clientId, assertion).catch((error: unknown) => {
        throw presented(error, assertion, workload);
      });
      await Promise.all(secrets.map(({ kind, name }) => azure.workload.mayGet(vaultUri, kind, name, token)));
      return secrets.map(({ name }) => ({
        check: 'AKS-PROOF',
        title: `${namespace}/${serviceAccount} can read ${name}`,
        verdict: 'pass',
      }));
    },
  };
}

/** Entra's refusal with what was presented to it, which is what one compares with the registered credential. */
function presented(error: unknown, assertion: Secret, workload: Workload): unknown {
  if (!(error instanceof Problem) || !error.said?.code?.startsWith('AADSTS')) return error;
  const { iss, sub, aud } = claimsOf(assertion);
  const facts = `presented issuer ${iss}, subject ${sub}, audience ${[aud].flat().join(', ')}`;
  return new Problem(error.trouble, `token of ${subjectOf(workload)}`, `${error.message} (${facts})`, {
    said: error.said,
    retryAfter: error.retryAfter,
    cause: error,
  });
}

/** The claims of a token, unverified: they are only shown. */
function claimsOf(token: Secret): { iss?: string; sub?: string; aud?: string | string[] } {
  try {
    return JSON.parse(Buffer.from(token.reveal().split('.')[1] ?? '', 'base64url').toString()) as object;
  } catch {
    return {};
  }
}
