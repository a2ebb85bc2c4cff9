import type { FederatedCredential } from '../azure/azure.ts';
import { credentialName } from '../ownership.ts';
import type { Finding, Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import type { IdentityWish } from '../workload.ts';
import { calledBy } from './identity.ts';

/** Entra takes at most this many credentials per identity (Entra, "Workload identity federation considerations"). */
const LIMIT = 20;

/**
 * Entra trusts the tokens that this cluster issues to this service account. A credential is matched on issuer, subject
 * and audience, byte for byte as Entra does, under whatever name it has.
 */
export const federation = (options: {
  identity: { wish: IdentityWish; id: string; step: Step };
  cluster: Step;
  subject: string;
  audience: string;
  workloads: readonly string[];
  /** The subjects that this file wants on the identity, in its order: they share the twenty places. */
  siblings: readonly string[];
}) => {
  const { identity, subject, audience, siblings } = options;
  const account = subject.split(':').slice(2).join('/');
  const isFor = (issuer: string, wanted: string) => (found: FederatedCredential) =>
    found.issuer === issuer && found.subject === wanted && found.audiences.includes(audience);

  return defineStep({
    id: `federation/${calledBy(identity.step)}/${account.replace('/', ':')}`,
    kind: 'credential',
    subject: `${account} at ${identity.wish.name}`,
    title: `${identity.wish.name} trusts ${account}`,
    side: 'Azure',
    workloads: options.workloads,
    needs: { issuer: ref(options.cluster, 'oidcIssuer'), identityId: ref(identity.step, 'identityId') },
    yields: ['trusted'],
    // Azure answers 409 to credentials of one identity that are written at once.
    lane: identity.step.id,
    settles: 'minutes',
    observe: async ({ azure }) => (await azure.federation.list(identity.id)) ?? [],
    judge(found, { issuer }) {
      const match = found.find(isFor(issuer, subject));
      const ours = match?.name === credentialName(issuer, subject);
      if (match)
        return {
          state: ours ? 'as wanted' : 'good enough',
          owner: ours ? 'ours' : 'theirs',
          facts: { trusted: match.name },
          differences: [],
          findings: [pass(subject)],
          ...(!ours && { note: `by the credential ${match.name}` }),
        };
      const open = siblings.filter((sibling) => !found.some(isFor(issuer, sibling)));
      if (found.length + open.indexOf(subject) >= LIMIT)
        return {
          state: 'blocked',
          owner: 'ours',
          facts: {},
          differences: [],
          note: `${identity.wish.name} has ${found.length} credentials, and Entra takes ${LIMIT}: give this workload an identity of its own (--identity)`,
        };
      return {
        state: 'absent',
        owner: 'ours',
        facts: {},
        differences: [],
        findings: [nearMiss(found, issuer, subject)],
      };
    },
    async converge({ azure }, found, { issuer }) {
      const name = credentialName(issuer, subject);
      const made = await azure.federation.put(identity.id, { name, issuer, subject, audiences: [audience] });
      return [...found.filter((other) => other.name !== name), made];
    },
    // Of this cluster alone: a second cluster may have a credential of ours on the same identity (`--rebind`).
    async remove({ azure }, found, { issuer }) {
      const ours = found.find((one) => one.name === credentialName(issuer, subject) && one.issuer === issuer);
      if (ours) await azure.federation.delete(identity.id, ours.name);
    },
    byHand: ({ issuer }) =>
      `az identity federated-credential create --resource-group ${identity.wish.resourceGroup} --identity-name ${identity.wish.name} --name ${credentialName(issuer, subject)} --issuer ${issuer} --subject ${subject} --audiences ${audience}`,
  });
};

const CHECK = { check: 'AKS-FIC-TRUST', title: 'a federated credential trusts the service account' } as const;
const pass = (subject: string): Finding => ({ ...CHECK, verdict: 'pass', observed: subject });

/** The credential that was probably meant: equal but for case, for the slash at the end, or for one of the two. */
function nearMiss(found: readonly FederatedCredential[], issuer: string, subject: string): Finding {
  const plain = (text: string): string => text.toLowerCase().replace(/\/$/, '');
  const close = (c: FederatedCredential): boolean =>
    plain(c.issuer) === plain(issuer) && plain(c.subject) === plain(subject);
  const near = found.find(close) ?? found.find((c) => c.subject === subject) ?? found.find((c) => c.issuer === issuer);
  const failure = !near
    ? 'F049'
    : close(near) && plain(near.subject) !== near.subject
      ? 'F053'
      : near.issuer === issuer
        ? 'F052'
        : 'F050';
  return {
    ...CHECK,
    verdict: 'fail',
    failure,
    expected: `${subject} from ${issuer}`,
    ...(near && { observed: `${near.subject} from ${near.issuer}` }),
  };
}
