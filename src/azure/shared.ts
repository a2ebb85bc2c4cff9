import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import { Odd, tableIn, textIn, textsIn } from '../shape.ts';
import { orAbsent, Problem } from '../trouble.ts';
import type { Cloud, FederatedCredential, Resource } from './azure.ts';
import { nameOf } from './names.ts';
import { problemOf } from './problems.ts';
import { createRest, type Rest } from './rest.ts';
import type { ClientOptions, Transport } from './transport.ts';

/** What outlives a `fresh()`: connections, gates, tokens, clients. */
export interface Shared {
  readonly cloud: Cloud;
  readonly subscription: string;
  readonly credential: TokenCredential;
  readonly transport: Transport;
  /** Resource Manager, as the caller. */
  readonly arm: Rest;
  /** Microsoft Graph, as the caller. */
  readonly graph: Rest;
  /** As `graph`, for what has an effect each time it is sent. */
  readonly graphOnce: Rest;
  /** Key Vault and Entra; each request brings its own bearer, or none. */
  readonly bare: Rest;
  /** As `bare`, for what has an effect each time it is sent. */
  readonly bareOnce: Rest;
  /** Options of a Resource Manager client; the policies given see each request before it is authorized and sent. */
  armOptions(...policies: readonly PipelinePolicy[]): Promise<ClientOptions & { endpoint: string }>;
}

/** Reads of one `World`: equal ones are made once. */
export type Memory = <T>(key: string, read: () => Promise<T>) => Promise<T>;

export function share(cloud: Cloud, subscription: string, credential: TokenCredential, transport: Transport): Shared {
  const authorize = { credential, scope: cloud.resourceManagerScope, origin: new URL(cloud.resourceManager).origin };
  const directory = { credential, scope: `${cloud.graph}/.default`, origin: new URL(cloud.graph).origin };
  return {
    cloud,
    subscription,
    credential,
    transport,
    arm: createRest(transport, { authorize }),
    graph: createRest(transport, { authorize: directory }),
    graphOnce: createRest(transport, { authorize: directory, once: true }),
    bare: createRest(transport),
    bareOnce: createRest(transport, { once: true }),
    armOptions: async (...policies) => ({
      endpoint: cloud.resourceManager,
      ...(await transport.clientOptions(...policies, transport.policy({ authorize }))),
    }),
  };
}

/** Runs a call, and makes a `Problem` of whatever it throws; an interruption stays one. */
export async function asked<T>(urlOrId: string, shared: Pick<Shared, 'transport'>, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Problem)) shared.transport.signal.throwIfAborted();
    throw problemOf(error, nameOf(urlOrId));
  }
}

/** Reads what may be absent. Of a provider that is not registered nothing can be there, and some say so with a 409. */
export async function found<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await orAbsent(read);
  } catch (error) {
    if (isUnregistered(error)) return undefined;
    throw error;
  }
}

export const isUnregistered = (error: unknown): boolean =>
  error instanceof Problem && error.said?.code === 'MissingSubscriptionRegistration';

/** What an SDK hands to `onResponse`, as far as it is needed. */
interface RawResponse {
  readonly bodyAsText?: string | null;
}

/** Runs a call of an SDK and gives the JSON that came over the wire instead of what the model makes of it. */
export async function raw(
  id: string,
  shared: Shared,
  call: (options: { onResponse(response: RawResponse): void }) => Promise<unknown>,
): Promise<Resource> {
  let body: string | null | undefined;
  await asked(id, shared, () =>
    call({
      onResponse: (response) => {
        body = response.bodyAsText;
      },
    }),
  );
  return resourceOf(body ? JSON.parse(body) : undefined, id);
}

/** Takes an answer for a resource only if it is one. @throws {Problem} */
export function resourceOf(body: unknown, id: string): Resource {
  if (isResource(body)) return body;
  throw problemOf(new Odd('it is not a resource'), nameOf(id));
}

/** Takes the items of a list for resources. @throws {Odd} when one is none */
export function resourcesOf(items: readonly unknown[]): readonly Resource[] {
  if (items.every(isResource)) return items;
  throw new Odd('not all of the list are resources');
}

function isResource(body: unknown): body is Resource {
  const { id, properties, tags, location } = Object(body) as Partial<Record<keyof Resource, unknown>>;
  return (
    typeof id === 'string' &&
    typeof properties === 'object' &&
    properties !== null &&
    (tags === undefined || tags === null || typeof tags === 'object') &&
    (location === undefined || location === null || typeof location === 'string')
  );
}

/** What an identity trusts, as both services spell it. @throws {Odd} */
export function credentialOf(answer: unknown): FederatedCredential {
  const body = tableIn(answer);
  return {
    name: textIn(body, 'name'),
    issuer: textIn(body, 'issuer'),
    subject: textIn(body, 'subject'),
    audiences: textsIn(body, 'audiences'),
  };
}
