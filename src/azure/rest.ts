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

/** An answer with what it says besides its body. */
export interface Answer {
  readonly body: unknown;
  header(name: string): string | undefined;
}

interface Page<T> {
  readonly value: T[];
  readonly nextLink?: string | null;
  readonly '@odata.nextLink'?: string | null;
}

/** Calls that no client models, over the transport of the clients. */
export interface Rest {
  /** One request; its JSON, `undefined` for an empty answer. Throws a `Problem` for 400 and above. */
  send(method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE', url: string, ask?: Ask): Promise<unknown>;
  /** The same with its headers, for who follows an operation. */
  answer(method: 'GET' | 'PUT', url: string, ask?: Ask): Promise<Answer>;
  /** All items of a paged list (`value`, `nextLink`; Graph: `@odata.nextLink`). A link to another host is refused, and so is a chain without end. */
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
  const request = async (
    method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE',
    url: string,
    { body, bearer }: Ask = {},
  ): Promise<Answer> => {
    const { createHttpHeaders, createPipelineRequest } = await import('@azure/core-rest-pipeline');
    const headers = createHttpHeaders({ accept: 'application/json' });
    if (body !== undefined) headers.set('content-type', 'application/json');
    if (bearer) headers.set('authorization', `Bearer ${bearer.reveal()}`);
    const asked = createPipelineRequest({
      method,
      url,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { pipeline: made, httpClient } = await pipeline();
    const { bodyAsText, headers: said } = await made.sendRequest(httpClient, asked);
    return { body: bodyAsText ? JSON.parse(bodyAsText) : undefined, header: (name) => said.get(name) };
  };
  const rest: Rest = {
    send: async (method, url, ask) => (await request(method, url, ask)).body,
    answer: (method, url, ask) => request(method, url, ask),
    async list<T>(url: string, ask: Pick<Ask, 'bearer'> = {}) {
      const items: T[] = [];
      let next: string | undefined = url;
      for (let page = 0; next; page += 1) {
        if (page === PAGES) throw new Error(`the list does not end after ${PAGES} pages`);
        if (new URL(next, url).origin !== new URL(url).origin) {
          throw new Error(`a next page on another host is not followed: ${new URL(next).origin}`);
        }
        const answer = (await rest.send('GET', next, ask)) as Page<T>;
        items.push(...answer.value);
        next = answer.nextLink ?? answer['@odata.nextLink'] ?? undefined;
      }
      return items;
    },
  };
  return rest;
}
