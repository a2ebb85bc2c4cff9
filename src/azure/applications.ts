import { Problem } from '../trouble.ts';
import type { Application, Azure, FederatedCredential, ServicePrincipal } from './azure.ts';
import { callerOf } from './caller.ts';
import { asked, found, type Memory, type Shared } from './shared.ts';

const APPLICATION =
  '$select=id,appId,displayName,tags,signInAudience,createdDateTime,passwordCredentials,keyCredentials';
const SERVICE_PRINCIPAL = '$select=id,appId,accountEnabled,tags';
const TAKEN = 'Request_MultipleObjectsWithSameKeyValue';

/** As Graph has an application. */
interface ApplicationBody {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly tags?: readonly string[];
  readonly signInAudience?: string;
  readonly createdDateTime?: string;
  readonly passwordCredentials?: readonly unknown[];
  readonly keyCredentials?: readonly unknown[];
}
interface ServicePrincipalBody {
  readonly id: string;
  readonly appId: string;
  readonly accountEnabled?: boolean | null;
  readonly tags?: readonly string[];
}

/** Applications of the directory, their service principals, and what they trust, by Microsoft Graph v1.0. */
export function applicationsOf(
  shared: Shared,
  memory: Memory,
): Pick<Azure, 'applications' | 'servicePrincipals'> & { readonly trusts: Azure['federation'] } {
  const { graph, graphOnce } = shared;
  const root = `${shared.cloud.graph}/v1.0`;
  const credentials = (id: string) => `${root}/applications/${id}/federatedIdentityCredentials`;
  const text = (value: string) => encodeURIComponent(`'${value.replaceAll("'", "''")}'`);

  /** Runs a call, and names the right that a refusal does not name. */
  const call = async <T>(what: string, kind: 'read' | 'write', work: () => Promise<T>): Promise<T> => {
    try {
      return await asked(`${root}/applications`, shared, work);
    } catch (error) {
      if (!(error instanceof Problem) || error.trouble !== 'denied') throw error;
      const person = (await callerOf(shared.credential, shared.cloud)).kind === 'User';
      const right = RIGHTS[kind][person ? 'person' : 'application'];
      const by = person && kind === 'write' ? ' (people have it by the role Application Developer)' : '';
      const message = `You may not do that: ${right} in the directory is missing for ${what}${by}.`;
      throw new Problem('denied', what, message, { said: error.said, right, cause: error });
    }
  };

  const servicePrincipal = async (clientId: string): Promise<ServicePrincipal | undefined> => {
    const url = `${root}/servicePrincipals(appId='${clientId}')?${SERVICE_PRINCIPAL}`;
    const read = call(`service principal of ${clientId}`, 'read', () => graph.send('GET', url));
    const body = await found(read);
    return body === undefined ? undefined : servicePrincipalOf(body as ServicePrincipalBody);
  };

  return {
    applications: {
      find: (by) =>
        memory(`application ${JSON.stringify(by).toLowerCase()}`, async () => {
          if ('clientId' in by) {
            const url = `${root}/applications(appId='${by.clientId}')?${APPLICATION}`;
            const read = call(`application ${by.clientId}`, 'read', () => graph.send('GET', url));
            const body = await found(read);
            return body === undefined ? [] : [applicationOf(body as ApplicationBody)];
          }
          const url = `${root}/applications?$filter=displayName%20eq%20${text(by.name)}&${APPLICATION}`;
          const all = await call(`application ${by.name}`, 'read', () => graph.list<ApplicationBody>(url));
          return all.map(applicationOf);
        }),
      async create({ name, tags, signInAudience }) {
        const body = { displayName: name, tags, signInAudience };
        const send = () => graphOnce.send('POST', `${root}/applications`, { body });
        return applicationOf((await call(`application ${name}`, 'write', send)) as ApplicationBody);
      },
      async open({ id, name }) {
        const body = { signInAudience: 'AzureADMultipleOrgs' };
        await call(`application ${name}`, 'write', () => graph.send('PATCH', `${root}/applications/${id}`, { body }));
      },
      async delete({ id, name }) {
        const send = () => graph.send('DELETE', `${root}/applications/${id}`);
        await found(call(`application ${name}`, 'write', send));
      },
    },

    servicePrincipals: {
      of: (clientId) => memory(`service principal ${clientId.toLowerCase()}`, () => servicePrincipal(clientId)),
      async create(clientId, tags) {
        const what = `service principal of ${clientId}`;
        const body = { appId: clientId, tags };
        try {
          const send = () => graph.send('POST', `${root}/servicePrincipals`, { body });
          return servicePrincipalOf((await call(what, 'write', send)) as ServicePrincipalBody);
        } catch (error) {
          if (isTaken(error)) {
            const there = await servicePrincipal(clientId);
            if (there) return there;
          }
          throw youngOf(error, what);
        }
      },
      async delete({ id, clientId }) {
        const send = () => graph.send('DELETE', `${root}/servicePrincipals/${id}`);
        await found(call(`service principal of ${clientId}`, 'write', send));
      },
    },

    trusts: {
      list: (id) =>
        memory(`federation ${id.toLowerCase()}`, () => {
          const list = () => graph.list<FederatedCredential>(credentials(id));
          return found(call('credentials of the application', 'read', list).then((all) => all.map(credentialOf)));
        }),
      async put(id, credential) {
        const { name, issuer, subject, audiences } = credential;
        const what = `credential ${name}`;
        try {
          const body = { name, issuer, subject, audiences };
          await call(what, 'write', () => graph.send('POST', credentials(id), { body }));
        } catch (error) {
          if (!isTaken(error)) throw youngOf(error, what);
          const body = { issuer, subject, audiences };
          await call(what, 'write', () => graph.send('PATCH', `${credentials(id)}/${name}`, { body }));
        }
        return credential;
      },
      async delete(id, name) {
        const send = () => graph.send('DELETE', `${credentials(id)}/${encodeURIComponent(name)}`);
        await found(call(`credential ${name}`, 'write', send));
      },
    },
  };
}

