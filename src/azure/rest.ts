import { once } from '../memory.ts';
import type { Secret } from '../secret.ts';
import type { PolicyOptions, Transport } from './transport.ts';

/** More pages than any list has that we ask for; a chain that is longer never ends. */
const PAGES = 200;

interface Ask {
  /** JSON. */
  readonly body?: unknown;
  /** Sent instead of the credential's token. */
  readonly bearer?: Secret;
}

/** Calls that no client models, over the transport of the clients. */
export interface Rest {
  /** One request; its JSON, `undefined` for an empty answer. Throws a `Problem` for 400 and above. */
  send(method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, ask?: Ask): Promise<unknown>;
  /** All items of a paged list (`value`, `nextLink`). A link to another host is refused, and so is a chain without end. */
  list<T>(url: string, ask?: Pick<Ask, 'bearer'>): Promise<T[]>;
}

export function createRest(transport: Transport, options: PolicyOptions = {}): Rest {
  const pipeline = once(async () => {
    const { createPipelineFromOptions } = await import('@azure/core-rest-pipeline');
    const { additionalPolicies, httpClient, ...rest } = await transport.clientOptions(transport.policy(options));
    const made = createPipelineFromOptions(rest);
    for (const { policy } of additionalPolicies) made.addPolicy(policy, { afterPhase: 'Sign' });
    return { pipeline: made, httpClient };
  });
  const rest: Rest = {
    async send(method, url, { body, bearer } = {}) {
      const { createHttpHeaders, createPipelineRequest } = await import('@azure/core-rest-pipeline');
      const headers = createHttpHeaders({ accept: 'application/json' });
      if (body !== undefined) headers.set('content-type', 'application/json');
      if (bearer) headers.set('authorization', `Bearer ${bearer.reveal()}`);
      const request = createPipelineRequest({
        method,
        url,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const { pipeline: made, httpClient } = await pipeline();
      const { bodyAsText } = await made.sendRequest(httpClient, request);
      return bodyAsText ? JSON.parse(bodyAsText) : undefined;
    },
    async list<T>(url: string, ask: Pick<Ask, 'bearer'> = {}) {
      const items: T[] = [];
      let next: string | undefined = url;
      for (let page = 0; next; page += 1) {
        if (page === PAGES) throw new Error(`the list does not end after ${PAGES} pages`);
        if (new URL(next, url).origin !== new URL(url).origin) {
          throw new Error(`a next page on another host is not followed: ${new URL(next).origin}`);
        }
        const answer = (await rest.send('GET', next, ask)) as { value: T[]; nextLink?: string | null };
        items.push(...answer.value);
        next = answer.nextLink ?? undefined;
      }
      return items;
    },
  };
  return rest;
}
