import type { Agent } from 'node:https';
import type { TokenCredential } from '@azure/identity';
import { createMemory } from '../memory.ts';
import type { Clock } from '../world.ts';
import { applicationsOf } from './applications.ts';
import type { Azure, Cloud } from './azure.ts';
import { callerOf } from './caller.ts';
import { clustersOf } from './clusters.ts';
import { dataPlaneOf } from './data-plane.ts';
import { extensionsOf } from './extensions.ts';
import { groupsOf } from './groups.ts';
import { federationOfIdentities, identitiesOf } from './identities.ts';
import { listsOf } from './lists.ts';
import { rolesOf } from './roles.ts';
import { type Shared, share } from './shared.ts';
import { createTransport } from './transport.ts';
import { vaultsOf } from './vaults.ts';

export interface AzureOptions {
  readonly cloud: Cloud;
  readonly subscription: string;
  /** For every connection. Absent: the runtime's own, which honours HTTPS_PROXY. */
  readonly agent?: Agent | undefined;
  /** A cached one (`cached` in sign-in.ts): it is asked before every request. */
  readonly credential: TokenCredential;
  readonly clock: Clock;
  /** After it nothing more is sent; what is in flight has five seconds. */
  readonly signal: AbortSignal;
  /** Real milliseconds until what has no answer is asked again; absent: as long as is sensible. */
  readonly answerWithin?: number | undefined;
  /** One line per request: method, host, path, status, duration, request id. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** Azure, and the same Azure with nothing remembered: connections, gates and tokens stay shared. */
export type Refreshable = Azure & { fresh(): Refreshable };

/** Connects to nothing and loads no SDK before the first call. */
export function createAzure(options: AzureOptions): Refreshable {
  const { cloud, subscription, credential } = options;
  return view(share(cloud, subscription, credential, createTransport(options)));
}

function view(shared: Shared): Refreshable {
  const memory = createMemory();
  const { cloud, subscription, credential } = shared;
  const { trusts, ...applications } = applicationsOf(shared, memory);
  return {
    cloud,
    subscription,
    caller: () => memory('caller', () => callerOf(credential, cloud)),
    ...groupsOf(shared, memory),
    lists: listsOf(shared, memory),
    clusters: clustersOf(shared, memory),
    extensions: extensionsOf(shared, memory),
    vaults: vaultsOf(shared, memory),
    identities: identitiesOf(shared, memory),
    ...applications,
    federation: federationOf(federationOfIdentities(shared, memory), trusts),
    roles: rolesOf(shared, memory),
    ...dataPlaneOf(shared, memory),
    fresh: () => view(shared),
  };
}

/** The credentials of whichever it is: a managed identity is a resource and has an ARM id, an application has a GUID. */
const federationOf = (identities: Azure['federation'], applications: Azure['federation']): Azure['federation'] => {
  const of = (id: string) => (id.startsWith('/') ? identities : applications);
  return {
    list: (id) => of(id).list(id),
    put: (id, credential) => of(id).put(id, credential),
    delete: (id, name) => of(id).delete(id, name),
  };
};
