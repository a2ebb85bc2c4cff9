import type { Cloud } from '../azure/azure.ts';
import { claimsOf } from '../claims.ts';
import type { Secret } from '../secret.ts';
import { word } from '../shell.ts';
import type { Check, Finding, Known, Needs, Step } from '../step.ts';
import { ref } from '../step.ts';
import { Problem } from '../trouble.ts';
import { ANY_SECRET, type SecretRef, subjectOf, type Workload } from '../workload.ts';
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
  /** Absent: nobody knows which it is, and what is proven is that Entra lets the workload in. */
  vault: Step | undefined;
  identity: Step;
  after: readonly Step[];
  /** It also looks through the vault's secrets. */
  lists?: boolean;
}): Check {
  const { workload, cloud, vault, identity, lists = false } = options;
  const { serviceAccount, accountNamespace: namespace = workload.namespace } = workload;
  const secrets = vault ? workload.secrets : [];
  const account = `${namespace}/${serviceAccount}`;
  const taken = `Entra takes ${account} for ${workload.identity.name}`;
  const nameOf = ({ name, standIn }: SecretRef): string => (standIn ? 'its secrets' : name);
  const rights = [
    ...(secrets.length > 0 ? [`read ${secrets.map(nameOf).join(', ')}`] : []),
    ...(lists ? [`list and read the secrets of ${workload.vault.name}`] : []),
  ];
  return {
    id: proofId(workload),
    title: vault ? `${account} can ${rights.join(' and ')}` : taken,
    workload: workload.name,
    needs: {
      clientId: ref(identity, 'clientId'),
      tenantId: ref(identity, 'tenantId'),
      ...(vault && { vaultUri: ref(vault, 'vaultUri') }),
    },
    after: options.after.map(({ id }) => id),
    settles: 'minutes',
    recipe: ({ clientId = '', tenantId = '', vaultUri = '' }) => [
      [
        'prove',
        ...[namespace, serviceAccount, tenantId, clientId].map(word),
        ...secrets.map(({ kind, name }) => word(`${vaultUri}/${kind}s/${name}`)),
      ].join(' '),
    ],
    async run({ azure, kubernetes }: World, known: Known<Needs>): Promise<readonly Finding[]> {
      const { clientId = '', tenantId = '', vaultUri = '' } = known;
      const assertion = await kubernetes.token(namespace, serviceAccount, cloud.federationAudience);
      const token = await azure.workload.exchange(tenantId, clientId, assertion).catch((error: unknown) => {
        throw refusedByEntra(error, workload, assertion);
      });
      if (!vault) return [{ check: 'AKS-PROOF', title: taken, verdict: 'pass' }];
      const asked = [
        ...secrets.map((secret) => ({
          right: `read ${nameOf(secret)}`,
          ask: () => azure.workload.mayGet(vaultUri, secret.kind, secret.name, token),
        })),
        ...(lists
          ? [
              { right: 'list its secrets', ask: () => azure.workload.mayList(vaultUri, token) },
              {
                right: 'read its secrets',
                ask: () => azure.workload.mayGet(vaultUri, ANY_SECRET.kind, ANY_SECRET.name, token),
              },
            ]
          : []),
      ];
      const answers = await Promise.allSettled(asked.map(({ ask }) => ask()));
      // The first refusal in the order of the file: the same reason as long as it is the same.
      const refused = answers.findIndex(({ status }) => status === 'rejected');
      const answer = answers[refused];
      const right = asked[refused]?.right ?? '';
      if (answer?.status === 'rejected' && isKeptOut(answer.reason)) return keptOut(answer.reason, workload, right);
      if (answer?.status === 'rejected') throw refusedByVault(answer.reason, workload, right);
      return asked.map((one) => ({ check: 'AKS-PROOF', title: `${account} can ${one.right}`, verdict: 'pass' }));
    },
  };
}

const said = (error: Problem): string => (error.said?.code ? ` (${error.said.code})` : '');

/** The vault decides by network before it looks at rights, and the network asked from is this machine's. */
const isKeptOut = (error: unknown): error is Problem =>
  error instanceof Problem && /^ForbiddenBy(Firewall|Connection)$/.test(error.said?.code ?? '');

/** What is proven where the vault does not let this machine in: all but the last link. The pods may well be let in. */
function keptOut(problem: Problem, { namespace, serviceAccount, identity, vault }: Workload, right: string): Finding[] {
  const account = `${namespace}/${serviceAccount}`;
  return [
    { check: 'AKS-PROOF', title: `Entra takes ${account} for ${identity.name}`, verdict: 'pass' },
    {
      check: 'AKS-PROOF',
      title: `${account} can ${right}`,
      verdict: 'unknown',
      failure: problem.said?.code === 'ForbiddenByConnection' ? 'F074' : 'F073',
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
  // Of an application whose service principal is not known everywhere.
  'AADSTS7000229',
  // Entra cannot read the keys of an issuer that was just switched on.
  'AADSTS90061',
  'AADSTS50166',
]);

/** Entra's refusal, with what was presented to it: that is what one compares with the registered credential. */
function refusedByEntra(error: unknown, workload: Workload, assertion: Secret): unknown {
  if (!(error instanceof Problem) || !error.said?.code?.startsWith('AADSTS')) return error;
  const { iss, sub, aud } = claimsOf(assertion.reveal());
  const presented = { issuer: String(iss), subject: String(sub), audience: [aud].flat().join(', ') };
  const message = `Entra does not accept ${workload.identity.name} for ${workload.namespace}/${workload.serviceAccount}${said(error)}.`;
  const trouble = MISMATCHES.has(error.said.code) ? 'denied' : error.trouble;
  return new Problem(trouble, `token of ${subjectOf(workload)}`, message, {
    said: error.said,
    retryAfter: error.retryAfter,
    detail: `Presented: issuer ${presented.issuer}, subject ${presented.subject}, audience ${presented.audience}.`,
    presented,
    cause: error,
  });
}

/** The vault's refusal, of the workload's identity and not of whoever runs this program. */
function refusedByVault(error: unknown, workload: Workload, right: string): unknown {
  if (!(error instanceof Problem) || error.trouble !== 'denied') return error;
  const message = `${workload.vault.name} does not let ${workload.identity.name} ${right}${said(error)}.`;
  return new Problem('denied', `${workload.identity.name} on ${workload.vault.name}`, message, {
    said: error.said,
    right: error.right,
    cause: error,
  });
}
