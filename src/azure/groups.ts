import { type Table, tableIn, textIn } from '../shape.ts';
import { orAbsent } from '../trouble.ts';
import type { Azure } from './azure.ts';
import { asked, type Memory, resourceOf, type Shared } from './shared.ts';

const VERSION = 'api-version=2021-04-01';

/** The subscription itself, its resource groups and its registered providers: few calls, for which a client is not worth its size. */
export function groupsOf(shared: Shared, memory: Memory): Pick<Azure, 'describe' | 'groups' | 'providers'> {
  const { arm, cloud, subscription } = shared;
  const base = `${cloud.resourceManager}/subscriptions/${subscription}`;
  const send = (method: 'PUT' | 'POST', path: string, body?: unknown) => {
    const url = `${base}${path}?${VERSION}`;
    return asked(url, shared, () => arm.send(method, url, { body }));
  };
  const look = <T>(path: string, read: (answer: Table) => T): Promise<T> => {
    const url = `${base}${path}?${VERSION}`;
    return asked(url, shared, async () => read(tableIn(await arm.send('GET', url))));
  };
  const groupOf = (body: unknown, name: string) =>
    resourceOf({ properties: {}, ...(body as object) }, `/subscriptions/${subscription}/resourceGroups/${name}`);

  return {
    describe: () =>
      memory('subscription', () =>
        look('', (answer) => ({ name: textIn(answer, 'displayName'), tenantId: textIn(answer, 'tenantId') })),
      ),

    groups: {
      get: (name) =>
        memory(`group ${name.toLowerCase()}`, () =>
          orAbsent(look(`/resourceGroups/${name}`, (answer) => groupOf(answer, name))),
        ),
      async create(name, location, tags) {
        return groupOf(await send('PUT', `/resourceGroups/${name}`, { location, tags }), name);
      },
    },

    providers: {
      state: (namespace) =>
        memory(`provider ${namespace.toLowerCase()}`, () =>
          look(`/providers/${namespace}`, (answer) => textIn(answer, 'registrationState')),
        ),
      async register(namespace) {
        await send('POST', `/providers/${namespace}/register`);
      },
    },
  };
}
