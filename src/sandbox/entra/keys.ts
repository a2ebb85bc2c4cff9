import { randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import type { Parts, Principal } from '../parts.ts';

/** Seconds. What Entra gives tokens of managed identities. */
export const LIFETIME = 86_399;

/** The client that a user's token names: the Azure CLI. */
const AZURE_CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

/** The key that signs all of this Entra's tokens: made once, kept in the state. */
export interface Signer {
  sign(principal: Omit<Principal, 'audience'>, audience: string, more?: Record<string, unknown>): Promise<string>;
  verify(token: string): Promise<Principal | undefined>;
  /** The public half, as published. */
  published(): Promise<JWK>;
}

export const issuerOf = (tenantId: string): string => `https://sts.windows.net/${tenantId}/`;

export function createSigner(parts: Parts): Signer {
  let making: Promise<JWK> | undefined;
  const seconds = (): number => Math.floor(parts.clock.now().getTime() / 1000);

  const secretKey = (): Promise<JWK> => {
    const kept = parts.state.entra.key as JWK | undefined;
    if (kept) return Promise.resolve(kept);
    making ??= makeKey().then((key) => {
      making = undefined;
      parts.state.entra.key = key;
      parts.save();
      return key;
    });
    return making;
  };
  const published = async (): Promise<JWK> => {
    const { kid, kty, n, e } = (await secretKey()) as Required<Pick<JWK, 'kid' | 'kty' | 'n' | 'e'>>;
    return { kid, kty, n, e, use: 'sig', x5t: kid };
  };

  return {
    published,

    async sign({ objectId, tenantId, appId, name }, audience, more = {}) {
      const key = await secretKey();
      const now = seconds();
      const who = appId
        ? { appid: appId, appidacr: '2', idtyp: 'app', ...(name && { app_displayname: name }) }
        : {
            appid: AZURE_CLI,
            appidacr: '0',
            idtyp: 'user',
            scp: 'user_impersonation',
            name,
            upn: name,
            unique_name: name,
          };
      return new SignJWT({
        ...who,
        ...more,
        idp: issuerOf(tenantId),
        oid: objectId,
        tid: tenantId,
        uti: randomUUID(),
        ver: '1.0',
      })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.kid as string, x5t: key.kid as string })
        .setAudience(audience)
        .setIssuer(issuerOf(tenantId))
        .setSubject(objectId)
        .setIssuedAt(now - 300)
        .setNotBefore(now - 300)
        .setExpirationTime(now + LIFETIME)
        .sign(await importJWK(key, 'RS256'));
    },

    async verify(token) {
      try {
        const key = await importJWK(await published(), 'RS256');
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['RS256'],
          currentDate: parts.clock.now(),
          requiredClaims: ['exp', 'aud', 'oid', 'tid'],
        });
        const { oid, tid, aud, appid, idtyp, name, app_displayname } = payload as Record<string, string>;
        if (payload.iss !== issuerOf(tid as string) || typeof aud !== 'string') return undefined;
        const shown = app_displayname ?? name;
        return {
          objectId: oid as string,
          tenantId: tid as string,
          audience: aud,
          ...(idtyp === 'app' && appid && { appId: appid }),
          ...(shown && { name: shown }),
        };
      } catch {
        return undefined; // whatever is wrong with it: nobody
      }
    },
  };
}

async function makeKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = await exportJWK(privateKey);
  return { ...key, kid: await calculateJwkThumbprint(key) };
}
