import type { EntraAnswers, Handler, Parts, Reply, Request } from '../parts.ts';
import { exchange } from './exchange.ts';
import { createSigner, LIFETIME } from './keys.ts';
import { Denied, deny, replyOf } from './refusals.ts';

const HOST = 'https://login.microsoftonline.com';
const ALIASES = ['login.microsoftonline.com', 'login.windows.net', 'login.microsoft.com', 'sts.windows.net'];

/** The simulated Entra: discovery, its keys, the token endpoint; and what the other parts ask of it. */
export function createEntra(parts: Parts): EntraAnswers & { readonly handler: Handler } {
  const signer = createSigner(parts);

  /** The tenant of the path; 900023 and 90002 as Entra says them. */
  const tenantIn = (name: string): string => {
    const others = parts.state.entra.tenants;
    const known = [parts.state.tenantId, ...(Array.isArray(others) ? (others as string[]) : [])];
    const tenant = known.find((id) => id.toLowerCase() === name.toLowerCase());
    if (tenant) return tenant.toLowerCase();
    if (!/^[0-9a-f-]{36}$/i.test(name) && !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(name)) {
      return deny(
        900023,
        `Specified tenant identifier '${name}' is neither a valid DNS name, nor a valid external domain.`,
      );
    }
    return deny(
      90002,
      `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct ` +
        'cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for ' +
        'the tenant.',
    );
  };

  const token = async (tenantId: string, request: Request): Promise<Reply> => {
    const { identity, resource } = await exchange(tenantId, new URLSearchParams(request.body), parts);
    const principal = { objectId: identity.principalId, tenantId, appId: identity.clientId };
    const access = await signer.sign(principal, resource, identity.id ? { xms_mirid: identity.id } : {});
    return {
      status: 200,
      headers: { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' },
      body: { token_type: 'Bearer', expires_in: LIFETIME, ext_expires_in: LIFETIME, access_token: access },
    };
  };

  const routes: readonly (readonly [string, RegExp, (tenant: string, request: Request) => Promise<Reply> | Reply])[] = [
    ['GET', /^\/common\/(discovery)\/instance$/, (_, request) => instance(request)],
    ['GET', /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/, (tenant) => discovery(tenantIn(tenant))],
    [
      'GET',
      /^\/([^/]+)\/discovery\/v2\.0\/keys$/,
      async (tenant) => {
        tenantIn(tenant);
        return { status: 200, body: { keys: [await signer.published()] } };
      },
    ],
    ['POST', /^\/([^/]+)\/oauth2\/v2\.0\/token$/, (tenant, request) => token(tenantIn(tenant), request)],
  ];

  return {
    sign: (principal, audience) => signer.sign(principal, audience),
    verify: signer.verify,

    async handler(request) {
      try {
        for (const [method, path, answer] of routes) {
          const found = path.exec(request.path);
          if (found && request.method === method) return await answer(found[1] as string, request);
        }
        return notSimulated(request);
      } catch (error) {
        if (error instanceof Denied) return replyOf(error, request, parts.clock.now());
        throw error;
      }
    },
  };
}

/** What MSAL asks before it trusts an authority; without the aliases it never finds a cached token again. */
function instance(request: Request): Reply {
  const asked = request.query.get('authorization_endpoint') ?? '';
  const [, host, tenant] = /^https:\/\/([^/]+)\/([^/]+)\/oauth2\//.exec(asked) ?? [];
  if (!host || !ALIASES.includes(host)) {
    return deny(50049, `Unknown or invalid instance '${host ?? asked}'.`);
  }
  return {
    status: 200,
    body: {
      tenant_discovery_endpoint: `${HOST}/${tenant}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [{ preferred_network: ALIASES[0], preferred_cache: 'login.windows.net', aliases: ALIASES }],
    },
  };
}

function discovery(tenantId: string): Reply {
  return {
    status: 200,
    body: {
      token_endpoint: `${HOST}/${tenantId}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      jwks_uri: `${HOST}/${tenantId}/discovery/v2.0/keys`,
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      issuer: `${HOST}/${tenantId}/v2.0`,
      authorization_endpoint: `${HOST}/${tenantId}/oauth2/v2.0/authorize`,
      tenant_region_scope: 'EU',
      cloud_instance_name: 'microsoftonline.com',
    },
  };
}

/** 501 is the one server error that the Azure SDKs do not try again. */
function notSimulated(request: Request): Reply {
  return {
    status: 501,
    body: {
      error: 'not_simulated',
      error_description: `The sandbox's Entra does not know ${request.method} ${request.path}.`,
    },
  };
}
