import type { FederatedIdentityCredential } from '@azure/arm-msi';
import { once } from '../memory.ts';
import { orAbsent } from '../trouble.ts';
import type { Azure, FederatedCredential, Resource } from './azure.ts';
import { partsOf } from './names.ts';
import { asked, found, type Memory, raw, type Shared } from './shared.ts';

/** The SDK's own, for the list that is read as it came. */
const VERSION = 'api-version=2024-11-30';

/** The SDK's client, made at its first use. */
const clientOf = (shared: Shared) =>
  once(async () => {
    const [{ ManagedServiceIdentityClient }, options] = await Promise.all([
      import('@azure/arm-msi'),
      shared.armOptions(),
    ]);
    const made = new ManagedServiceIdentityClient(shared.credential, shared.subscription, {
      ...options,
      $host: options.endpoint,
    });
    // Our own policy authorizes, by a clock that may be simulated.
    made.pipeline.removePolicy({ name: 'bearerTokenAuthenticationPolicy' });
    return made;
  });

/** User-assigned managed identities. */
export function identitiesOf(shared: Shared, memory: Memory): Azure['identities'] {
  const client = clientOf(shared);
  return {
    get: (id) =>
      memory(`identity ${id.toLowerCase()}`, async () => {
        const { group, name } = partsOf(id);
        const { userAssignedIdentities } = await client();
        return found(raw(id, shared, (options) => userAssignedIdentities.get(group, name, options)));
      }),
    list: (resourceGroup) =>
      memory(`identities ${resourceGroup.toLowerCase()}`, async () => {
        const { cloud, subscription, arm } = shared;
        const path = `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
        const url = `${cloud.resourceManager}${path}?${VERSION}`;
        return (await found(asked(url, shared, () => arm.list<Resource>(url)))) ?? [];
      }),
    async create(id, location, tags) {
      const { group, name } = partsOf(id);
      const { userAssignedIdentities } = await client();
      return raw(id, shared, (options) =>
        userAssignedIdentities.createOrUpdate(group, name, { location, tags: { ...tags } }, options),
      );
    },
    async delete(id) {
      const { group, name } = partsOf(id);
      const { userAssignedIdentities } = await client();
      await orAbsent(asked(id, shared, () => userAssignedIdentities.delete(group, name)));
    },
  };
}

/** What they trust. */
export function federationOfIdentities(shared: Shared, memory: Memory): Azure['federation'] {
  const client = clientOf(shared);
  return {
    list: (identityId) =>
      memory(`federation ${identityId.toLowerCase()}`, async () => {
        const { group, name } = partsOf(identityId);
        const { federatedIdentityCredentials } = await client();
        const listed = asked(`${identityId}/federatedIdentityCredentials`, shared, async () => {
          const all: FederatedCredential[] = [];
          for await (const each of federatedIdentityCredentials.list(group, name)) all.push(credentialOf(each));
          return all;
        });
        return found(listed);
      }),
    async put(identityId, credential) {
      const { group, name } = partsOf(identityId);
      const { issuer, subject, audiences } = credential;
      const { federatedIdentityCredentials } = await client();
      const answer = await asked(`${identityId}/federatedIdentityCredentials/${credential.name}`, shared, () =>
        federatedIdentityCredentials.createOrUpdate(group, name, credential.name, {
          issuer,
          subject,
          audiences: [...audiences],
        }),
      );
      return credentialOf(answer);
    },
    async delete(identityId, credentialName) {
      const { group, name } = partsOf(identityId);
      const { federatedIdentityCredentials } = await client();
      const id = `${identityId}/federatedIdentityCredentials/${credentialName}`;
      await orAbsent(asked(id, shared, () => federatedIdentityCredentials.delete(group, name, credentialName)));
    },
  };
}

function credentialOf(answer: FederatedIdentityCredential): FederatedCredential {
  return {
    name: answer.name ?? '',
    issuer: answer.issuer ?? '',
    subject: answer.subject ?? '',
    audiences: answer.audiences ?? [],
  };
}
