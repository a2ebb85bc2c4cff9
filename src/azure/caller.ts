import type { TokenCredential } from '@azure/identity';
import { claimsOf } from '../claims.ts';
import { Problem } from '../trouble.ts';
import type { Caller, Cloud } from './azure.ts';

/** Who is signed in, by the claims of the token for Resource Manager ("Access token claims reference" of Entra). */
export async function callerOf(credential: TokenCredential, cloud: Cloud): Promise<Caller> {
  const token = (await credential.getToken(cloud.resourceManagerScope))?.token ?? '';
  const claims = claimsOf(token);
  const text = (...names: string[]) =>
    names.map((name) => claims[name]).find((value) => typeof value === 'string' && value);
  const objectId = text('oid', 'sub');
  const tenantId = text('tid');
  if (typeof objectId !== 'string' || typeof tenantId !== 'string') {
    throw new Problem('broken', 'sign-in', 'The token for Resource Manager does not say whose it is.');
  }
  const person = text('upn', 'unique_name', 'preferred_username', 'email');
  const kind = claims.idtyp === 'app' || (!person && !claims.scp) ? 'ServicePrincipal' : 'User';
  const application = text('app_displayname', 'appid', 'azp');
  return { name: String((kind === 'User' && person) || application || objectId), objectId, tenantId, kind };
}
