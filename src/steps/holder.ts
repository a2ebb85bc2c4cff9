import type { Azure, FederatedCredential, Resource } from '../azure/azure.ts';
import { TAG, tagIn } from '../ownership.ts';
import { command, named } from '../shell.ts';
import { orDenied } from '../trouble.ts';
import type { AppRegistrationWish, IdentityWish } from '../workload.ts';
import { findApplications, meant } from './app-registration.ts';

/** Whom a pod becomes, a managed identity or an application, as those name it who grant to it and trust by it. */
export interface Holder {
  readonly wish: IdentityWish;
  /** Tells it from all others: its ARM id; of an application what only its file calls it. */
  readonly id: string;
  /** What its tag may say: the marks of all who share it. */
  readonly marks: readonly string[];
  /** The file has others in its resource group: one list of the group serves them all. */
  readonly amongOthers?: boolean;
}

/**
 * It, as it is now: its name, our tag, and its ids as properties. What is here is the one place that knows
 * of two kinds; a step that grants or trusts need not.
 */
export function lookAt(azure: Azure, holder: Holder): Promise<Resource | undefined> {
  const { wish, id, amongOthers } = holder;
  if (wish.kind === 'app registration') return application(azure, wish, holder);
  return amongOthers ? listed(azure, id, wish.resourceGroup) : azure.identities.get(id);
}

export async function credentialsOf(azure: Azure, holder: Holder): Promise<readonly FederatedCredential[] | undefined> {
  const address = await addressOf(azure, holder);
  return address === undefined ? undefined : azure.federation.list(address);
}

export async function distrust(azure: Azure, holder: Holder, name: string): Promise<void> {
  const address = await addressOf(azure, holder);
  if (address !== undefined) await azure.federation.delete(address, name);
}

/** The line of `az` that adds a credential. */
export function credentialLine(
  { wish }: Holder,
  { name, issuer, subject, audience }: Readonly<Record<'name' | 'issuer' | 'subject' | 'audience', string>>,
  identityId: string,
): string {
  if (wish.kind !== 'app registration') {
    const { resourceGroup, name: identity } = wish;
    return command('az identity federated-credential create', {
      ...{ 'resource-group': resourceGroup, 'identity-name': identity, name },
      ...{ issuer, subject, audiences: audience },
    });
  }
  const parameters = JSON.stringify({ name, issuer, subject, audiences: [audience] });
  return command('az ad app federated-credential create', { id: identityId, parameters });
}

/** The line of `az` that answers the name of the credential when it is there. */
export const credentialLook = ({ wish }: Holder, name: string, identityId: string): string =>
  wish.kind === 'app registration'
    ? command('az ad app federated-credential list', { id: identityId, query: named(name), output: 'tsv' })
    : command('az identity federated-credential list', {
        ...{ 'resource-group': wish.resourceGroup, 'identity-name': wish.name },
        ...{ query: named(name), output: 'tsv' },
      });

/** What `az` says of an application that is not known everywhere yet: a script tries the line above again then. */
export const YOUNG = 'does not exist or one of its queried';

/**
 * Where its credentials lie: an ARM id is known by names alone, an object id must be looked up. Among others a list has
 * been read that says who is there: credentials of those who are not need no request, which Azure grants slowly.
 */
async function addressOf(azure: Azure, holder: Holder): Promise<string | undefined> {
  const { wish, id, marks, amongOthers } = holder;
  if (wish.kind === 'app registration') return meant(await findApplications(azure, wish), marks)?.id;
  return amongOthers && !(await lookAt(azure, holder)) ? undefined : id;
}

/** Who may not list a group may still be allowed to look at an identity of it. */
async function listed(azure: Azure, id: string, group: string): Promise<Resource | undefined> {
  const all = await orDenied(azure.identities.list(group), undefined);
  if (!all) return azure.identities.get(id);
  const byId = byIds.get(all) ?? new Map(all.map((one) => [one.id.toLowerCase(), one]));
  byIds.set(all, byId);
  return byId.get(id.toLowerCase());
}
/** A list that serves hundreds is not searched by each of them. */
const byIds = new WeakMap<readonly Resource[], ReadonlyMap<string, Resource>>();

async function application(
  azure: Azure,
  wish: AppRegistrationWish,
  { id, marks }: Holder,
): Promise<Resource | undefined> {
  const found = meant(await findApplications(azure, wish), marks);
  if (!found) return undefined;
  const principal = await azure.servicePrincipals.of(found.clientId);
  const tag = tagIn(found.tags);
  return {
    ...{ id, name: found.name },
    ...(tag !== undefined && { tags: { [TAG]: tag } }),
    properties: { clientId: found.clientId, ...(principal && { principalId: principal.id }) },
  };
}
