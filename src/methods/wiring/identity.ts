import type { Known, Needs } from '../../step.ts';
import { ref } from '../../step.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Shared } from '../method.ts';
import type { Wrong } from './finding.ts';
import { isGuid } from './keys.ts';
import { orHidden } from './live.ts';
import { text } from './shape.ts';

/** What tells whether an id names the workload's identity. */
export const identityNeeds = (workload: Workload, shared: Shared): Needs => {
  const identity = shared.identity(workload);
  return {
    clientId: ref(identity, 'clientId'),
    principalId: ref(identity, 'principalId'),
    tenantId: ref(identity, 'tenantId'),
  };
};

/** Entra and Azure compare these without case. */
export const isSameId = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Why a client id is not that of the workload's identity; `undefined` when it is. `who` bears it. */
export async function otherIdentity(
  world: World,
  workload: Workload,
  known: Known<Needs>,
  value: string,
  who: string,
): Promise<Wrong | undefined> {
  const { clientId = '', principalId = '' } = known;
  if (isSameId(value, clientId)) return undefined;
  const { identity } = workload;
  const expected = `${clientId}, the client id of ${identity.name}`;
  if (isSameId(value, principalId))
    return { failure: 'F055', observed: `${who} names ${value}, the object id of ${identity.name}`, expected };
  if (!isGuid(value)) return { failure: 'F055', observed: `${who} names "${value}", which is no client id`, expected };
  const others = identity.kind === undefined ? await orHidden(world.azure.identities.list(identity.resourceGroup)) : [];
  const other = others?.find(({ properties }) => isSameId(text(properties.clientId) ?? '', value));
  return {
    failure: 'F057',
    observed: other ? `${who} names ${value}, which is the identity ${other.name}` : `${who} names ${value}`,
    expected,
  };
}
