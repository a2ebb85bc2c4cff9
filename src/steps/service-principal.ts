import type { Application, ServicePrincipal } from '../azure/azure.ts';
import { tagWord } from '../ownership.ts';
import { command, unlessFound } from '../shell.ts';
import type { Judged, Step } from '../step.ts';
import { defineStep, KNOWN_AFTER_APPLY, ref } from '../step.ts';
import { findApplications, isOurs, meant } from './app-registration.ts';
import { listed } from './application.ts';
import type { Holder } from './holder.ts';
import { identityStepId } from './identity.ts';
import { endOfIdentity, isAssignment, surveyIdentity } from './identity-end.ts';
import { ABSENT, NOT_OURS, staying } from './staying.ts';
import { type Tenants, tenantsOf } from './tenants.ts';

interface Seen {
  readonly application: Application | undefined;
  readonly principal: ServicePrincipal | undefined;
  readonly tenants: Tenants;
}

/**
 * The application's service principal: what roles and access policies name, in the tenant of the vault. Pods present
 * that tenant, which need not be the application's own.
 */
export const servicePrincipal = (options: {
  holder: Holder;
  called: string;
  mark: string;
  application: Step;
  workloads: readonly string[];
  /** ARM ids of the vaults that it is to read in. */
  vaults: readonly string[];
  /** Address of Microsoft Graph. */
  graph: string;
}) => {
  const { holder, mark } = options;
  const { wish, marks, id } = holder;
  if (wish.kind !== 'app registration') throw new Error(`${wish.name} is no app registration`);
  return defineStep({
    id: identityStepId(options.called),
    kind: 'service principal',
    subject: wish.name,
    title: `service principal of ${wish.name} exists`,
    side: 'Azure',
    category: 'identity',
    workloads: options.workloads,
    needs: { clientId: ref(options.application, 'clientId') },
    yields: ['clientId', 'principalId', 'tenantId'],
    settles: 'minutes',
    async observe({ azure }): Promise<Seen> {
      const [found, tenants] = await Promise.all([findApplications(azure, wish), tenantsOf(azure, options.vaults)]);
      const application = meant(found, marks);
      const principal = application && (await azure.servicePrincipals.of(application.clientId));
      return { application, principal, tenants };
    },
    judge: (seen, { clientId }) => judged(seen, clientId, wish.name, marks),
    async converge({ azure }, seen, { clientId }): Promise<Seen> {
      return { ...seen, principal: await azure.servicePrincipals.create(clientId, [tagWord(mark)]) };
    },
    survey: ({ azure }) => surveyIdentity(azure, holder),
    removal({ principal }, _known, { going, surveyed }) {
      if (!principal) return ABSENT;
      if (!isOurs(principal.tags, marks)) return staying(NOT_OURS);
      return endOfIdentity(surveyed, id, marks, going);
    },
    async remove({ azure }, { principal }, _known, { takes = [] }) {
      await Promise.all(takes.filter(isAssignment).map((assignment) => azure.roles.remove(assignment)));
      if (principal) await azure.servicePrincipals.delete(principal);
    },
    recipe: (_seen, { clientId }) => {
      const body = JSON.stringify({ appId: clientId, tags: [tagWord(mark)] });
      const make = { method: 'post', url: `${options.graph}/v1.0/servicePrincipals`, body, output: 'none' };
      return [
        unlessFound(listed('sp', wish.name, 'appId'), [
          command("retry 'does not reference a valid application object|does not exist' az rest", make),
        ]),
      ];
    },
    asks: { clientId: listed('app', wish.name, 'appId'), principalId: listed('sp', wish.name, 'id') },
    byHand: ({ clientId }) => command('az ad sp create', { id: clientId }),
  });
};

function judged(
  { application, principal, tenants }: Seen,
  known: string,
  name: string,
  marks: readonly string[],
): Judged {
  const clientId = application?.clientId ?? known;
  const [tenantId = tenants.home, ...others] = tenants.vaults;
  const base = {
    owner: principal && isOurs(principal.tags, marks) ? 'ours' : 'theirs',
    facts: { tenantId, ...(clientId !== KNOWN_AFTER_APPLY && { clientId }) },
    differences: [],
  } as const;
  if (others.length > 0)
    return {
      ...base,
      state: 'blocked',
      facts: {},
      note: `its vaults are of the tenants ${[tenantId, ...others].join(' and ')}, and a pod presents one: an app registration for each`,
    };
  if (tenantId !== tenants.home)
    return {
      ...base,
      state: 'blocked',
      // Known once the application is: what needs no more of it than that is done.
      facts: { tenantId, clientId },
      note: `the vault is of tenant ${tenantId}, where you are not signed in: there somebody makes the service principal and lets it read in the vault`,
      ...(clientId !== KNOWN_AFTER_APPLY && { run: command('az ad sp create', { id: clientId }) }),
    };
  if (!principal) return { ...base, owner: 'ours', state: 'absent', failure: 'F055' };
  if (!principal.enabled)
    return {
      ...base,
      state: 'blocked',
      note: `the service principal of ${name} is disabled, so nobody can sign in as it`,
      run: command('az ad sp update', { id: principal.id, set: 'accountEnabled=true' }),
    };
  return { ...base, state: 'as wanted', facts: { ...base.facts, principalId: principal.id } };
}
