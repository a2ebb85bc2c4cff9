import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { Secret } from '../secret.ts';
import { Problem } from '../trouble.ts';
import type { Azure } from './azure.ts';
import { nameOf, partsOf } from './names.ts';
import { follow, rawBody, witness } from './operation.ts';
import { asked, found, type Memory, raw, resourceOf, resourcesOf, type Shared } from './shared.ts';

/** The SDK's own, for the list that is read as it came. */
const VERSION = 'api-version=2026-06-01';

/** Managed clusters, by the SDK's client; bodies are the wire's. */
export function clustersOf(shared: Shared, memory: Memory): Azure['clusters'] {
  const api = async () => ({
    ...(await import('@azure/arm-containerservice/api/managedClusters')),
    ...(await import('@azure/arm-containerservice/api')),
  });
  const context = async (...policies: PipelinePolicy[]) => {
    const { createContainerService } = await api();
    // No credential: our own policy authorizes, by a clock that may be simulated.
    return createContainerService(undefined as never, shared.subscription, await shared.armOptions(...policies));
  };

  return {
    get: (id) =>
      memory(`cluster ${id.toLowerCase()}`, async () => {
        const { group, name } = partsOf(id);
        const [{ get }, client] = await Promise.all([api(), context()]);
        return found(raw(id, shared, (options) => get(client, group, name, options)));
      }),

    list: () =>
      memory('clusters', async () => {
        const { cloud, subscription, arm } = shared;
        const path = `/subscriptions/${subscription}/providers/Microsoft.ContainerService/managedClusters`;
        const url = `${cloud.resourceManager}${path}?${VERSION}`;
        return (await found(asked(url, shared, async () => resourcesOf(await arm.list(url))))) ?? [];
      }),

    async put(id, body, ifMatch) {
      const { group, name } = partsOf(id);
      const { policy, last } = witness();
      const [{ createOrUpdate }, client] = await Promise.all([api(), context(rawBody(body), policy)]);
      const { clock, signal } = shared.transport;
      const done = await asked(id, shared, () => {
        const location = (body as { location?: string }).location ?? '';
        // The model's part of the body is never sent (rawBody); it only has to be a valid one.
        const poller = createOrUpdate(client, group, name, { location }, ifMatch === undefined ? {} : { ifMatch });
        return follow(poller, { last, clock, signal, resource: nameOf(id) });
      });
      return resourceOf(done, id);
    },

    credentials: (id) =>
      memory(`credentials ${id.toLowerCase()}`, async () => {
        const { group, name } = partsOf(id);
        const [{ listClusterUserCredentials }, client] = await Promise.all([api(), context()]);
        return asked(id, shared, async () => {
          const { kubeconfigs } = await listClusterUserCredentials(client, group, name, { format: 'exec' });
          const value = kubeconfigs?.[0]?.value;
          if (value instanceof Uint8Array && value.length > 0) return new Secret(Buffer.from(value).toString('utf8'));
          throw new Problem('broken', nameOf(id), `${nameOf(id)} gave no credentials.`);
        });
      }),
  };
}
