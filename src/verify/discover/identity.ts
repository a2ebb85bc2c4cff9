import type { Azure, Resource } from '../../azure/azure.ts';
import { TAG } from '../../ownership.ts';
import { orDenied, Problem } from '../../trouble.ts';
import type { IdentityWish } from '../../workload.ts';
import { groupOf } from './cluster.ts';

/** Whom a service account becomes at Entra. */
export interface Found {
  /** Absent: it could not be found, and `why` says how far the search went. */
  readonly wish?: IdentityWish;
  readonly why?: string;
  /** Object id, where the directory knows it. */
  readonly principalId?: string;
  /** What our tag says of it: for which workload it was made. */
  readonly madeFor?: { readonly namespace: string; readonly name: string };
  /** To be said: it was found by other means than its client id. */
  readonly note?: string;
}

/** Credentials are read one identity at a time, five a second (Managed Identities, "Requests rate limits"). */
const SEARCHED = 40;

/**
 * The identity of a client id: a managed identity of the subscription, else an application of the directory. Where nobody
 * has that id, as after an identity was made anew, the one that trusts the service account is the one that is meant.
 */
export async function identityFor(
  azure: Azure,
  clientId: string | undefined,
  trust: { readonly subject: string; readonly issuer: string | undefined },
): Promise<Found> {
  const listed = await orDenied(azure.lists.identities(), 'denied');
  const managed = listed === 'denied' ? [] : listed;
  const own = managed.find((each) => isOf(each, clientId));
  if (own) return foundAs(own);
  const directory = clientId ? await inDirectory(azure, clientId) : {};
  if (directory.wish || directory.principalId) return directory;
  const trusting = await trustedBy(azure, managed, trust);
  const account = trust.subject.split(':').slice(2).join('/');
  if (trusting) {
    const missing = clientId ? `No identity has the client id ${clientId}` : `Nothing names the identity of ${account}`;
    return { ...foundAs(trusting), note: `${missing}; ${trusting.name} trusts ${account}, and is taken for it.` };
  }
  if (!clientId) return { why: `nothing names the identity of ${account}, and none of the subscription trusts it` };
  const denied = [
    ...(listed === 'denied' ? ['managed identities of the subscription'] : []),
    ...(directory.why ? [directory.why] : []),
  ];
  return {
    why:
      denied.length > 0
        ? `you may not look at ${denied.join(' and ')}`
        : `no managed identity of the subscription and no application has the client id ${clientId}`,
  };
}

const propertiesOf = ({ properties }: Resource) =>
  properties as { readonly clientId?: string; readonly principalId?: string };
const isOf = (identity: Resource, clientId: string | undefined): boolean =>
  clientId !== undefined && propertiesOf(identity).clientId?.toLowerCase() === clientId.toLowerCase();
function foundAs(identity: Resource): Found {
  const { principalId } = propertiesOf(identity);
  const [, namespace, name] = /^[0-9a-f]{6}\/([^/]+)\/([^/]+)$/.exec(identity.tags?.[TAG] ?? '') ?? [];
  return {
    wish: { resourceGroup: groupOf(identity.id), name: identity.name },
    ...(principalId && { principalId }),
    ...(namespace && name && { madeFor: { namespace, name } }),
  };
}

async function inDirectory(azure: Azure, clientId: string): Promise<Found> {
  const [applications, principal] = await Promise.all([
    azure.applications.find({ clientId }).catch(orUnreadable),
    azure.servicePrincipals.of(clientId).catch(orUnreadable),
  ]);
  if (applications === 'unreadable' || principal === 'unreadable') return { why: 'the directory' };
  if (applications.length > 0) return { wish: { kind: 'app registration', name: clientId } };
  // A managed identity has a service principal and no application.
  if (!principal) return {};
  return { principalId: principal.id, why: `${clientId} is a managed identity of another subscription` };
}

/** Graph answers much that is no plain refusal to who may not read it: then it does not help, whatever it said. */
const orUnreadable = (error: unknown): 'unreadable' => {
  if (error instanceof Problem && error.trouble !== 'unsigned') return 'unreadable';
  throw error;
};

/** The only one with a credential for the service account on this cluster. Case is forgiven: that is what may be wrong. */
async function trustedBy(
  azure: Azure,
  managed: readonly Resource[],
  { subject, issuer }: { readonly subject: string; readonly issuer: string | undefined },
): Promise<Resource | undefined> {
  const plain = (text = ''): string => text.toLowerCase().replace(/\/$/, '');
  const trusts = async (identity: Resource): Promise<boolean> => {
    const held = (await azure.federation.list(identity.id).catch(() => undefined)) ?? [];
    return held.some((each) => plain(each.subject) === plain(subject) && plain(each.issuer) === plain(issuer));
  };
  const asked = managed.slice(0, SEARCHED);
  const answers = await Promise.all(asked.map(trusts));
  const found = asked.filter((_, at) => answers[at]);
  return found.length === 1 ? found[0] : undefined;
}
