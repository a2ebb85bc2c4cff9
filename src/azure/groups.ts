import { orAbsent } from '../trouble.ts';
import type { Azure } from './azure.ts';
import { asked, type Memory, resourceOf, type Shared } from './shared.ts';

const VERSION = 'api-version=2021-04-01';

/** The subscription itself, its resource groups and its registered providers: few calls, for which a client is not worth its size. */
export function groupsOf(shared: Shared, memory: Memory): Pick<Azure, 'describe' | 'groups' | 'providers'> {
  const { arm, cloud, subscription } = shared;
  const base = `${cloud.resourceManager}/subscriptions/${subscription}`;
  const send = (method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown) => {
    const url = `${base}${path}?${VERSION}`;
    return asked(url, shared, () => arm.send(method, url, { body }));
  };
  const groupOf = (body: unknown, name: string) =>
    resourceOf({ properties: {}, ...(body as object) }, `/subscriptions/${subscription}/resourceGroups/${name}`);

  return {
    describe: () =>
      memory('subscription', async () => {
        const { displayName, tenantId } = (await send('GET', '')) as { displayName: string; tenantId: string };
        return { name: displayName, tenantId };
      }),

    groups: {
      get: (name) =>
        memory(`group ${name.toLowerCase()}`, async () => {
          const body = await orAbsent(send('GET', `/resourceGroups/${name}`));
          return body === undefined ? undefined : groupOf(body, name);
        }),
      async create(name, location, tags) {
        return groupOf(await send('PUT', `/resourceGroups/${name}`, { location, tags }), name);
      },
    },

    providers: {
      state: (namespace) =>
        memory(`provider ${namespace.toLowerCase()}`, async () => {
          const { registrationState } = (await send('GET', `/providers/${namespace}`)) as { registrationState: string };
          return registrationState;
        }),
      async register(namespace) {
        await send('POST', `/providers/${namespace}/register`);
      },
    },
  };
}
