import { deny } from './refusals.ts';

/** What tokens can be asked for, without trailing slash: the name, or the id of the application. */
const RESOURCES: ReadonlySet<string> = new Set([
  'https://vault.azure.net',
  'cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
  'https://management.azure.com',
  'https://management.core.windows.net',
  '797f4846-ba00-4fd7-ba43-dac1f8f63013',
  'https://graph.microsoft.com',
  '00000003-0000-0000-c000-000000000000',
  '6dae42f8-4368-4678-94ff-3960e28e3630', // server application of every AKS cluster that signs in by Entra
]);

/** MSAL for Go adds these to every request; without a user they mean nothing. */
const OPENID = new Set(['openid', 'profile', 'offline_access', 'email']);

const DEFAULT = '/.default';

/** The resource that a `scope` names, as it will stand in `aud` (a trailing slash that was asked for stays). */
export function resourceOf(scope: string, tenantId: string): string {
  const asked = scope.split(' ').filter((part) => part !== '' && !OPENID.has(part));
  const first = asked[0] ?? scope;
  if (asked.length > 1) {
    return deny(
      70011,
      "The provided request must include a 'scope' input parameter. The provided value for the input parameter " +
        `'scope' is not valid. The scope ${scope} is not valid.`,
    );
  }
  if (!first.endsWith(DEFAULT)) {
    return deny(
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with ` +
        '/.default suffixed to the resource identifier (application ID URI).',
    );
  }
  const resource = first.slice(0, -DEFAULT.length);
  if (RESOURCES.has(resource.replace(/\/$/, '').toLowerCase())) return resource;
  return deny(
    500011,
    `The resource principal named ${resource} was not found in the tenant named ${tenantId}. This can happen if the ` +
      'application has not been installed by the administrator of the tenant or consented to by any user in the ' +
      'tenant. You might have sent your authentication request to the wrong tenant.',
  );
}
