import { once } from '../memory.ts';
import { tableIn } from '../shape.ts';
import { orAbsent } from '../trouble.ts';
import type { Azure } from './azure.ts';
import { partsOf } from './names.ts';
import { asked, credentialOf, found, type Memory, raw, resourcesOf, type Shared } from './shared.ts';

/** The SDK's own, for the lists that are read as they came. */
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
        return (await found(asked(url, shared, async () => resourcesOf(await arm.list(url))))) ?? [];
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
      memory(`federation ${identityId.toLowerCase()}`, () => {
        const { cloud, arm } = shared;
        const url = `${cloud.resourceManager}${identityId}/federatedIdentityCredentials?${VERSION}`;
        // Not by the SDK, which follows next pages for ever.
        const list = async () => (await arm.list(url)).map(trustOf);
        return found(asked(url, shared, list));
      }),
    async put(identityId, credential) {
      const { group, name } = partsOf(identityId);
      const { issuer, subject, audiences } = credential;
      const { federatedIdentityCredentials } = await client();
      const id = `${identityId}/federatedIdentityCredentials/${credential.name}`;
      const body = { issuer, subject, audiences: [...audiences] };
      const answer = await raw(id, shared, (options) =>
        federatedIdentityCredentials.createOrUpdate(group, name, credential.name, body, options),
      );
      return asked(id, shared, async () => trustOf(answer));
    },
    async delete(identityId, credentialName) {
      const { group, name } = partsOf(identityId);
      const { federatedIdentityCredentials } = await client();
      const id = `${identityId}/federatedIdentityCredentials/${credentialName}`;
      await orAbsent(asked(id, shared, () => federatedIdentityCredentials.delete(group, name, credentialName)));
    },
  };
}

/** A credential as Resource Manager has it. */
const trustOf = (answer: unknown) => {
  const { name, properties } = tableIn(answer);
  return credentialOf({ ...tableIn(properties), name });
};
