import { once } from '../memory.ts';
import type { Secret } from '../secret.ts';
import { listIn, Odd, type Table, tableIn } from '../shape.ts';
import type { PolicyOptions, Transport } from './transport.ts';

/** More pages than any list has that we ask for (Key Vault's have 25 items); a chain that is longer never ends. */
const PAGES = 1000;

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

/** Calls that no client models, over the transport of the clients. */
export interface Rest {
  /** One request; its JSON, `undefined` for an empty answer. Throws a `Problem` for 400 and above. */
  send(method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE', url: string, ask?: Ask): Promise<unknown>;
  /** The same with its headers, for who follows an operation. */
  answer(method: 'GET' | 'PUT', url: string, ask?: Ask): Promise<Answer>;
  /** All items of a paged list (`value`, `nextLink`; Graph: `@odata.nextLink`). A link to another host is refused, and so is a chain without end. */
  list(url: string, ask?: Pick<Ask, 'bearer'>): Promise<Table[]>;
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
    async list(url, ask = {}) {
      const items: Table[] = [];
      const seen = new Set<string>();
      let next: string | undefined = url;
      while (next !== undefined) {
        if (seen.has(next) || seen.size === PAGES) throw new Odd('the list does not end');
        seen.add(next);
        const page = tableIn(await rest.send('GET', next, ask));
        for (const item of listIn(page.value)) items.push(tableIn(item));
        next = nextOf(page, url);
      }
      return items;
    },
  };
  return rest;
}

/** The address of the page behind this one: on the same host, for the token goes with the request. */
function nextOf(page: Table, url: string): string | undefined {
  const next = page.nextLink ?? page['@odata.nextLink'] ?? '';
  if (next === '') return undefined;
  const address = typeof next === 'string' ? URL.parse(next, url) : null;
  if (address === null) throw new Odd('the address of its next page is none');
  if (address.origin !== new URL(url).origin) throw new Odd('its next page is on another host, which is not followed');
  return address.href;
}
