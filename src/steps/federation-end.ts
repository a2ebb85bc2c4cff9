import type { Azure, FederatedCredential, Resource } from '../azure/azure.ts';
import { isOurCredential, TAG } from '../ownership.ts';
import type { Leaving, Removal, Stays } from '../step.ts';
import { credentialsOf, type Holder, lookAt } from './holder.ts';
import { ABSENT, serving } from './staying.ts';

/** What the end of a credential depends on besides the credentials themselves. */
export interface Surveyed {
  /** The cluster is not there any more. */
  readonly clusterGone: boolean;
  /** The identity was made for this workload on this very cluster. */
  readonly madeForCluster: boolean;
  /** Which cluster of the subscription has an issuer; not asked while nobody needs it, or nobody may. */
  readonly clusters?: readonly { readonly called: string; readonly issuer: string }[];
}

interface Trust {
  readonly identity: Holder;
  readonly subject: string;
  /** `shop/orders`. */
  readonly account: string;
}

export const credentialId = (identityId: string, name: string): string =>
  `${identityId}/federatedIdentityCredentials/${name}`.toLowerCase();

/** Looks at who else may come by a credential of ours: the cluster itself, and others of the subscription. */
export async function surveyTrust(
  azure: Azure,
  clusterId: string,
  { identity, subject }: Trust,
  marks: readonly string[],
): Promise<Surveyed> {
  const [cluster, holder, found = []] = await Promise.all([
    azure.clusters.get(clusterId),
    lookAt(azure, identity),
    credentialsOf(azure, identity),
  ]);
  const elsewhere = found.some(
    (one) => one.subject === subject && isOurCredential(one) && one.issuer !== (cluster && issuerOf(cluster)),
  );
  // It tells whose they are; who may not ask is told less.
  const all = elsewhere ? await azure.clusters.list().catch(() => undefined) : undefined;
  const clusters = all && clustersWithIssuer(all);
  const madeForCluster = marks.includes(holder?.tags?.[TAG] ?? '');
  return { clusterGone: !cluster, madeForCluster, ...(clusters && { clusters }) };
}

const issuerOf = ({ properties }: Resource): string | undefined =>
  (properties.oidcIssuerProfile as { issuerURL?: string } | undefined)?.issuerURL;

export const clustersWithIssuer = (all: readonly Resource[]): NonNullable<Surveyed['clusters']> =>
  all.flatMap((one) => {
    const issuer = issuerOf(one);
    const group = /\/resourceGroups\/([^/]+)\//i.exec(one.id)?.[1];
    return issuer ? [{ issuer, called: group ? `${one.name} in ${group}` : one.name }] : [];
  });

/**
 * Of this cluster alone: a second cluster may have a credential of ours on the same identity (`--rebind`). Where the
 * cluster is gone nobody can tell its issuer any more: then it is the one credential of ours, on the identity that was
 * made for it, whose issuer no cluster has.
 */
export function endOfTrust(
  found: readonly FederatedCredential[],
  issuer: string,
  trust: Trust,
  { others, surveyed }: Leaving<Surveyed>,
): Removal {
  const { clusterGone, clusters = [] } = surveyed;
  const own = found.filter((one) => one.subject === trust.subject && isOurCredential(one));
  const theirs = found.filter(
    (one) => one.subject === trust.subject && !own.includes(one) && (clusterGone || one.issuer === issuer),
  );
  const orphans = own.filter((one) => !clusters.some((cluster) => cluster.issuer === one.issuer));
  const mayTell = clusterGone && surveyed.madeForCluster && surveyed.clusters !== undefined && orphans.length === 1;
  const going = clusterGone ? (mayTell ? orphans : []) : own.filter((one) => one.issuer === issuer);
  const beside = [
    ...theirs.map((one) => staysWith(one, trust, `trusts ${trust.account} too, and was not made by aks-secrets`)),
    ...own.filter((one) => !going.includes(one)).map((one) => staysWith(one, trust, whoseElse(one, surveyed))),
  ];
  const stays = beside.length > 0 ? { beside } : {};
  if (going.length === 0) return { ...ABSENT, ...stays };
  if (others.length > 0) return { state: 'leave', note: serving(others), ...stays };
  return {
    state: 'remove',
    takes: going.map(({ name }) => credentialId(trust.identity.id, name)),
    ...(clusterGone && { note: `the cluster is gone, and no other has its issuer ${going[0]?.issuer}` }),
    ...stays,
  };
}

function whoseElse({ issuer }: FederatedCredential, { clusterGone, madeForCluster, clusters }: Surveyed): string {
  const user = clusters?.find((cluster) => cluster.issuer === issuer);
  const whose = user
    ? `for cluster ${user.called}`
    : !clusterGone
      ? `${clusters ? 'no cluster of this subscription has its issuer' : 'for the issuer'} ${issuer}`
      : !clusters
        ? `the cluster is gone, and you may not look whether another one has the issuer ${issuer}`
        : madeForCluster
          ? `the cluster is gone, and which of several credentials was its own cannot be told (issuer ${issuer})`
          : `the identity was not made for this cluster (issuer ${issuer})`;
  return `${whose}; aks-secrets destroy --issuer ${issuer} removes it`;
}

const staysWith = ({ name }: FederatedCredential, { identity }: Trust, note: string): Stays => ({
  kind: 'credential',
  subject: `${name} at ${identity.wish.name}`,
  note,
});
