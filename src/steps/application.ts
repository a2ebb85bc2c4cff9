import type { Application, FederatedCredential, ServicePrincipal } from '../azure/azure.ts';
import { tagWord } from '../ownership.ts';
import { command, unlessFound } from '../shell.ts';
import type { Judged } from '../step.ts';
import { defineStep } from '../step.ts';
import type { AppRegistrationWish } from '../workload.ts';
import { findApplications, isClientId, isOurs, meant } from './app-registration.ts';
import { credentialId } from './federation-end.ts';
import { accountOf } from './identity-end.ts';
import { ABSENT, NOT_OURS, staying } from './staying.ts';
import { isAbroad, type Tenants, tenantsOf } from './tenants.ts';

const OWN_TENANT = 'AzureADMyOrg';
const ANY_TENANT = 'AzureADMultipleOrgs';

interface Seen {
  readonly found: readonly Application[];
  readonly tenants: Tenants;
}
interface Surveyed {
  readonly credentials: readonly FederatedCredential[];
  readonly principal: ServicePrincipal | undefined;
}

/** The application that the workload becomes at Entra: an app registration, by its display name or client id. */
export const application = (options: {
  wish: AppRegistrationWish;
  /** Tells it from the file's others. */
  id: string;
  called: string;
  mark: string;
  marks: readonly string[];
  workloads: readonly string[];
  /** ARM ids of the vaults that it is to read in. */
  vaults: readonly string[];
  /** Address of Microsoft Graph. */
  graph: string;
}) => {
  const { wish, id, mark, marks } = options;
  return defineStep({
    id: `application/${options.called}`,
    kind: 'application',
    subject: wish.name,
    title: `application ${wish.name} exists`,
    side: 'Azure',
    category: 'identity',
    workloads: options.workloads,
    needs: {},
    yields: ['identityId', 'clientId'],
    settles: 'minutes',
    async observe({ azure }): Promise<Seen> {
      const [found, tenants] = await Promise.all([findApplications(azure, wish), tenantsOf(azure, options.vaults)]);
      return { found, tenants };
    },
    judge: ({ found, tenants }) => {
      const application = meant(found, marks);
      return application ? present(application, tenants, marks, wish) : absent(found, tenants, wish);
    },
    async converge({ azure }, { found, tenants }): Promise<Seen> {
      const application = meant(found, marks);
      const signInAudience = isAbroad(tenants) ? ANY_TENANT : OWN_TENANT;
      if (!application) {
        const made = await azure.applications.create({ name: wish.name, tags: [tagWord(mark)], signInAudience });
        return { tenants, found: [...found, made] };
      }
      await azure.applications.open(application);
      const others = found.filter((other) => other !== application);
      return { tenants, found: [...others, { ...application, signInAudience }] };
    },
    async survey({ azure }): Promise<Surveyed> {
      const application = meant(await findApplications(azure, wish), marks);
      if (!application) return { credentials: [], principal: undefined };
      const [credentials = [], principal] = await Promise.all([
        azure.federation.list(application.id),
        azure.servicePrincipals.of(application.clientId),
      ]);
      return { credentials, principal };
    },
    removal({ found }, _known, { going, surveyed: { credentials, principal } }) {
      const application = meant(found, marks);
      if (!application) return ABSENT;
      if (!isOurs(application.tags, marks)) return staying(NOT_OURS);
      const trusted = credentials.filter(({ name }) => !going.has(credentialId(id, name)));
      const reasons = [
        ...trusted.map(({ name, subject }) => `it trusts ${accountOf(subject)} (credential ${name})`),
        ...(principal && !going.has(id.toLowerCase()) ? ['its service principal stays'] : []),
      ];
      return reasons.length > 0
        ? staying(reasons.join('; '))
        : { state: 'remove', takes: [`application ${application.id}`] };
    },
    async remove({ azure }, { found }) {
      const application = meant(found, marks);
      if (application) await azure.applications.delete(application);
    },
    recipe: (seen) => {
      const application = seen && meant(seen.found, marks);
      const audience = seen && isAbroad(seen.tenants) ? ANY_TENANT : OWN_TENANT;
      if (application) return [command('az ad app update', { id: application.clientId, 'sign-in-audience': audience })];
      // `az ad app create` takes no tags.
      const body = JSON.stringify({ displayName: wish.name, tags: [tagWord(mark)], signInAudience: audience });
      const make = { method: 'post', url: `${options.graph}/v1.0/applications`, body, output: 'none' };
      return [unlessFound(listed('app', wish.name, 'appId'), [command('az rest', make)])];
    },
    asks: { clientId: listed('app', wish.name, 'appId'), identityId: listed('app', wish.name, 'id') },
    byHand: () => command('az ad app create', { 'display-name': wish.name, 'sign-in-audience': OWN_TENANT }),
  });
};

