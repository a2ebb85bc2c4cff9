import type { FederatedCredential } from '../azure/azure.ts';
import { credentialName, isOurCredential } from '../ownership.ts';
import { isVariable, unlessFound, variable, word } from '../shell.ts';
import type { Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { credentialId, endOfTrust, surveyTrust } from './federation-end.ts';
import { limitReached, mismatch, trusted } from './federation-findings.ts';
import { credentialLine, credentialLook, credentialsOf, distrust, type Holder, YOUNG } from './holder.ts';
import { calledBy } from './identity.ts';

/** Entra takes at most this many credentials per identity (Entra, "Workload identity federation considerations"). */
const LIMIT = 20;

/**
 * Entra trusts the tokens that this cluster issues to this service account. A credential is matched on issuer, subject
 * and audience, byte for byte as Entra does, under whatever name it has.
 */
export const federation = (options: {
  identity: Holder & {
    step: Step;
    /** What bears its credentials, where that is another step: the application of a service principal. */
    application?: Step;
  };
  cluster: Step;
  clusterId: string;
  subject: string;
  audience: string;
  workloads: readonly string[];
  /** The subjects that this file wants on the identity, in its order: they share the twenty places. */
  siblings: readonly string[];
}) => {
  const { identity, subject, audience, siblings } = options;
  const account = subject.split(':').slice(2).join('/');
  const trust = { identity, subject, account };
  const isFor = (issuer: string, wanted: string) => (found: FederatedCredential) =>
    found.issuer === issuer && found.subject === wanted && found.audiences.includes(audience);

  return defineStep({
    id: `federation/${calledBy(identity.step)}/${account.replace('/', ':')}`,
    kind: 'credential',
    subject: `${account} at ${identity.wish.name}`,
    title: `${identity.wish.name} trusts ${account}`,
    side: 'Azure',
    category: 'identity',
    workloads: options.workloads,
    needs: {
      issuer: ref(options.cluster, 'oidcIssuer'),
      identityId: ref(identity.application ?? identity.step, 'identityId'),
    },
    yields: ['trusted'],
    // Azure answers 409 to credentials of one identity that are written at once.
    lane: identity.step.id,
    settles: 'minutes',
    observe: async ({ azure }) => (await credentialsOf(azure, identity)) ?? [],
    judge(found, { issuer }) {
      const match = found.find(isFor(issuer, subject));
      const ours = match?.name === credentialName(issuer, subject);
      const notes = [
        ...(match && !ours ? [`by the credential ${match.name}`] : []),
        ...besides(found, issuer, subject),
      ];
      const noted = notes.length > 0 ? { note: notes.join('; ') } : {};
      if (match)
        return {
          state: ours ? 'as wanted' : 'good enough',
          owner: ours ? 'ours' : 'theirs',
          facts: { trusted: match.name },
          differences: [],
          findings: [trusted(identity.wish.name, account, match)],
          ...noted,
        };
      const open = siblings.filter((sibling) => !found.some(isFor(issuer, sibling)));
      if (found.length + open.indexOf(subject) >= LIMIT)
        return {
          state: 'blocked',
          owner: 'ours',
          facts: {},
          differences: [],
          ...limitReached(identity.wish.name, account, found.length, LIMIT),
          note: `${identity.wish.name} has ${found.length} credentials, and Entra takes ${LIMIT}: give this workload an identity of its own (${identity.wish.kind ? '--app-registration' : '--identity'})`,
        };
      return {
        state: 'absent',
        owner: 'ours',
        facts: {},
        differences: [],
        ...mismatch(found, { issuer, subject, audience }, identity, account),
        ...noted,
      };
    },
    async converge({ azure }, found, { issuer, identityId }) {
      const name = credentialName(issuer, subject);
      const made = await azure.federation.put(identityId, { name, issuer, subject, audiences: [audience] });
      return [...found.filter((other) => other.name !== name), made];
    },
    survey: ({ azure }) => surveyTrust(azure, options.clusterId, trust, identity.marks),
    removal: (found, { issuer }, leaving) => endOfTrust(found, issuer, trust, leaving),
    async remove({ azure }, found, _known, { takes = [] }) {
      const going = found.filter(({ name }) => takes.includes(credentialId(identity.id, name)));
      // One after the other, as all writes to one identity.
      for (const { name } of going) await distrust(azure, identity, name);
    },
    recipe: (_seen, { issuer, identityId }) => {
      // Its name is made of the issuer: where that is not known yet, the script makes it.
      const computed = isVariable(issuer);
      const name = computed ? variable('credential') : credentialName(issuer, subject);
      return [
        ...(computed ? [`credential="$(credential_name ${word(issuer)} ${word(subject)})"`] : []),
        unlessFound(credentialLook(identity, name, identityId), [
          `${identity.wish.kind ? `retry ${word(YOUNG)} ` : ''}${credentialLine(identity, { name, issuer, subject, audience }, identityId)} --output none`,
        ]),
      ];
    },
    byHand: ({ issuer, identityId }) =>
      credentialLine(identity, { name: credentialName(issuer, subject), issuer, subject, audience }, identityId),
  });
};

/** Those that we made for another cluster, or for the same one before it was made anew: they serve as long as they are there. */
const besides = (found: readonly FederatedCredential[], issuer: string, subject: string): string[] =>
  found
    .filter((one) => one.subject === subject && one.issuer !== issuer && isOurCredential(one))
    .map((one) => `the one for ${one.issuer} stays beside it: aks-secrets destroy --issuer ${one.issuer}`);
