import { createHmac } from 'node:crypto';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Lab } from './lab.ts';

export const AUDIENCE = 'api://AzureADTokenExchange';

/** An issuer of the lab's own, whose tokens can be as wrong as one likes. */
export interface Mint {
  /** As its tokens bear it, with a slash at its end. */
  readonly url: string;
  readonly subject: string;
  /** A token that is right, but for what is said. A claim of `undefined` is left out. */
  token(claims?: Readonly<Record<string, unknown>>, signed?: Signed): Promise<string>;
}

export interface Signed {
  readonly kid?: string | undefined;
  /** `stranger`: a key that nobody publishes. `elliptic`: one that is published. `none`, `public key`: no signature at all. */
  readonly by?: 'its key' | 'stranger' | 'elliptic' | 'none' | 'public key';
}

const HOST = 'https://westeurope.oic.prod-aks.azure.com';
const encoded = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** @param called what its own document calls it, where that is not its address */
export async function openMint(lab: Lab, name: string, called?: string): Promise<Mint> {
  const url = `${HOST}/mints/${name}/`;
  const subject = `system:serviceaccount:${name}:${name}`;
  const [own, stranger, elliptic] = [
    ...[await generateKeyPair('RS256'), await generateKeyPair('RS256')],
    await generateKeyPair('ES256'),
  ] as const;
  const published = async (key: Parameters<typeof exportJWK>[0], kid: string, alg: string): Promise<JWK> => ({
    ...(await exportJWK(key)),
    ...{ kid, alg, use: 'sig' },
  });
  const keys = [
    await published(own.publicKey, 'own', 'RS256'),
    await published(elliptic.publicKey, 'elliptic', 'ES256'),
  ];
  const documents: Readonly<Record<string, object>> = {
    '.well-known/openid-configuration': {
      ...{ issuer: called ?? url, jwks_uri: `${url}openid/v1/jwks` },
      ...{ response_types_supported: ['id_token'], subject_types_supported: ['public'] },
      id_token_signing_alg_values_supported: ['RS256'],
    },
    'openid/v1/jwks': { keys },
  };
  lab.publish({ url, published: async (rest) => (documents[rest] ? JSON.stringify(documents[rest]) : undefined) });

  return {
    url,
    subject,
    async token(claims = {}, { by = 'its key', ...header } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const usual = { iss: url, sub: subject, aud: [AUDIENCE], iat: now, nbf: now - 60, exp: now + 3600 };
      const payload = JSON.parse(JSON.stringify({ ...usual, ...claims }));
      const kid = 'kid' in header ? header.kid : by === 'elliptic' ? 'elliptic' : 'own';
      const head = (alg: string) => ({ alg, typ: 'JWT', ...(kid && { kid }) });
      if (by === 'none') return `${encoded(head('none'))}.${encoded(payload)}.`;
      if (by === 'public key') {
        const text = `${encoded(head('HS256'))}.${encoded(payload)}`;
        const pem = await exportSPKI(own.publicKey);
        return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
      }
      const key = { 'its key': own, stranger, elliptic }[by].privateKey;
      return new SignJWT(payload).setProtectedHeader(head(by === 'elliptic' ? 'ES256' : 'RS256')).sign(key);
    },
  };
}

/** What Entra makes of an assertion: the number of its refusal with what it says, or `accepted`. */
export async function presentedTo(
  lab: Lab,
  of: { readonly tenant?: string; readonly clientId: string; readonly assertion: string },
): Promise<{ readonly accepted: boolean; readonly code?: number; readonly said: string }> {
  const host = 'login.microsoftonline.com';
  const { body } = await lab.sandbox.parts.dispatch({
    ...{ method: 'POST', host, path: `/${of.tenant ?? lab.sandbox.parts.state.tenantId}/oauth2/v2.0/token` },
    query: new URLSearchParams(),
    headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      ...{ grant_type: 'client_credentials', scope: 'https://vault.azure.net/.default', client_id: of.clientId },
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: of.assertion,
    }).toString(),
  });
  const { access_token, error_codes, error_description } = body as {
    readonly access_token?: string;
    readonly error_codes?: readonly number[];
    readonly error_description?: string;
  };
  if (access_token) return { accepted: true, said: 'accepted' };
  const [code] = error_codes ?? [];
  return { accepted: false, ...(code && { code }), said: (error_description ?? '').split(' Trace ID')[0]! };
}