/** `az` finds by the beginning of a name; the query keeps those that are called so. */
export const listed = (what: 'app' | 'sp', name: string, property: string): string =>
  command(`az ad ${what} list`, {
    ...{ 'display-name': name, query: `[?displayName=='${name}'].${property}`, output: 'tsv' },
  });

/**
 * Anybody who may register applications may give one any name and any tag, and who owns it signs in as it: one that was
 * there is trusted only where its client id was given.
 */
function strange({ clientId, hasOwnSecrets }: Application, ours: boolean, { name }: AppRegistrationWish) {
  if (isClientId(name) || (ours && !hasOwnSecrets)) return undefined;
  const why = ours
    ? 'has passwords or certificates, by which others may sign in as it'
    : 'was not registered by aks-secrets, and who owns it can sign in as it';
  return `the application ${name} ${why}: if it is the one that is meant, --app-registration ${clientId}`;
}

function present(
  application: Application,
  tenants: Tenants,
  marks: readonly string[],
  wish: AppRegistrationWish,
): Judged {
  const { id, clientId, name, signInAudience, created } = application;
  const ours = isOurs(application.tags, marks);
  const note = strange(application, ours, wish);
  if (note !== undefined) return { state: 'blocked', owner: 'theirs', facts: {}, differences: [], note };
  const base = {
    owner: ours ? 'ours' : 'theirs',
    ...(created && { since: created }),
    facts: { identityId: id, clientId },
    differences: [],
  } as const;
  if (isAbroad(tenants) && !/Multiple|and/.test(signInAudience)) {
    const difference = { path: 'signInAudience', is: signInAudience, want: ANY_TENANT };
    if (ours)
      return {
        ...base,
        state: 'differs',
        differences: [{ ...difference, warning: 'other tenants may let it in then' }],
      };
    return {
      ...base,
      state: 'blocked',
      note: `${name} is known in its own tenant alone (${signInAudience}), the vault is of another, and it is not ours to change`,
      run: command('az ad app update', { id: clientId, 'sign-in-audience': ANY_TENANT }),
    };
  }
  if (ours) return { ...base, state: 'as wanted' };
  // Whoever registered it can sign in as it.
  return { ...base, state: 'good enough', note: `by the application ${clientId}, which aks-secrets did not register` };
}

function absent(found: readonly Application[], tenants: Tenants, { name }: AppRegistrationWish): Judged {
  const base = { owner: 'ours', facts: {}, differences: [], failure: 'F055' } as const;
  const blocked = { ...base, owner: 'theirs', state: 'blocked' } as const;
  if (found.length > 0) {
    const ids = found.map(({ clientId }) => clientId).toSorted();
    return {
      ...blocked,
      note: `${found.length} applications are called ${name}, and none was made for this workload: name the one that is meant by its client id (${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', ...' : ''})`,
    };
  }
  if (isClientId(name))
    return { ...blocked, note: `the tenant ${tenants.home} has no application of the client id ${name}` };
  return {
    ...base,
    state: 'absent',
    ...(isAbroad(tenants) && { note: `open to other tenants (${ANY_TENANT}), since the vault is of another` }),
  };
}
