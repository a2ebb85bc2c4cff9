import { isOurCredential } from '../ownership.ts';
import type { Stays } from '../step.ts';
import { defineStep } from '../step.ts';
import { clustersWithIssuer, credentialId, type Surveyed } from './federation-end.ts';
import { credentialsOf, distrust, type Holder } from './holder.ts';
import { accountOf } from './identity-end.ts';
import { ABSENT, serving, staying } from './staying.ts';

/** As one types an issuer: with or without the slash at its end. */
const plain = (issuer: string): string => issuer.replace(/\/$/, '');

/**
 * `destroy --issuer`: of all credentials of an identity the one that we made for a service account and this issuer, as of
 * a cluster that was replaced. It shows who still uses it, and what is left.
 */
export const retirement = (options: {
  identity: Holder;
  /** How the file tells the identity from its others. */
  called: string;
  subject: string;
  issuer: string;
  workloads: readonly string[];
}) => {
  const { identity, subject, issuer } = options;
  const account = accountOf(subject);
  return defineStep({
    id: `federation/${options.called}/${account.replace('/', ':')}`,
    kind: 'credential',
    subject: `${account} at ${identity.wish.name}`,
    title: `${identity.wish.name} does not trust ${account} from ${issuer}`,
    side: 'Azure',
    workloads: options.workloads,
    needs: {},
    yields: [],
    lane: identity.id,
    settles: 'minutes',
    observe: async ({ azure }) => (await credentialsOf(azure, identity)) ?? [],
    judge: () => ({ state: 'as wanted', owner: 'ours', facts: {}, differences: [] }),
    // Who may not list the clusters is told less.
    async survey({ azure }): Promise<Pick<Surveyed, 'clusters'>> {
      const all = await azure.clusters.list().catch(() => undefined);
      return all ? { clusters: clustersWithIssuer(all) } : {};
    },
    removal(found, _known, { others, surveyed: { clusters } }) {
      const meant = found.filter((one) => one.subject === subject && plain(one.issuer) === plain(issuer));
      const ours = meant.filter(isOurCredential);
      const beside = found
        .filter((one) => !ours.includes(one))
        .map(
          (one): Stays => ({
            kind: 'credential',
            subject: `${one.name} at ${identity.wish.name}`,
            note: meant.includes(one)
              ? `has this issuer, and was not made by aks-secrets`
              : `for ${accountOf(one.subject)}, issuer ${one.issuer}`,
          }),
        );
      const stays = beside.length > 0 ? { beside } : {};
      if (ours.length === 0) return { ...ABSENT, ...stays };
      if (others.length > 0) return { ...staying(serving(others)), ...stays };
      const user = clusters?.find((cluster) => plain(cluster.issuer) === plain(issuer));
      const notes = [
        user
          ? `cluster ${user.called} has this issuer: ${account} loses its access there`
          : clusters
            ? 'no cluster of this subscription has this issuer'
            : 'which cluster has this issuer could not be looked at',
        ...(found.length === ours.length ? ['it is the last credential of this identity'] : []),
      ];
      const takes = ours.map(({ name }) => credentialId(identity.id, name));
      return { state: 'remove', takes, note: notes.join('; '), ...stays };
    },
    async remove({ azure }, found, _known, { takes = [] }) {
      const going = found.filter(({ name }) => takes.includes(credentialId(identity.id, name)));
      for (const { name } of going) await distrust(azure, identity, name);
    },
    converge: async () => undefined,
  });
};
