import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader } from 'jose';
import type { ArmIdentity, Parts } from '../parts.ts';
import { keysOf } from './issuer.ts';
import { deny } from './refusals.ts';
import { resourceOf } from './scope.ts';

const BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const FEDERATION = 'https://learn.microsoft.com/entra/workload-id/workload-identity-federation';
const CHECK = `Check your federated identity credential Subject, Audience and Issuer against the presented assertion. ${FEDERATION}`;

/** Who signs in: a managed identity, or an application (which is no resource and has no `id`). */
export type Client = Omit<ArmIdentity, 'id'> & { readonly id?: string };

interface Assertion {
  readonly token: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly keyId: string;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly expires: number;
}

/**
 * Judges a request for a token in Entra's order: client, assertion, credential (issuer, subject, audience), signature,
 * time, scope. Answers whom the token is for and for what; throws `Denied` with Entra's number otherwise.
 */
export async function exchange(
  tenantId: string,
  form: URLSearchParams,
  parts: Parts,
): Promise<{ readonly identity: Client; readonly resource: string }> {
  const grant = required(form, 'grant_type');
  if (grant !== 'client_credentials') deny(70003, `The app requested an unsupported grant type '${grant}'.`);
  const identity = knownClient(tenantId, required(form, 'client_id'), parts);
  const assertion = parse(presented(form, identity.clientId));
  matchCredential(identity, assertion);
  await checkSignature(assertion, identity.clientId, parts);
  checkTime(assertion, parts.clock.now());
  checkConditions(identity, parts);
  return { identity, resource: resourceOf(required(form, 'scope'), tenantId) };
}

function required(form: URLSearchParams, name: string): string {
  return form.get(name) || deny(900144, `The request body must contain the following parameter: '${name}'.`);
}

function knownClient(tenantId: string, clientId: string, parts: Parts): Client {
  const identity = parts.arm.identityByClientId(clientId.toLowerCase());
  if (identity?.tenantId.toLowerCase() === tenantId) return identity;
  const application = parts.graph.application(clientId.toLowerCase(), tenantId);
  if (application) {
    const { principalId } = application;
    if (principalId) return { ...application, principalId };
    return deny(
      7000229,
      `The client application '${clientId}' is missing service principal in the tenant '${tenantId}'. See instructions ` +
        'here: https://go.microsoft.com/fwlink/?linkid=2225119',
    );
  }
  return deny(
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${tenantId}'. This can happen if the ` +
      'application has not been installed by the administrator of the tenant or consented to by any user in the ' +
      'tenant. You may have sent your authentication request to the wrong tenant.',
  );
}

function presented(form: URLSearchParams, clientId: string): string {
  const assertion = form.get('client_assertion');
  if (assertion && form.get('client_assertion_type') === BEARER) return assertion;
  if (form.has('client_secret')) {
    return deny(
      7000215,
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not ' +
        `the client secret ID, for a secret added to app '${clientId}'.`,
    );
  }
  return deny(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
}

function parse(token: string): Assertion {
  try {
    const { iss, sub, aud, nbf, exp } = decodeJwt(token);
    const { kid } = decodeProtectedHeader(token);
    if (typeof iss === 'string' && typeof sub === 'string' && aud !== undefined && typeof exp === 'number') {
      return {
        token,
        issuer: iss,
        subject: sub,
        audiences: [aud].flat(),
        keyId: kid ?? '',
        notBefore: nbf ?? 0,
        expires: exp,
      };
    }
  } catch {
    // said below, as for every token that is not one
  }
  return deny(50027, 'JWT token is invalid or malformed.');
}

/** Byte for byte; no credential at all has a code of its own, and so has a difference in case alone. */
function matchCredential(identity: Client, { issuer, subject, audiences }: Assertion): void {
  if (/^https:\/\/(sts\.windows\.net|login\.microsoftonline\.com)\//i.test(issuer)) {
    deny(700222, 'AAD-issued tokens may not be used for federated identity flows.');
  }
  const none = 'No matching federated identity record found for presented assertion';
  if (identity.credentials.length === 0) {
    deny(
      70021,
      `${none}. Assertion Issuer: '${issuer}'. Assertion Subject: '${subject}'. ` +
        `Assertion Audience: '${audiences.join(', ')}'. ${FEDERATION}`,
    );
  }
  const byIssuer = identity.credentials.filter((credential) => credential.issuer === issuer);
  if (byIssuer.length === 0) {
    if (identity.credentials.some((credential) => sameButCase(credential.issuer, issuer))) caseOnly('issuer', issuer);
    deny(700211, `${none} issuer '${issuer}'. ${CHECK}`);
  }
  const bySubject = byIssuer.filter((credential) => credential.subject === subject);
  if (bySubject.length === 0) {
    if (byIssuer.some((credential) => sameButCase(credential.subject, subject))) caseOnly('subject', subject);
    deny(700213, `${none} subject '${subject}'. ${CHECK}`);
  }
  if (!bySubject.some((credential) => credential.audiences.some((audience) => audiences.includes(audience)))) {
    deny(700212, `${none} audience '${audiences.join(', ')}'. ${CHECK}`);
  }
}

/** Conditional Access for workload identities, which covers applications of the tenant and no managed identity. */
function checkConditions({ clientId, id }: Client, { state }: Parts): void {
  const blocked = (state.entra.blocked ?? []) as readonly string[];
  if (id !== undefined || !blocked.includes(clientId)) return;
  deny(
    53003,
    'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
  );
}

const sameButCase = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

function caseOnly(part: 'issuer' | 'subject', value: string): never {
  return deny(
    7002138,
    `No matching federated identity record found for presented assertion ${part} '${value}'. The ${part} matches with ` +
      'case-insensitive comparison, but not with case-sensitive comparison. Check your federated identity credential ' +
      `Subject, Audience and Issuer against the presented assertion. See documentation at: ${FEDERATION}. See breaking ` +
      'change notification and remediation at: ' +
      'https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes#august-2024.',
  );
}

async function checkSignature({ token, issuer, keyId }: Assertion, clientId: string, parts: Parts): Promise<void> {
  const keys = await keysOf(issuer, parts);
  try {
    // The signature alone: time is judged after it, with a code of its own.
    await compactVerify(token, createLocalJWKSet(keys), { algorithms: ['RS256'] });
  } catch {
    const found = keys.keys.some((key) => key.kid === keyId);
    const reason = found
      ? 'The provided signature value did not match the expected signature value.'
      : 'The key was not found.';
    deny(
      700027,
      `Client assertion contains an invalid signature. [Reason - ${reason}, Thumbprint of key used by client: ` +
        `'${keyId}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for ` +
        `app Id '${clientId}'.]`,
    );
  }
}

function checkTime({ notBefore, expires }: Assertion, now: Date): void {
  const seconds = now.getTime() / 1000;
  if (notBefore <= seconds && seconds < expires) return;
  const spelt = (time: number): string => new Date(time * 1000).toISOString().replace('Z', '0000Z');
  deny(
    700024,
    `Client assertion is not within its valid time range. Current time: ${spelt(seconds)}, assertion valid from ` +
      `${spelt(notBefore)}, expiry time of assertion ${spelt(expires)}. Review the documentation at ` +
      'https://learn.microsoft.com/entra/identity-platform/certificate-credentials .',
  );
}
