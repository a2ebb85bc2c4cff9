import type { JSONWebKeySet } from 'jose';
import type { Parts, Reply } from '../parts.ts';
import { deny } from './refusals.ts';

/**
 * The keys that an issuer publishes, by ordinary OpenID discovery. Read anew at every exchange (Entra keeps them for
 * some time), so a rotated key counts at once.
 * Throws 90061 when the discovery document cannot be read or is another issuer's, 50166 when the keys cannot.
 */
export async function keysOf(issuer: string, parts: Parts): Promise<JSONWebKeySet> {
  const document = await read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, parts);
  if (typeof document?.jwks_uri !== 'string' || document.issuer !== issuer) {
    return deny(90061, 'Request to External OIDC endpoint failed.');
  }
  const keys = await read(document.jwks_uri, parts);
  if (!Array.isArray(keys?.keys)) return deny(50166, 'Request to External OIDC endpoint failed.');
  return { keys: keys.keys };
}

async function read(address: string, parts: Parts): Promise<Record<string, unknown> | undefined> {
  try {
    const url = new URL(address);
    if (url.protocol !== 'https:') return undefined;
    const reply = await parts.dispatch({
      method: 'GET',
      host: url.hostname,
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: { host: url.hostname, accept: 'application/json' },
      body: '',
    });
    return reply.status === 200 ? objectIn(reply) : undefined;
  } catch {
    return undefined; // no such host, no such address, not JSON: it cannot be read
  }
}

function objectIn(reply: Reply): Record<string, unknown> | undefined {
  const body: unknown = typeof reply.body === 'string' ? JSON.parse(reply.body) : reply.body;
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
}
