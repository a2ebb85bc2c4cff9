import { randomUUID } from 'node:crypto';
import { notImplemented } from '../exchange.ts';
import { type GraphAnswers, type Handler, type Parts, Refusal, type Reply, type Request } from '../parts.ts';
import { applicationRoutes } from './applications.ts';
import type { Json } from './call.ts';
import { bad, refusal } from './errors.ts';
import { federationRoutes } from './federation.ts';
import { objectRoutes } from './objects.ts';
import { servicePrincipalRoutes } from './service-principals.ts';
import { applicationOf, directoryOf, servicePrincipalOf } from './store.ts';

const AUDIENCES = ['https://graph.microsoft.com', '00000003-0000-0000-c000-000000000000'];
const routes = [...applicationRoutes, ...servicePrincipalRoutes, ...federationRoutes, ...objectRoutes];

/** The simulated Microsoft Graph, as far as applications go: the directory behind it is that of the simulated Entra. */
export function createGraph(parts: Parts): GraphAnswers & { readonly handler: Handler } {
  const now = () => parts.clock.now().getTime();

  const answer = async (request: Request): Promise<Reply> => {
    const path = /^\/v1\.0(\/.*)$/.exec(request.path)?.[1];
    const caller = await authenticated(request, parts);
    for (const route of path === undefined ? [] : routes) {
      const found = route.method === request.method ? route.path.exec(path!) : null;
      if (!found) continue;
      const params = Object.fromEntries(Object.entries(found.groups ?? {}).filter(([, value]) => value !== undefined));
      const { query } = request;
      const directory = directoryOf(parts);
      return route.run({ request, params, query, body: bodyOf(request), caller, parts, directory, now: now() });
    }
    return notImplemented(request);
  };

  return {
    async handler(request) {
      const ids = {
        'request-id': randomUUID(),
        'client-request-id': request.headers['client-request-id'] ?? randomUUID(),
        'cache-control': 'no-cache',
      };
      const reply = await answer(request).catch((error: unknown) => {
        if (error instanceof Refusal) return error.reply;
        throw error;
      });
      return { ...reply, headers: { ...ids, ...reply.headers } };
    },

    application(clientId, tenantId) {
      const directory = directoryOf(parts);
      const found = applicationOf(directory, clientId);
      if (!found || found.arrivesAt > now()) return undefined;
      const home = tenantId.toLowerCase() === parts.state.tenantId.toLowerCase();
      const principal = servicePrincipalOf(directory, clientId, tenantId);
      const known = principal && principal.arrivesAt <= now() && principal.accountEnabled ? principal : undefined;
      // Elsewhere it is known by its service principal alone, and only if it was opened to other tenants.
      if (
        !home &&
        (!known || !found.signInAudience.startsWith('AzureADM') || found.signInAudience === 'AzureADMyOrg')
      ) {
        return undefined;
      }
      const credentials = found.credentials.flatMap((credential) => {
        const trust = credential.arrivesAt <= now() ? credential : credential.before;
        return trust ? [trust] : [];
      });
      return {
        ...{ clientId: found.appId, tenantId, credentials },
        ...(known && { principalId: known.id }),
      };
    },
  };
}

/** The caller of a bearer token for Graph, or a 401 in its words. */
async function authenticated(request: Request, parts: Parts) {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const refuse = (message: string) => refusal(401, 'InvalidAuthenticationToken', message);
  if (!token) throw refuse('Access token is empty.');
  const caller = await parts.entra.verify(token);
  if (!caller) throw refuse('Access token validation failure. Invalid signature or lifetime.');
  if (!AUDIENCES.includes(caller.audience.replace(/\/+$/, ''))) {
    throw refuse('Access token validation failure. Invalid audience.');
  }
  return caller;
}

function bodyOf({ body }: Request): Json {
  if (body === '') return {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Json;
  } catch {
    // Refused below.
  }
  throw bad(
    'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
  );
}
