import { listIn, maybeFlagIn, maybeMomentIn, maybeTextIn, tableIn, textIn, textsIn } from '../shape.ts';
import { Problem } from '../trouble.ts';
import type { Application, Azure, ServicePrincipal } from './azure.ts';
import { callerOf } from './caller.ts';
import { asked, credentialOf, found, type Memory, type Shared } from './shared.ts';

const APPLICATION =
  '$select=id,appId,displayName,tags,signInAudience,createdDateTime,passwordCredentials,keyCredentials';
const SERVICE_PRINCIPAL = '$select=id,appId,accountEnabled,tags';
const TAKEN = 'Request_MultipleObjectsWithSameKeyValue';

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
      return await asked(what, shared, work);
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
    const read = async () => servicePrincipalOf(await graph.send('GET', url));
    return found(call(`service principal of ${clientId}`, 'read', read));
  };

  return {
    applications: {
      find: (by) =>
        memory(`application ${JSON.stringify(by).toLowerCase()}`, async () => {
          if ('clientId' in by) {
            const url = `${root}/applications(appId='${by.clientId}')?${APPLICATION}`;
            const read = async () => [applicationOf(await graph.send('GET', url))];
            return (await found(call(`application ${by.clientId}`, 'read', read))) ?? [];
          }
          const url = `${root}/applications?$filter=displayName%20eq%20${text(by.name)}&${APPLICATION}`;
          return call(`application ${by.name}`, 'read', async () => (await graph.list(url)).map(applicationOf));
        }),
      async create({ name, tags, signInAudience }) {
        const body = { displayName: name, tags, signInAudience };
        const send = async () => applicationOf(await graphOnce.send('POST', `${root}/applications`, { body }));
        return call(`application ${name}`, 'write', send);
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
          const send = async () => servicePrincipalOf(await graph.send('POST', `${root}/servicePrincipals`, { body }));
          return await call(what, 'write', send);
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
          const list = async () => (await graph.list(credentials(id))).map(credentialOf);
          return found(call('credentials of the application', 'read', list));
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

/** As Graph has an application. @throws {Odd} */
function applicationOf(answer: unknown): Application {
  const body = tableIn(answer);
  const created = maybeMomentIn(body, 'createdDateTime');
  return {
    id: textIn(body, 'id'),
    clientId: textIn(body, 'appId'),
    name: textIn(body, 'displayName'),
    tags: textsIn(body, 'tags'),
    signInAudience: maybeTextIn(body, 'signInAudience') ?? 'AzureADMyOrg',
    hasOwnSecrets: ['passwordCredentials', 'keyCredentials'].some((key) => listIn(body[key] ?? []).length > 0),
    ...(created && { created }),
  };
}

/** @throws {Odd} */
function servicePrincipalOf(answer: unknown): ServicePrincipal {
  const body = tableIn(answer);
  return {
    id: textIn(body, 'id'),
    clientId: textIn(body, 'appId'),
    enabled: maybeFlagIn(body, 'accountEnabled') ?? true,
    tags: textsIn(body, 'tags'),
  };
}
