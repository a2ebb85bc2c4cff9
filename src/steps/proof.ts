import type { Cloud } from '../azure/azure.ts';
import { claimsOf } from '../claims.ts';
import type { Secret } from '../secret.ts';
import type { Check, Finding, Known, Needs, Step } from '../step.ts';
import { ref } from '../step.ts';
import { Problem } from '../trouble.ts';
import { subjectOf, type Workload } from '../workload.ts';
import type { World } from '../world.ts';

export const proofId = (workload: Pick<Workload, 'name'>): string => `proof/${workload.name}`;

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
  const account = `${namespace}/${serviceAccount}`;
  return {
    id: proofId(workload),
    title: `${account} can read ${secrets.map(({ name }) => name).join(', ')}`,
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
        throw refusedByEntra(error, workload, assertion);
      });
      const answers = await Promise.allSettled(
        secrets.map(({ kind, name }) => azure.workload.mayGet(vaultUri, kind, name, token)),
      );
      // The first refusal in the order of the file: the same reason as long as it is the same.
      const refused = answers.findIndex(({ status }) => status === 'rejected');
      const answer = answers[refused];
      if (answer?.status === 'rejected' && isKeptOut(answer.reason))
        return keptOut(answer.reason, workload, secrets[refused]?.name ?? '');
      if (answer?.status === 'rejected') throw refusedByVault(answer.reason, workload, secrets[refused]?.name ?? '');
      return secrets.map(({ name }) => ({
        check: 'AKS-PROOF',
        title: `${account} can read ${name}`,
        verdict: 'pass',
      }));
    },
  };
}

const said = (error: Problem): string => (error.said?.code ? ` (${error.said.code})` : '');

/** The vault decides by network before it looks at rights, and the network asked from is this machine's. */
const isKeptOut = (error: unknown): error is Problem =>
  error instanceof Problem && /^ForbiddenBy(Firewall|Connection)$/.test(error.said?.code ?? '');

/** What is proven where the vault does not let this machine in: all but the last link. The pods may well be let in. */
function keptOut(
  problem: Problem,
  { namespace, serviceAccount, identity, vault }: Workload,
  secret: string,
): Finding[] {
  const account = `${namespace}/${serviceAccount}`;
  return [
    { check: 'AKS-PROOF', title: `Entra takes ${account} for ${identity.name}`, verdict: 'pass' },
    {
      check: 'AKS-PROOF',
      title: `${account} can read ${secret}`,
      verdict: 'unknown',
      observed: `${vault.name} is closed to the network of this machine${said(problem)}; that of the cluster may be let in`,
    },
  ];
}

/**
 * Codes with which Entra refuses a credential or an identity that has not arrived everywhere (Entra, "Workload identity
 * federation considerations"), and also one that does not fit: which of the two, only its age can tell.
 */
const MISMATCHES = new Set([
  'AADSTS70021',
  'AADSTS700211',
  'AADSTS700212',
  'AADSTS700213',
  'AADSTS7002138',
  'AADSTS700016',
  // Entra cannot read the keys of an issuer that was just switched on.
  'AADSTS90061',
  'AADSTS50166',
]);

/** Entra's refusal, with what was presented to it: that is what one compares with the registered credential. */
function refusedByEntra(error: unknown, workload: Workload, assertion: Secret): unknown {
  if (!(error instanceof Problem) || !error.said?.code?.startsWith('AADSTS')) return error;
  const { iss, sub, aud } = claimsOf(assertion.reveal());
  const message = `Entra does not accept ${workload.identity.name} for ${workload.namespace}/${workload.serviceAccount}${said(error)}.`;
  const trouble = MISMATCHES.has(error.said.code) ? 'denied' : error.trouble;
  return new Problem(trouble, `token of ${subjectOf(workload)}`, message, {
    said: error.said,
    retryAfter: error.retryAfter,
    detail: `Presented: issuer ${iss}, subject ${sub}, audience ${[aud].flat().join(', ')}.`,
    cause: error,
  });
}

/** The vault's refusal, of the workload's identity and not of whoever runs this program. */
function refusedByVault(error: unknown, workload: Workload, secret: string): unknown {
  if (!(error instanceof Problem) || error.trouble !== 'denied') return error;
  const message = `${workload.vault.name} does not let ${workload.identity.name} read ${secret}${said(error)}.`;
  return new Problem('denied', `${workload.identity.name} on ${workload.vault.name}`, message, {
    said: error.said,
    right: error.right,
    cause: error,
  });
}