/** What a caller needs, by Graph's own names ("Microsoft Graph permissions reference"). */
const RIGHTS = {
  read: { person: 'Application.Read.All', application: 'Application.Read.All' },
  write: { person: 'Application.ReadWrite.All', application: 'Application.ReadWrite.OwnedBy' },
} as const;

const isTaken = (error: unknown): boolean => error instanceof Problem && error.said?.code === TAKEN;

/**
 * The directory has several copies, and one that does not know a new application yet says that there is none: of a
 * credential by `Request_ResourceNotFound`, of a service principal also by `NoBackingApplicationObject`.
 */
function youngOf(error: unknown, what: string): unknown {
  if (!(error instanceof Problem)) return error;
  const { said, cause } = error;
  if (error.trouble !== 'missing' && !/does not reference a valid application object/i.test(said?.message ?? '')) {
    return error;
  }
  const code = said?.code ? ` (${said.code})` : '';
  return new Problem('not yet', what, `Entra does not know the application everywhere yet${code}.`, { said, cause });
}

const applicationOf = (body: ApplicationBody): Application => ({
  id: body.id,
  clientId: body.appId,
  name: body.displayName,
  tags: body.tags ?? [],
  signInAudience: body.signInAudience ?? 'AzureADMyOrg',
  hasOwnSecrets: [body.passwordCredentials, body.keyCredentials].some((all) => all !== undefined && all.length > 0),
  ...(body.createdDateTime && { created: new Date(body.createdDateTime) }),
});

const servicePrincipalOf = ({ id, appId, accountEnabled, tags }: ServicePrincipalBody): ServicePrincipal => ({
  id,
  clientId: appId,
  enabled: accountEnabled !== false,
  tags: tags ?? [],
});

const credentialOf = ({ name, issuer, subject, audiences }: FederatedCredential): FederatedCredential => ({
  ...{ name, issuer, subject, audiences },
});
