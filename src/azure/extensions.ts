import { Odd } from '../shape.ts';
import { orAbsent } from '../trouble.ts';
import type { Azure } from './azure.ts';
import { nameOf } from './names.ts';
import { follow } from './operation.ts';
import type { Answer, Rest } from './rest.ts';
import { asked, isUnregistered, type Memory, resourceOf, resourcesOf, type Shared } from './shared.ts';

const VERSION = 'api-version=2025-03-01';

/** Extensions of a cluster, of the provider Microsoft.KubernetesConfiguration: two calls, for which a client is not worth its size. */
export function extensionsOf(shared: Shared, memory: Memory): Azure['extensions'] {
  const { arm, cloud, transport } = shared;
  const idOf = (clusterId: string) => `${clusterId}/providers/Microsoft.KubernetesConfiguration/extensions`;
  const urlOf = (id: string) => `${cloud.resourceManager}${id}?${VERSION}`;

  return {
    list: (clusterId) =>
      memory(`extensions ${clusterId.toLowerCase()}`, async () => {
        const url = urlOf(idOf(clusterId));
        try {
          return await orAbsent(asked(url, shared, async () => resourcesOf(await arm.list(url))));
        } catch (error) {
          // Without the provider there is none, and some say so with a 409.
          if (isUnregistered(error)) return [];
          throw error;
        }
      }),

    async put(clusterId, name, body) {
      const id = `${idOf(clusterId)}/${name}`;
      const url = urlOf(id);
      const { clock, signal } = transport;
      const operation = operationOf(arm, url, body);
      return asked(id, shared, async () => {
        await follow(operation, { last: operation.last, clock, signal, resource: nameOf(id) });
        return resourceOf(await arm.send('GET', url), id);
      });
    },
  };
}

/**
 * A PUT and the operation that it begins: at the address of `Azure-AsyncOperation`, or else the resource itself, whose
 * `provisioningState` and `errorInfo` say the same.
 */
function operationOf(arm: Rest, url: string, body: unknown) {
  let at = url;
  let last: Answer | undefined;
  let isDone = false;
  const see = (answer: Answer): void => {
    last = answer;
    const { status, properties } = (answer.body ?? {}) as Shown;
    const state = status ?? properties?.provisioningState;
    if (typeof state !== 'string') throw new Odd('it does not say what became of it');
    isDone = /^(succeeded|failed|cancell?ed)$/i.test(state);
  };
  return {
    get isDone() {
      return isDone;
    },
    async submitted() {
      const answer = await arm.answer('PUT', url, { body });
      const operation = answer.header('azure-asyncoperation');
      if (operation) last = answer;
      else see(answer);
      at = operation ?? url;
    },
    async poll() {
      see(await arm.answer('GET', at));
    },
    last() {
      if (!last) return undefined;
      const shown = (last.body ?? {}) as Shown;
      const { errorInfo } = shown.properties ?? {};
      return {
        body: { ...shown, ...(errorInfo && { error: errorInfo }) },
        retryAfter: last.header('retry-after'),
        requestId: last.header('x-ms-request-id'),
      };
    },
  };
}

/** The status of an operation, or a resource. */
interface Shown {
  readonly status?: string;
  readonly properties?: { readonly provisioningState?: string; readonly errorInfo?: object };
}
